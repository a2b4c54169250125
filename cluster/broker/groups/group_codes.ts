// Serves the making, changing, listing and deleting of subscription groups (Java: AdminBrokerProcessor).
import { OperationError, RequestError } from "../../../core/errors.ts";
import { writeJson } from "../../../core/json/json_writer.ts";
import type { JsonValue } from "../../../core/json/json_value.ts";
import { parseLenientJsonBytes } from "../../../core/json/lenient_reader.ts";
import { groupProblem } from "../../../core/message/topic_names.ts";
import {
  DELETE_SUBSCRIPTIONGROUP,
  GET_ALL_SUBSCRIPTIONGROUP_CONFIG,
  UPDATE_AND_CREATE_SUBSCRIPTIONGROUP,
  UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST,
} from "../../../core/remoting/codes/groups.ts";
import type { HandlerRegistry } from "../../../core/remoting/handler.ts";
import { ResponseCode } from "../../../core/remoting/response_codes.ts";
import { JsonFields } from "../json_fields.ts";
import type { OffsetTable } from "../offsets/offset_table.ts";
import type { StatsSink } from "../stats_sink.ts";
import { pageOf, type PageSettings } from "../table_pages.ts";
import { type GroupConfig, groupConfigFromJson, groupConfigToJson } from "./group_config.ts";
import type { GroupTable } from "./group_table.ts";

export interface GroupCodeParts {
  groups: GroupTable;
  offsets: OffsetTable;
  stats: StatsSink;
  settings: PageSettings;
}

export function registerGroupCodes(registry: HandlerRegistry, parts: GroupCodeParts): void {
  const { groups, offsets, settings, stats } = parts;

  registry.handle(UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, async ({ body }) => {
    if (body.length > 0) update(groups, [groupConfigFromJson(parseLenientJsonBytes(body))]);
    await groups.saved();
    return {};
  });

  registry.handle(UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST, async ({ body }) => {
    const list = JsonFields.ofBody(body, "subscriptionGroupList").items("groupConfigList");
    update(groups, list.map((item) => groupConfigFromJson(item)));
    await groups.saved();
    return {};
  });

  registry.handle(DELETE_SUBSCRIPTIONGROUP, async ({ fields }) => {
    groups.delete(fields.groupName);
    if (fields.cleanOffset) offsets.removeGroup(fields.groupName);
    stats.groupDeleted(fields.groupName);
    await groups.saved();
    return {};
  });

  registry.handle(GET_ALL_SUBSCRIPTIONGROUP_CONFIG, ({ fields }) => {
    const { dataVersion, groupSeq: first, maxGroupNum: countMax } = fields;
    const all = groups.all();
    const asked = { dataVersion, first, countMax };
    const page = pageOf(all.keys(), groups.dataVersion, asked, settings);
    return {
      fields: { totalGroupNum: all.size },
      body: new TextEncoder().encode(writeJson(listing(groups, page))),
    };
  });
}

function update(groups: GroupTable, requested: readonly GroupConfig[]): void {
  for (const { groupName } of requested) {
    const problem = groupProblem(groupName);
    if (problem !== null) throw new RequestError(ResponseCode.INVALID_PARAMETER, problem);
  }
  try {
    groups.update(requested);
  } catch (error) {
    if (!(error instanceof OperationError)) throw error;
    throw new RequestError(ResponseCode.SYSTEM_ERROR, error.message);
  }
}

/** Groups by their names, with what they may not read (Java: SubscriptionGroupWrapper). */
function listing(groups: GroupTable, page: readonly string[]): JsonValue {
  const all = groups.all();
  const forbidden = groups.forbiddenToJson();
  const subscriptionGroupTable: Record<string, JsonValue> = {};
  const forbiddenTable: Record<string, JsonValue> = {};
  for (const name of page) {
    subscriptionGroupTable[name] = groupConfigToJson(all.get(name)!) as Record<string, JsonValue>;
    if (Object.hasOwn(forbidden, name)) forbiddenTable[name] = forbidden[name]!;
  }
  return { dataVersion: { ...groups.dataVersion }, forbiddenTable, subscriptionGroupTable };
}

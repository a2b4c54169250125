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
import { type GroupConfig, groupConfigFromJson, groupConfigToJson } from "./group_config.ts";
import type { GroupTable } from "./group_table.ts";

export interface GroupCodeParts {
  groups: GroupTable;
  offsets: OffsetTable;
  stats: StatsSink;
}

export function registerGroupCodes(registry: HandlerRegistry, parts: GroupCodeParts): void {
  const { groups, offsets, stats } = parts;

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

  registry.handle(GET_ALL_SUBSCRIPTIONGROUP_CONFIG, () => ({
    fields: { totalGroupNum: groups.all().size },
    body: new TextEncoder().encode(writeJson(listing(groups))),
  }));
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

/** The whole table: Apache splits it into pages, but takes it whole too (Java: SubscriptionGroupWrapper). */
function listing(groups: GroupTable): JsonValue {
  const subscriptionGroupTable: Record<string, JsonValue> = {};
  for (const [name, config] of groups.all()) {
    subscriptionGroupTable[name] = groupConfigToJson(config) as Record<string, JsonValue>;
  }
  return {
    dataVersion: { ...groups.dataVersion },
    forbiddenTable: groups.forbiddenToJson(),
    subscriptionGroupTable,
  };
}

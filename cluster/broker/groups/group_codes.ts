// Serves the making, changing, listing and deleting of subscription groups (Java: AdminBrokerProcessor).
import { OperationError, RequestError } from "../../../core/errors.ts";
import { writeJson } from "../../../core/json/json_writer.ts";
import type { JsonValue } from "../../../core/json/json_value.ts";
import { parseLenientJson, parseLenientJsonBytes } from "../../../core/json/lenient_reader.ts";
import { groupProblem } from "../../../core/message/topic_names.ts";
import type { RequestFieldsOf } from "../../../core/remoting/code_row.ts";
import {
  DELETE_SUBSCRIPTIONGROUP,
  GET_ALL_SUBSCRIPTIONGROUP_CONFIG,
  UPDATE_AND_CREATE_SUBSCRIPTIONGROUP,
  UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST,
} from "../../../core/remoting/codes/groups.ts";
import type { HandlerRegistry } from "../../../core/remoting/handler.ts";
import { ResponseCode } from "../../../core/remoting/response_codes.ts";
import { parseDataVersion, sameDataVersion } from "../data_version.ts";
import { JsonFields } from "../json_fields.ts";
import type { OffsetTable } from "../offsets/offset_table.ts";
import type { StatsSink } from "../stats_sink.ts";
import { type GroupConfig, groupConfigFromJson, groupConfigToJson } from "./group_config.ts";
import type { GroupTable } from "./group_table.ts";

/** Configuration keys by Apache's names. */
export interface GroupCodeSettings {
  /** Whether large tables are listed page by page. */
  enableSplitMetadata: boolean;
  splitMetadataSize: number;
}

export interface GroupCodeParts {
  groups: GroupTable;
  offsets: OffsetTable;
  stats: StatsSink;
  settings: GroupCodeSettings;
}

export function registerGroupCodes(registry: HandlerRegistry, parts: GroupCodeParts): void {
  const { groups, offsets, stats } = parts;

  registry.handle(UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, ({ body }) => {
    if (body.length > 0) update(groups, [groupConfigFromJson(parseLenientJsonBytes(body))]);
    return {};
  });

  registry.handle(UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST, ({ body }) => {
    const list = JsonFields.ofBody(body, "subscriptionGroupList").items("groupConfigList");
    update(groups, list.map((item) => groupConfigFromJson(item)));
    return {};
  });

  registry.handle(DELETE_SUBSCRIPTIONGROUP, ({ fields }) => {
    groups.delete(fields.groupName);
    if (fields.cleanOffset) offsets.removeGroup(fields.groupName);
    stats.groupDeleted(fields.groupName);
    return {};
  });

  registry.handle(GET_ALL_SUBSCRIPTIONGROUP_CONFIG, ({ fields }) => ({
    fields: { totalGroupNum: groups.all().size },
    body: new TextEncoder().encode(writeJson(listing(parts, fields))),
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

type ListingFields = RequestFieldsOf<typeof GET_ALL_SUBSCRIPTIONGROUP_CONFIG>;

/** The table, or the page of it that is asked for, sorted by name (Java: SubscriptionGroupWrapper). */
function listing(parts: GroupCodeParts, fields: ListingFields): JsonValue {
  const { groups, settings } = parts;
  const asksForPage = fields.dataVersion !== undefined || fields.maxGroupNum !== undefined;
  const isPaged = settings.enableSplitMetadata && asksForPage;
  const names = isPaged ? page(parts, fields) : [...groups.all().keys()];
  const subscriptionGroupTable: Record<string, JsonValue> = {};
  for (const name of names) {
    subscriptionGroupTable[name] = groupConfigToJson(groups.get(name)!) as Record<
      string,
      JsonValue
    >;
  }
  return {
    dataVersion: { ...groups.dataVersion },
    forbiddenTable: groups.forbiddenToJson(isPaged ? new Set(names) : undefined),
    subscriptionGroupTable,
  };
}

/** A caller whose version is another one starts over with the first page. */
function page(parts: GroupCodeParts, fields: ListingFields): string[] {
  const { groups, settings } = parts;
  const { dataVersion, groupSeq, maxGroupNum } = fields;
  const isCurrent = dataVersion !== undefined && dataVersion.trim() !== "" &&
    sameDataVersion(parseDataVersion(parseLenientJson(dataVersion)), groups.dataVersion);
  const start = isCurrent ? groupSeq : 0;
  const size = Math.min(settings.splitMetadataSize, maxGroupNum ?? Infinity);
  return [...groups.all().keys()].sort().slice(start, start + size);
}

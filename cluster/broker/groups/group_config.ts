// One subscription group's configuration as subscriptionGroup.json and admin bodies carry it.
// Plain data with its two conversions (Java: SubscriptionGroupConfig).
import { DecodeError } from "../../../core/errors.ts";

export interface GroupConfig {
  groupName: string;
  consumeEnable: boolean;
  consumeFromMinEnable: boolean;
  consumeBroadcastEnable: boolean;
  consumeMessageOrderly: boolean;
  retryQueueNums: number;
  retryMaxTimes: number;
  groupRetryPolicy: unknown;
  /** Where consumers are told to pull from, with slaveReadEnable. */
  brokerId: number;
  whichBrokerWhenConsumeSlowly: number;
  notifyConsumerIdsChangedEnable: boolean;
  groupSysFlag: number;
  consumeTimeoutMinute: number;
  attributes: Record<string, string>;
  /** Fields that nothing here reads (subscriptionDataSet, a newer Apache's); written back as they came. */
  unknown?: Record<string, unknown>;
}

/** A group with Apache's defaults for what isn't given. */
export function newGroupConfig(groupName: string, fields: Partial<GroupConfig> = {}): GroupConfig {
  return {
    groupName,
    consumeEnable: true,
    consumeFromMinEnable: true,
    consumeBroadcastEnable: true,
    consumeMessageOrderly: false,
    retryQueueNums: 1,
    retryMaxTimes: 16,
    groupRetryPolicy: { type: "CUSTOMIZED" },
    brokerId: 0,
    whichBrokerWhenConsumeSlowly: 1,
    notifyConsumerIdsChangedEnable: true,
    groupSysFlag: 0,
    consumeTimeoutMinute: 15,
    attributes: {},
    ...fields,
  };
}

const KINDS = {
  consumeEnable: "boolean",
  consumeFromMinEnable: "boolean",
  consumeBroadcastEnable: "boolean",
  consumeMessageOrderly: "boolean",
  retryQueueNums: "number",
  retryMaxTimes: "number",
  brokerId: "number",
  whichBrokerWhenConsumeSlowly: "number",
  notifyConsumerIdsChangedEnable: "boolean",
  groupSysFlag: "number",
  consumeTimeoutMinute: "number",
} as const;

/** Reads a group's JSON object; missing fields get Apache's defaults. Throws DecodeError naming a field of the wrong kind. */
export function groupConfigFromJson(value: unknown, name?: string): GroupConfig {
  if (typeof value !== "object" || value === null) {
    throw new DecodeError("groupConfig", "not an object");
  }
  const fields: Record<string, unknown> = { ...value };
  const known: Partial<Record<keyof GroupConfig, unknown>> = {};
  for (const [key, kind] of Object.entries(KINDS)) {
    const field = fields[key];
    delete fields[key];
    if (field === undefined || field === null) continue;
    const actual: string = typeof field;
    if (actual !== kind) throw new DecodeError(`groupConfig.${key}`, `not a ${kind}`);
    known[key as keyof typeof KINDS] = field;
  }
  const groupName = fields["groupName"] ?? name ?? "";
  if (typeof groupName !== "string") throw new DecodeError("groupConfig.groupName", "not a string");
  if (fields["groupRetryPolicy"]) known.groupRetryPolicy = fields["groupRetryPolicy"];
  known.attributes = attributesFromJson(fields["attributes"]);
  delete fields["groupName"];
  delete fields["groupRetryPolicy"];
  delete fields["attributes"];
  const config = newGroupConfig(groupName, known as Partial<GroupConfig>);
  if (Object.keys(fields).length > 0) config.unknown = fields;
  return config;
}

/** The JSON object of a group, its fields in alphabetical order as Apache writes them. */
export function groupConfigToJson(config: GroupConfig): Record<string, unknown> {
  return {
    attributes: config.attributes,
    brokerId: config.brokerId,
    consumeBroadcastEnable: config.consumeBroadcastEnable,
    consumeEnable: config.consumeEnable,
    consumeFromMinEnable: config.consumeFromMinEnable,
    consumeMessageOrderly: config.consumeMessageOrderly,
    consumeTimeoutMinute: config.consumeTimeoutMinute,
    groupName: config.groupName,
    groupRetryPolicy: config.groupRetryPolicy,
    groupSysFlag: config.groupSysFlag,
    notifyConsumerIdsChangedEnable: config.notifyConsumerIdsChangedEnable,
    retryMaxTimes: config.retryMaxTimes,
    retryQueueNums: config.retryQueueNums,
    whichBrokerWhenConsumeSlowly: config.whichBrokerWhenConsumeSlowly,
    ...config.unknown,
  };
}

function attributesFromJson(value: unknown): Record<string, string> {
  const attributes: Record<string, string> = {};
  if (typeof value !== "object" || value === null) return attributes;
  for (const [key, attribute] of Object.entries(value)) attributes[key] = String(attribute);
  return attributes;
}

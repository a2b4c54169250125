// One topic's configuration as topics.json, registrations and admin answers carry it.
// Plain data with its two conversions; who may change it is topic_table.ts's business.
import { DecodeError } from "../../../core/errors.ts";

/** Permission bits (Java: PermName); inherit lets topics be created after this one. */
export const PERM_INHERIT = 1;
export const PERM_WRITE = 2;
export const PERM_READ = 4;
export const PERM_READ_WRITE = PERM_READ | PERM_WRITE;

/** Topic system flags (Java: TopicSysFlag). */
export const TOPIC_FLAG_UNIT = 1;
export const TOPIC_FLAG_UNIT_SUB = 2;

const DEFAULT_QUEUE_COUNT = 16;

export interface TopicConfig {
  topicName: string;
  readQueueNums: number;
  writeQueueNums: number;
  perm: number;
  topicFilterType: string;
  topicSysFlag: number;
  order: boolean;
  attributes: Record<string, string>;
  /** Fields of a newer Apache that nothing here reads; written back as they came. */
  unknown?: Record<string, unknown>;
}

/** A topic with Apache's defaults for what isn't given. */
export function newTopicConfig(topicName: string, fields: Partial<TopicConfig> = {}): TopicConfig {
  return {
    topicName,
    readQueueNums: DEFAULT_QUEUE_COUNT,
    writeQueueNums: DEFAULT_QUEUE_COUNT,
    perm: PERM_READ_WRITE,
    topicFilterType: "SINGLE_TAG",
    topicSysFlag: 0,
    order: false,
    attributes: {},
    ...fields,
  };
}

export function isReadable(perm: number): boolean {
  return (perm & PERM_READ) !== 0;
}

export function isWriteable(perm: number): boolean {
  return (perm & PERM_WRITE) !== 0;
}

export function isInherited(perm: number): boolean {
  return (perm & PERM_INHERIT) !== 0;
}

/** The JSON object of a topic, its fields in alphabetical order as Apache writes them. */
export function topicConfigToJson(config: TopicConfig): Record<string, unknown> {
  const { attributes, order, perm, readQueueNums, topicFilterType, topicName, topicSysFlag } =
    config;
  return {
    attributes,
    order,
    perm,
    readQueueNums,
    topicFilterType,
    topicName,
    topicSysFlag,
    writeQueueNums: config.writeQueueNums,
    ...config.unknown,
  };
}

/** Reads a topic's JSON object; missing fields get Apache's defaults, and `name` stands in for a missing topicName. */
export function topicConfigFromJson(value: unknown, name?: string): TopicConfig {
  if (typeof value !== "object" || value === null) {
    throw new DecodeError("topicConfig", "not an object");
  }
  const fields: Record<string, unknown> = { ...value };
  const take = <T>(key: string, kind: "number" | "string" | "boolean", fallback: T): T => {
    const field = fields[key];
    delete fields[key];
    if (field === undefined || field === null) return fallback;
    const actual: string = typeof field;
    if (actual !== kind) throw new DecodeError(`topicConfig.${key}`, `not a ${kind}`);
    return field as T;
  };
  const config = newTopicConfig(take("topicName", "string", name ?? ""), {
    readQueueNums: take("readQueueNums", "number", DEFAULT_QUEUE_COUNT),
    writeQueueNums: take("writeQueueNums", "number", DEFAULT_QUEUE_COUNT),
    perm: take("perm", "number", PERM_READ_WRITE),
    topicFilterType: take("topicFilterType", "string", "SINGLE_TAG"),
    topicSysFlag: take("topicSysFlag", "number", 0),
    order: take("order", "boolean", false),
    attributes: attributesFromJson(fields["attributes"]),
  });
  delete fields["attributes"];
  if (Object.keys(fields).length > 0) config.unknown = fields;
  return config;
}

/** Equality as Apache sees it when an update changes nothing (Java: TopicConfig.equals). */
export function sameTopicConfig(left: TopicConfig, right: TopicConfig): boolean {
  return left.topicName === right.topicName && left.readQueueNums === right.readQueueNums &&
    left.writeQueueNums === right.writeQueueNums && left.perm === right.perm &&
    left.topicFilterType === right.topicFilterType && left.topicSysFlag === right.topicSysFlag &&
    left.order === right.order && sameAttributes(left.attributes, right.attributes);
}

function attributesFromJson(value: unknown): Record<string, string> {
  const attributes: Record<string, string> = {};
  if (typeof value !== "object" || value === null) return attributes;
  for (const [key, attribute] of Object.entries(value)) attributes[key] = String(attribute);
  return attributes;
}

function sameAttributes(left: Record<string, string>, right: Record<string, string>): boolean {
  const names = Object.keys(left);
  return names.length === Object.keys(right).length &&
    names.every((name) => left[name] === right[name]);
}

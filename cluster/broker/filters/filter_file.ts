// config/consumerFilter.json, to the byte as Apache's ConsumerFilterManager writes it. Decides nothing.
import type { MessageFilter } from "../../../core/filter/compile_filter.ts";
import { parseLenientJson } from "../../../core/json/lenient_reader.ts";
import { JsonFields } from "../json_fields.ts";
import type { BloomPosition } from "./bloom_position.ts";

/** What a group filters by in one topic (Java: ConsumerFilterData). */
export interface GroupFilter {
  topic: string;
  group: string;
  expression: string;
  expressionType: string;
  /** Null when the saved expression can't be compiled: then everything is let through, as by Apache. */
  filter: MessageFilter | null;
  bornMs: number;
  /** When its group went; 0 while it is there. */
  deadMs: number;
  clientVersion: number;
  bloom: BloomPosition | null;
}

export type GroupFilters = Map<string, Map<string, GroupFilter>>;

export function encodeFilters(topics: GroupFilters): string {
  const filterDataByTopic: Record<string, unknown> = {};
  for (const [topic, groups] of topics) {
    const groupFilterData: Record<string, unknown> = {};
    for (const [group, filter] of groups) groupFilterData[group] = jsonOf(filter);
    filterDataByTopic[topic] = { groupFilterData, topic };
  }
  return fieldsText({ filterDataByTopic }, "");
}

function jsonOf(filter: GroupFilter): Record<string, unknown> {
  return {
    ...(filter.bloom !== null && { bloomFilterData: { ...filter.bloom } }),
    bornTime: filter.bornMs,
    clientVersion: filter.clientVersion,
    consumerGroup: filter.group,
    dead: filter.deadMs >= filter.bornMs,
    deadTime: filter.deadMs,
    expression: filter.expression,
    expressionType: filter.expressionType,
    topic: filter.topic,
  };
}

/** An object with a line for each field, as fastjson's pretty printer does; its lists stay on one line. */
function fieldsText(object: Record<string, unknown>, indent: string): string {
  const inner = `${indent}\t`;
  const lines = Object.entries(object).map(([name, value]) => {
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    const text = isObject
      ? fieldsText(value as Record<string, unknown>, inner)
      : JSON.stringify(value);
    return `\n${inner}${JSON.stringify(name)}:${text}`;
  });
  return lines.length === 0 ? "{}" : `{${lines.join(",")}\n${indent}}`;
}

/** What a file holds, each expression compiled by `filterOf`. Throws DecodeError naming the field. */
export function decodeFilters(
  text: string,
  filterOf: (expression: string, type: string) => MessageFilter | null,
): GroupFilters {
  const topics: GroupFilters = new Map();
  const table = new JsonFields(parseLenientJson(text), "consumerFilter").object(
    "filterDataByTopic",
  );
  for (const topic of table?.names() ?? []) {
    const groups = new Map<string, GroupFilter>();
    const groupFields = table!.object(topic)?.object("groupFilterData") ?? null;
    for (const group of groupFields?.names() ?? []) {
      const fields = groupFields!.object(group);
      if (fields !== null) groups.set(group, filterFrom(fields, topic, group, filterOf));
    }
    topics.set(topic, groups);
  }
  return topics;
}

function filterFrom(
  fields: JsonFields,
  topic: string,
  group: string,
  filterOf: (expression: string, type: string) => MessageFilter | null,
): GroupFilter {
  const expression = fields.text("expression");
  const expressionType = fields.text("expressionType");
  const bloom = fields.object("bloomFilterData");
  return {
    topic,
    group,
    expression,
    expressionType,
    filter: filterOf(expression, expressionType),
    bornMs: fields.number("bornTime"),
    deadMs: fields.number("deadTime"),
    clientVersion: fields.number("clientVersion"),
    bloom: bloom && {
      bitNum: bloom.number("bitNum"),
      bitPos: bloom.items("bitPos").map(Number),
    },
  };
}

// Shows all offsets, compares those of groups, and copies them from one group to another (Java: AdminBrokerProcessor).
import type { JsonValue } from "../../../core/json/json_value.ts";
import { LenientMap } from "../../../core/json/json_value.ts";
import {
  CLONE_GROUP_OFFSET,
  GET_ALL_CONSUMER_OFFSET,
  GET_ALL_DELAY_OFFSET,
  QUERY_CORRECTION_OFFSET,
} from "../../../core/remoting/codes/offsets.ts";
import { OffsetTable } from "../offsets/offset_table.ts";
import type { AdminParts } from "./admin_parts.ts";
import { stillSubscribes } from "./consume_stats.ts";
import { jsonAnswer, textAnswer } from "./json_answer.ts";

/** What Java puts for a queue in which the compared group is ahead. */
const AHEAD = 9223372036854775807n;

export function registerOffsetViews(parts: AdminParts): void {
  const { server, offsets, delayOffsets, topics, log } = parts;

  server.handle(GET_ALL_CONSUMER_OFFSET, () => textAnswer(withoutLayout(offsets.encode())));
  server.handle(GET_ALL_DELAY_OFFSET, () => textAnswer(withoutLayout(delayOffsets.encode())));

  server.handle(CLONE_GROUP_OFFSET, ({ fields }, { remoteAddress }) => {
    const { srcGroup, destGroup, offline } = fields;
    const topic = fields.topic?.trim() ?? "";
    const cloned: string[] = [];
    for (const name of topic === "" ? offsets.topicsOf(srcGroup) : [topic]) {
      if (!topics.has(name)) continue;
      if (!offline && !stillSubscribes(parts, srcGroup, name)) continue;
      offsets.clone(srcGroup, destGroup, name);
      cloned.push(name);
    }
    log.info("offsets cloned", { srcGroup, destGroup, topics: cloned, by: remoteAddress });
    return {};
  });

  server.handle(QUERY_CORRECTION_OFFSET, ({ fields: { topic, compareGroup, filterGroups } }) => {
    const leftOut = new Set((filterGroups ?? "").split(",").filter((group) => group !== ""));
    const smallest = smallestOffsets(parts, topic, leftOut);
    const compared = offsets.queryAll(topic, compareGroup) ?? new Map<number, number>();
    const entries: [JsonValue, JsonValue][] = [...smallest].map(([queueId, offset]) => {
      const own = compared.get(queueId);
      return [queueId, own !== undefined && offset > own ? AHEAD : offset];
    });
    return jsonAnswer({ correctionOffsets: new LenientMap(entries) });
  });
}

/**
 * The smallest offset that any group has in each queue of a topic. Apache forgets the offsets of the groups that are
 * left out, for good; here they are only left out.
 */
function smallestOffsets(
  { offsets, store }: AdminParts,
  topic: string,
  leftOut: ReadonlySet<string>,
): Map<number, number> {
  const smallest = new Map<number, number>();
  for (const group of offsets.groupsOf(topic)) {
    if (leftOut.has(group)) continue;
    for (const [queueId, offset] of offsets.all().get(OffsetTable.key(topic, group)) ?? []) {
      if (offset < (store.queueBounds(topic, queueId)?.minOffset ?? 0)) continue;
      smallest.set(queueId, Math.min(offset, smallest.get(queueId) ?? Infinity));
    }
  }
  return smallest;
}

/** A file's text as it goes over the wire; strings in JSON hold no raw line breaks or tabs. */
function withoutLayout(text: string): string {
  return text.replace(/[\n\t]/g, "");
}

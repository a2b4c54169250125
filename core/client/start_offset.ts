// Where consuming a queue begins: where the group was, or by the consumer's wish when it is new
// there (ConsumeFromWhere). Asks through an interface; decides by itself.
import { isRetryTopic } from "../message/topic_names.ts";
import type { MessageQueue } from "./message.ts";

export interface OffsetQueries {
  /** Null: the group has none. */
  committed(queue: MessageQueue): Promise<number | null>;
  maxOffset(queue: MessageQueue): Promise<number>;
  offsetAt(queue: MessageQueue, timestampMs: number): Promise<number>;
}

/** "last": only what comes from now on; "first": all that is there; a time. */
export type ConsumeFrom = "last" | "first" | Date;

/** Rejects with what a query rejects with: beginning at a guess would skip or repeat messages. */
export async function startOffset(
  queue: MessageQueue,
  from: ConsumeFrom,
  queries: OffsetQueries,
): Promise<number> {
  const committed = await queries.committed(queue);
  if (committed !== null && committed >= 0) return committed;
  // Before the queue's first message the broker corrects the offset itself.
  if (from === "first") return 0;
  if (isRetryTopic(queue.topic)) return from === "last" ? 0 : queries.maxOffset(queue);
  return from === "last" ? queries.maxOffset(queue) : queries.offsetAt(queue, from.getTime());
}

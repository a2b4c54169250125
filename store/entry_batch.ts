// Records of a replay on their way to their queues, some hundred at a time: those of tens of thousands of queues take
// turns, and the memory of the queues comes together then, and not one after the other. Keeps their order.
import type { StoredQueue } from "./consume_queue/stored_queue.ts";
import type { EntryFacts } from "./queue_entries.ts";
import type { QueueLookup } from "./queue_lookup.ts";

const ROWS = 256;

/** Takes a record whose queue is known, or null when there was none some records before. */
export type EnterEntry = (facts: EntryFacts, size: number, queue: StoredQueue | null) => void;

interface Row {
  facts: EntryFacts;
  topicHash: number;
  size: number;
  queue: StoredQueue | null;
}

export class EntryBatch {
  private readonly rows: Row[] = Array.from({ length: ROWS }, emptyRow);
  private count = 0;
  /** Of no use but that what `expect` gives can't be left out. */
  private seen = 0;

  constructor(private readonly lookup: QueueLookup, private readonly enter: EnterEntry) {}

  /** Copies what counts of `facts`; `topicHash` is as the look-up takes it. */
  add(facts: EntryFacts, topicHash: number, size: number): void {
    const row = this.rows[this.count++]!;
    const { facts: kept } = row;
    kept.topic = facts.topic;
    kept.queueId = facts.queueId;
    kept.queueOffset = facts.queueOffset;
    kept.physicalOffset = facts.physicalOffset;
    kept.storeTimestampMs = facts.storeTimestampMs;
    kept.tagsCode = facts.tagsCode;
    kept.batchCount = facts.batchCount;
    row.topicHash = topicHash;
    row.size = size;
    if (this.count === ROWS) this.flush();
  }

  flush(): void {
    const { count, enter, lookup, rows } = this;
    this.count = 0;
    for (let at = 0; at < count; at++) {
      const row = rows[at]!;
      row.queue = lookup.find(row.facts.topic, row.topicHash, row.facts.queueId);
    }
    let seen = 0;
    for (let at = 0; at < count; at++) seen |= rows[at]!.queue?.expect() ?? 0;
    this.seen = seen;
    for (let at = 0; at < count; at++) {
      const { facts, queue, size } = rows[at]!;
      enter(facts, size, queue);
    }
  }
}

function emptyRow(): Row {
  return {
    facts: {
      topic: "",
      queueId: 0,
      queueOffset: 0,
      physicalOffset: 0,
      storeTimestampMs: 0,
      tagsCode: 0,
      batchCount: 1,
    },
    topicHash: 0,
    size: 0,
    queue: null,
  };
}

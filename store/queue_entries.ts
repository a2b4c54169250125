// Enters the log's records into their queues when a store is opened. A number that doesn't follow the one before is held
// until the queue's next record tells which of the two is wrong: one damaged header must not hide what came after it.
import { QUEUE_OFFSET_MAX } from "../core/message/record_check.ts";
import type { RecordFacts } from "./commit_log/record_facts.ts";
import type { ConsumeQueues } from "./consume_queue/consume_queues.ts";
import type { QueueKind, StoredQueue } from "./consume_queue/stored_queue.ts";
import { LIGHT_QUEUE_ID, type LightEntry } from "./light_queues.ts";

/** What is told of a record and one of the queues that it stands in. */
export type EntryFacts = Pick<
  RecordFacts,
  | "topic"
  | "queueId"
  | "queueOffset"
  | "physicalOffset"
  | "storeTimestampMs"
  | "tagsCode"
  | "batchCount"
>;

/** The record of `facts` as one of its light queues has it. */
export function inLightQueue(facts: EntryFacts, { queueOffset, topic }: LightEntry): EntryFacts {
  const { physicalOffset, storeTimestampMs, tagsCode } = facts;
  const queueId = LIGHT_QUEUE_ID;
  return { topic, queueId, queueOffset, physicalOffset, storeTimestampMs, tagsCode, batchCount: 1 };
}

/** What a queue keeps of a record. */
interface Entry {
  queueOffset: number;
  physicalOffset: number;
  size: number;
  tagsCode: number;
  storeTimestampMs: number;
  batchCount: number;
}

export interface QueueEntriesOptions {
  queues: ConsumeQueues;
  /** The kind of a queue that isn't on disk. */
  kindOf: (topic: string) => QueueKind;
  /** Told of each record whose place in its queue can't be true. */
  onSuspicion: (suspicion: string, physicalOffset: number) => void;
}

export class QueueEntries {
  /** Entries given to queues; those they had already count too. */
  count = 0;
  private readonly held = new Map<StoredQueue, Entry>();

  constructor(private readonly options: QueueEntriesOptions) {}

  /** `known`: the record's queue, for whoever has looked it up. */
  enter(facts: EntryFacts, size: number, known: StoredQueue | null = this.find(facts)): void {
    const { kindOf, onSuspicion, queues } = this.options;
    const { batchCount, physicalOffset, queueId, queueOffset, storeTimestampMs, tagsCode, topic } =
      facts;
    // The log keeps it, and the record's check has told of it.
    if (!isQueueOffset(queueOffset) || (known === null && !isQueueName(topic, queueId))) return;
    const queue = known ?? queues.findOrCreate(topic, queueId, kindOf(topic));
    if (this.held.size > 0) this.settle(queue, queueOffset);
    const { maxOffset } = queue;
    if (queueOffset > maxOffset && maxOffset > 0 && !this.held.has(queue)) {
      const entry = { queueOffset, physicalOffset, size, tagsCode, storeTimestampMs, batchCount };
      this.held.set(queue, entry);
      return;
    }
    if (queueOffset < maxOffset && queueOffset > 0) {
      onSuspicion(`queueOffset: ${queueOffset} where ${maxOffset} is due`, physicalOffset);
    }
    queue.append(queueOffset, physicalOffset, size, tagsCode, storeTimestampMs, batchCount);
    this.count++;
  }

  private find({ queueId, topic }: EntryFacts): StoredQueue | null {
    return this.options.queues.find(topic, queueId);
  }

  /** The queue's next record is there: the held one's number is true when this one follows it. */
  private settle(queue: StoredQueue, queueOffset: number): void {
    const held = this.held.get(queue);
    if (held === undefined) return;
    this.held.delete(queue);
    if (queueOffset >= held.queueOffset + held.batchCount) this.append(queue, held);
    else this.suspect(queue, held);
  }

  private suspect({ maxOffset }: StoredQueue, { physicalOffset, queueOffset }: Entry): void {
    this.options.onSuspicion(
      `queueOffset: ${queueOffset} where ${maxOffset} is due`,
      physicalOffset,
    );
  }

  /** After the last record: what is held has nothing against it but the gap. */
  finish(): void {
    for (const [queue, entry] of this.held) {
      this.suspect(queue, entry);
      this.append(queue, entry);
    }
    this.held.clear();
  }

  private append(queue: StoredQueue, entry: Entry): void {
    const { batchCount, physicalOffset, queueOffset, size, storeTimestampMs, tagsCode } = entry;
    queue.append(queueOffset, physicalOffset, size, tagsCode, storeTimestampMs, batchCount);
    this.count++;
  }
}

function isQueueOffset(queueOffset: number): boolean {
  return queueOffset >= 0 && queueOffset <= QUEUE_OFFSET_MAX;
}

/** Whether a queue's folder can have the name that stands in a record. */
function isQueueName(topic: string, queueId: number): boolean {
  return queueId >= 0 && topic !== "" && topic !== "." && topic !== ".." && !/[/\0]/.test(topic);
}

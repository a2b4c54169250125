// From times to queue offsets and back: when a message was stored, and which one was first stored at a time.
// Reads queue entries and, for their store times, the log.
import type { LogReader } from "./commit_log/log_reader.ts";
import type { ConsumeQueues } from "./consume_queue/consume_queues.ts";
import type { StoredQueue } from "./consume_queue/stored_queue.ts";
import type { TimestampBoundary } from "./message_store.ts";

export interface StoreTimesParts {
  queues: Pick<ConsumeQueues, "find">;
  reader: Pick<LogReader, "storeTimeOf">;
  /** Up to where consumers may see. */
  confirmOffset: () => number;
}

export class StoreTimes {
  constructor(private readonly parts: StoreTimesParts) {}

  async offsetByTimestamp(
    topic: string,
    queueId: number,
    timestampMs: number,
    boundary: TimestampBoundary,
  ): Promise<number> {
    const queue = this.parts.queues.find(topic, queueId);
    if (queue === null) return 0;
    const found = await queue.offsetByTimestamp(timestampMs, boundary, this.of);
    // ConsumeQueueStore of 5.4.0 keeps the result within the queue's bounds.
    return Math.max(queue.minOffset, Math.min(queue.maxOffset, found));
  }

  /** Of the entry at a queue offset; −1 when there is none. */
  async ofEntry(topic: string, queueId: number, queueOffset: number): Promise<number> {
    const queue = this.parts.queues.find(topic, queueId);
    return queue === null ? -1 : await this.in(queue, queueOffset);
  }

  /** Of a queue's first message; −1 when there is none. */
  async earliest(topic: string, queueId: number): Promise<number> {
    const queue = this.parts.queues.find(topic, queueId);
    return queue === null ? -1 : await this.in(queue, queue.minOffset);
  }

  /** Of the record at a physical offset; without a size its header is enough. */
  readonly of = (physicalOffset: number, size: number): number | Promise<number> =>
    this.parts.reader.storeTimeOf(physicalOffset, size);

  private async in(queue: StoredQueue, queueOffset: number): Promise<number> {
    if (queueOffset < queue.minOffset || queueOffset >= queue.maxOffset) return -1;
    const cursor = queue.openCursor(queueOffset, this.parts.confirmOffset());
    if (!cursor.next()) return -1;
    return await this.of(cursor.physicalOffset, cursor.size);
  }
}

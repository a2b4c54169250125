// What the store sees of one consume queue, whichever kind it is: appending, bounds, reading, time search.
// Shapes only; consume_queue.ts and batch_consume_queue.ts implement them.
import type { DispatchQueue } from "../dispatch.ts";
import type { QueueCursor, TimestampBoundary } from "../message_store.ts";

/** "simple": one 20-byte unit a message. "batch": one 46-byte unit an inner batch (topics with queue.type=BatchCQ). */
export type QueueKind = "simple" | "batch";

/**
 * The store time in ms of the record at a physical offset; -1 when it isn't in the log. Asynchronous only when the
 * record is cold.
 */
export type StoreTimeOf = (physicalOffset: number, size: number) => number | Promise<number>;

/** What queues ask of the recovered log when they are loaded. */
export interface LogProbe {
  readonly minPhysicalOffset: number;
  /** One past the last whole record. */
  readonly maxPhysicalOffset: number;
  /**
   * Whether a record of `size` bytes begins at `physicalOffset` and belongs at `queueOffset` of that queue (by its own
   * topic and queue id, or by its multi-dispatch properties).
   */
  holds(
    physicalOffset: number,
    size: number,
    topic: string,
    queueId: number,
    queueOffset: number,
  ): boolean;
}

/** One queue. The send path keeps the object; it stays valid until the topic is deleted. */
export interface StoredQueue extends DispatchQueue {
  readonly kind: QueueKind;
  /** The first offset whose record the log still has; the maximum when there is none. */
  readonly minOffset: number;
  /** One past the last entry. */
  readonly maxOffset: number;
  /** One past the last byte of the log that an entry of this queue covers; 0 when there is none. */
  readonly coveredPhysicalOffset: number;

  /**
   * Takes the entry of a record that consumers may see. Allocates nothing; the disk is written later. An offset that the
   * queue has already is ignored (replay); one beyond the end fills the gap with blank units, as a queue that is rebuilt
   * after retention starts. `storeTimestampMs` and `batchCount` are kept by batch queues only.
   */
  append(
    queueOffset: number,
    physicalOffset: number,
    size: number,
    tagsCode: number,
    storeTimestampMs: number,
    batchCount: number,
    bitMap?: Uint8Array | null,
  ): void;

  /**
   * Has the queue's memory near the processor for an append that comes soon: for many queues it is fetched together, not
   * one by one. What it gives means nothing.
   */
  expect(): number;

  /** A cursor before `queueOffset` that stops at records beyond `confirmOffset`. Blank and deleted entries are skipped. */
  openCursor(queueOffset: number, confirmOffset: number): QueueCursor;

  /** Apache's getOffsetInQueueByTime before the store clamps it to the bounds, edge results included. */
  offsetByTimestamp(
    timestampMs: number,
    boundary: TimestampBoundary,
    storeTimeOf: StoreTimeOf,
  ): Promise<number>;
}

// All consume queues of a store: look-up by topic and id, loading, background writing, retention, deletion.
// Queues are derived data: everything here can be rebuilt from the commit log.
import type { Disk } from "../../core/disk/disk.ts";
import type { Logger } from "../../core/log.ts";
import type { Clock } from "../../core/time/clock.ts";
import { AssertionError } from "../../core/errors.ts";
import type { LogProbe, QueueKind, StoredQueue } from "./stored_queue.ts";

export interface ConsumeQueuesOptions {
  disk: Disk;
  clock: Clock;
  log: Logger;
  /** The store's root; consumequeue/, batchconsumequeue/ and consumequeue_ext/ stand in it. */
  storePath: string;
  /** mappedFileSizeConsumeQueue as configured, in bytes; rounded up to whole units as Apache does. */
  fileBytes: number;
  /** mapperFileSizeBatchConsumeQueue as configured, in bytes. */
  batchFileBytes: number;
  /** mappedFileSizeConsumeQueueExt, in bytes. */
  extFileBytes: number;
}

export class ConsumeQueues implements AsyncDisposable {
  /** Loads every queue found on disk, without the log's help: see `recover`. */
  static open(_options: ConsumeQueuesOptions): Promise<ConsumeQueues> {
    throw new AssertionError("not there yet");
  }

  /** One past the last byte of the log that any entry covers, as found at load. */
  get coveredPhysicalOffset(): number {
    throw new AssertionError("not there yet");
  }

  /**
   * Once the log's own recovery is over and before anything is appended: cuts stale entries off every queue's end and
   * corrects the minimum offsets. After a crash call `truncate(replayFrom)` first and `append` the records from there.
   */
  recover(_probe: LogProbe): void {
    throw new AssertionError("not there yet");
  }

  find(_topic: string, _queueId: number): StoredQueue | null {
    throw new AssertionError("not there yet");
  }

  /** The queue's handle, made when absent (no file before the first entry). */
  findOrCreate(_topic: string, _queueId: number, _kind: QueueKind): StoredQueue {
    throw new AssertionError("not there yet");
  }

  /** Every queue, in no order. */
  all(): IterableIterator<StoredQueue> {
    throw new AssertionError("not there yet");
  }

  /** Queues of one topic. */
  ofTopic(_topic: string): StoredQueue[] {
    throw new AssertionError("not there yet");
  }

  /** Drops the entries pointing at or past a physical offset: the log was cut, or is replayed from there. */
  truncate(_physicalOffset: number): void {
    throw new AssertionError("not there yet");
  }

  /** After the log's first files were deleted: corrects minimum offsets and deletes files that only point there. */
  deleteExpired(_minPhysicalOffset: number): Promise<void> {
    throw new AssertionError("not there yet");
  }

  /** Forgets a topic's queues and frees their files. */
  deleteTopic(_topic: string): Promise<void> {
    throw new AssertionError("not there yet");
  }

  /** Writes all unwritten tails, then makes everything written durable (before a checkpoint says so). */
  sync(): Promise<void> {
    throw new AssertionError("not there yet");
  }

  /** Writes and syncs everything, closes descriptors. */
  [Symbol.asyncDispose](): Promise<void> {
    throw new AssertionError("not there yet");
  }
}

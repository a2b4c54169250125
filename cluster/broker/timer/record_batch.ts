// A batch of records that are read together: from memory or the page cache at once, and side by side on the thread pool
// while the disk is slow, so that timers whose records are cold never hold up the senders. Knows no message.
import { Buffer } from "node:buffer";
import type { MessageStore, RecordView } from "../../../store/message_store.ts";
import type { Clock } from "../../../core/time/clock.ts";
import {
  BATCH_BYTES,
  BATCH_RECORDS_MAX,
  RUN_BYTES_MAX,
  RUN_GAP_BYTES_MAX,
  SLOW_READ_MS,
  SLOW_READS,
} from "./limits.ts";

export type RecordSource = Pick<MessageStore, "readHot" | "readInto" | "readIntoNow">;

export class RecordBatch {
  count = 0;
  readonly physicalOffsets = new Float64Array(BATCH_RECORDS_MAX);
  private readonly sizes = new Int32Array(BATCH_RECORDS_MAX);
  private readonly starts = new Int32Array(BATCH_RECORDS_MAX);
  /** Bytes read of each; -1 when it wasn't. */
  private readonly found = new Int32Array(BATCH_RECORDS_MAX);
  /** Runs of records that lie near to each other: the first record of each, and where the last one ends in the log. */
  private readonly runs = new Int32Array(BATCH_RECORDS_MAX + 1);
  private runCount = 0;
  private runEnd = -1;
  private buffer = Buffer.alloc(0);
  /** Of the records that were added. */
  bytes = 0;
  /** Reads that are still to be asynchronous. */
  private slowReads = 0;

  constructor(
    private readonly source: RecordSource,
    private readonly clock: Pick<Clock, "monotonicMs">,
  ) {}

  clear(): void {
    this.count = 0;
    this.bytes = 0;
    this.runCount = 0;
    this.runEnd = -1;
  }

  /** False when the batch is full: load it, and add the record to the next one. */
  add(physicalOffset: number, size: number): boolean {
    const { count } = this;
    const gap = this.gapBefore(physicalOffset, size);
    const bytes = Math.max(0, gap) + size;
    if (count === BATCH_RECORDS_MAX || (count > 0 && this.bytes + bytes > BATCH_BYTES)) {
      return false;
    }
    if (gap < 0) this.runs[this.runCount++] = count;
    this.physicalOffsets[count] = physicalOffset;
    this.sizes[count] = size;
    this.starts[count] = this.bytes + bytes - size;
    this.bytes += bytes;
    this.runEnd = physicalOffset + size;
    this.count++;
    return true;
  }

  /** Bytes between the run in hand and a record that can join it; -1 when the record begins another one. */
  private gapBefore(physicalOffset: number, size: number): number {
    if (this.runCount === 0) return -1;
    const gap = physicalOffset - this.runEnd;
    const first = this.runs[this.runCount - 1]!;
    const runBytes = physicalOffset + size - this.physicalOffsets[first]!;
    return gap >= 0 && gap <= RUN_GAP_BYTES_MAX && runBytes <= RUN_BYTES_MAX ? gap : -1;
  }

  /** Reads all; null when that is done, else resolves when it is. Their bytes are valid until `clear`. */
  load(): Promise<unknown> | null {
    if (this.buffer.length < this.bytes) {
      this.buffer = Buffer.allocUnsafeSlow(Math.max(this.bytes, 64 * 1024));
    }
    const reads: Promise<void>[] = [];
    this.runs[this.runCount] = this.count;
    for (let run = 0; run < this.runCount; run++) {
      const first = this.runs[run]!;
      const end = this.runs[run + 1]!;
      if (this.slowReads > 0) reads.push(this.readLater(first, end));
      else this.readNow(first, end);
    }
    return reads.length === 0 ? null : Promise.all(reads);
  }

  /** The record's bytes; null when they aren't in the log. */
  view(index: number): RecordView | null {
    const size = this.sizes[index]!;
    if (this.found[index] !== size) return null;
    return { buffer: this.buffer, start: this.starts[index]!, size };
  }

  /** Where the record is said to be. */
  entry(index: number): { physicalOffset: number; size: number } {
    return { physicalOffset: this.physicalOffsets[index]!, size: this.sizes[index]! };
  }

  /** Reads records `first` to `end` by one read, and those that it doesn't bring whole (a file ends) one by one. */
  private readNow(first: number, end: number): void {
    const { clock, source, starts } = this;
    const startedMs = clock.monotonicMs();
    const start = starts[first]!;
    const length = starts[end - 1]! + this.sizes[end - 1]! - start;
    const count = source.readIntoNow(this.buffer, start, length, this.physicalOffsets[first]!);
    if (clock.monotonicMs() - startedMs > SLOW_READ_MS) this.slowReads = SLOW_READS;
    for (let index = this.noteFound(first, end, count); index < end; index++) {
      if (end - first > 1) this.readNow(index, index + 1);
    }
  }

  private async readLater(first: number, end: number): Promise<void> {
    this.slowReads--;
    const { source, starts } = this;
    const start = starts[first]!;
    const length = starts[end - 1]! + this.sizes[end - 1]! - start;
    const count = await source.readInto(this.buffer, start, length, this.physicalOffsets[first]!);
    for (let index = this.noteFound(first, end, count); index < end; index++) {
      if (end - first > 1) await this.readLater(index, index + 1);
    }
  }

  /** Notes which records of a run its bytes cover; gives the first that they don't, `end` when there is none. */
  private noteFound(first: number, end: number, count: number): number {
    const { found, sizes, starts } = this;
    const readEnd = starts[first]! + count;
    let index = first;
    for (; index < end && starts[index]! + sizes[index]! <= readEnd; index++) {
      found[index] = sizes[index]!;
    }
    found.fill(-1, index, end);
    return index;
  }
}

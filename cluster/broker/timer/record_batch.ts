// A batch of records that are read together: from memory or the page cache at once, and side by side on the thread pool
// while the disk is slow, so that timers whose records are cold never hold up the senders. Knows no message.
import { Buffer } from "node:buffer";
import type { MessageStore, RecordView } from "../../../store/message_store.ts";
import type { Clock } from "../../../core/time/clock.ts";
import { BATCH_BYTES, BATCH_RECORDS_MAX, SLOW_READ_MS, SLOW_READS } from "./limits.ts";

export type RecordSource = Pick<MessageStore, "readHot" | "readInto" | "readIntoNow">;

export class RecordBatch {
  count = 0;
  readonly physicalOffsets = new Float64Array(BATCH_RECORDS_MAX);
  private readonly sizes = new Int32Array(BATCH_RECORDS_MAX);
  private readonly starts = new Int32Array(BATCH_RECORDS_MAX);
  /** Bytes read of each. */
  private readonly found = new Int32Array(BATCH_RECORDS_MAX);
  private buffer = Buffer.alloc(0);
  /** Of the records that were added. */
  bytes = 0;
  /** Reads that are still to be asynchronous. */
  private slowReads = 0;

  constructor(private readonly source: RecordSource, private readonly clock: Clock) {}

  clear(): void {
    this.count = 0;
    this.bytes = 0;
  }

  /** False when the batch is full: load it, and add the record to the next one. */
  add(physicalOffset: number, size: number): boolean {
    const { count } = this;
    if (count === BATCH_RECORDS_MAX || (count > 0 && this.bytes + size > BATCH_BYTES)) return false;
    this.physicalOffsets[count] = physicalOffset;
    this.sizes[count] = size;
    this.starts[count] = this.bytes;
    this.bytes += size;
    this.count++;
    return true;
  }

  /** Reads all; null when that is done, else resolves when it is. Their bytes are valid until `clear`. */
  load(): Promise<unknown> | null {
    if (this.buffer.length < this.bytes) {
      this.buffer = Buffer.allocUnsafeSlow(Math.max(this.bytes, 64 * 1024));
    }
    const reads: Promise<void>[] = [];
    for (let index = 0; index < this.count; index++) {
      const read = this.slowReads > 0 ? this.readLater(index) : this.readNow(index);
      if (read !== null) reads.push(read);
    }
    return reads.length === 0 ? null : Promise.all(reads);
  }

  /** The record's bytes; null when they aren't in the log. */
  view(index: number): RecordView | null {
    const size = this.sizes[index]!;
    if (this.found[index] !== size) return null;
    return { buffer: this.buffer, start: this.starts[index]!, size };
  }

  private readNow(index: number): null {
    const { clock, source } = this;
    const size = this.sizes[index]!;
    const startedMs = clock.monotonicMs();
    const offset = this.physicalOffsets[index]!;
    this.found[index] = source.readIntoNow(this.buffer, this.starts[index]!, size, offset);
    if (clock.monotonicMs() - startedMs > SLOW_READ_MS) this.slowReads = SLOW_READS;
    return null;
  }

  private readLater(index: number): Promise<void> {
    this.slowReads--;
    const size = this.sizes[index]!;
    const offset = this.physicalOffsets[index]!;
    return this.source.readInto(this.buffer, this.starts[index]!, size, offset).then((count) => {
      this.found[index] = count;
    });
  }
}

// One block of a queue's file in memory, shared by the readers of several queues: a pull reads a few kilobytes in one
// call and allocates nothing. Whoever finds another queue's bytes in it reads again.
import { READ_BYTES_MAX } from "./limits.ts";
import type { TailedUnits } from "./tailed_units.ts";

const NO_BYTES = new Uint8Array(0);

export class ReadBlock {
  bytes = NO_BYTES;
  private queue: TailedUnits | null = null;
  /** Byte positions in the queue that `bytes` holds. */
  start = 0;
  private end = 0;
  /** How many of `bytes` are valid. */
  length = 0;

  holds(queue: TailedUnits, position: number, length: number): boolean {
    return this.queue === queue && position >= this.start && position + length <= this.end;
  }

  /** Reads written bytes of the queue from `position` on: at most `length`, within one file. */
  load(queue: TailedUnits, position: number, length: number): void {
    this.queue = null;
    if (this.bytes === NO_BYTES) this.bytes = new Uint8Array(READ_BYTES_MAX);
    const count = queue.readWritten(this.bytes, position, Math.min(length, this.bytes.length));
    this.queue = queue;
    this.start = position;
    this.end = position + count;
    this.length = count;
  }

  /** Forgets the queue's bytes: they were cut or deleted. */
  drop(queue: TailedUnits): void {
    if (this.queue === queue) this.queue = null;
  }
}

// An output buffer that doubles up to a limit: what decompressors write to when the size isn't known.
import { DecodeError } from "../errors.ts";

export class GrowingBuffer {
  bytes: Uint8Array;
  length = 0;

  /** `what` is named when the limit is passed. */
  constructor(firstBytes: number, readonly bytesMax: number, readonly what: string) {
    this.bytes = new Uint8Array(Math.min(Math.max(firstBytes, 64), bytesMax));
  }

  /** Makes room for `count` more bytes. Throws DecodeError beyond the limit, before allocating. */
  reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.bytes.length) return;
    this.checkRoom(count);
    const grown = new Uint8Array(Math.min(Math.max(needed, this.bytes.length * 2), this.bytesMax));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  /** Throws DecodeError when `count` more bytes pass the limit. */
  checkRoom(count: number): void {
    if (this.length + count > this.bytesMax) {
      throw new DecodeError(this.what, `larger than ${this.bytesMax} bytes`);
    }
  }

  append(source: Uint8Array, start: number, end: number): void {
    this.reserve(end - start);
    this.bytes.set(source.subarray(start, end), this.length);
    this.length += end - start;
  }

  /** What was written, as a view. */
  view(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }
}

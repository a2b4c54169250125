// Room for records that are made ready to be stored, in chunks that are used again. Knows no record.
import { Buffer } from "node:buffer";
import { ARENA_CHUNK_BYTES, ARENA_CHUNKS_KEPT } from "./limits.ts";

const NOTHING = Buffer.alloc(0);

export class RecordArena {
  /** Where the last room was taken. */
  buffer: Buffer = NOTHING;
  /** Kept since `clear`. */
  bytes = 0;
  private readonly chunks: Buffer[] = [];
  private nextChunk = 0;
  private used = 0;

  /** What was taken isn't needed any more. */
  clear(): void {
    if (this.chunks.length > ARENA_CHUNKS_KEPT) this.chunks.length = ARENA_CHUNKS_KEPT;
    this.buffer = this.chunks[0] ?? NOTHING;
    this.nextChunk = Math.min(1, this.chunks.length);
    this.used = 0;
    this.bytes = 0;
  }

  /** Gives where in `buffer` there is room for so many bytes; `keep` tells how many of them are needed. */
  take(bytes: number): number {
    if (this.used + bytes > this.buffer.length) this.advance(bytes);
    return this.used;
  }

  keep(bytes: number): void {
    this.used += bytes;
    this.bytes += bytes;
  }

  private advance(bytes: number): void {
    this.used = 0;
    if (bytes > ARENA_CHUNK_BYTES) {
      this.buffer = Buffer.allocUnsafeSlow(bytes);
      return;
    }
    this.buffer = this.chunks[this.nextChunk] ??= Buffer.allocUnsafeSlow(ARENA_CHUNK_BYTES);
    this.nextChunk++;
  }
}

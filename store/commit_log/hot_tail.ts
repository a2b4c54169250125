// The newest bytes of the log in a ring of chunks: records are staged in the newest chunk, written to the file from it,
// and read from it by consumers that keep up. The only copy of these bytes in memory; never reads a file.
import { Buffer } from "node:buffer";
import type { RecordView } from "../message_store.ts";
import type { Turns } from "./turns.ts";

/** One stretch of the log: the byte at `position` has the physical offset base + position. */
export interface HotChunk {
  buffer: Buffer;
  base: number;
  /** Position up to which the bytes are in the file; readers see no more. */
  written: number;
  /** The last turn in which a view was handed out. */
  turn: number;
}

export interface HotTailOptions {
  chunkBytes: number;
  chunkCount: number;
}

export const HOT_TAIL_DEFAULTS: HotTailOptions = { chunkBytes: 512 * 1024, chunkCount: 6 };

export class HotTail {
  private readonly ring: HotChunk[];
  private newest = 0;

  constructor(private readonly turns: Turns, readonly options: HotTailOptions = HOT_TAIL_DEFAULTS) {
    this.ring = Array.from({ length: options.chunkCount }, emptyChunk);
  }

  /**
   * Moves on to the next chunk, which begins at a physical offset and has room for `bytes`. The oldest chunk's bytes
   * are given up, unless somebody may still be looking at them: then its buffer is.
   */
  advance(physicalOffset: number, bytes: number): HotChunk {
    this.newest = (this.newest + 1) % this.ring.length;
    const chunk = this.ring[this.newest]!;
    const size = Math.max(bytes, this.options.chunkBytes);
    // A chunk that a large record made larger isn't kept at that size.
    if (chunk.buffer.length !== size || !this.turns.isOver(chunk.turn)) {
      chunk.buffer = Buffer.allocUnsafeSlow(size);
    }
    chunk.base = physicalOffset;
    chunk.written = 0;
    chunk.turn = 0;
    return chunk;
  }

  /** Makes an earlier chunk the newest again after its write failed; the chunks after it are emptied. */
  backTo(chunk: HotChunk): void {
    while (this.ring[this.newest] !== chunk) {
      const dropped = this.ring[this.newest]!;
      dropped.written = 0;
      this.newest = (this.newest + this.ring.length - 1) % this.ring.length;
    }
  }

  /** The bytes at a physical offset, when all of them are here. */
  find(physicalOffset: number, size: number): RecordView | null {
    const count = this.ring.length;
    for (let age = 0; age < count; age++) {
      const chunk = this.ring[(this.newest + count - age) % count]!;
      const start = physicalOffset - chunk.base;
      if (start < 0 || start >= chunk.written) continue;
      if (start + size > chunk.written) return null;
      chunk.turn = this.turns.current();
      return { buffer: chunk.buffer, start, size };
    }
    return null;
  }
}

function emptyChunk(): HotChunk {
  return { buffer: Buffer.alloc(0), base: 0, written: 0, turn: 0 };
}

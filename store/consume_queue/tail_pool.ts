// Byte buffers for the unwritten tails of queues, by powers of two, reused up to a limit.
// Buffers below 1000 bytes live in the JavaScript heap, so tens of thousands of small ones stay cheap.
import { TAIL_BYTES_MIN, TAIL_POOL_BYTES_MAX } from "./limits.ts";

export class TailPool {
  private readonly free: Uint8Array[][] = [];
  private freeBytes = 0;

  /** A buffer of at least `sizeBytes`; its contents are undefined. */
  take(sizeBytes: number): Uint8Array {
    const rank = rankOf(sizeBytes);
    const buffer = this.free[rank]?.pop();
    if (buffer === undefined) return new Uint8Array(TAIL_BYTES_MIN * 2 ** rank);
    this.freeBytes -= buffer.length;
    return buffer;
  }

  give(buffer: Uint8Array): void {
    if (buffer.length === 0 || this.freeBytes + buffer.length > TAIL_POOL_BYTES_MAX) return;
    const rank = rankOf(buffer.length);
    (this.free[rank] ??= []).push(buffer);
    this.freeBytes += buffer.length;
  }
}

function rankOf(sizeBytes: number): number {
  let rank = 0;
  for (let bytes = TAIL_BYTES_MIN; bytes < sizeBytes; bytes *= 2) rank++;
  return rank;
}

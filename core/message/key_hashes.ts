// Hashes of a record's keys (KEYS holds several, with spaces between them), as the index takes them. Allocates nothing.
import { javaHashUtf8 } from "../bytes/java_hash.ts";

const SEPARATOR = 0x20;

/** Who takes them; Appender.addKey for one. */
export interface KeyHashSink {
  addKey(keyHash: number): void;
}

/** Gives the hash of each key in `bytes[start…end)`; `seed` is that of "topic#". Nothing when `start` is negative. */
export function hashKeys(
  bytes: Uint8Array,
  start: number,
  end: number,
  seed: number,
  sink: KeyHashSink,
): void {
  if (start < 0) return;
  for (let at = start; at < end;) {
    let next = at;
    while (next < end && bytes[next] !== SEPARATOR) next++;
    if (next > at) sink.addKey(javaHashUtf8(bytes, at, next, seed));
    at = next + 1;
  }
}

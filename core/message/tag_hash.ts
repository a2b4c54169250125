// The tag code in a queue entry: Java's hash of the TAGS value, 0 when there is none (tagsString2tagsCode).
import { javaHash, javaHashUtf8 } from "../bytes/java_hash.ts";

/** A signed 32-bit number. */
export function tagsCode(tags: string): number {
  return javaHash(tags);
}

/** The same over the UTF-8 bytes of the value; an absent one (start -1) gives 0. */
export function tagsCodeUtf8(bytes: Uint8Array, start: number, end: number): number {
  return start < 0 ? 0 : javaHashUtf8(bytes, start, end);
}

// The plain contents that java_vectors.json names by kind and length; the program that made it has the same rules.
import { Buffer } from "node:buffer";

const SENTENCE = "The quick brown broker jumps over the lazy queue. ";

export function plain(kind: string, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = 42;
  for (let index = 0; index < length; index++) {
    if (kind === "text") {
      bytes[index] = SENTENCE.charCodeAt((index + Math.trunc(index / 977)) % SENTENCE.length);
    } else if (kind === "random") {
      state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
      bytes[index] = state >> 16;
    }
  }
  return bytes;
}

// Field names of binary headers as strings that exist already: a direct-mapped cache, so bounded whatever is sent.
// The same few hundred names come in every header, and making each string anew costs more than comparing its bytes.
import type { Buffer } from "node:buffer";

const SLOTS = 512;
const NAME_BYTES_MAX = 32;

const names: string[] = new Array<string>(SLOTS).fill("");

/** The name in buffer[start, end). */
export function cachedName(buffer: Buffer, start: number, end: number): string {
  const length = end - start;
  if (length > NAME_BYTES_MAX) return buffer.toString("utf8", start, end);
  let hash = length;
  for (let at = start; at < end; at++) hash = hash * 31 + buffer[at]! | 0;
  const slot = hash & SLOTS - 1;
  const cached = names[slot]!;
  if (cached.length === length && equals(cached, buffer, start)) return cached;
  const name = buffer.toString("utf8", start, end);
  names[slot] = name;
  return name;
}

/** ASCII only: any other byte never equals a character of a name that has as many characters as bytes. */
function equals(name: string, buffer: Buffer, start: number): boolean {
  for (let i = 0; i < name.length; i++) {
    const byte = buffer[start + i]!;
    if (byte !== name.charCodeAt(i) || byte >= 0x80) return false;
  }
  return true;
}

// The __CRC32# property at the very end of a record (enabledAppendPropCRC): the CRC of everything before it,
// as ten digits, the least significant first.
import { Buffer } from "node:buffer";

const PREFIX = Buffer.from("__CRC32#\x01", "latin1");
const RARE_BYTE = "#".charCodeAt(0);
const DIGITS = 10;
const NOTHING = Buffer.alloc(0);

/** Name, separator, ten digits, end mark. */
export const CRC_PROPERTY_BYTES = PREFIX.length + DIGITS + 1;

/** Writes the property for a masked CRC (31 bits) at `at`; CRC_PROPERTY_BYTES long. */
export function writeCrcProperty(buffer: Uint8Array, at: number, crc: number): void {
  for (let index = 0; index < PREFIX.length; index++) buffer[at + index] = PREFIX[index]!;
  let rest = crc;
  for (let index = 0; index < DIGITS; index++) {
    const quotient = Math.trunc(rest / 10);
    buffer[at + PREFIX.length + index] = 48 + (rest - quotient * 10);
    rest = quotient;
  }
  buffer[at + CRC_PROPERTY_BYTES - 1] = 2;
}

/** The CRC in the last property of `buffer[start…end)`; -1 when the last property is another one. */
export function readCrcProperty(buffer: Uint8Array, start: number, end: number): number {
  const at = end - CRC_PROPERTY_BYTES;
  if (at < start || buffer[end - 1] !== 2) return -1;
  if (at > start && buffer[at - 1] !== 2) return -1;
  for (let index = 0; index < PREFIX.length; index++) {
    if (buffer[at + index] !== PREFIX[index]) return -1;
  }
  let crc = 0;
  for (let index = DIGITS - 1; index >= 0; index--) {
    const digit = buffer[at + PREFIX.length + index]! - 48;
    if (digit < 0 || digit > 9) return -1;
    crc = crc * 10 + digit;
  }
  return crc;
}

/**
 * The properties without that one, wherever and however often it stands; the same bytes when it isn't there. The store
 * takes it out of whatever is put, so that no record carries the sum of another one.
 */
export function withoutCrcProperty(properties: Uint8Array): Uint8Array {
  // Most have none: one native look for a byte that other names lack, and no view made of the bytes.
  if (properties.indexOf(RARE_BYTE) < 0) return properties;
  let kept = properties;
  for (let at = findCrcProperty(kept, 0); at >= 0; at = findCrcProperty(kept, at)) {
    const end = kept.indexOf(2, at);
    kept = Buffer.concat([kept.subarray(0, at), end < 0 ? NOTHING : kept.subarray(end + 1)]);
  }
  return kept;
}

/** Where the property begins, at or behind `from`; -1 when it isn't there. */
function findCrcProperty(properties: Uint8Array, from: number): number {
  const bytes = properties instanceof Buffer
    ? properties
    : Buffer.from(properties.buffer, properties.byteOffset, properties.length);
  let at = bytes.indexOf(PREFIX, from);
  while (at > 0 && bytes[at - 1] !== 2) at = bytes.indexOf(PREFIX, at + 1);
  return at;
}

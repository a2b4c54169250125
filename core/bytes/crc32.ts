// CRC-32 (IEEE), seedable: by eight table look-ups a round for short runs, by zlib's own above.
// RocketMQ stores it without the top bit: crc32Masked.
import { crc32 as zlibCrc32 } from "node:zlib";

/** Above this many bytes the call into zlib costs less than the tables. */
const NATIVE_BYTES_MIN = 112;

const TABLES = makeTables();

function makeTables(): Int32Array {
  const tables = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) {
      value = (value & 1) !== 0 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
    }
    tables[byte] = value;
  }
  for (let at = 256; at < tables.length; at++) {
    const previous = tables[at - 256]!;
    tables[at] = (previous >>> 8) ^ tables[previous & 0xff]!;
  }
  return tables;
}

/** CRC of `bytes[start…end)` as an unsigned number; `seed` is the CRC of what came before. */
export function crc32(bytes: Uint8Array, start = 0, end = bytes.length, seed = 0): number {
  if (end - start >= NATIVE_BYTES_MIN) return zlibCrc32(bytes.subarray(start, end), seed);
  return crc32ByTables(bytes, start, end, seed);
}

/** CRC without its top bit, as records and bodies carry it (UtilAll.crc32). */
export function crc32Masked(bytes: Uint8Array, start = 0, end = bytes.length): number {
  return crc32(bytes, start, end, 0) & 0x7fffffff;
}

/** The JavaScript half alone, for tests and benches. */
export function crc32ByTables(bytes: Uint8Array, start: number, end: number, seed: number): number {
  const tables = TABLES;
  let crc = ~seed;
  let at = start;
  for (; at + 8 <= end; at += 8) {
    crc = tables[1792 + ((crc ^ bytes[at]!) & 0xff)]! ^
      tables[1536 + (((crc >>> 8) ^ bytes[at + 1]!) & 0xff)]! ^
      tables[1280 + (((crc >>> 16) ^ bytes[at + 2]!) & 0xff)]! ^
      tables[1024 + ((crc >>> 24) ^ bytes[at + 3]!)]! ^
      tables[768 + bytes[at + 4]!]! ^
      tables[512 + bytes[at + 5]!]! ^
      tables[256 + bytes[at + 6]!]! ^
      tables[bytes[at + 7]!]!;
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ tables[(crc ^ bytes[at]!) & 0xff]!;
  return ~crc >>> 0;
}

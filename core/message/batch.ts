// The body of a batch: messages one after the other, each [total size][magic 0][crc 0][flag][body length][body]
// [properties length][properties]. On a BatchCQ topic the record keeps it whole (inner batch).
import { Buffer } from "node:buffer";
import { readI16, readI32, writeI32, writeU16 } from "../bytes/big_endian.ts";
import { assert, DecodeError } from "../errors.ts";
import { PROPERTIES_BYTES_MAX } from "../limits.ts";
import { PROPERTY } from "./property_names.ts";

const FLAG_AT = 12;
const BODY_LENGTH_AT = 16;
const BODY_AT = 20;
/** Bytes of an item beside its body and properties. */
export const BATCH_ITEM_OVERHEAD_BYTES = BODY_AT + 2;

export interface BatchItem {
  flag: number;
  body: Uint8Array;
  /** Encoded, see properties.ts. */
  properties: Uint8Array;
}

/** The same with its properties as text, for writing. */
export interface BatchTextItem {
  flag: number;
  body: Uint8Array;
  properties: string;
  /** Of the properties as UTF-8. */
  propertiesBytes: number;
}

export function batchItemSize(bodyBytes: number, propertiesBytes: number): number {
  return BATCH_ITEM_OVERHEAD_BYTES + bodyBytes + propertiesBytes;
}

/** The body of a batch of these messages. */
export function encodeBatch(items: readonly BatchItem[]): Buffer {
  let total = 0;
  for (const item of items) total += batchItemSize(item.body.length, item.properties.length);
  const bytes = Buffer.alloc(total);
  let at = 0;
  for (const { flag, body, properties } of items) {
    const propertiesAt = writeItemHead(bytes, at, flag, body, properties.length);
    bytes.set(properties, propertiesAt);
    at = propertiesAt + properties.length;
  }
  return bytes;
}

/** The same of items[first, end) with their properties as text, which is written in place. */
export function encodeTextBatch(
  items: readonly BatchTextItem[],
  { first, end, bytes: total }: BatchSlice,
): Buffer {
  const bytes = Buffer.alloc(total);
  let at = 0;
  for (let index = first; index < end; index++) {
    const { flag, body, properties, propertiesBytes } = items[index]!;
    const propertiesAt = writeItemHead(bytes, at, flag, body, propertiesBytes);
    at = propertiesAt + bytes.write(properties, propertiesAt, propertiesBytes, "utf8");
  }
  return bytes;
}

/** All of an item but its properties; gives their position. */
function writeItemHead(
  bytes: Buffer,
  at: number,
  flag: number,
  body: Uint8Array,
  propertiesBytes: number,
): number {
  assert(propertiesBytes <= PROPERTIES_BYTES_MAX, "the properties fit their length field");
  writeI32(bytes, at, batchItemSize(body.length, propertiesBytes));
  writeI32(bytes, at + FLAG_AT, flag);
  writeI32(bytes, at + BODY_LENGTH_AT, body.length);
  bytes.set(body, at + BODY_AT);
  const lengthAt = at + BODY_AT + body.length;
  writeU16(bytes, lengthAt, propertiesBytes);
  return lengthAt + 2;
}

/**
 * Walks the messages of a batch without making objects: each `next` fills the fields with positions in `buffer`.
 * Every length is checked; a wrong one throws DecodeError with its position.
 */
export class BatchCursor {
  flag = 0;
  bodyStart = 0;
  bodyEnd = 0;
  propertiesStart = 0;
  propertiesEnd = 0;
  private at = 0;
  private end = 0;
  private start = 0;
  buffer: Uint8Array = new Uint8Array(0);

  /** Starts over on `buffer[start…end)`. */
  reset(buffer: Uint8Array, start = 0, end = buffer.length): this {
    this.buffer = buffer;
    this.start = start;
    this.at = start;
    this.end = end;
    return this;
  }

  /** Moves to the next message; false at the end. */
  next(): boolean {
    const { buffer, at, end } = this;
    if (at === end) return false;
    if (end - at < BATCH_ITEM_OVERHEAD_BYTES) this.fail("total size", `${end - at} bytes left`);
    const size = readI32(buffer, at);
    if (size < BATCH_ITEM_OVERHEAD_BYTES || size > end - at) {
      this.fail("total size", `${size} of ${end - at} bytes left`);
    }
    const bodyLength = readI32(buffer, at + BODY_LENGTH_AT);
    if (bodyLength < 0 || bodyLength > size - BATCH_ITEM_OVERHEAD_BYTES) {
      this.fail("body length", `${bodyLength} in an item of ${size}`);
    }
    this.flag = readI32(buffer, at + FLAG_AT);
    this.bodyStart = at + BODY_AT;
    this.bodyEnd = this.bodyStart + bodyLength;
    const propertiesLength = readI16(buffer, this.bodyEnd);
    this.propertiesStart = this.bodyEnd + 2;
    this.propertiesEnd = this.propertiesStart + propertiesLength;
    if (propertiesLength < 0 || this.propertiesEnd !== at + size) {
      this.fail("properties length", `${propertiesLength} in an item of ${size}`);
    }
    this.at = this.propertiesEnd;
    return true;
  }

  private fail(field: string, problem: string): never {
    throw new DecodeError(`batch at ${this.at - this.start}, ${field}`, problem);
  }
}

/** The messages of a batch body as views of it. Throws DecodeError. */
export function decodeBatch(body: Uint8Array): BatchItem[] {
  const cursor = new BatchCursor().reset(body);
  const items: BatchItem[] = [];
  while (cursor.next()) {
    items.push({
      flag: cursor.flag,
      body: body.subarray(cursor.bodyStart, cursor.bodyEnd),
      properties: body.subarray(cursor.propertiesStart, cursor.propertiesEnd),
    });
  }
  return items;
}

/** How many messages a batch body holds. Throws DecodeError. */
export function countBatch(body: Uint8Array): number {
  const cursor = new BatchCursor().reset(body);
  let count = 0;
  while (cursor.next()) count++;
  return count;
}

/** A run of items that makes one batch: items[first … end). */
export interface BatchSlice {
  first: number;
  end: number;
  bytes: number;
}

export type BatchSplit =
  | { kind: "split"; slices: BatchSlice[] }
  /** One message alone is larger than a batch may be. */
  | { kind: "too_large"; index: number; bytes: number };

/** Cuts items of these sizes (see batchItemSize), in order, into batches of at most `bytesMax`. */
export function splitBatch(sizes: readonly number[], bytesMax: number): BatchSplit {
  const slices: BatchSlice[] = [];
  let first = 0;
  let bytes = 0;
  for (let index = 0; index < sizes.length; index++) {
    const size = sizes[index]!;
    if (size > bytesMax) return { kind: "too_large", index, bytes: size };
    if (bytes + size > bytesMax) {
      slices.push({ first, end: index, bytes });
      first = index;
      bytes = 0;
    }
    bytes += size;
  }
  if (sizes.length > first) slices.push({ first, end: sizes.length, bytes });
  return { kind: "split", slices };
}

/** What an inner-batch record says of itself in its properties. */
export interface InnerBatch {
  /** How many messages it stands for. */
  count: number;
  /** Queue offset of the first of them. */
  baseOffset: number;
}

/** Null when the record is no inner batch. Throws DecodeError when its numbers are none. */
export function innerBatchOf(properties: ReadonlyMap<string, string>): InnerBatch | null {
  const count = properties.get(PROPERTY.innerCount);
  const base = properties.get(PROPERTY.innerBase);
  if (count === undefined || base === undefined) return null;
  return {
    count: wholeNumber(PROPERTY.innerCount, count, 32767),
    baseOffset: wholeNumber(PROPERTY.innerBase, base, Number.MAX_SAFE_INTEGER),
  };
}

function wholeNumber(name: string, text: string, max: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > max) throw new DecodeError(name, `'${text}' is no count`);
  return value;
}

// One stored message as a checked view of its bytes, and the way back. Numbers, body, topic and properties are read
// when asked for; nothing is copied. Never decompresses and never parses properties.
import { Buffer } from "node:buffer";
import { readI16, readI32, readI64, writeU16 } from "../bytes/big_endian.ts";
import { assert, DecodeError } from "../errors.ts";
import { PROPERTIES_BYTES_MAX } from "../limits.ts";
import {
  BODY_CRC_AT,
  BORN_HOST_AT,
  BORN_TIMESTAMP_AT,
  FLAG_AT,
  layoutOf,
  MAGIC_AT,
  MAGIC_V1,
  MAGIC_V2,
  PHYSICAL_OFFSET_AT,
  QUEUE_ID_AT,
  QUEUE_OFFSET_AT,
  RECORD_BYTES_MIN,
  type RecordHead,
  type RecordLayout,
  recordSize,
  SYS_FLAG_AT,
  TOTAL_SIZE_AT,
  writeRecordHead,
  writeRecordTopic,
} from "./record_layout.ts";
import { BORN_HOST_V6, STORE_HOST_V6 } from "./sys_flag.ts";

/** A whole record by its fields. */
export interface RecordFields extends RecordHead {
  /** As stored, compressed or not. */
  body: Uint8Array;
  topic: string;
  /** As stored: name \x01 value \x02 …, UTF-8. */
  properties: Uint8Array;
}

/** Where the parts of a record are, absolute in its buffer. Refilled by `locateParts`. */
export interface RecordParts {
  size: number;
  bodyStart: number;
  bodyEnd: number;
  topicStart: number;
  topicEnd: number;
  propertiesStart: number;
  propertiesEnd: number;
  /** The field that is wrong, when it is. */
  field: string;
}

export function emptyParts(): RecordParts {
  return {
    size: 0,
    bodyStart: 0,
    bodyEnd: 0,
    topicStart: 0,
    topicEnd: 0,
    propertiesStart: 0,
    propertiesEnd: 0,
    field: "",
  };
}

/**
 * Checks every length of the record at `start` against its total size and `limit`, and fills `parts`.
 * Gives what is wrong, with `parts.field` naming the field; null when the record is whole.
 */
export function locateParts(
  buffer: Uint8Array,
  start: number,
  limit: number,
  parts: RecordParts,
): string | null {
  const available = limit - start;
  if (available < RECORD_BYTES_MIN) return wrong(parts, "totalSize", `${available} bytes left`);
  const size = readI32(buffer, start + TOTAL_SIZE_AT);
  const magic = readI32(buffer, start + MAGIC_AT);
  if (magic !== MAGIC_V1 && magic !== MAGIC_V2) {
    return wrong(parts, "magic", `${(magic >>> 0).toString(16)} is no message`);
  }
  if (size < RECORD_BYTES_MIN) return wrong(parts, "totalSize", `${size} is too small`);
  if (size > available) return wrong(parts, "totalSize", `${size} of ${available} bytes left`);
  const end = start + size;
  const bodyStart = start + layoutOf(readI32(buffer, start + SYS_FLAG_AT)).body;
  // The shortest IPv6 record is longer than the minimum checked above.
  if (bodyStart > end) return wrong(parts, "bodyLength", "is beyond the record");
  const bodyLength = readI32(buffer, bodyStart - 4);
  if (bodyLength < 0 || bodyLength > end - bodyStart) {
    return wrong(parts, "bodyLength", `${bodyLength} of ${end - bodyStart} bytes`);
  }
  parts.size = size;
  parts.bodyStart = bodyStart;
  parts.bodyEnd = bodyStart + bodyLength;
  return locateTail(buffer, end, magic, parts);
}

function locateTail(
  buffer: Uint8Array,
  end: number,
  magic: number,
  parts: RecordParts,
): string | null {
  const lengthBytes = magic === MAGIC_V2 ? 2 : 1;
  const topicStart = parts.bodyEnd + lengthBytes;
  if (topicStart > end) return wrong(parts, "topicLength", "is beyond the record");
  const topicLength = lengthBytes === 2
    ? readI16(buffer, parts.bodyEnd)
    : (buffer[parts.bodyEnd]! << 24) >> 24;
  const topicEnd = topicStart + topicLength;
  if (topicLength < 0 || topicEnd + 2 > end) {
    return wrong(parts, "topicLength", `${topicLength} of ${end - topicStart} bytes`);
  }
  const propertiesLength = readI16(buffer, topicEnd);
  const propertiesStart = topicEnd + 2;
  if (propertiesLength < 0 || propertiesStart + propertiesLength !== end) {
    return wrong(
      parts,
      "propertiesLength",
      `${propertiesLength} where ${end - propertiesStart} bytes are left`,
    );
  }
  parts.topicStart = topicStart;
  parts.topicEnd = topicEnd;
  parts.propertiesStart = propertiesStart;
  parts.propertiesEnd = end;
  return null;
}

function wrong(parts: RecordParts, field: string, problem: string): string {
  parts.field = field;
  return problem;
}

/** A view of one record. It reads its buffer when asked: copy what must outlive the buffer. */
export class MessageRecord implements RecordFields {
  private readonly layout: RecordLayout;

  /** Made by decodeRecord, which has checked the lengths in `parts`. */
  constructor(
    readonly buffer: Uint8Array,
    readonly start: number,
    readonly parts: Readonly<RecordParts>,
  ) {
    this.layout = layoutOf(readI32(buffer, start + SYS_FLAG_AT));
  }

  /** Bytes of the whole record. */
  get size(): number {
    return this.parts.size;
  }
  get magic(): number {
    return readI32(this.buffer, this.start + MAGIC_AT);
  }
  get bodyCrc(): number {
    return readI32(this.buffer, this.start + BODY_CRC_AT);
  }
  get queueId(): number {
    return readI32(this.buffer, this.start + QUEUE_ID_AT);
  }
  get flag(): number {
    return readI32(this.buffer, this.start + FLAG_AT);
  }
  get queueOffset(): number {
    return readI64(this.buffer, this.start + QUEUE_OFFSET_AT);
  }
  get physicalOffset(): number {
    return readI64(this.buffer, this.start + PHYSICAL_OFFSET_AT);
  }
  get sysFlag(): number {
    return readI32(this.buffer, this.start + SYS_FLAG_AT);
  }
  get bornTimestampMs(): number {
    return readI64(this.buffer, this.start + BORN_TIMESTAMP_AT);
  }
  get bornAddress(): Uint8Array {
    return this.bytes(BORN_HOST_AT, this.layout.storeTimestamp - 4);
  }
  get bornPort(): number {
    return readI32(this.buffer, this.start + this.layout.storeTimestamp - 4);
  }
  get storeTimestampMs(): number {
    return readI64(this.buffer, this.start + this.layout.storeTimestamp);
  }
  get storeAddress(): Uint8Array {
    return this.bytes(this.layout.storeHost, this.layout.reconsumeTimes - 4);
  }
  get storePort(): number {
    return readI32(this.buffer, this.start + this.layout.reconsumeTimes - 4);
  }
  get reconsumeTimes(): number {
    return readI32(this.buffer, this.start + this.layout.reconsumeTimes);
  }
  get preparedTransactionOffset(): number {
    return readI64(this.buffer, this.start + this.layout.preparedTransactionOffset);
  }
  /** As stored, compressed or not. */
  get body(): Uint8Array {
    return this.buffer.subarray(this.parts.bodyStart, this.parts.bodyEnd);
  }
  get topic(): string {
    const { topicStart, topicEnd } = this.parts;
    return bufferOf(this.buffer).toString("utf8", topicStart, topicEnd);
  }
  get properties(): Uint8Array {
    return this.buffer.subarray(this.parts.propertiesStart, this.parts.propertiesEnd);
  }
  /** The whole record's bytes. */
  get raw(): Uint8Array {
    return this.buffer.subarray(this.start, this.start + this.parts.size);
  }

  private bytes(from: number, to: number): Uint8Array {
    return this.buffer.subarray(this.start + from, this.start + to);
  }
}

function bufferOf(bytes: Uint8Array): Buffer {
  return bytes instanceof Buffer
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The record at `start`, which must end by `limit`. Throws DecodeError naming the field and the position. */
export function decodeRecord(
  buffer: Uint8Array,
  start = 0,
  limit = buffer.length,
): MessageRecord {
  const parts = emptyParts();
  const problem = locateParts(buffer, start, limit, parts);
  if (problem !== null) throw new DecodeError(`record at ${start}, ${parts.field}`, problem);
  return new MessageRecord(buffer, start, parts);
}

/** The records that fill `buffer[start…limit)`, as a pull response's body has them. Throws DecodeError. */
export function decodeRecords(
  buffer: Uint8Array,
  start = 0,
  limit = buffer.length,
): MessageRecord[] {
  const records: MessageRecord[] = [];
  for (let at = start; at < limit;) {
    const record = decodeRecord(buffer, at, limit);
    records.push(record);
    at += record.size;
  }
  return records;
}

/** The bytes of a record; the sysFlag's host bits must agree with the addresses. */
export function encodeRecord(fields: RecordFields): Buffer {
  const { magic, sysFlag, body, properties } = fields;
  const topic = Buffer.from(fields.topic, "utf8");
  assert(magic === MAGIC_V1 || magic === MAGIC_V2, "a record has a message's magic");
  assert(topic.length <= (magic === MAGIC_V1 ? 127 : 32767), "the topic fits its length field");
  assert(properties.length <= PROPERTIES_BYTES_MAX, "the properties fit their length field");
  assert(fields.bornAddress.length === addressBytes(sysFlag & BORN_HOST_V6), "born host's flag");
  assert(fields.storeAddress.length === addressBytes(sysFlag & STORE_HOST_V6), "store host's flag");
  const size = recordSize(magic, sysFlag, body.length, topic.length, properties.length);
  const bytes = Buffer.allocUnsafe(size);
  const bodyAt = writeRecordHead(bytes, 0, size, fields, body.length);
  bytes.set(body, bodyAt);
  const propertiesAt = writeRecordTopic(bytes, bodyAt + body.length, magic, topic);
  writeU16(bytes, propertiesAt, properties.length);
  bytes.set(properties, propertiesAt + 2);
  return bytes;
}

function addressBytes(hostBit: number): number {
  return hostBit === 0 ? 4 : 16;
}

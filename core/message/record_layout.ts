// The layout of a record in the CommitLog, which pull responses carry unchanged: one table, every offset derived.
// Writes records field by field into a buffer the caller sized; allocates nothing and checks no bounds.
import { readI32, writeI32, writeI64, writeU16 } from "../bytes/big_endian.ts";
import { TOPIC_BYTES_MAX } from "../limits.ts";
import { BORN_HOST_V6, STORE_HOST_V6 } from "./sys_flag.ts";

/** daa320a7: topic length in one signed byte. */
export const MAGIC_V1 = -626843481;
/** daa320ab: topic length in two bytes, for topics of more than 127 bytes. */
export const MAGIC_V2 = -626843477;
/** cbd43194: the blank record that fills the end of a file; [total size][magic] and then anything. */
export const MAGIC_BLANK = -875286124;
/** The blank record's own fields; a file is rolled when a record and these don't both fit. */
export const BLANK_RECORD_BYTES_MIN = 8;

/** [field, bytes] in disk order; "born" and "store" hosts are 4 or 16 address bytes and a 4-byte port. */
const ROWS = [
  ["totalSize", 4],
  ["magic", 4],
  ["bodyCrc", 4],
  ["queueId", 4],
  ["flag", 4],
  ["queueOffset", 8],
  ["physicalOffset", 8],
  ["sysFlag", 4],
  ["bornTimestamp", 8],
  ["bornHost", BORN_HOST_V6],
  ["storeTimestamp", 8],
  ["storeHost", STORE_HOST_V6],
  ["reconsumeTimes", 4],
  ["preparedTransactionOffset", 8],
  ["bodyLength", 4],
  ["body", 0],
] as const;

type FieldName = typeof ROWS[number][0];

/** Offset of each field from the record's start. After the body: topic length, topic, properties length, properties. */
export type RecordLayout = Readonly<Record<FieldName, number>>;

const HOST_V4_BYTES = 8;
const HOST_V6_BYTES = 20;

function makeLayout(sysFlag: number): RecordLayout {
  const layout: Partial<Record<FieldName, number>> = {};
  let at = 0;
  for (const [name, bytes] of ROWS) {
    layout[name] = at;
    const isHost = name === "bornHost" || name === "storeHost";
    at += !isHost ? bytes : (sysFlag & bytes) !== 0 ? HOST_V6_BYTES : HOST_V4_BYTES;
  }
  return Object.freeze(layout as RecordLayout);
}

const LAYOUTS = [
  makeLayout(0),
  makeLayout(BORN_HOST_V6),
  makeLayout(STORE_HOST_V6),
  makeLayout(BORN_HOST_V6 | STORE_HOST_V6),
] as const;

/** The layout for a sysFlag, whose bits 4 and 5 choose the host lengths. */
export function layoutOf(sysFlag: number): RecordLayout {
  return LAYOUTS[(sysFlag >> 4) & 3]!;
}

// The fields before the first host stand at the same place in every record.
export const TOTAL_SIZE_AT = LAYOUTS[0].totalSize;
export const MAGIC_AT = LAYOUTS[0].magic;
export const BODY_CRC_AT = LAYOUTS[0].bodyCrc;
export const QUEUE_ID_AT = LAYOUTS[0].queueId;
export const FLAG_AT = LAYOUTS[0].flag;
export const QUEUE_OFFSET_AT = LAYOUTS[0].queueOffset;
export const PHYSICAL_OFFSET_AT = LAYOUTS[0].physicalOffset;
export const SYS_FLAG_AT = LAYOUTS[0].sysFlag;
export const BORN_TIMESTAMP_AT = LAYOUTS[0].bornTimestamp;
export const BORN_HOST_AT = LAYOUTS[0].bornHost;

/** The version of a record whose topic has so many bytes: the first has one byte for its length, and that is signed. */
export function magicFor(topicBytes: number): number {
  return topicBytes > TOPIC_BYTES_MAX ? MAGIC_V2 : MAGIC_V1;
}

/** The smallest record there can be: IPv4 hosts and nothing in it. */
export const RECORD_BYTES_MIN = recordSize(MAGIC_V1, 0, 0, 0, 0);

export function topicLengthBytes(magic: number): 1 | 2 {
  return magic === MAGIC_V2 ? 2 : 1;
}

/** Bytes of a record with these parts. */
export function recordSize(
  magic: number,
  sysFlag: number,
  bodyBytes: number,
  topicBytes: number,
  propertiesBytes: number,
): number {
  return layoutOf(sysFlag).body + bodyBytes + topicLengthBytes(magic) + topicBytes + 2 +
    propertiesBytes;
}

/** The numbers and hosts of a record. The hot path keeps one such object and refills it. */
export interface RecordHead {
  /** MAGIC_V1 or MAGIC_V2. */
  magic: number;
  bodyCrc: number;
  queueId: number;
  flag: number;
  queueOffset: number;
  physicalOffset: number;
  /** Its host bits must agree with the addresses' lengths. */
  sysFlag: number;
  bornTimestampMs: number;
  /** 4 or 16 bytes. */
  bornAddress: Uint8Array;
  bornPort: number;
  storeTimestampMs: number;
  /** 4 or 16 bytes. */
  storeAddress: Uint8Array;
  storePort: number;
  reconsumeTimes: number;
  preparedTransactionOffset: number;
}

/** A head to be refilled for every record, with the one thing that stays: the store's own address. */
export function newRecordHead(storeAddress: Uint8Array, storePort: number): RecordHead {
  return {
    magic: MAGIC_V1,
    bodyCrc: 0,
    queueId: 0,
    flag: 0,
    queueOffset: 0,
    physicalOffset: 0,
    sysFlag: 0,
    bornTimestampMs: 0,
    bornAddress: storeAddress,
    bornPort: 0,
    storeTimestampMs: 0,
    storeAddress,
    storePort,
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
  };
}

/** Writes everything before the body's bytes and gives the position where they belong. */
export function writeRecordHead(
  buffer: Uint8Array,
  at: number,
  size: number,
  head: RecordHead,
  bodyBytes: number,
): number {
  writeI32(buffer, at + TOTAL_SIZE_AT, size);
  writeI32(buffer, at + MAGIC_AT, head.magic);
  writeI32(buffer, at + BODY_CRC_AT, head.bodyCrc);
  writeI32(buffer, at + QUEUE_ID_AT, head.queueId);
  writeI32(buffer, at + FLAG_AT, head.flag);
  writeI64(buffer, at + QUEUE_OFFSET_AT, head.queueOffset);
  writeI64(buffer, at + PHYSICAL_OFFSET_AT, head.physicalOffset);
  writeI32(buffer, at + SYS_FLAG_AT, head.sysFlag);
  writeI64(buffer, at + BORN_TIMESTAMP_AT, head.bornTimestampMs);
  let next = writeHost(buffer, at + BORN_HOST_AT, head.bornAddress, head.bornPort);
  writeI64(buffer, next, head.storeTimestampMs);
  next = writeHost(buffer, next + 8, head.storeAddress, head.storePort);
  writeI32(buffer, next, head.reconsumeTimes);
  writeI64(buffer, next + 4, head.preparedTransactionOffset);
  writeI32(buffer, next + 12, bodyBytes);
  return next + 16;
}

/** Writes the address and the 4-byte port; gives the position after them. */
export function writeHost(
  buffer: Uint8Array,
  at: number,
  address: Uint8Array,
  port: number,
): number {
  const length = address.length;
  for (let index = 0; index < length; index++) buffer[at + index] = address[index]!;
  writeI32(buffer, at + length, port);
  return at + length + 4;
}

/** Writes the topic's length and bytes (short: a byte loop); gives the position of the properties' length. */
export function writeRecordTopic(
  buffer: Uint8Array,
  at: number,
  magic: number,
  topic: Uint8Array,
): number {
  const length = topic.length;
  let next = at;
  if (magic === MAGIC_V2) {
    writeU16(buffer, next, length);
    next += 2;
  } else {
    buffer[next++] = length;
  }
  if (length > 24) buffer.set(topic, next);
  else for (let index = 0; index < length; index++) buffer[next + index] = topic[index]!;
  return next + length;
}

/** Writes the two fields of a blank record that stands for `size` bytes. */
export function writeBlankRecord(buffer: Uint8Array, at: number, size: number): void {
  writeI32(buffer, at, size);
  writeI32(buffer, at + MAGIC_AT, MAGIC_BLANK);
}

/** The sysFlag of the record at `start`, without any check. */
export function sysFlagAt(buffer: Uint8Array, start: number): number {
  return readI32(buffer, start + SYS_FLAG_AT);
}

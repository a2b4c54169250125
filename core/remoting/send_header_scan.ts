// The send path's reading of headers without decoding them: where each field of a SEND_MESSAGE (10), SEND_MESSAGE_V2
// (310) or SEND_BATCH_MESSAGE (320) header lies in its frame. Allocates nothing, decides nothing about values, and
// gives up (false) on anything that Apache's, Go's and Node's clients don't write, for the generic decoder to read.
import type { Buffer } from "node:buffer";
import { equalsAt } from "../bytes/same_bytes.ts";
import { uncutCode } from "./codes/cut_codes.ts";
import { SERIALIZE_JSON } from "./command.ts";
import type { Frame } from "./frame.ts";
import {
  asciiBytes,
  BRACE_CLOSE,
  BRACE_OPEN,
  COLON,
  COMMA,
  NO_CODE,
  peekJsonCode,
  QUOTE,
  scanned,
  scanNumber,
  stringEnd,
} from "./json_scan.ts";

export { NO_CODE, parseDecimal } from "./json_scan.ts";
export { unescapeJsonInto } from "./json_unescape.ts";

/** Fields by the letter of SEND_MESSAGE_V2; SEND_MESSAGE's long names are the same fields. */
export const SendField = {
  producerGroup: 0,
  topic: 1,
  defaultTopic: 2,
  defaultTopicQueueNums: 3,
  queueId: 4,
  sysFlag: 5,
  bornTimestamp: 6,
  flag: 7,
  properties: 8,
  reconsumeTimes: 9,
  unitMode: 10,
  maxReconsumeTimes: 11,
  batch: 12,
  brokerName: 13,
} as const;
export type SendField = typeof SendField[keyof typeof SendField];

const FIELDS = 14;
const LETTER_A = 0x61;
const SEND_MESSAGE = 10;
const SEND_MESSAGE_V2 = 310;
const SEND_BATCH_MESSAGE = 320;

/** What a scan found; one object is reused for every frame. Positions index the frame's buffer. */
export interface SendHeader {
  code: number;
  opaque: number;
  flag: number;
  version: number;
  /** [start, end) of field n at 2n and 2n + 1; start is -1 when the field is absent. */
  readonly ranges: Int32Array;
  /** Bit n: field n has JSON escapes, and must go through `unescapeJsonInto`. */
  escaped: number;
}

export function newSendHeader(): SendHeader {
  return {
    code: 0,
    opaque: 0,
    flag: 0,
    version: 0,
    ranges: new Int32Array(FIELDS * 2).fill(-1),
    escaped: 0,
  };
}

/** The code of a frame's header, read without decoding it. Says nothing about whether it is a request. */
export function peekCode(frame: Frame): number {
  const { buffer, headerStart, bodyStart } = frame;
  if (frame.serializeType === SERIALIZE_JSON) return peekJsonCode(buffer, headerStart, bodyStart);
  if (bodyStart - headerStart < 2) return NO_CODE;
  return uncutCode((buffer[headerStart]! << 8 | buffer[headerStart + 1]!) << 16 >> 16);
}

/**
 * Finds the fields of a send header. False: not one of the three codes, or written in an unusual way (unknown fields,
 * white space, a remark, broken bytes); `header` is then undefined in part.
 */
export function scanSendHeader(frame: Frame, header: SendHeader): boolean {
  header.ranges.fill(-1);
  header.escaped = 0;
  header.code = NO_CODE;
  header.opaque = header.flag = header.version = 0;
  return frame.serializeType === SERIALIZE_JSON
    ? scanJson(frame.buffer, frame.headerStart, frame.bodyStart, header)
    : scanBinary(frame.buffer, frame.headerStart, frame.bodyStart, header);
}

/** SEND_MESSAGE's names in the order of SendField; the broker's name is RpcRequestHeader's there. */
const LONG_NAMES = [
  "producerGroup",
  "topic",
  "defaultTopic",
  "defaultTopicQueueNums",
  "queueId",
  "sysFlag",
  "bornTimestamp",
  "flag",
  "properties",
  "reconsumeTimes",
  "unitMode",
  "maxReconsumeTimes",
  "batch",
  "bname",
].map(asciiBytes);

/** The field that a name stands for, or -1. Which of the two spellings a code must use is checked at the end. */
function fieldNamed(buffer: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length === 1) {
    const letter = buffer[start]! - LETTER_A;
    return letter >= 0 && letter < FIELDS ? letter : -1;
  }
  for (let field = 0; field < FIELDS; field++) {
    const name = LONG_NAMES[field]!;
    if (name.length === length && equalsAt(buffer, start, name)) return field;
  }
  return -1;
}

/** One of the three codes, and its fields spelled as that code spells them. */
function isSend(code: number, sawLetters: boolean, sawLongNames: boolean): boolean {
  if (code === SEND_MESSAGE_V2 || code === SEND_BATCH_MESSAGE) return !sawLongNames;
  return code === SEND_MESSAGE && !sawLetters;
}

// ---- binary ----

const BINARY_FIXED_BYTES = 21;

function int32(buffer: Uint8Array, at: number): number {
  return buffer[at]! << 24 | buffer[at + 1]! << 16 | buffer[at + 2]! << 8 | buffer[at + 3]!;
}

function scanBinary(buffer: Buffer, start: number, end: number, header: SendHeader): boolean {
  if (end - start < BINARY_FIXED_BYTES) return false;
  header.code = (buffer[start]! << 8 | buffer[start + 1]!) << 16 >> 16;
  header.version = (buffer[start + 3]! << 8 | buffer[start + 4]!) << 16 >> 16;
  header.opaque = int32(buffer, start + 5);
  header.flag = int32(buffer, start + 9);
  const remarkBytes = int32(buffer, start + 13);
  if (remarkBytes !== 0 || int32(buffer, start + 17) !== end - start - BINARY_FIXED_BYTES) {
    return false;
  }
  const { ranges } = header;
  let sawLetters = false;
  let sawLongNames = false;
  for (let at = start + BINARY_FIXED_BYTES; at < end;) {
    const nameStart = at + 2;
    const nameEnd = nameStart + (buffer[at]! << 8 | buffer[at + 1]!);
    const valueStart = nameEnd + 4;
    if (valueStart > end) return false;
    const valueBytes = int32(buffer, nameEnd);
    const valueEnd = valueStart + valueBytes;
    const field = fieldNamed(buffer, nameStart, nameEnd);
    if (field < 0 || valueBytes < 0 || valueEnd > end) return false;
    if (nameEnd - nameStart === 1) sawLetters = true;
    else sawLongNames = true;
    // An empty string reads as null in Java: the field is absent.
    ranges[field * 2] = valueBytes === 0 ? -1 : valueStart;
    ranges[field * 2 + 1] = valueBytes === 0 ? -1 : valueEnd;
    at = valueEnd;
  }
  return isSend(header.code, sawLetters, sawLongNames);
}

// ---- JSON ----

const KEY_CODE = asciiBytes("code");
const KEY_EXT_FIELDS = asciiBytes("extFields");
const KEY_FLAG = asciiBytes("flag");
const KEY_LANGUAGE = asciiBytes("language");
const KEY_OPAQUE = asciiBytes("opaque");
const KEY_SERIALIZE_TYPE = asciiBytes("serializeTypeCurrentRPC");
const KEY_VERSION = asciiBytes("version");

/** Which spellings the header in hand used; module state, so that nothing is allocated. */
let scanLetters = false;
let scanLongNames = false;

function scanJson(buffer: Buffer, start: number, end: number, header: SendHeader): boolean {
  if (buffer[start] !== BRACE_OPEN) return false;
  scanLetters = scanLongNames = false;
  let at = start;
  do {
    at = scanMember(buffer, at + 1, end, header);
    if (at < 0 || at >= end) return false;
  } while (buffer[at] === COMMA);
  return buffer[at] === BRACE_CLOSE && at === end - 1 &&
    isSend(header.code, scanLetters, scanLongNames);
}

/** One "key":value of the header; gives the position after it, or -1. */
function scanMember(buffer: Buffer, at: number, end: number, header: SendHeader): number {
  if (buffer[at] !== QUOTE) return -1;
  const key = at + 1;
  switch (buffer[key]) {
    case 0x63: // c
      at = keyEnd(buffer, key, KEY_CODE);
      header.code = at < 0 ? 0 : scanNumber(buffer, at, end);
      return at < 0 ? -1 : scanned.end;
    case 0x65: // e
      at = keyEnd(buffer, key, KEY_EXT_FIELDS);
      return at < 0 ? -1 : scanExtFields(buffer, at, end, header);
    case 0x66: // f
      at = keyEnd(buffer, key, KEY_FLAG);
      header.flag = at < 0 ? 0 : scanNumber(buffer, at, end);
      return at < 0 ? -1 : scanned.end;
    case 0x6c: // l
      return scanPlainString(buffer, keyEnd(buffer, key, KEY_LANGUAGE), end);
    case 0x6f: // o
      at = keyEnd(buffer, key, KEY_OPAQUE);
      header.opaque = at < 0 ? 0 : scanNumber(buffer, at, end);
      return at < 0 ? -1 : scanned.end;
    case 0x73: // s
      return scanPlainString(buffer, keyEnd(buffer, key, KEY_SERIALIZE_TYPE), end);
    case 0x76: // v
      at = keyEnd(buffer, key, KEY_VERSION);
      header.version = at < 0 ? 0 : scanNumber(buffer, at, end);
      return at < 0 ? -1 : scanned.end;
    default:
      return -1;
  }
}

/** The position after `key":`, or -1 when the bytes at `at` aren't that. */
function keyEnd(buffer: Buffer, at: number, key: Uint8Array): number {
  if (!equalsAt(buffer, at, key)) return -1;
  at += key.length;
  return buffer[at] === QUOTE && buffer[at + 1] === COLON ? at + 2 : -1;
}

/** A string without escapes; gives the position after it, or -1. */
function scanPlainString(buffer: Buffer, at: number, end: number): number {
  if (at < 0 || buffer[at] !== QUOTE) return -1;
  const close = stringEnd(buffer, at + 1, end);
  return close < 0 || scanned.escaped ? -1 : close + 1;
}

function scanExtFields(buffer: Buffer, at: number, end: number, header: SendHeader): number {
  if (buffer[at] !== BRACE_OPEN) return -1;
  if (buffer[at + 1] === BRACE_CLOSE) return at + 2;
  const { ranges } = header;
  do {
    // At `{` or `,`: "name":"value"
    if (buffer[at + 1] !== QUOTE) return -1;
    const name = at + 2;
    const nameEnd = buffer[name + 1] === QUOTE ? name + 1 : stringEnd(buffer, name, end);
    if (nameEnd < 0 || buffer[nameEnd + 1] !== COLON || buffer[nameEnd + 2] !== QUOTE) return -1;
    const field = fieldNamed(buffer, name, nameEnd);
    if (field < 0) return -1;
    if (nameEnd - name === 1) scanLetters = true;
    else scanLongNames = true;
    const value = nameEnd + 3;
    const close = stringEnd(buffer, value, end);
    if (close < 0) return -1;
    ranges[field * 2] = value;
    ranges[field * 2 + 1] = close;
    if (scanned.escaped) header.escaped |= 1 << field;
    else header.escaped &= ~(1 << field);
    at = close + 1;
  } while (buffer[at] === COMMA);
  return buffer[at] === BRACE_CLOSE ? at + 1 : -1;
}

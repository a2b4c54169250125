// Send requests as whole frames, written in place: a template of what is the same for every message
// of a queue, then the fields that differ. Binary headers with one-letter names (310, 320).
import { Buffer } from "node:buffer";
import { writeI32, writeU16 } from "../bytes/big_endian.ts";
import { AUTO_CREATE_TOPIC } from "../message/topic_names.ts";
import {
  FLAG_ONEWAY,
  LANGUAGE,
  ROCKETMQ_VERSION,
  SERIALIZE_ROCKETMQ,
} from "../remoting/command.ts";
import { languageCode } from "../remoting/language.ts";
import type { MessageQueue } from "./message.ts";

/** Lengths, then the fixed part of the header up to its fields. */
const FIELDS_AT = 29;
const CODE_AT = 8;
const OPAQUE_AT = 13;
const FLAG_AT = 17;
const FIELDS_LENGTH_AT = 25;
const FIELD_HEAD_BYTES = 7;
const DIGITS_MAX = 20;
/** Room for the fields that differ, without the properties' text. */
const VARIABLE_BYTES_MAX = 4 * (FIELD_HEAD_BYTES + DIGITS_MAX);
/** Up to this length text is written byte by byte, which is cheaper than a native call. */
const SHORT_TEXT_MAX = 128;
const CHAR_0 = 0x30;

/** What differs from message to message. */
export interface SendFields {
  sysFlag: number;
  flag: number;
  bornTimestampMs: number;
  /** name \x01 value \x02 … */
  properties: string;
  isBatch: boolean;
  /** One of those that have the one-letter fields. */
  code: number;
  isOneway: boolean;
}

/** What is the same for all messages of a producer to one queue. */
export interface SendTarget {
  group: string;
  queue: MessageQueue;
  autoCreateQueues: number;
  unitMode: boolean;
}

/** The bytes of a frame up to the fields that differ: for one producer group and one queue. */
export function sendTemplate(target: SendTarget): Buffer {
  const fields = fixedFields(target);
  const parts = [Buffer.alloc(FIELDS_AT)];
  for (const [name, value] of fields) {
    const text = Buffer.from(value, "utf8");
    const head = Buffer.alloc(FIELD_HEAD_BYTES);
    writeFieldHead(head, 0, name.charCodeAt(0), text.length);
    parts.push(head, text);
  }
  const template = Buffer.concat(parts);
  template[CODE_AT + 2] = languageCode(LANGUAGE);
  writeU16(template, CODE_AT + 3, ROCKETMQ_VERSION);
  return template;
}

function fixedFields({ group, queue, autoCreateQueues, unitMode }: SendTarget): [string, string][] {
  return [
    ["a", group],
    ["b", queue.topic],
    ["c", AUTO_CREATE_TOPIC],
    ["d", String(autoCreateQueues)],
    ["e", String(queue.queueId)],
    ["j", "0"],
    ["k", String(unitMode)],
    ["n", queue.brokerName],
  ];
}

/** The same fields as a table, for requests that hooks look at. */
export function sendFields(target: SendTarget, fields: SendFields): Map<string, string> {
  return new Map([
    ...fixedFields(target),
    ["f", String(fields.sysFlag)],
    ["g", String(fields.bornTimestampMs)],
    ["h", String(fields.flag)],
    ["i", fields.properties],
    ["m", String(fields.isBatch)],
  ]);
}

/** An upper bound of what `writeSendHead` writes. */
export function sendHeadBytesMax(template: Buffer, fields: SendFields): number {
  return template.length + VARIABLE_BYTES_MAX + 2 * FIELD_HEAD_BYTES + 8 +
    fields.properties.length * 3;
}

/** Writes lengths and header of a request whose body of `bodyBytes` follows; gives its position. */
export function writeSendHead(
  target: Buffer,
  start: number,
  template: Buffer,
  opaque: number,
  fields: SendFields,
  bodyBytes: number,
): number {
  template.copy(target, start);
  writeU16(target, start + CODE_AT, fields.code);
  writeI32(target, start + OPAQUE_AT, opaque);
  writeI32(target, start + FLAG_AT, fields.isOneway ? FLAG_ONEWAY : 0);
  let at = start + template.length;
  at = writeNumber(target, at, LETTER_F, fields.sysFlag);
  at = writeNumber(target, at, LETTER_G, fields.bornTimestampMs);
  at = writeNumber(target, at, LETTER_H, fields.flag);
  at = writeText(target, at, LETTER_I, fields.properties);
  at = writeText(target, at, LETTER_M, fields.isBatch ? "true" : "false");
  const headerBytes = at - start - 8;
  writeI32(target, start, 4 + headerBytes + bodyBytes);
  writeI32(target, start + 4, (SERIALIZE_ROCKETMQ << 24) | headerBytes);
  writeI32(target, start + FIELDS_LENGTH_AT, at - start - FIELDS_AT);
  return at;
}

const LETTER_F = 0x66;
const LETTER_G = 0x67;
const LETTER_H = 0x68;
const LETTER_I = 0x69;
const LETTER_M = 0x6d;

function writeFieldHead(target: Buffer, at: number, letter: number, valueBytes: number): number {
  target[at] = 0;
  target[at + 1] = 1;
  target[at + 2] = letter;
  writeI32(target, at + 3, valueBytes);
  return at + FIELD_HEAD_BYTES;
}

function writeText(target: Buffer, at: number, letter: number, text: string): number {
  const start = at + FIELD_HEAD_BYTES;
  const bytes = writeUtf8(target, start, text);
  writeFieldHead(target, at, letter, bytes);
  return start + bytes;
}

function writeUtf8(target: Buffer, at: number, text: string): number {
  const { length } = text;
  if (length > SHORT_TEXT_MAX) return target.write(text, at, "utf8");
  for (let index = 0; index < length; index++) {
    const char = text.charCodeAt(index);
    if (char >= 0x80) return target.write(text, at, "utf8");
    target[at + index] = char;
  }
  return length;
}

/** A whole number as decimal digits. */
function writeNumber(target: Buffer, at: number, letter: number, value: number): number {
  if (value < 0) return writeText(target, at, letter, String(value));
  let digits = 1;
  for (let bound = 10; value >= bound && digits < DIGITS_MAX; bound *= 10) digits++;
  const start = writeFieldHead(target, at, letter, digits);
  let rest = value;
  for (let index = start + digits - 1; index >= start; index--) {
    const tenth = Math.floor(rest / 10);
    target[index] = CHAR_0 + (rest - tenth * 10);
    rest = tenth;
  }
  return start + digits;
}

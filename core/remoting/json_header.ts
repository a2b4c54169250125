// JSON headers: {"code":…,"extFields":{…},"flag":…,"language":…,"opaque":…,"remark":…,"serializeTypeCurrentRPC":…,
// "version":…}, keys alphabetical, no remark when null, as Apache writes them. Never looks at the body.
import type { Buffer } from "node:buffer";
import { DecodeError } from "../errors.ts";
import type { JsonValue } from "../json/json_value.ts";
import { writeJson } from "../json/json_writer.ts";
import { parseLenientJson } from "../json/lenient_reader.ts";
import { EMPTY_BYTES, LANGUAGE, type RemotingCommand, SERIALIZE_JSON } from "./command.ts";
import { BACKSLASH, BRACE_CLOSE, COLON, QUOTE } from "./json_scan.ts";
import { languageName } from "./language.ts";

/** Longer texts are cheaper by a native call. */
const SHORT_TEXT_MAX = 128;

/** Nothing of a header is trusted before it is read below. */
interface RawHeader {
  code?: unknown;
  extFields?: unknown;
  flag?: unknown;
  language?: unknown;
  opaque?: unknown;
  remark?: unknown;
  version?: unknown;
}

/**
 * Decodes the header in buffer[start, end); the body is left empty. Takes what Java's fastjson takes: quoted numbers,
 * field values that aren't strings, languages by number, missing members. Throws DecodeError.
 */
export function decodeJsonHeader(buffer: Buffer, start: number, end: number): RemotingCommand {
  const text = buffer.toString("utf8", start, end);
  const header = parseHeader(text);
  return {
    code: intMember(header.code, "code"),
    language: languageMember(header.language),
    version: intMember(header.version, "version"),
    opaque: intMember(header.opaque, "opaque"),
    flag: intMember(header.flag, "flag"),
    remark: remarkMember(header.remark),
    extFields: extFieldsMember(header.extFields, text),
    body: EMPTY_BYTES,
    serializeType: SERIALIZE_JSON,
  };
}

function parseHeader(text: string): RawHeader {
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch {
    header = parseLenientJson(text);
  }
  if (!isMap(header)) throw new DecodeError("json header", "not a map");
  return header;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function intMember(value: unknown, name: string): number {
  if (typeof value === "number" && value === (value | 0)) return value;
  if (value === undefined || value === null) return 0;
  const number = Number(value);
  if (typeof value === "object" || value === "" || Math.trunc(number) !== (number | 0)) {
    throw new DecodeError("json header", `${name} is not an int`);
  }
  return number | 0;
}

/** Names that Java doesn't know are kept, where Java has null; numbers are LanguageCode's ordinals. */
function languageMember(value: unknown): string {
  if (typeof value === "string") return value;
  return typeof value === "number" ? languageName(value) : LANGUAGE;
}

function remarkMember(value: unknown): string | null {
  if (value === undefined || value === null) return null;
  return typeof value === "string" ? value : writeJson(value as JsonValue);
}

function extFieldsMember(value: unknown, text: string): Map<string, string> {
  const extFields = new Map<string, string>();
  if (value === undefined || value === null) return extFields;
  if (!isMap(value)) throw new DecodeError("json header", "extFields is not a map");
  for (const name in value) {
    const field = value[name];
    if (typeof field !== "string") return otherFields(text);
    extFields.set(name, field);
  }
  return extFields;
}

/** Values that aren't strings become the text that they were written as; null is absent. Long numbers keep all digits. */
function otherFields(text: string): Map<string, string> {
  const header = parseLenientJson(text) as RawHeader;
  const extFields = new Map<string, string>();
  for (const [name, value] of Object.entries(header.extFields as Record<string, JsonValue>)) {
    if (value !== null) {
      extFields.set(name, typeof value === "string" ? value : writeJson(value));
    }
  }
  return extFields;
}

/** An upper bound of what `encodeJsonHeader` writes: six bytes a UTF-16 unit (\u001f) at worst. */
export function jsonHeaderBytesMax(command: RemotingCommand): number {
  let bytes = 256 + command.language.length * 6 + (command.remark?.length ?? 0) * 6;
  for (const [name, value] of command.extFields) bytes += 6 + (name.length + value.length) * 6;
  return bytes;
}

/** Writes the header at a position and returns its end. Fields keep the order that they were set in. */
export function encodeJsonHeader(command: RemotingCommand, target: Buffer, start: number): number {
  let at = writeAscii(target, start, '{"code":');
  at = writeAscii(target, at, String(command.code));
  let separator = ',"extFields":{';
  for (const [name, value] of command.extFields) {
    at = writeAscii(target, at, separator);
    at = writeQuoted(target, at, name);
    target[at++] = COLON;
    at = writeQuoted(target, at, value);
    separator = ",";
  }
  at = writeAscii(target, at, command.extFields.size > 0 ? '},"flag":' : ',"flag":');
  at = writeAscii(target, at, String(command.flag));
  at = writeAscii(target, at, ',"language":');
  at = writeQuoted(target, at, command.language);
  at = writeAscii(target, at, ',"opaque":');
  at = writeAscii(target, at, String(command.opaque));
  if (command.remark !== null) {
    at = writeAscii(target, at, ',"remark":');
    at = writeQuoted(target, at, command.remark);
  }
  at = writeAscii(target, at, ',"serializeTypeCurrentRPC":"JSON","version":');
  at = writeAscii(target, at, String(command.version));
  target[at] = BRACE_CLOSE;
  return at + 1;
}

/** Byte by byte: cheaper than a native call for texts as short as a header's. */
function writeAscii(target: Buffer, at: number, text: string): number {
  for (let i = 0; i < text.length; i++) target[at + i] = text.charCodeAt(i);
  return at + text.length;
}

/** Plain ASCII as it is; anything else by JSON.stringify, which escapes exactly as fastjson 2. */
function writeQuoted(target: Buffer, at: number, text: string): number {
  if (text.length > SHORT_TEXT_MAX) return at + target.write(JSON.stringify(text), at, "utf8");
  target[at] = QUOTE;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (char < 0x20 || char === QUOTE || char === BACKSLASH || char >= 0x7f) {
      return at + target.write(JSON.stringify(text), at, "utf8");
    }
    target[at + 1 + i] = char;
  }
  target[at + 1 + text.length] = QUOTE;
  return at + 2 + text.length;
}

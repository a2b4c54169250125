// Binary (ROCKETMQ) headers: code 2, language 1, version 2, opaque 4, flag 4, remark length 4 + bytes, ext length 4,
// then fields of key length 2 + key, value length 4 + value; big-endian, UTF-8 (Java: RocketMQSerializable).
// Reads lengths against the header's end before anything is allocated; never looks at the body.
import type { Buffer } from "node:buffer";
import { DecodeError, RequestError } from "../errors.ts";
import { uncutCode } from "./codes/cut_codes.ts";
import { EMPTY_BYTES, FLAG_RESPONSE, type RemotingCommand, SERIALIZE_ROCKETMQ } from "./command.ts";
import { languageCode, languageName } from "./language.ts";
import { cachedName } from "./name_cache.ts";
import { ResponseCode } from "./response_codes.ts";

const FIXED_BYTES = 21;
const KEY_BYTES_MAX = 32767;
const SHORT_TEXT_MAX = 128;

/**
 * Decodes the header in buffer[start, end); the body is left empty. Request codes that were cut to a short are whole
 * again. Throws DecodeError.
 */
export function decodeBinaryHeader(buffer: Buffer, start: number, end: number): RemotingCommand {
  if (end - start < FIXED_BYTES) throw new DecodeError("binary header", "shorter than 21 bytes");
  const remarkStart = start + 17;
  const remarkBytes = checkedLength(int32(buffer, start + 13), remarkStart, end - 4, "remark");
  const remarkEnd = remarkStart + remarkBytes;
  const extStart = remarkEnd + 4;
  const extBytes = checkedLength(int32(buffer, remarkEnd), extStart, end, "extFields");
  const code = int16(buffer, start);
  const flag = int32(buffer, start + 9);
  return {
    code: (flag & FLAG_RESPONSE) === 0 ? uncutCode(code) : code,
    language: languageName(buffer[start + 2]!),
    version: int16(buffer, start + 3),
    opaque: int32(buffer, start + 5),
    flag,
    remark: remarkBytes === 0 ? null : buffer.toString("utf8", remarkStart, remarkEnd),
    extFields: decodeExtFields(buffer, extStart, extStart + extBytes),
    body: EMPTY_BYTES,
    serializeType: SERIALIZE_ROCKETMQ,
  };
}

function checkedLength(length: number, start: number, end: number, what: string): number {
  if (length < 0 || start + length > end) {
    throw new DecodeError("binary header", `${what} length ${length} passes the header's end`);
  }
  return length;
}

/** Up to this length the fields are cut from one decoded string, which they then keep alive. */
const SHARED_TEXT_BYTES_MAX = 2048;

function decodeExtFields(buffer: Buffer, start: number, end: number): Map<string, string> {
  const extFields = new Map<string, string>();
  if (start === end) return extFields;
  // One native call instead of one a field. As many characters as bytes: each byte is one, so positions agree.
  const text = end - start > SHARED_TEXT_BYTES_MAX ? "" : buffer.toString("utf8", start, end);
  const isShared = text.length === end - start;
  for (let at = start; at < end;) {
    if (at + 2 > end) throw new DecodeError("binary header", "a field is cut off");
    const nameStart = at + 2;
    const nameEnd = nameStart + checkedLength(int16(buffer, at), nameStart, end - 4, "name");
    const valueStart = nameEnd + 4;
    const valueEnd = valueStart + checkedLength(int32(buffer, nameEnd), valueStart, end, "value");
    // An empty string reads as null in Java: the field is absent.
    if (valueEnd > valueStart) {
      extFields.set(
        cachedName(buffer, nameStart, nameEnd),
        isShared
          ? text.slice(valueStart - start, valueEnd - start)
          : buffer.toString("utf8", valueStart, valueEnd),
      );
    }
    at = valueEnd;
  }
  return extFields;
}

function int16(buffer: Buffer, at: number): number {
  return (buffer[at]! << 8 | buffer[at + 1]!) << 16 >> 16;
}

function int32(buffer: Buffer, at: number): number {
  return buffer[at]! << 24 | buffer[at + 1]! << 16 | buffer[at + 2]! << 8 | buffer[at + 3]!;
}

/** An upper bound of what `encodeBinaryHeader` writes. */
export function binaryHeaderBytesMax(command: RemotingCommand): number {
  let bytes = FIXED_BYTES + (command.remark?.length ?? 0) * 3;
  for (const [key, value] of command.extFields) bytes += 6 + (key.length + value.length) * 3;
  return bytes;
}

/** Writes the header at a position and returns its end. Codes above 32767 are cut to a short, as Java cuts them. */
export function encodeBinaryHeader(
  command: RemotingCommand,
  target: Buffer,
  start: number,
): number {
  target.writeUInt16BE(command.code & 0xffff, start);
  target[start + 2] = languageCode(command.language);
  target.writeUInt16BE(command.version & 0xffff, start + 3);
  target.writeInt32BE(command.opaque | 0, start + 5);
  target.writeInt32BE(command.flag | 0, start + 9);
  const extLengthAt = writeText(target, start + 13, command.remark ?? "");
  let at = extLengthAt + 4;
  for (const [key, value] of command.extFields) {
    const keyBytes = writeUtf8(target, at + 2, key);
    if (keyBytes > KEY_BYTES_MAX) {
      throw new RequestError(ResponseCode.SYSTEM_ERROR, "a field name is too long for a header");
    }
    target.writeInt16BE(keyBytes, at);
    at = writeText(target, at + 2 + keyBytes, value);
  }
  target.writeInt32BE(at - extLengthAt - 4, extLengthAt);
  return at;
}

/** A 4-byte length and the text; returns the end. */
function writeText(target: Buffer, at: number, text: string): number {
  const bytes = writeUtf8(target, at + 4, text);
  target.writeInt32BE(bytes, at);
  return at + 4 + bytes;
}

/** Returns the bytes written. Short ASCII goes byte by byte, which is cheaper than a native call. */
function writeUtf8(target: Buffer, at: number, text: string): number {
  const { length } = text;
  if (length > SHORT_TEXT_MAX) return target.write(text, at, "utf8");
  for (let i = 0; i < length; i++) {
    const char = text.charCodeAt(i);
    if (char >= 0x80) return target.write(text, at, "utf8");
    target[at + i] = char;
  }
  return length;
}

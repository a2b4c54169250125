// Binary (ROCKETMQ) headers: code 2, language 1, version 2, opaque 4, flag 4, remark length 4 + bytes, ext length 4,
// then fields of key length 2 + key, value length 4 + value; big-endian, UTF-8 (Java: RocketMQSerializable).
// Reads lengths against the header's end before anything is allocated; never looks at the body.
import type { Buffer } from "node:buffer";
import { DecodeError } from "../errors.ts";
import { EMPTY_BYTES, type RemotingCommand, SERIALIZE_ROCKETMQ } from "./command.ts";
import { languageCode, languageName } from "./language.ts";

const FIXED_BYTES = 21;
const KEY_BYTES_MAX = 32767;

/** Decodes the header in buffer[start, end); the body is left empty. Throws DecodeError. */
export function decodeBinaryHeader(buffer: Buffer, start: number, end: number): RemotingCommand {
  if (end - start < FIXED_BYTES) throw new DecodeError("binary header", "shorter than 21 bytes");
  const remarkStart = start + 17;
  const remarkEnd = remarkStart +
    checkedLength(buffer.readInt32BE(start + 13), remarkStart, end - 4, "remark");
  const extStart = remarkEnd + 4;
  const extEnd = extStart +
    checkedLength(buffer.readInt32BE(remarkEnd), extStart, end, "extFields");
  return {
    code: buffer.readInt16BE(start),
    language: languageName(buffer[start + 2]!),
    version: buffer.readInt16BE(start + 3),
    opaque: buffer.readInt32BE(start + 5),
    flag: buffer.readInt32BE(start + 9),
    remark: remarkEnd === remarkStart ? null : buffer.toString("utf8", remarkStart, remarkEnd),
    extFields: decodeExtFields(buffer, extStart, extEnd),
    body: EMPTY_BYTES,
    serializeType: SERIALIZE_ROCKETMQ,
  };
}

/** Java takes an ext length that is zero or negative as "none"; a negative remark length is an error there too. */
function checkedLength(length: number, start: number, end: number, what: string): number {
  if (length < 0 || start + length > end) {
    throw new DecodeError("binary header", `${what} length ${length} passes the header's end`);
  }
  return length;
}

function decodeExtFields(buffer: Buffer, start: number, end: number): Map<string, string> {
  const extFields = new Map<string, string>();
  for (let at = start; at < end;) {
    if (at + 2 > end) throw new DecodeError("binary header", "a field is cut off");
    const keyStart = at + 2;
    const keyEnd = keyStart + checkedLength(buffer.readInt16BE(at), keyStart, end - 4, "key");
    const valueStart = keyEnd + 4;
    const valueEnd = valueStart +
      checkedLength(buffer.readInt32BE(keyEnd), valueStart, end, "value");
    extFields.set(slice(buffer, keyStart, keyEnd), slice(buffer, valueStart, valueEnd));
    at = valueEnd;
  }
  return extFields;
}

function slice(buffer: Buffer, start: number, end: number): string {
  return start === end ? "" : buffer.toString("utf8", start, end);
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
    const keyBytes = target.write(key, at + 2, "utf8");
    if (keyBytes > KEY_BYTES_MAX) {
      throw new DecodeError("binary header", "a field name is too long");
    }
    target.writeInt16BE(keyBytes, at);
    at = writeText(target, at + 2 + keyBytes, value);
  }
  target.writeInt32BE(at - extLengthAt - 4, extLengthAt);
  return at;
}

/** A 4-byte length and the text; returns the end. */
function writeText(target: Buffer, at: number, text: string): number {
  const bytes = text === "" ? 0 : target.write(text, at + 4, "utf8");
  target.writeInt32BE(bytes, at);
  return at + 4 + bytes;
}

// JSON headers: {"code":…,"extFields":{…},"flag":…,"language":…,"opaque":…,"remark":…,"serializeTypeCurrentRPC":…,
// "version":…}, keys alphabetical, no remark when null, as Apache writes them. Never looks at the body.
import type { Buffer } from "node:buffer";
import { DecodeError } from "../errors.ts";
import { EMPTY_BYTES, type RemotingCommand, SERIALIZE_JSON } from "./command.ts";

interface JsonHeader {
  code?: number;
  extFields?: Record<string, string> | null;
  flag?: number;
  language?: string;
  opaque?: number;
  remark?: string | null;
  version?: number;
}

/** Decodes the header in buffer[start, end); the body is left empty. Throws DecodeError. */
export function decodeJsonHeader(buffer: Buffer, start: number, end: number): RemotingCommand {
  let header: JsonHeader;
  try {
    header = JSON.parse(buffer.toString("utf8", start, end)) as JsonHeader;
  } catch (error) {
    throw new DecodeError("json header", "not JSON", { cause: error });
  }
  const extFields = new Map<string, string>();
  for (const key in header.extFields) extFields.set(key, header.extFields[key]!);
  return {
    code: header.code ?? 0,
    language: header.language ?? "OTHER",
    version: header.version ?? 0,
    opaque: header.opaque ?? 0,
    flag: header.flag ?? 0,
    remark: header.remark ?? null,
    extFields,
    body: EMPTY_BYTES,
    serializeType: SERIALIZE_JSON,
  };
}

/** An upper bound of what `encodeJsonHeader` writes: six bytes a UTF-16 unit (\u001f) at worst. */
export function jsonHeaderBytesMax(command: RemotingCommand): number {
  let bytes = 256 + command.language.length * 6 + (command.remark?.length ?? 0) * 6;
  for (const [key, value] of command.extFields) bytes += 6 + (key.length + value.length) * 6;
  return bytes;
}

/** Writes the header at a position and returns its end. */
export function encodeJsonHeader(command: RemotingCommand, target: Buffer, start: number): number {
  let text = `{"code":${command.code}`;
  if (command.extFields.size > 0) {
    let separator = ',"extFields":{';
    for (const [key, value] of command.extFields) {
      text += `${separator}${JSON.stringify(key)}:${JSON.stringify(value)}`;
      separator = ",";
    }
    text += "}";
  }
  text += `,"flag":${command.flag},"language":${JSON.stringify(command.language)}`;
  text += `,"opaque":${command.opaque}`;
  if (command.remark !== null) text += `,"remark":${JSON.stringify(command.remark)}`;
  text += `,"serializeTypeCurrentRPC":"JSON","version":${command.version}}`;
  return start + target.write(text, start, "utf8");
}

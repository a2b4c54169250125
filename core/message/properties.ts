// Message properties as text and bytes: name \x01 value \x02 …, the last \x02 optional when reading.
// An entry without a name or a value is dropped and the last duplicate wins, as MessageDecoder reads them.
import { Buffer } from "node:buffer";

export const NAME_END = 1;
export const ENTRY_END = 2;
const NAME_END_TEXT = "\x01";
const ENTRY_END_TEXT = "\x02";

/** The properties by name. Never fails: what has no name or no value isn't there. */
export function parseProperties(source: Uint8Array | string): Map<string, string> {
  const text = typeof source === "string" ? source : utf8(source);
  const properties = new Map<string, string>();
  for (let at = 0; at < text.length;) {
    let end = text.indexOf(ENTRY_END_TEXT, at);
    if (end < 0) end = text.length;
    const nameEnd = text.indexOf(NAME_END_TEXT, at);
    if (nameEnd > at && nameEnd < end - 1) {
      properties.set(text.slice(at, nameEnd), text.slice(nameEnd + 1, end));
    }
    at = end + 1;
  }
  return properties;
}

/** The properties as text, each entry ended; empty values are written, as Apache does. */
export function formatProperties(properties: Iterable<readonly [string, string]>): string {
  let text = "";
  for (const [name, value] of properties) text += name + NAME_END_TEXT + value + ENTRY_END_TEXT;
  return text;
}

export function encodeProperties(properties: Iterable<readonly [string, string]>): Buffer {
  return Buffer.from(formatProperties(properties), "utf8");
}

function utf8(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
}

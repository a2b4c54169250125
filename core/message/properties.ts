// Message properties as text and bytes: name \x01 value \x02 …, the last \x02 optional when reading.
// An entry without a name or a value is dropped and the last duplicate wins, as MessageDecoder reads them.
import { Buffer } from "node:buffer";

export const NAME_END = 1;
export const ENTRY_END = 2;
const NAME_END_TEXT = "\x01";
const ENTRY_END_TEXT = "\x02";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
/** Names by their place in the last message: the next one mostly has the same, and they are hashed already. */
const NAMES_KEPT_MAX = 16;
const lastNames: string[] = new Array(NAMES_KEPT_MAX).fill("");

/** The properties by name. Never fails: what has no name or no value isn't there. */
export function parseProperties(source: Uint8Array | string): Map<string, string> {
  const text = typeof source === "string" ? source : decoder.decode(source);
  const properties = new Map<string, string>();
  for (let at = 0, place = 0; at < text.length; place++) {
    let end = text.indexOf(ENTRY_END_TEXT, at);
    if (end < 0) end = text.length;
    const nameEnd = text.indexOf(NAME_END_TEXT, at);
    if (nameEnd > at && nameEnd < end - 1) {
      properties.set(nameAt(text, at, nameEnd, place), text.slice(nameEnd + 1, end));
    }
    at = end + 1;
  }
  return properties;
}

function nameAt(text: string, at: number, end: number, place: number): string {
  if (place >= NAMES_KEPT_MAX) return text.slice(at, end);
  const last = lastNames[place]!;
  if (last.length === end - at && text.startsWith(last, at)) return last;
  return lastNames[place] = text.slice(at, end);
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

// Whether the text of a config/*.json can be what a broker saved: JSON as Apache writes it, an object, and for the tables
// that nothing else can replace, with what they are there for. Pure; knows no more of their contents.
import { DecodeError } from "../../core/errors.ts";
import { parseLenientJson } from "../../core/json/lenient_reader.ts";

/** Without its key a file would pass for an empty table, and what it held would be lost without a word. */
const KEYS: Readonly<Record<string, string>> = {
  "topics.json": "topicConfigTable",
  "subscriptionGroup.json": "subscriptionGroupTable",
  "consumerOffset.json": "offsetTable",
  "delayOffset.json": "offsetTable",
};

/** `path` may end in .bak. */
export function isWholeTable(path: string, text: string): boolean {
  if (!/^\s*[{[]/.test(text)) return false;
  const table = parsed(text);
  if (typeof table !== "object" || table === null) return false;
  const key = KEYS[path.slice(path.lastIndexOf("/") + 1).replace(/\.bak$/, "")];
  if (key === undefined) return true;
  if (Array.isArray(table)) return false;
  return key in table || Object.keys(table).length === 0;
}

function parsed(text: string): unknown {
  try {
    return parseLenientJson(text);
  } catch (error) {
    if (error instanceof DecodeError) return null;
    throw error;
  }
}

// Whether the text of a config/*.json can be what a broker saved: JSON as Apache writes it, an object, and its table with
// what it is there for. Pure; knows no more of their contents.
import { basename } from "node:path";
import { DecodeError } from "../../core/errors.ts";
import { parseLenientJson } from "../../core/json/lenient_reader.ts";

interface TableShape {
  /** Where the table stands in the file. */
  key: string;
  /** Without its key a file would pass for an empty table, and what it held would be lost without a word. */
  isNeeded: boolean;
  /** Its entries are objects; a number or null among them would keep the broker from starting. */
  hasObjects: boolean;
}

const SHAPES: Readonly<Record<string, TableShape>> = {
  "topics.json": { key: "topicConfigTable", isNeeded: true, hasObjects: true },
  "subscriptionGroup.json": { key: "subscriptionGroupTable", isNeeded: true, hasObjects: true },
  "consumerOffset.json": { key: "offsetTable", isNeeded: true, hasObjects: true },
  "lmqConsumerOffset.json": { key: "offsetTable", isNeeded: false, hasObjects: true },
  "delayOffset.json": { key: "offsetTable", isNeeded: true, hasObjects: false },
  "consumerFilter.json": { key: "filterDataByTopic", isNeeded: false, hasObjects: true },
  "consumerOrderInfo.json": { key: "table", isNeeded: false, hasObjects: true },
  "messageRequestMode.json": { key: "messageRequestModeMap", isNeeded: false, hasObjects: true },
  "timermetrics": { key: "timingCount", isNeeded: false, hasObjects: true },
};

/** `path` may end in .bak. */
export function isWholeTable(path: string, text: string): boolean {
  if (!/^\s*[{[]/.test(text)) return false;
  const file = parsed(text);
  if (typeof file !== "object" || file === null) return false;
  const shape = SHAPES[basename(path).replace(/\.bak$/, "")];
  if (shape === undefined) return true;
  if (!isPlainObject(file)) return false;
  const { hasObjects, isNeeded, key } = shape;
  if (!(key in file)) return !isNeeded || Object.keys(file).length === 0;
  const table = file[key];
  return isPlainObject(table) && (!hasObjects || Object.values(table).every(isPlainObject));
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parsed(text: string): unknown {
  try {
    return parseLenientJson(text);
  } catch (error) {
    if (error instanceof DecodeError) return null;
    throw error;
  }
}

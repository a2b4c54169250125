// JSON as Apache's tools print it: keys sorted, tabs, an empty object over three lines, map keys that are numbers bare.
// For showing only; core/json writes what goes on the wire.
import type { JsonValue } from "../../core/json/json_value.ts";
import { JsonDouble, LenientMap } from "../../core/json/json_value.ts";
import { writeJson } from "../../core/json/json_writer.ts";

/** fastjson's toJSONString(value, true) with keys of objects in alphabetical order. */
export function fastjsonText(value: JsonValue, indent = ""): string {
  if (Array.isArray(value)) {
    return block("[", "]", value.map((item) => fastjsonText(item, `${indent}\t`)), indent);
  }
  if (value instanceof LenientMap) {
    const members = value.entries.map(([key, item]) => member(writeJson(key), item, indent));
    return block("{", "}", members, indent, true);
  }
  if (typeof value !== "object" || value === null || value instanceof JsonDouble) {
    return writeJson(value);
  }
  const members = Object.keys(value).sort()
    .filter((key) => value[key] !== undefined && value[key] !== null)
    .map((key) => member(JSON.stringify(key), value[key]!, indent));
  return block("{", "}", members, indent, true);
}

function member(key: string, value: JsonValue, indent: string): string {
  return `${key}:${fastjsonText(value, `${indent}\t`)}`;
}

function block(
  open: string,
  close: string,
  parts: string[],
  indent: string,
  opensWhenEmpty = false,
): string {
  if (parts.length === 0 && !opensWhenEmpty) return `${open}${close}`;
  const inner = `${indent}\t`;
  return `${open}\n${inner}${parts.join(`,\n${inner}`)}\n${indent}${close}`;
}

/** The keys of an object in alphabetical order, all the way down, on one line: toJSONString(value). */
export function fastjsonLine(value: JsonValue): string {
  return writeJson(sorted(value));
}

function sorted(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof LenientMap || value instanceof JsonDouble) return value;
  const keys = Object.keys(value).sort().filter((key) => value[key] !== undefined);
  return Object.fromEntries(keys.map((key) => [key, sorted(value[key]!)]));
}

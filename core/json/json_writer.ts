// Writes JSON as Apache's peers write and read it: no white space, keys in the order given, maps with bare integer or
// object keys where a LenientMap says so. Text without such values equals JSON.stringify's.
import { JsonDouble, type JsonObject, type JsonValue, LenientMap } from "./json_value.ts";

export function writeJson(value: JsonValue): string {
  if (value === null) return "null";
  switch (typeof value) {
    case "string":
      return JSON.stringify(value);
    case "number":
      return Number.isFinite(value) ? String(value) : "null";
    case "boolean":
    case "bigint":
      return String(value);
    default:
      return writeComposite(value);
  }
}

function writeComposite(value: JsonValue[] | JsonObject | LenientMap | JsonDouble): string {
  if (Array.isArray(value)) return `[${value.map(writeJson).join(",")}]`;
  if (value instanceof JsonDouble) return writeDouble(value.value);
  return value instanceof LenientMap ? writeMap(value) : writeObject(value);
}

function writeObject(object: JsonObject): string {
  let text = "";
  for (const key in object) {
    const value = object[key];
    if (value !== undefined) text += `,${JSON.stringify(key)}:${writeJson(value)}`;
  }
  return `{${text.slice(1)}}`;
}

function writeMap(map: LenientMap): string {
  const members = map.entries.map(([key, value]) => `${writeJson(key)}:${writeJson(value)}`);
  return `{${members.join(",")}}`;
}

/** As Java's Double.toString: always a fraction, and E notation from 10^7 and below 10^-3. */
function writeDouble(value: number): string {
  if (!Number.isFinite(value)) return "null";
  const size = Math.abs(value);
  if (size === 0) return Object.is(value, -0) ? "-0.0" : "0.0";
  if (size >= 1e-3 && size < 1e7) return Number.isInteger(value) ? `${value}.0` : String(value);
  const [digits, exponent] = value.toExponential().split("e") as [string, string];
  return `${digits.includes(".") ? digits : `${digits}.0`}E${Number(exponent)}`;
}

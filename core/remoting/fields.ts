// Typed fields of a row to and from extFields. Knows no request code: the field table says what is mandatory.
// Values on the wire are strings as Java's toString writes them.
import { RequestError } from "../errors.ts";
import type { Field, Fields, FieldsOf } from "./code_row.ts";
import { ResponseCode } from "./response_codes.ts";

const LONG_MAX = 2 ** 63;
const INT_MAX = 2 ** 31 - 1;
const INT_MIN = -(2 ** 31);

/** Java takes leading zeros; nobody writes so many. */
const INTEGER_CHARS_MAX = 40;

type FieldValue = string | number | boolean;

interface PlannedField {
  name: string;
  field: Field;
}

/** Object.entries once a row, not once a request. */
const plans = new WeakMap<Fields, PlannedField[]>();

function planOf(fields: Fields): PlannedField[] {
  let plan = plans.get(fields);
  if (plan === undefined) {
    plan = Object.entries(fields).map(([name, field]) => ({ name, field }));
    plans.set(fields, plan);
  }
  return plan;
}

/**
 * The typed fields of a command. A missing or malformed required field is refused with the code that a 5.4.0 broker
 * answers (SYSTEM_ERROR but for the rows that say otherwise: its processors read null and fail on it) and a remark
 * that names the field. A malformed optional field reads as absent, as in Java's decodeCommandCustomHeader, unless its
 * header is strict. Throws RequestError.
 */
export function decodeFields<F extends Fields>(
  fields: F,
  extFields: ReadonlyMap<string, string>,
): FieldsOf<F> {
  const values: Record<string, FieldValue> = {};
  for (const { name, field } of planOf(fields)) {
    const text = extFields.get(name);
    const value = text === undefined ? undefined : parseField(field, text);
    if (value !== undefined) {
      values[name] = value;
    } else if (field.required || (field.strict && text !== undefined)) {
      throw refusal(name, field, text);
    } else if (field.fallback !== undefined) {
      values[name] = field.fallback;
    }
  }
  return values as FieldsOf<F>;
}

function refusal(name: string, field: Field, text: string | undefined): RequestError {
  const code = field.refusalCode ?? ResponseCode.SYSTEM_ERROR;
  const problem = text === undefined ? "null" : `not ${withArticle(field.kind)}`;
  return new RequestError(code, `the custom field <${name}> is ${problem}`);
}

function withArticle(kind: string): string {
  return kind === "int" ? "an int" : `a ${kind}`;
}

/** Undefined when the text isn't one of the kind. */
function parseField(field: Field, text: string): FieldValue | undefined {
  switch (field.kind) {
    case "string":
      return text;
    case "boolean":
      // Java: Boolean.parseBoolean, everything else is false.
      return text === "true" || text.toLowerCase() === "true";
    case "int":
      return parseInteger(text, INT_MIN, INT_MAX);
    case "long":
      return parseInteger(text, -LONG_MAX, LONG_MAX);
    case "double":
      return parseDouble(text);
  }
}

function parseInteger(text: string, min: number, max: number): number | undefined {
  let at = 0;
  const first = text.charCodeAt(0);
  if (first === 0x2d || first === 0x2b) at = 1;
  if (text.length === at || text.length > INTEGER_CHARS_MAX) return undefined;
  for (let i = at; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return undefined;
  }
  const value = Number(text);
  return value >= min && value <= max ? value : undefined;
}

function parseDouble(text: string): number | undefined {
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  if (trimmed === "NaN") return NaN;
  const value = Number(trimmed);
  return Number.isNaN(value) ? undefined : value;
}

/** extFields for the given values, in the row's order; undefined values are left out. */
export function encodeFields<F extends Fields>(
  fields: F,
  values: Partial<FieldsOf<F>>,
): Map<string, string> {
  const extFields = new Map<string, string>();
  const given = values as Record<string, FieldValue | undefined>;
  for (const { name, field } of planOf(fields)) {
    const value = given[name];
    if (value !== undefined) extFields.set(name, formatField(field, value));
  }
  return extFields;
}

function formatField(field: Field, value: FieldValue): string {
  if (field.kind !== "long" || typeof value !== "number" || Number.isSafeInteger(value)) {
    return String(value);
  }
  return formatHugeLong(value);
}

/** Long.MAX_VALUE and its like have no exact double: what rounds up to 2^63 is written as the largest long. */
function formatHugeLong(value: number): string {
  if (value >= LONG_MAX) return "9223372036854775807";
  if (value <= -LONG_MAX) return "-9223372036854775808";
  return BigInt(Math.trunc(value)).toString();
}

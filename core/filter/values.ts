// What a filter's operands give, and how two of them compare: Java's rules, where strings are read as whatever they are
// compared with (Java: ComparisonExpression.__compare). Allocates only for whole numbers; never throws.
import { compareDoubles, parseDouble, parseWhole, WholeNumber } from "./java_numbers.ts";

/** A number is a Double, a WholeNumber an Integer or a Long; properties are strings; null is what isn't there. */
export type Value = null | boolean | string | number | WholeNumber;

/** What compareValues gives where Java throws: the message then isn't for the consumer, even below a NOT. */
export const UNCOMPARABLE = NaN;

/** Below 0, 0 or above 0; NaN where Java throws. Neither may be null. */
export function compareValues(left: Value, right: Value): number {
  if (typeof left === "string") {
    if (typeof right === "string") return left < right ? -1 : left > right ? 1 : 0;
    if (typeof right === "boolean") return Number(left.toLowerCase() === "true") - Number(right);
    const read = readLike(left, right);
    return read === null ? UNCOMPARABLE : compareNumbers(read, right as number | WholeNumber);
  }
  if (typeof left === "boolean") {
    if (typeof right === "boolean") return Number(left) - Number(right);
    // Apache casts the wrong side there and fails.
    return typeof right === "string" ? UNCOMPARABLE : -1;
  }
  if (typeof right === "boolean") return -1;
  if (typeof right === "string") {
    const read = readLike(right, left);
    return read === null ? UNCOMPARABLE : compareNumbers(left as number | WholeNumber, read);
  }
  return compareNumbers(left as number | WholeNumber, right as number | WholeNumber);
}

/** A string read as the kind of number that the other side is. */
function readLike(text: string, other: Value): number | WholeNumber | null {
  return other instanceof WholeNumber ? parseWhole(text, other.isLong) : parseDouble(text);
}

function compareNumbers(left: number | WholeNumber, right: number | WholeNumber): number {
  if (left instanceof WholeNumber && right instanceof WholeNumber) {
    return left.value < right.value ? -1 : left.value > right.value ? 1 : 0;
  }
  return compareDoubles(asDouble(left), asDouble(right));
}

function asDouble(value: number | WholeNumber): number {
  return typeof value === "number" ? value : Number(value.value);
}

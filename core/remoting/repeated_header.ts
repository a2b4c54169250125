// Headers that a peer writes again and again, all bytes the same but for some whole numbers: learned from one that was
// decoded, and read from then on by comparing bytes. Never takes a header whose decoding could give anything else.
import { Buffer } from "node:buffer";
import { equalsAt } from "../bytes/same_bytes.ts";
import { SERIALIZE_JSON } from "./command.ts";
import type { Frame } from "./frame.ts";
import { BRACE_CLOSE, COMMA, DIGIT_0, QUOTE } from "./json_scan.ts";

/** Longer ones aren't learned: a form keeps the header's bytes. */
export const REPEATED_HEADER_BYTES_MAX = 1024;
/** More digits may be beyond 2^53. */
const DIGITS_MAX = 15;
const INT_MAX = 2 ** 31 - 1;

/** A number of a header: `"name":"123"` among its fields, or `"name":123` of the header itself. */
export interface RepeatedNumber {
  readonly name: string;
  readonly isField: boolean;
  readonly isInt: boolean;
}

interface Place {
  /** Of the number in `numbers`. */
  readonly index: number;
  readonly start: number;
  readonly end: number;
}

export class RepeatedHeader {
  private constructor(
    /** What stands before each number, in the order of the header, and behind the last. */
    private readonly literals: readonly Uint8Array[],
    /** For each number of the header, in its order, its index in `numbers`. */
    private readonly order: readonly number[],
    private readonly numbers: readonly RepeatedNumber[],
  ) {}

  /** The form of a JSON header without a body; null where a number stands twice, or something isn't plain. */
  static of(frame: Frame, numbers: readonly RepeatedNumber[]): RepeatedHeader | null {
    const { bodyStart, buffer, end, headerStart, serializeType } = frame;
    if (serializeType !== SERIALIZE_JSON || bodyStart !== end) return null;
    if (bodyStart - headerStart > REPEATED_HEADER_BYTES_MAX) return null;
    const text = buffer.toString("latin1", headerStart, bodyStart);
    // An escaped name could stand for a number's, and be the one that counts.
    if (text.includes("\\") || !isStrictJson(text)) return null;
    const places: Place[] = [];
    for (const [index, { isField, name }] of numbers.entries()) {
      const before = isField ? `"${name}":"` : `"${name}":`;
      const at = text.indexOf(before);
      if (at < 0) continue;
      if (text.indexOf(before, at + 1) >= 0) return null;
      const start = at + before.length;
      let after = start;
      while (isDigit(text.charCodeAt(after))) after++;
      if (!endsNumber(text.charCodeAt(after), isField)) return null;
      places.push({ index, start, end: after });
    }
    places.sort((one, other) => one.start - other.start);
    const bytes = Buffer.from(text, "latin1");
    let from = 0;
    const literals = places.map((place) => {
      const literal = Uint8Array.from(bytes.subarray(from, place.start));
      from = place.end;
      return literal;
    });
    literals.push(Uint8Array.from(bytes.subarray(from)));
    return new RepeatedHeader(literals, places.map(({ index }) => index), numbers);
  }

  /**
   * Reads the numbers of a frame's header into `values`, NaN for one that the form lacks; false when the header is of
   * another form. What `values` holds then is nothing.
   */
  read(
    { bodyStart, buffer, end, headerStart, serializeType }: Frame,
    values: Float64Array,
  ): boolean {
    if (bodyStart !== end || serializeType !== SERIALIZE_JSON) return false;
    const { literals, numbers, order } = this;
    values.fill(NaN);
    let at = headerStart;
    for (let number = 0; number < order.length; number++) {
      const literal = literals[number]!;
      // No comparison leaves the header.
      if (bodyStart - at < literal.length || !equalsAt(buffer, at, literal)) return false;
      at += literal.length;
      const start = at;
      let value = 0;
      for (; at < bodyStart; at++) {
        const digit = buffer[at]! - DIGIT_0;
        if (digit < 0 || digit > 9) break;
        value = value * 10 + digit;
      }
      const digits = at - start;
      if (digits === 0 || digits > DIGITS_MAX) return false;
      if (digits > 1 && buffer[start] === DIGIT_0) return false;
      const index = order[number]!;
      if (numbers[index]!.isInt && value > INT_MAX) return false;
      values[index] = value;
    }
    const last = literals[order.length]!;
    return bodyStart - at === last.length && equalsAt(buffer, at, last);
  }
}

/** Texts in other quotes, which fastjson takes too, could hold what looks like a number's name. */
function isStrictJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function isDigit(char: number): boolean {
  return char >= DIGIT_0 && char <= DIGIT_0 + 9;
}

function endsNumber(char: number, isField: boolean): boolean {
  return isField ? char === QUOTE : char === COMMA || char === BRACE_CLOSE;
}

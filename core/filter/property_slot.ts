// One property of the message that a filter is looking at: compared as bytes where that is the same as comparing text,
// read as a number without making a string where it is a plain one.
import { Buffer } from "node:buffer";
import type { PropertyScanner } from "../message/property_scan.ts";
import { parseDouble, parseWhole } from "./java_numbers.ts";

/** The bytes that were scanned last. */
export interface PropertySource {
  bytes: Buffer | null;
}

const ZERO = 0x30;
const NINE = 0x39;
const PLUS = 0x2b;
const MINUS = 0x2d;
const POINT = 0x2e;
/** So many digits always are a whole number that a double holds exactly. */
const EXACT_DIGITS = 15;
const INT_MIN = -2147483648;
const INT_MAX = 2147483647;

const POWERS_OF_TEN = Array.from({ length: EXACT_DIGITS + 1 }, (_, exponent) => 10 ** exponent);

/** Gives of `asInt` and `asDouble` where Java throws; a NaN that a property spells out is no such thing. */
export const UNREADABLE = Symbol("unreadable");

export class PropertySlot {
  constructor(
    private readonly source: PropertySource,
    readonly scanner: PropertyScanner,
    private readonly index: number,
  ) {}

  get isThere(): boolean {
    return this.scanner.starts[this.index]! >= 0;
  }

  /** Null when absent. */
  text(): string | null {
    return this.scanner.text(this.source.bytes!, this.index);
  }

  /** Whether the value is this text, by its UTF-8. The property must be there. */
  is(text: Uint8Array): boolean {
    const start = this.scanner.starts[this.index]!;
    return this.scanner.ends[this.index]! - start === text.length && this.matchesAt(text, start);
  }

  startsWith(text: Uint8Array): boolean {
    const start = this.scanner.starts[this.index]!;
    return this.scanner.ends[this.index]! - start >= text.length && this.matchesAt(text, start);
  }

  endsWith(text: Uint8Array): boolean {
    const at = this.scanner.ends[this.index]! - text.length;
    return at >= this.scanner.starts[this.index]! && this.matchesAt(text, at);
  }

  contains(text: Uint8Array): boolean {
    const last = this.scanner.ends[this.index]! - text.length;
    for (let at = this.scanner.starts[this.index]!; at <= last; at++) {
      if (this.matchesAt(text, at)) return true;
    }
    return false;
  }

  /** Integer.valueOf of the value. */
  asInt(): number | typeof UNREADABLE {
    const value = this.shortNumber(false);
    if (value === null) {
      const read = parseWhole(this.text()!, false);
      return read === null ? UNREADABLE : Number(read.value);
    }
    return value >= INT_MIN && value <= INT_MAX ? value : UNREADABLE;
  }

  /** Long.valueOf of the value, when that is a number which a double holds exactly; null when it must be read as text. */
  asShortLong(): number | null {
    return this.shortNumber(false);
  }

  /** Double.valueOf of the value. */
  asDouble(): number | typeof UNREADABLE {
    return this.shortNumber(true) ?? parseDouble(this.text()!) ?? UNREADABLE;
  }

  /** A number of few digits, with a point when that is allowed; null for anything else. */
  private shortNumber(mayHavePoint: boolean): number | null {
    const bytes = this.source.bytes!;
    const end = this.scanner.ends[this.index]!;
    let at = this.scanner.starts[this.index]!;
    const sign = bytes[at];
    if (sign === MINUS || sign === PLUS) at++;
    const digitsStart = at;
    if (end - at > EXACT_DIGITS) return null;
    let value = 0;
    let pointAt = -1;
    for (; at < end; at++) {
      const byte = bytes[at]!;
      if (byte >= ZERO && byte <= NINE) value = value * 10 + byte - ZERO;
      else if (byte === POINT && mayHavePoint && pointAt < 0) pointAt = at;
      else return null;
    }
    const digits = end - digitsStart - (pointAt < 0 ? 0 : 1);
    if (digits < 1) return null;
    // Both are exact, so the quotient is the double nearest to the decimal fraction.
    if (pointAt >= 0) value /= POWERS_OF_TEN[end - pointAt - 1]!;
    return sign === MINUS ? -value : value;
  }

  private matchesAt(text: Uint8Array, start: number): boolean {
    const bytes = this.source.bytes!;
    for (let at = 0; at < text.length; at++) {
      if (bytes[start + at] !== text[at]) return false;
    }
    return true;
  }
}

/** The UTF-8 of a text when values can be compared with it as bytes; null when they can't, for its odd characters. */
export function comparableBytes(text: string): Uint8Array | null {
  // Damaged bytes are read as U+FFFD, and halves of a pair have no UTF-8.
  return text.includes("\ufffd") || !text.isWellFormed() ? null : Buffer.from(text, "utf8");
}

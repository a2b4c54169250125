// Numbers as Java reads and writes them, which decide what a filter's comparisons give: Integer, Long and Double are
// kinds of their own there. Never rounds a whole number.

/** A whole number of Java: an Integer or a Long. */
export class WholeNumber {
  constructor(readonly value: bigint, readonly isLong: boolean) {}
}

const INT_MIN = -2147483648n;
const INT_MAX = 2147483647n;
const LONG_MIN = -(2n ** 63n);
const LONG_MAX = 2n ** 63n - 1n;

/** The narrowest of Integer and Long; null when neither holds it. */
export function narrowest(value: bigint): WholeNumber | null {
  if (value >= INT_MIN && value <= INT_MAX) return new WholeNumber(value, false);
  return value >= LONG_MIN && value <= LONG_MAX ? new WholeNumber(value, true) : null;
}

/** Integer.valueOf or Long.valueOf; null where they throw. */
export function parseWhole(text: string, isLong: boolean): WholeNumber | null {
  const digits = /^[+-]?\d+$/.test(text) ? text : asciiDigits(text);
  if (digits === null) return null;
  const value = BigInt(digits.startsWith("+") ? digits.slice(1) : digits);
  const fits = isLong
    ? value >= LONG_MIN && value <= LONG_MAX
    : value >= INT_MIN && value <= INT_MAX;
  return fits ? new WholeNumber(value, isLong) : null;
}

/**
 * The text with the decimal digits of other scripts in ASCII, as Character.digit reads single UTF-16 units; null for
 * other texts.
 */
function asciiDigits(text: string): string | null {
  if (/[\ud800-\udfff]/.test(text) || !/^[+-]?\p{Nd}+$/u.test(text)) return null;
  return text.replace(/\P{ASCII}/gu, (digit) => {
    const code = digit.codePointAt(0)!;
    const base = code - code % 16;
    // The blocks of digits begin at a code that ends in 0 or 6.
    const zero = /\p{Nd}/u.test(String.fromCodePoint(base)) ? base : base + 6;
    return String(code - zero);
  });
}

const DECIMAL_DOUBLE = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[fFdD]?$/;
const HEX_DOUBLE = /^([+-]?)0[xX]([0-9a-fA-F]*)\.?([0-9a-fA-F]*)[pP]([+-]?\d+)[fFdD]?$/;
// Java trims every character up to the blank, not only white space.
// deno-lint-ignore no-control-regex
const TRIMMED = /^[\x00-\x20]+|[\x00-\x20]+$/g;

/** Double.valueOf; null where it throws. */
export function parseDouble(text: string): number | null {
  const trimmed = text.replace(TRIMMED, "");
  if (DECIMAL_DOUBLE.test(trimmed)) return Number(trimmed.replace(/[fFdD]$/, ""));
  if (/^[+-]?NaN$/.test(trimmed)) return NaN;
  if (/^[+-]?Infinity$/.test(trimmed)) return trimmed.startsWith("-") ? -Infinity : Infinity;
  const hex = HEX_DOUBLE.exec(trimmed);
  if (hex === null) return null;
  const [, sign, whole, fraction, exponent] = hex;
  if (whole === "" && fraction === "") return null;
  const mantissa = Number(BigInt(`0x${whole}${fraction}`));
  const value = mantissa * 2 ** (Number(exponent) - 4 * fraction!.length);
  return sign === "-" ? -value : value;
}

/** Double.compareTo: −0 below 0, and NaN above all and equal to itself. */
export function compareDoubles(left: number, right: number): number {
  if (left < right) return -1;
  if (left > right) return 1;
  if (left === right) {
    if (left !== 0) return 0;
    return Number(Object.is(right, -0)) - Number(Object.is(left, -0));
  }
  return Number(Number.isNaN(left)) - Number(Number.isNaN(right));
}

/** Double.toString. */
export function doubleText(value: number): string {
  const size = Math.abs(value);
  if (!Number.isFinite(value)) return String(value);
  if (size === 0 || (size >= 1e-3 && size < 1e7)) {
    return Number.isInteger(value) ? `${Object.is(value, -0) ? "-0" : value}.0` : String(value);
  }
  const [mantissa, exponent] = value.toExponential().split("e");
  return `${mantissa!.includes(".") ? mantissa : `${mantissa}.0`}E${Number(exponent)}`;
}

// Decimal digits of numbers, written in place. Allocates nothing.

const DIGIT_ZERO = 48;

/** Decimal digits of a whole number; gives the position after them. */
export function writeDecimal(buffer: Uint8Array, at: number, value: number): number {
  let start = at;
  let rest = value;
  if (rest < 0) {
    buffer[start++] = 45;
    rest = -rest;
  }
  let digits = 1;
  for (let bound = 10; bound <= rest; bound *= 10) digits++;
  for (let index = start + digits - 1; index >= start; index--) {
    const quotient = rest < 2147483648 ? (rest / 10) | 0 : Math.floor(rest / 10);
    buffer[index] = DIGIT_ZERO + (rest - quotient * 10);
    rest = quotient;
  }
  return start + digits;
}

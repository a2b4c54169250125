// Byte-level reading of JSON headers without building anything: numbers, string ends, and the code of a header.
// Gives positions; never decodes a string.
import type { Buffer } from "node:buffer";
import { equalsAt } from "../bytes/same_bytes.ts";

/** What peekCode gives for a header that holds no code. */
export const NO_CODE = -1;

export const QUOTE = 0x22;
const PLUS = 0x2b;
export const COMMA = 0x2c;
const MINUS = 0x2d;
export const DIGIT_0 = 0x30;
export const COLON = 0x3a;
export const BACKSLASH = 0x5c;
export const BRACE_OPEN = 0x7b;
export const BRACE_CLOSE = 0x7d;

/** How the last number or string ended. One object for all, so that nothing is allocated: one event loop, no re-entry. */
export const scanned = { end: 0, escaped: false };

const KEY_CODE = asciiBytes("code");

export function asciiBytes(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

/** A whole 32-bit number; `scanned.end` is the position after it, or -1 when it isn't one. */
export function scanNumber(buffer: Buffer, at: number, end: number): number {
  const negative = buffer[at] === MINUS;
  if (negative) at++;
  const start = at;
  let value = 0;
  for (; at < end; at++) {
    const digit = buffer[at]! - DIGIT_0;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
  }
  if (negative) value = -value;
  scanned.end = at === start || value !== (value | 0) ? -1 : at;
  return value;
}

/** The position of the quote that closes a string, or -1; says in `scanned.escaped` whether there are escapes. */
export function stringEnd(buffer: Buffer, at: number, end: number): number {
  scanned.escaped = false;
  for (; at < end; at++) {
    const byte = buffer[at]!;
    if (byte === QUOTE) return at;
    if (byte === BACKSLASH) {
      scanned.escaped = true;
      at++;
    }
  }
  return -1;
}

/** A decimal integer in [start, end); NaN when it isn't one or is beyond 2^53. */
export function parseDecimal(buffer: Uint8Array, start: number, end: number): number {
  const first = buffer[start];
  const negative = first === MINUS;
  let at = negative || first === PLUS ? start + 1 : start;
  if (at >= end || end - at > 16) return NaN;
  let value = 0;
  for (; at < end; at++) {
    const digit = buffer[at]! - DIGIT_0;
    if (digit < 0 || digit > 9) return NaN;
    value = value * 10 + digit;
  }
  if (value > Number.MAX_SAFE_INTEGER) return NaN;
  return negative ? -value : value;
}

/** The code of a JSON header. Apache writes {"code":N first; other clients may write it anywhere. */
export function peekJsonCode(buffer: Buffer, start: number, end: number): number {
  if (
    end - start > 8 && buffer[start] === BRACE_OPEN && buffer[start + 1] === QUOTE &&
    equalsAt(buffer, start + 2, KEY_CODE) && buffer[start + 6] === QUOTE &&
    buffer[start + 7] === COLON
  ) {
    const code = scanNumber(buffer, start + 8, end);
    if (scanned.end >= 0) return code;
  }
  return findJsonCode(buffer, start, end);
}

/** Walks over strings and nested braces to the outermost "code"; white space may stand anywhere. */
function findJsonCode(buffer: Buffer, start: number, end: number): number {
  let depth = 0;
  for (let at = start; at < end; at++) {
    const byte = buffer[at]!;
    if (byte === BRACE_OPEN) depth++;
    else if (byte === BRACE_CLOSE) depth--;
    else if (byte === QUOTE) {
      const close = stringEnd(buffer, at + 1, end);
      if (close < 0) return NO_CODE;
      const value = skipColon(buffer, close + 1, end);
      const isCode = depth === 1 && value > 0 && close - at === KEY_CODE.length + 1 &&
        equalsAt(buffer, at + 1, KEY_CODE);
      if (isCode) {
        const code = scanNumber(buffer, value, end);
        return scanned.end < 0 ? NO_CODE : code;
      }
      at = close;
    }
  }
  return NO_CODE;
}

/** The position of the value behind a colon, or -1 when there is no colon: the string was a value itself. */
function skipColon(buffer: Buffer, at: number, end: number): number {
  at = skipSpace(buffer, at, end);
  return at < end && buffer[at] === COLON ? skipSpace(buffer, at + 1, end) : -1;
}

function skipSpace(buffer: Buffer, at: number, end: number): number {
  while (at < end && buffer[at]! <= 0x20) at++;
  return at;
}

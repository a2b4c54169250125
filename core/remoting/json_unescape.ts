// Copies the inside of a JSON string from a header into bytes, undoing its escapes: properties come with \u0001 and
// \u0002 in them. Allocates nothing and never writes more bytes than it reads.

const BACKSLASH = 0x5c;
const LETTER_U = 0x75;
const INVALID = -1;

/** Hex digit values by byte; -1 elsewhere. */
const HEX = new Int8Array(256).fill(-1);
for (let digit = 0; digit < 16; digit++) {
  const text = digit.toString(16);
  HEX[text.charCodeAt(0)] = digit;
  HEX[text.toUpperCase().charCodeAt(0)] = digit;
}

/** What \b, \n … stand for, by their letter; 0 elsewhere. */
const SHORT_ESCAPES = new Uint8Array(256);
for (const [letter, byte] of Object.entries({ b: 8, t: 9, n: 10, f: 12, r: 13 })) {
  SHORT_ESCAPES[letter.charCodeAt(0)] = byte;
}
for (const letter of '"\\/') SHORT_ESCAPES[letter.charCodeAt(0)] = letter.charCodeAt(0);

/**
 * Unescapes source[start, end) to target at `at`, as UTF-8; gives the bytes written, or -1 when an escape is malformed
 * (the generic decoder knows fastjson's further ones). A lone surrogate becomes U+FFFD, as from the generic decoder.
 * `target` needs room for end - start bytes.
 */
export function unescapeJsonInto(
  target: Uint8Array,
  at: number,
  source: Uint8Array,
  start: number,
  end: number,
): number {
  let out = at;
  for (let i = start; i < end; i++) {
    const byte = source[i]!;
    if (byte !== BACKSLASH) {
      target[out++] = byte;
      continue;
    }
    const kind = i + 1 < end ? source[i + 1]! : 0;
    if (kind !== LETTER_U) {
      const plain = SHORT_ESCAPES[kind]!;
      if (plain === 0) return INVALID;
      target[out++] = plain;
      i++;
      continue;
    }
    const unit = unitAt(source, i + 2, end);
    if (unit < 0) return INVALID;
    if (unit < 0x80) {
      target[out++] = unit;
    } else {
      const low = isHigh(unit) ? lowAfter(source, i + 6, end) : 0;
      out = writeCodePoint(target, out, codePoint(unit, low));
      if (low > 0) i += 6;
    }
    i += 5;
  }
  return out - at;
}

/** The four hex digits at a position, or -1. */
function unitAt(source: Uint8Array, at: number, end: number): number {
  if (at + 4 > end) return INVALID;
  const high = HEX[source[at]!]! << 4 | HEX[source[at + 1]!]!;
  const low = HEX[source[at + 2]!]! << 4 | HEX[source[at + 3]!]!;
  return high < 0 || low < 0 ? INVALID : high << 8 | low;
}

function isHigh(unit: number): boolean {
  return (unit & 0xfc00) === 0xd800;
}

/** The low surrogate escaped at a position, or 0. */
function lowAfter(source: Uint8Array, at: number, end: number): number {
  if (at + 6 > end || source[at] !== BACKSLASH || source[at + 1] !== LETTER_U) return 0;
  const unit = unitAt(source, at + 2, end);
  return (unit & 0xfc00) === 0xdc00 ? unit : 0;
}

function codePoint(unit: number, low: number): number {
  if (low > 0) return 0x10000 + ((unit & 0x3ff) << 10 | low & 0x3ff);
  return (unit & 0xf800) === 0xd800 ? 0xfffd : unit;
}

function writeCodePoint(target: Uint8Array, at: number, point: number): number {
  if (point < 0x800) {
    target[at++] = 0xc0 | point >> 6;
  } else {
    if (point < 0x10000) {
      target[at++] = 0xe0 | point >> 12;
    } else {
      target[at++] = 0xf0 | point >> 18;
      target[at++] = 0x80 | point >> 12 & 0x3f;
    }
    target[at++] = 0x80 | point >> 6 & 0x3f;
  }
  target[at++] = 0x80 | point & 0x3f;
  return at;
}

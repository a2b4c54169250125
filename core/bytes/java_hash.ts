// String.hashCode as Java computes it over UTF-16 units: tags, keys and index slots are addressed by it.
// The byte version reads UTF-8 without making a string; malformed bytes count as Java decodes them.

/** String.hashCode; `seed` is the hash of what stands before (so a topic's prefix is hashed once). */
export function javaHash(text: string, seed = 0): number {
  let hash = seed;
  for (let at = 0; at < text.length; at++) hash = (Math.imul(hash, 31) + text.charCodeAt(at)) | 0;
  return hash;
}

/** String.hashCode of the UTF-8 text in `bytes[start…end)`. */
export function javaHashUtf8(bytes: Uint8Array, start: number, end: number, seed = 0): number {
  let hash = seed;
  let at = start;
  // Four at a time, so that one multiplication waits for the last, not four: half the time.
  for (; at + 4 <= end; at += 4) {
    const first = bytes[at]!;
    const second = bytes[at + 1]!;
    const third = bytes[at + 2]!;
    const fourth = bytes[at + 3]!;
    if ((first | second | third | fourth) > 127) break;
    hash = (Math.imul(hash, 923521) + first * 29791 + second * 961 + third * 31 + fourth) | 0;
  }
  for (; at < end; at++) {
    const byte = bytes[at]!;
    if (byte > 127) return hashWide(bytes, at, end, hash);
    hash = (Math.imul(hash, 31) + byte) | 0;
  }
  return hash;
}

/** Math.abs of a hash as IndexFile and the tag code use it: Integer.MIN_VALUE, which has no positive, gives 0. */
export function absHash(hash: number): number {
  return hash < 0 ? (hash === -2147483648 ? 0 : -hash) : hash;
}

const REPLACEMENT = 0xfffd;

/** The rest of a text that isn't plain ASCII. */
function hashWide(bytes: Uint8Array, start: number, end: number, seed: number): number {
  let hash = seed;
  for (let at = start; at < end;) {
    const size = wellFormedLength(bytes, at, end);
    if (size < 0) {
      hash = (Math.imul(hash, 31) + REPLACEMENT) | 0;
      at -= size;
      continue;
    }
    const point = codePoint(bytes, at, size);
    if (point > 0xffff) {
      hash = (Math.imul(hash, 31) + (0xd7c0 + (point >> 10))) | 0;
      hash = (Math.imul(hash, 31) + (0xdc00 | (point & 0x3ff))) | 0;
    } else {
      hash = (Math.imul(hash, 31) + point) | 0;
    }
    at += size;
  }
  return hash;
}

function codePoint(bytes: Uint8Array, at: number, size: number): number {
  const first = bytes[at]!;
  if (size === 1) return first;
  if (size === 2) return ((first & 0x1f) << 6) | (bytes[at + 1]! & 0x3f);
  const middle = ((bytes[at + 1]! & 0x3f) << 6) | (bytes[at + 2]! & 0x3f);
  if (size === 3) return ((first & 0x0f) << 12) | middle;
  return ((first & 0x07) << 18) | (middle << 6) | (bytes[at + 3]! & 0x3f);
}

/** Bytes of the character at `at`, or minus the bytes that Java replaces by one U+FFFD. */
function wellFormedLength(bytes: Uint8Array, at: number, end: number): number {
  const first = bytes[at]!;
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return -1;
  const size = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const high = first === 0xf4 ? 0x8f : 0xbf;
  for (let index = 1; index < size; index++) {
    const byte = at + index < end ? bytes[at + index]! : 0;
    const inRange = index === 1 ? byte >= low && byte <= high : (byte & 0xc0) === 0x80;
    if (!inRange) return -index;
  }
  // A surrogate in UTF-8 is one replacement to Java, three to others.
  return first === 0xed && bytes[at + 1]! > 0x9f ? -3 : size;
}

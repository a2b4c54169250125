// The LZ4 block format: sequences of [token][literals][2-byte offset][match]. Greedy compressor, checked decoder.
// Knows nothing of frames, sizes or checksums: lz4_frame.ts puts those around it.
import { DecodeError } from "../errors.ts";
import type { GrowingBuffer } from "./growing_buffer.ts";

const MATCH_BYTES_MIN = 4;
/** The format's end rules: the last 5 bytes are literals, and no match begins in the last 12. */
const TAIL_LITERAL_BYTES = 5;
const TAIL_MATCH_START_BYTES = 12;
const OFFSET_MAX = 65535;
const HASH_BITS = 14;
/** After 2^6 misses in a row the search begins to take larger steps: random bytes pass quickly. */
const SKIP_SHIFT = 6;

/** Bytes that `compressBlock` may need for `length` bytes. */
export function compressedBytesMax(length: number): number {
  return length + Math.ceil(length / 255) + 16;
}

function read4(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

function hashSlot(sequence: number): number {
  return Math.imul(sequence, 0x9e3779b1) >>> (32 - HASH_BITS);
}

/** Compresses `source[start…end)` to `target` at `at`, which has compressedBytesMax room; gives the end position. */
export function compressBlock(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  at: number,
): number {
  const positions = new Int32Array(1 << HASH_BITS).fill(-1);
  const matchStartMax = end - TAIL_MATCH_START_BYTES;
  let next = at;
  let anchor = start;
  let position = start;
  let misses = 1 << SKIP_SHIFT;
  while (position <= matchStartMax) {
    const sequence = read4(source, position);
    const slot = hashSlot(sequence);
    const candidate = positions[slot]!;
    positions[slot] = position;
    if (
      candidate < 0 || position - candidate > OFFSET_MAX || read4(source, candidate) !== sequence
    ) {
      position += misses++ >> SKIP_SHIFT;
      continue;
    }
    const matchEnd = extendMatch(source, candidate, position, end - TAIL_LITERAL_BYTES);
    next = writeSequence(source, anchor, position, target, next, matchEnd - position);
    target[next++] = (position - candidate) & 0xff;
    target[next++] = (position - candidate) >> 8;
    next = writeMatchLength(target, next, matchEnd - position);
    position = matchEnd;
    anchor = matchEnd;
    misses = 1 << SKIP_SHIFT;
  }
  return writeSequence(source, anchor, end, target, next, 0);
}

function extendMatch(source: Uint8Array, from: number, at: number, end: number): number {
  let candidate = from + MATCH_BYTES_MIN;
  let position = at + MATCH_BYTES_MIN;
  while (position < end && source[candidate] === source[position]) {
    candidate++;
    position++;
  }
  return position;
}

/** Token and literals; a match length of 0 means the last sequence, which has none. */
function writeSequence(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  at: number,
  matchLength: number,
): number {
  const literals = end - start;
  const matchCode = matchLength === 0 ? 0 : Math.min(matchLength - MATCH_BYTES_MIN, 15);
  let next = at;
  target[next++] = (Math.min(literals, 15) << 4) | matchCode;
  if (literals >= 15) next = writeLengthRest(target, next, literals - 15);
  if (literals > 24) target.set(source.subarray(start, end), next);
  else for (let index = 0; index < literals; index++) target[next + index] = source[start + index]!;
  return next + literals;
}

function writeMatchLength(target: Uint8Array, at: number, matchLength: number): number {
  const rest = matchLength - MATCH_BYTES_MIN - 15;
  return rest >= 0 ? writeLengthRest(target, at, rest) : at;
}

function writeLengthRest(target: Uint8Array, at: number, rest: number): number {
  let next = at;
  let left = rest;
  for (; left >= 255; left -= 255) target[next++] = 255;
  target[next++] = left;
  return next;
}

/** Reads the block `source[start…end)` to the end of `output`; matches reach back to `windowStart` in it. */
export function decompressBlock(
  source: Uint8Array,
  start: number,
  end: number,
  output: GrowingBuffer,
  windowStart: number,
): void {
  let at = start;
  while (at < end) {
    const token = source[at++]!;
    let literals = token >> 4;
    if (literals === 15) {
      for (let byte = 255; byte === 255; literals += byte) {
        if (at >= end) throw damaged(at - start, "a length is cut");
        byte = source[at++]!;
      }
    }
    if (literals > end - at) throw damaged(at - start, "literals are cut");
    output.append(source, at, at + literals);
    at += literals;
    if (at === end) return;
    if (end - at < 2) throw damaged(at - start, "a match is cut");
    const offset = source[at]! | (source[at + 1]! << 8);
    at += 2;
    let length = token & 15;
    if (length === 15) {
      for (let byte = 255; byte === 255; length += byte) {
        if (at >= end) throw damaged(at - start, "a length is cut");
        byte = source[at++]!;
      }
    }
    if (offset === 0 || offset > output.length - windowStart) {
      throw damaged(at - start, `a match reaches ${offset} bytes back`);
    }
    copyMatch(output, offset, length + MATCH_BYTES_MIN);
  }
  throw damaged(end - start, "no last literals");
}

function copyMatch(output: GrowingBuffer, offset: number, length: number): void {
  output.reserve(length);
  const { bytes } = output;
  const to = output.length;
  const from = to - offset;
  if (offset >= length && length > 24) bytes.copyWithin(to, from, from + length);
  else for (let index = 0; index < length; index++) bytes[to + index] = bytes[from + index]!;
  output.length = to + length;
}

function damaged(at: number, problem: string): DecodeError {
  return new DecodeError(`LZ4 block at ${at}`, problem);
}

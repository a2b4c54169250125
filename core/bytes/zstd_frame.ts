// Where zstd frames end, read from their block headers. node:zlib gives the half of a cut frame without an error, and
// Deno only the first of several frames, so a body is cut into whole frames before it is decompressed.
import { DecodeError } from "../errors.ts";

const MAGIC = 0xfd2fb528;
/** Magics from here to + 15 mark frames to be skipped. */
const SKIPPABLE_MAGIC = 0x184d2a50;
const DICTIONARY_ID_BYTES = [0, 1, 2, 4] as const;
const BLOCK_RLE = 1;
const BLOCK_RESERVED = 3;

/** The frames of `bytes` that hold content, as views. Throws DecodeError unless they fill it exactly. */
export function zstdFrames(bytes: Uint8Array): Uint8Array[] {
  const frames: Uint8Array[] = [];
  let at = 0;
  do {
    const magic = littleEndian(bytes, at, 4);
    if (magic === MAGIC) {
      const end = frameEnd(bytes, at + 4);
      frames.push(bytes.subarray(at, end));
      at = end;
    } else if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC) {
      const end = at + 8 + littleEndian(bytes, at + 4, 4);
      if (end > bytes.length) throw cut(at);
      at = end;
    } else {
      throw new DecodeError(`zstd frame at ${at}`, `magic ${magic.toString(16)}`);
    }
  } while (at < bytes.length);
  return frames;
}

function frameEnd(bytes: Uint8Array, start: number): number {
  const descriptor = littleEndian(bytes, start, 1);
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const hasChecksum = (descriptor & 0x04) !== 0;
  const sizeCode = descriptor >> 6;
  const contentSizeBytes = sizeCode === 0 ? (isSingleSegment ? 1 : 0) : 1 << sizeCode;
  let at = start + 1 + (isSingleSegment ? 0 : 1) + DICTIONARY_ID_BYTES[descriptor & 3]! +
    contentSizeBytes;
  for (let isLast = false; !isLast;) {
    const header = littleEndian(bytes, at, 3);
    const kind = (header >> 1) & 3;
    if (kind === BLOCK_RESERVED) throw new DecodeError(`zstd block at ${at}`, "unknown kind");
    isLast = (header & 1) !== 0;
    at += 3 + (kind === BLOCK_RLE ? 1 : header >> 3);
  }
  if (hasChecksum) at += 4;
  if (at > bytes.length) throw cut(start);
  return at;
}

function littleEndian(bytes: Uint8Array, at: number, count: number): number {
  if (at + count > bytes.length) throw cut(at);
  let value = 0;
  for (let index = count - 1; index >= 0; index--) value = value * 256 + bytes[at + index]!;
  return value;
}

function cut(at: number): DecodeError {
  return new DecodeError(`zstd frame at ${at}`, "is cut");
}

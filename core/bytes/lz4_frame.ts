// The LZ4 frame format, which is what Apache's clients put in compressed bodies (lz4-java's LZ4FrameOutputStream).
// Reads every kind of frame but those with a dictionary; writes the kind that lz4-java writes.
import { DecodeError } from "../errors.ts";
import { GrowingBuffer } from "./growing_buffer.ts";
import { compressBlock, compressedBytesMax, decompressBlock } from "./lz4_block.ts";
import { xxHash32 } from "./xxhash32.ts";

const MAGIC = 0x184d2204;
/** Magics from here to + 15 mark frames to be skipped. */
const SKIPPABLE_MAGIC = 0x184d2a50;

const FLAG_VERSION = 0x40;
const FLAG_VERSION_MASK = 0xc0;
const FLAG_BLOCK_INDEPENDENCE = 0x20;
const FLAG_BLOCK_CHECKSUM = 0x10;
const FLAG_CONTENT_SIZE = 0x08;
const FLAG_CONTENT_CHECKSUM = 0x04;
const FLAG_RESERVED = 0x02;
const FLAG_DICTIONARY = 0x01;

/** The block size code of 4 MiB: 2^(8 + 2 × code) bytes; codes 4 to 7 exist. */
const BLOCK_SIZE_CODE = 7;
const BLOCK_BYTES_MAX = 1 << (8 + 2 * BLOCK_SIZE_CODE);
/** A byte of a match length stands for at most this many bytes. */
const EXPANSION_MAX = 255;
const STORED_BIT = 0x80000000;

function writeLittle(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >> 8;
  bytes[at + 2] = value >> 16;
  bytes[at + 3] = value >> 24;
}

function readLittle(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>>
    0;
}

/** One frame of independent blocks of up to 4 MiB, without sizes and checksums of the content. */
export function compressLz4Frame(source: Uint8Array): Uint8Array {
  const blocks = Math.ceil(source.length / BLOCK_BYTES_MAX);
  const target = new Uint8Array(compressedBytesMax(source.length) + 16 + blocks * 24);
  writeLittle(target, 0, MAGIC);
  target[4] = FLAG_VERSION | FLAG_BLOCK_INDEPENDENCE;
  target[5] = BLOCK_SIZE_CODE << 4;
  target[6] = xxHash32(target, 4, 6) >> 8;
  let at = 7;
  for (let start = 0; start < source.length; start += BLOCK_BYTES_MAX) {
    const end = Math.min(start + BLOCK_BYTES_MAX, source.length);
    const blockEnd = compressBlock(source, start, end, target, at + 4);
    const size = blockEnd - at - 4;
    if (size < end - start) {
      writeLittle(target, at, size);
      at = blockEnd;
    } else {
      writeLittle(target, at, STORED_BIT | (end - start));
      target.set(source.subarray(start, end), at + 4);
      at += 4 + end - start;
    }
  }
  writeLittle(target, at, 0);
  return target.subarray(0, at + 4);
}

/** The content of all frames in `source`. Throws DecodeError for damage or more than `bytesMax` bytes. */
export function decompressLz4Frame(source: Uint8Array, bytesMax: number): Uint8Array {
  const output = new GrowingBuffer(source.length * 3, bytesMax, "LZ4 content");
  let at = 0;
  do {
    need(source, at, 4, "magic");
    const magic = readLittle(source, at);
    if (magic === MAGIC) at = readFrame(source, at + 4, output);
    else if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC) at = skipFrame(source, at + 4);
    else throw new DecodeError(`LZ4 frame at ${at}`, `magic ${magic.toString(16)}`);
  } while (at < source.length);
  return output.view();
}

function skipFrame(source: Uint8Array, at: number): number {
  need(source, at, 4, "skippable size");
  const size = readLittle(source, at);
  need(source, at + 4, size, "skippable frame");
  return at + 4 + size;
}

interface FrameHeader {
  flags: number;
  blockBytesMax: number;
  /** -1 when the frame doesn't say. */
  contentBytes: number;
  end: number;
}

function readFrame(source: Uint8Array, start: number, output: GrowingBuffer): number {
  const header = readHeader(source, start);
  const contentStart = output.length;
  // A stated size is believed as far as LZ4 can expand what is there.
  output.checkRoom(header.contentBytes);
  output.reserve(Math.min(Math.max(header.contentBytes, 0), source.length * EXPANSION_MAX));
  let at = header.end;
  for (;;) {
    need(source, at, 4, "block size");
    const field = readLittle(source, at);
    at += 4;
    if (field === 0) break;
    at = readBlock(source, at, field, header, output, contentStart);
  }
  const length = output.length - contentStart;
  if (header.contentBytes >= 0 && header.contentBytes !== length) {
    throw new DecodeError("LZ4 content size", `${header.contentBytes} stated, ${length} found`);
  }
  if ((header.flags & FLAG_CONTENT_CHECKSUM) === 0) return at;
  checkSum(source, at, output.bytes, contentStart, output.length, "LZ4 content checksum");
  return at + 4;
}

function readHeader(source: Uint8Array, start: number): FrameHeader {
  need(source, start, 3, "header");
  const flags = source[start]!;
  const sizeCode = source[start + 1]! >> 4;
  if ((flags & FLAG_VERSION_MASK) !== FLAG_VERSION) {
    throw new DecodeError("LZ4 frame version", `${flags >> 6}`);
  }
  if ((flags & FLAG_DICTIONARY) !== 0) throw new DecodeError("LZ4 frame", "needs a dictionary");
  if ((flags & FLAG_RESERVED) !== 0 || sizeCode < 4 || (source[start + 1]! & 0x8f) !== 0) {
    throw new DecodeError("LZ4 frame descriptor", `${flags} ${source[start + 1]}`);
  }
  let at = start + 2;
  let contentBytes = -1;
  if ((flags & FLAG_CONTENT_SIZE) !== 0) {
    need(source, at, 9, "content size");
    contentBytes = readLittle(source, at) + readLittle(source, at + 4) * 0x1_0000_0000;
    at += 8;
  }
  const expected = (xxHash32(source, start, at) >> 8) & 0xff;
  if (source[at] !== expected) throw new DecodeError("LZ4 header checksum", "differs");
  return { flags, blockBytesMax: 1 << (8 + 2 * sizeCode), contentBytes, end: at + 1 };
}

function readBlock(
  source: Uint8Array,
  start: number,
  field: number,
  header: FrameHeader,
  output: GrowingBuffer,
  contentStart: number,
): number {
  const size = field & 0x7fffffff;
  if (size > header.blockBytesMax) throw new DecodeError(`LZ4 block at ${start}`, `${size} bytes`);
  const hasChecksum = (header.flags & FLAG_BLOCK_CHECKSUM) !== 0;
  need(source, start, size + (hasChecksum ? 4 : 0), "block");
  const end = start + size;
  if (hasChecksum) checkSum(source, end, source, start, end, `LZ4 block at ${start}`);
  const blockStart = output.length;
  if (field >= STORED_BIT) {
    output.append(source, start, end);
  } else {
    const independent = (header.flags & FLAG_BLOCK_INDEPENDENCE) !== 0;
    decompressBlock(source, start, end, output, independent ? blockStart : contentStart);
  }
  if (output.length - blockStart > header.blockBytesMax) {
    throw new DecodeError(`LZ4 block at ${start}`, `holds over ${header.blockBytesMax} bytes`);
  }
  return hasChecksum ? end + 4 : end;
}

function checkSum(
  source: Uint8Array,
  at: number,
  content: Uint8Array,
  start: number,
  end: number,
  what: string,
): void {
  need(source, at, 4, "checksum");
  if (readLittle(source, at) !== xxHash32(content, start, end)) {
    throw new DecodeError(what, "checksum differs");
  }
}

function need(source: Uint8Array, at: number, count: number, what: string): void {
  if (source.length - at < count) throw new DecodeError(`LZ4 frame at ${at}`, `${what} is cut`);
}

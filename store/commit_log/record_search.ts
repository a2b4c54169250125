// Finds the way back into the log behind a place that can't be read: the next record that says of itself where it
// stands, and the last byte that isn't zero. A piece at a time; never writes.
import { Buffer } from "node:buffer";
import { readI32, readI64 } from "../../core/bytes/big_endian.ts";
import {
  MAGIC_AT,
  MAGIC_V1,
  MAGIC_V2,
  PHYSICAL_OFFSET_AT,
  RECORD_BYTES_MIN,
} from "../../core/message/record_layout.ts";
import type { SegmentFiles } from "../file/segment_files.ts";

const PIECE_BYTES = 1024 * 1024;
/** What both magics of a message begin with. */
const MAGIC_PREFIX = Buffer.from("daa320", "hex");
const ZEROS = Buffer.alloc(64 * 1024);

/** The first offset in [from, to) at which a record's head stands that names this very offset; `to` when there is none. */
export async function findRecordFrom(
  files: SegmentFiles,
  from: number,
  to: number,
): Promise<number> {
  const buffer = Buffer.allocUnsafeSlow(PIECE_BYTES);
  for (let offset = from; offset < to;) {
    const length = Math.min(PIECE_BYTES, fileEndOf(files, offset) - offset);
    const count = await files.read(buffer, 0, length, offset);
    const found = findHead(buffer, count, offset);
    if (found >= 0) return Math.min(found, to);
    const isFileEnd = offset + count >= fileEndOf(files, offset);
    // A head that lies across two pieces is found in the second.
    const step = isFileEnd ? count : count - RECORD_BYTES_MIN;
    if (step <= 0) return to;
    offset += step;
  }
  return to;
}

function findHead(buffer: Buffer, count: number, offset: number): number {
  const bytes = buffer.subarray(0, count);
  for (let at = bytes.indexOf(MAGIC_PREFIX); at >= 0; at = bytes.indexOf(MAGIC_PREFIX, at + 1)) {
    const start = at - MAGIC_AT;
    if (start < 0 || start + RECORD_BYTES_MIN > count) continue;
    const magic = readI32(bytes, at);
    if (magic !== MAGIC_V1 && magic !== MAGIC_V2) continue;
    if (readI64(bytes, start + PHYSICAL_OFFSET_AT) === offset + start) return offset + start;
  }
  return -1;
}

/** One past the last byte of [from, to), which is within one file, that isn't zero; `from` when all are. */
export async function findWrittenEnd(
  files: SegmentFiles,
  from: number,
  to: number,
): Promise<number> {
  const buffer = Buffer.allocUnsafeSlow(PIECE_BYTES);
  let end = from;
  for (let offset = from; offset < to;) {
    const count = await files.read(buffer, 0, Math.min(PIECE_BYTES, to - offset), offset);
    if (count === 0) break;
    const written = writtenBytes(buffer, count);
    if (written > 0) end = offset + written;
    offset += count;
  }
  return end;
}

/** How many of the first `count` bytes there are up to the last one that isn't zero. */
function writtenBytes(buffer: Buffer, count: number): number {
  let end = count;
  while (end > 0) {
    const start = Math.max(0, end - ZEROS.length);
    if (buffer.compare(ZEROS, 0, end - start, start, end) !== 0) break;
    end = start;
  }
  while (end > 0 && buffer[end - 1] === 0) end--;
  return end;
}

function fileEndOf(files: SegmentFiles, offset: number): number {
  return offset - offset % files.fileSizeBytes + files.fileSizeBytes;
}

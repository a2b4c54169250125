// Pieces of the log, the next one read ahead: whatever is asked for is what the files hold.
import { Buffer } from "node:buffer";
import { expect, test } from "bun:test";
import { DiskError } from "../../core/disk/disk.ts";
import { silentLogger } from "../../core/log.ts";
import { SegmentFiles, segmentName } from "../file/segment_files.ts";
import { newMemoryDisk } from "../testing_store.ts";
import { ScanPieces } from "./scan_pieces.ts";

const MIB = 1024 * 1024;
const FILE_BYTES = 5 * MIB + 300;
const FILES = 3;
const LOG_BYTES = FILES * FILE_BYTES;

/** Each byte tells where it stands. */
function byteAt(offset: number): number {
  return (Math.imul(offset, 0x9e3779b1) >>> 13) & 0xff;
}

function openLog(): SegmentFiles {
  const disk = newMemoryDisk();
  for (let file = 0; file < FILES; file++) {
    const bytes = new Uint8Array(FILE_BYTES).map((_, at) => byteAt(file * FILE_BYTES + at));
    disk.place(`/log/${segmentName(file * FILE_BYTES)}`, bytes);
  }
  const options = { disk, log: silentLogger, path: "/log", fileSizeBytes: FILE_BYTES };
  const files = new SegmentFiles(options);
  files.load();
  return files;
}

/** The first and last bytes and some between, since there are millions. */
function expectWhole(pieces: ScanPieces, offset: number, size: number): void {
  expect(pieces.buffered(offset)).toBeGreaterThanOrEqual(size);
  const step = Math.max(1, Math.floor(size / 97));
  for (let at = 0; at < size; at += at + step < size ? step : Math.max(1, size - 1 - at)) {
    const position = offset + at;
    if (pieces.buffer[position - pieces.base] !== byteAt(position)) {
      throw new Error(`another byte at ${position}, of ${size} from ${offset} on`);
    }
  }
}

/** Sizes of the records that a scan meets, over and over; the rest of a file that one doesn't fit in is blank. */
async function walk(files: SegmentFiles, sizes: readonly number[], own?: Buffer): Promise<void> {
  await using pieces = new ScanPieces(files, own);
  let offset = 0;
  for (let turn = 0; offset < LOG_BYTES; turn++) {
    const size = sizes[turn % sizes.length]!;
    const fileEnd = offset - offset % FILE_BYTES + FILE_BYTES;
    // A scan looks at the head first.
    await pieces.fill(offset, Math.min(91, fileEnd - offset));
    if (offset + size > fileEnd) {
      expectWhole(pieces, offset, Math.min(91, fileEnd - offset));
      offset = fileEnd;
    } else {
      await pieces.fill(offset, size);
      expectWhole(pieces, offset, size);
      offset += size;
    }
  }
  expect(offset).toBe(LOG_BYTES);
}

test.each([
  ["small records", [1021, 77, 4099]],
  ["records as large as what is kept of a piece", [64 * 1024, 64 * 1024 + 1, 63 * 1024]],
  ["records larger than a piece among small ones", [2000, 3 * MIB + 7, 500, 500, MIB - 1]],
  ["large blanks at the files' ends", [2 * MIB + 11]],
])("%s are what the files hold", async (_name, sizes) => {
  const files = openLog();
  await walk(files, sizes);
  await walk(files, sizes, Buffer.allocUnsafeSlow(8192));
  await files.close();
});

test("going back, or far on, reads what is there", async () => {
  const files = openLog();
  await using pieces = new ScanPieces(files);
  for (const offset of [0, MIB, 2 * MIB, 100, 3 * MIB, 4 * MIB, FILE_BYTES + 5, 10, 12 * MIB]) {
    await pieces.fill(offset, 5000);
    expectWhole(pieces, offset, 5000);
  }
});

test("a piece that couldn't be read ahead is an error only for whoever comes to it", async () => {
  const files = openLog();
  const read = files.read.bind(files);
  let isBroken = false;
  files.read = (target, start, length, offset) => {
    if (isBroken) return Promise.reject(new DiskError("EIO", "read", "/log"));
    return read(target, start, length, offset);
  };
  await using pieces = new ScanPieces(files);
  await pieces.fill(0, 100);
  isBroken = true;
  await pieces.fill(1000, 100);
  await expect(pieces.fill(MIB, 100)).rejects.toThrow("EIO");
  isBroken = false;
  await pieces.fill(MIB, 100);
  expectWhole(pieces, MIB, 100);
  isBroken = true;
  await pieces.fill(2 * MIB - 50, 40).catch(() => {});
  isBroken = false;
  await pieces.fill(2 * MIB + 4096, 5000);
  expectWhole(pieces, 2 * MIB + 4096, 5000);
});

// Fixed-size files of a long sequence: what is refused at load, roll-over, preparation, truncation.
import { expect, test } from "bun:test";
import type { MemoryDisk } from "../../core/disk/memory_disk.ts";
import { silentLogger } from "../../core/log.ts";
import { newMemoryDisk } from "../testing_store.ts";
import { SegmentFiles, segmentName } from "./segment_files.ts";

const FILE_BYTES = 8192;

function open(disk: MemoryDisk): SegmentFiles {
  const files = new SegmentFiles({
    disk,
    log: silentLogger,
    path: "/log",
    fileSizeBytes: FILE_BYTES,
  });
  files.load();
  return files;
}

function placeFiles(disk: MemoryDisk, ...sizes: [start: number, bytes: number][]): void {
  for (const [start, bytes] of sizes) {
    disk.place(`/log/${segmentName(start)}`, new Uint8Array(bytes));
  }
}

test("files are named by their start in 20 digits, have their full length at once and follow each other", () => {
  const disk = newMemoryDisk();
  const files = open(disk);
  expect([files.startOffset, files.endOffset]).toEqual([0, 0]);
  files.findOrCreate(0);
  files.findOrCreate(FILE_BYTES);
  expect(disk.listSync("/log")).toEqual(["00000000000000000000", "00000000000000008192"]);
  expect(disk.statSync("/log/00000000000000008192")?.sizeBytes).toBe(FILE_BYTES);
  expect(() => files.findOrCreate(5 * FILE_BYTES)).toThrow("files follow each other");
  const again = open(disk);
  expect([again.startOffset, again.endOffset]).toEqual([0, 2 * FILE_BYTES]);
  expect(again.find(FILE_BYTES - 1)?.startOffset).toBe(0);
  expect(again.find(2 * FILE_BYTES)).toBeNull();
});

test("an empty last file is deleted; any other wrong length is refused and says what is configured", () => {
  const disk = newMemoryDisk();
  placeFiles(disk, [0, FILE_BYTES], [FILE_BYTES, 0]);
  expect(open(disk).endOffset).toBe(FILE_BYTES);
  expect(disk.listSync("/log").length).toBe(1);
  placeFiles(disk, [FILE_BYTES, 4096]);
  expect(() => open(disk)).toThrow(
    "/log/00000000000000008192 has 4096 bytes where files of 8192 are configured",
  );
});

test("what isn't the log's is passed over, but for one of its files under another name", () => {
  const disk = newMemoryDisk();
  placeFiles(disk, [0, FILE_BYTES], [FILE_BYTES, 0]);
  const first = segmentName(0);
  for (const name of [".notes.swp", `${first}.bak`, "zzz", `${first}~`]) {
    disk.place(`/log/${name}`, new Uint8Array(FILE_BYTES));
  }
  disk.makeDirectorySync("/log/lost+found");
  const files = open(disk);
  expect([files.startOffset, files.endOffset]).toEqual([0, FILE_BYTES]);
  expect(disk.listSync("/log")).not.toContain(segmentName(FILE_BYTES));
  disk.place(`/log/${segmentName(FILE_BYTES)}.old`, new Uint8Array(FILE_BYTES));
  expect(() => open(disk)).toThrow(
    "/log/00000000000000008192.old seems to be a file of the store under another name",
  );
});

test("a folder in the place of a file is refused: the file is lost, or its name is in the log's way", () => {
  for (const place of [0, FILE_BYTES, 2 * FILE_BYTES, 5 * FILE_BYTES]) {
    const disk = newMemoryDisk();
    for (const start of [0, FILE_BYTES, 2 * FILE_BYTES]) {
      if (start !== place) placeFiles(disk, [start, FILE_BYTES]);
    }
    disk.makeDirectorySync(`/log/${segmentName(place)}`);
    expect(() => open(disk)).toThrow(`/log/${segmentName(place)} is a folder`);
  }
});

test("a missing file between others, and one with another beginning, are refused", () => {
  const gap = newMemoryDisk();
  placeFiles(gap, [0, FILE_BYTES], [2 * FILE_BYTES, FILE_BYTES]);
  expect(() => open(gap)).toThrow("a file is missing between");
  const odd = newMemoryDisk();
  placeFiles(odd, [5000, FILE_BYTES]);
  expect(() => open(odd)).toThrow("no multiple of the file size");
});

test("a prepared file becomes the next one by its name, and never stands half-made in the folder", async () => {
  const disk = newMemoryDisk();
  const files = open(disk);
  files.findOrCreate(0);
  await files.prepare();
  expect(disk.listSync("/log").length).toBe(1);
  expect(disk.statSync(files.preparedPath)?.sizeBytes).toBe(FILE_BYTES);
  files.findOrCreate(FILE_BYTES);
  expect(disk.statSync(files.preparedPath)).toBeNull();
  expect(disk.listSync("/log").length).toBe(2);
  await files.prepare();
  await files.close();
  expect(disk.listSync("/")).toEqual(["log"]);
});

test("what an earlier run had prepared is thrown away", () => {
  const disk = newMemoryDisk();
  disk.place("/log.next", new Uint8Array(100));
  const files = open(disk);
  expect(disk.statSync(files.preparedPath)).toBeNull();
});

test("a file that can't be renamed into place is made there instead", async () => {
  const disk = newMemoryDisk();
  const files = open(disk);
  await files.prepare();
  disk.inject({ operation: "rename", code: "EXDEV" });
  files.findOrCreate(0);
  expect(disk.statSync("/log/00000000000000000000")?.sizeBytes).toBe(FILE_BYTES);
});

test("a file that can't be made leaves nothing behind", () => {
  const disk = newMemoryDisk();
  const files = open(disk);
  disk.inject({ operation: "truncate", code: "ENOSPC", times: 1 });
  expect(() => files.findOrCreate(0)).toThrow("ENOSPC");
  expect(disk.listSync("/log")).toEqual([]);
  files.findOrCreate(0);
  expect(files.endOffset).toBe(FILE_BYTES);
});

test("files beyond an offset are deleted, and the first ones on their own", async () => {
  const disk = newMemoryDisk();
  placeFiles(disk, [0, FILE_BYTES], [FILE_BYTES, FILE_BYTES], [2 * FILE_BYTES, FILE_BYTES]);
  const files = open(disk);
  files.truncate(2 * FILE_BYTES);
  expect(files.endOffset).toBe(2 * FILE_BYTES);
  await files.deleteFirst();
  expect([files.startOffset, files.find(0)]).toEqual([FILE_BYTES, null]);
  expect(disk.listSync("/log")).toEqual([segmentName(FILE_BYTES)]);
  const target = new Uint8Array(100);
  expect(files.readSync(target, 0, 100, 0)).toBe(0);
  expect(await files.read(target, 0, 100, 2 * FILE_BYTES - 40)).toBe(40);
});

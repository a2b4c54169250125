// What every disk does alike: the same tests against the machine's and the memory's.
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { seededRandom } from "../random.ts";
import { type Disk, DiskError } from "./disk.ts";
import { nodeDisk } from "./disk_node.ts";
import { MemoryDisk } from "./memory_disk.ts";

const folder = mkdtempSync(`${tmpdir()}/roquet-disk-`);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function memory(): Disk {
  const disk = new MemoryDisk(seededRandom(1));
  disk.makeDirectorySync(folder);
  return disk;
}

function codeOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (error instanceof DiskError) return error.code;
    throw error;
  }
  return "none";
}

let made = 0;

describe.each([["the machine's disk", () => nodeDisk], ["the memory disk", memory]])(
  "%s",
  (_name, makeDisk) => {
    const disk = makeDisk();
    const freshPath = () => `${folder}/file-${made++}`;

    test("reads back what was written at any position, holes as zeros", () => {
      const file = disk.openSync(freshPath(), "create");
      const bytes = Uint8Array.from({ length: 10_000 }, (_, index) => index);
      file.writeSync(bytes, 10, 9000, 5000);
      expect(file.sizeSync()).toBe(14_000);
      const target = new Uint8Array(20_000).fill(7);
      expect(file.readSync(target, 100, 19_000, 0)).toBe(14_000);
      expect(target.subarray(100, 5100).every((byte) => byte === 0)).toBe(true);
      expect(target.subarray(5100, 14_100)).toEqual(bytes.subarray(10, 9010));
      expect(target[14_100]).toBe(7);
      expect(file.readSync(target, 0, 10, 14_000)).toBe(0);
      void file.close();
    });

    test("does the same asynchronously, and closing waits for it", async () => {
      const path = freshPath();
      const file = disk.openSync(path, "create");
      const writing = file.write(new Uint8Array([1, 2, 3]), 0, 3, 4097);
      const syncing = file.datasync();
      await writing;
      await syncing;
      const target = new Uint8Array(8);
      const reading = file.read(target, 1, 7, 4096);
      await Promise.resolve();
      const closing = file.close();
      expect(await reading).toBe(4);
      await closing;
      expect([...target]).toEqual([0, 0, 1, 2, 3, 0, 0, 0]);
      expect(disk.statSync(path)?.sizeBytes).toBe(4100);
    });

    test("refuses to use a closed file", async () => {
      const file = disk.openSync(freshPath(), "create");
      await file.close();
      await file.close();
      expect(codeOf(() => file.sizeSync())).toBe("EBADF");
    });

    test("cuts and extends files", () => {
      const path = freshPath();
      const file = disk.openSync(path, "create");
      file.writeSync(new Uint8Array([9, 9, 9, 9]), 0, 4, 0);
      file.truncateSync(2);
      file.truncateSync(6);
      const target = new Uint8Array(6);
      expect(file.readSync(target, 0, 6, 0)).toBe(6);
      expect([...target]).toEqual([9, 9, 0, 0, 0, 0]);
      file.datasyncSync();
      void file.close();
    });

    test("opens a missing file only to create it", () => {
      const path = freshPath();
      expect(codeOf(() => disk.openSync(path, "read"))).toBe("ENOENT");
      expect(codeOf(() => disk.openSync(path, "write"))).toBe("ENOENT");
      expect(codeOf(() => disk.openSync(`${path}/deep`, "create"))).toBe("ENOENT");
      expect(disk.statSync(path)).toBeNull();
      void disk.openSync(path, "create").close();
      expect(disk.statSync(path)).toMatchObject({ sizeBytes: 0, isDirectory: false });
    });

    test("makes, lists, renames and removes", async () => {
      const root = freshPath();
      disk.makeDirectorySync(`${root}/a/b`);
      disk.makeDirectorySync(`${root}/a/b`);
      expect(disk.statSync(`${root}/a`)?.isDirectory).toBe(true);
      for (const name of ["2", "1", "3"]) {
        void disk.openSync(`${root}/a/${name}`, "create").close();
      }
      expect(disk.listSync(`${root}/a`)).toEqual(["1", "2", "3", "b"]);
      disk.renameSync(`${root}/a/1`, `${root}/a/b/1`);
      disk.syncDirectorySync(`${root}/a`);
      await disk.syncDirectory(`${root}/a/b`);
      disk.unlinkSync(`${root}/a/2`);
      await disk.unlink(`${root}/a/3`);
      expect(disk.listSync(`${root}/a`)).toEqual(["b"]);
      expect(disk.listSync(`${root}/none`)).toEqual([]);
      expect(codeOf(() => disk.unlinkSync(`${root}/a/2`))).toBe("ENOENT");
      expect(codeOf(() => disk.removeDirectorySync(`${root}/a/b`))).toBe("ENOTEMPTY");
      disk.unlinkSync(`${root}/a/b/1`);
      disk.removeDirectorySync(`${root}/a/b`);
      expect(disk.statSync(`${root}/a/b`)).toBeNull();
    });

    test("sets a modification time and tells the free space", () => {
      const path = freshPath();
      void disk.openSync(path, "create").close();
      disk.touchSync(path, 1_600_000_000_000);
      expect(disk.statSync(path)?.modifiedMs).toBe(1_600_000_000_000);
      const usage = disk.usageSync(`${path}/not/there`);
      expect(usage.totalBytes).toBeGreaterThan(0);
      expect(usage.freeBytes).toBeLessThanOrEqual(usage.totalBytes);
    });
  },
);

// Long reads of the log take turns; one that fails passes its turn on.
import { Buffer } from "node:buffer";
import { expect, test } from "bun:test";
import type { MemoryDisk } from "../../core/disk/memory_disk.ts";
import { newMemoryDisk, openTestStore, testMessage } from "../testing_store.ts";
import { LONG_READ_BYTES_MIN, ReadTurns } from "./read_turns.ts";

test("reads go one at a time in the order they were asked for, past one that fails", async () => {
  const turns = new ReadTurns();
  const begun: number[] = [];
  const ends: ((fails: boolean) => void)[] = [];
  const reads = [0, 1, 2].map((number) =>
    turns.take(() => {
      begun.push(number);
      return new Promise<number>((resolve, reject) =>
        ends.push((fails) => fails ? reject(new Error("EIO")) : resolve(number))
      );
    })
  );
  expect(begun).toEqual([0]);
  ends[0]!(true);
  expect(await reads[0]!.catch((error: Error) => error.message)).toBe("EIO");
  expect(begun).toEqual([0, 1]);
  ends[1]!(false);
  expect(await reads[1]!).toBe(1);
  expect(begun).toEqual([0, 1, 2]);
  ends[2]!(false);
  expect(await reads[2]!).toBe(2);
  expect(await turns.take(() => Promise.resolve("free again"))).toBe("free again");
});

test("many readers of the log's cold end leave the thread pool to others, and each gets its bytes", async () => {
  const disk = newMemoryDisk();
  const watched = watchReads(disk);
  const store = await openTestStore(disk, { commitLogFileBytes: 4 * 1024 * 1024 });
  for (let index = 0; index < 60; index++) {
    await store.put([testMessage(1000 + index, { bodyBytes: 100 * 1024 })]);
  }
  const targets = Array.from({ length: 12 }, () => Buffer.alloc(2 * LONG_READ_BYTES_MIN));
  watched.most = 0;
  const counts = await Promise.all(
    targets.map((target, index) =>
      store.readInto(target, 0, target.length, (index % 3) * target.length)
    ),
  );
  expect(counts).toEqual(targets.map((target) => target.length));
  expect(targets[3]!.equals(targets[0]!)).toBe(true);
  expect(targets[1]!.equals(targets[0]!)).toBe(false);
  expect(watched.most).toBe(1);
  await store[Symbol.asyncDispose]();
});

/** Notes the most asynchronous reads of a disk's files that are under way at a time. */
function watchReads(disk: MemoryDisk): { most: number } {
  let underWay = 0;
  const watched = { most: 0 };
  const open = disk.openSync.bind(disk);
  disk.openSync = (path, mode) => {
    const file = open(path, mode);
    const read = file.read.bind(file);
    file.read = async (target, start, length, position) => {
      watched.most = Math.max(watched.most, ++underWay);
      try {
        return await read(target, start, length, position);
      } finally {
        underWay--;
      }
    };
    return file;
  };
  return watched;
}

// Long reads of the log take turns; one that fails passes its turn on. Cold ones wait for the end of a sync.
import { Buffer } from "node:buffer";
import { expect, test } from "bun:test";
import type { MemoryDisk } from "../../core/disk/memory_disk.ts";
import { endOfTurn } from "../../core/time/clock.ts";
import { systemClock } from "../../core/time/system_clock.ts";
import { newMemoryDisk, openTestStore, testMessage } from "../testing_store.ts";
import { SIGNS_WINDOW_BYTES } from "./cold_signs.ts";
import { LONG_READ_BYTES_MIN, ReadTurns } from "./read_turns.ts";

test("reads go one at a time in the order they were asked for, past one that fails", async () => {
  const turns = turnsOf({ isCold: false });
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

test("a cold read waits for the sync under way, and for no second one", async () => {
  const turns = turnsOf({ isCold: true });
  const first = Promise.withResolvers<void>();
  const second = Promise.withResolvers<void>();
  const syncs = [turns.during(first.promise)];
  const begun: string[] = [];
  const read = (name: string, isUrgent = false) =>
    turns.take(() => Promise.resolve(begun.push(name)), isUrgent);
  const waiting = read("cold");
  await read("urgent", true);
  expect(begun).toEqual(["urgent"]);
  syncs.push(turns.during(second.promise));
  first.resolve();
  await waiting;
  expect(begun).toEqual(["urgent", "cold"]);
  const later = read("later");
  await read("urgent again", true);
  expect(begun).not.toContain("later");
  second.resolve();
  await later;
  await Promise.all(syncs);
  await read("free");
  expect(begun).toEqual(["urgent", "cold", "urgent again", "later", "free"]);
});

test("a sync that fails fails for who asked for it, and lets the cold reads go on", async () => {
  const turns = turnsOf({ isCold: true });
  const sync = Promise.withResolvers<void>();
  const failed = turns.during(sync.promise).catch((error: Error) => error.message);
  const reading = turns.take(() => Promise.resolve("read"));
  sync.reject(new Error("EIO"));
  expect(await failed).toBe("EIO");
  expect(await reading).toBe("read");
});

test("warm reads wait for no sync", async () => {
  const turns = turnsOf({ isCold: false });
  const sync = Promise.withResolvers<void>();
  const synced = turns.during(sync.promise);
  expect(await turns.take(() => Promise.resolve("read"))).toBe("read");
  sync.resolve();
  await synced;
});

test("a pull's cold bytes come when the sync that it met has ended", async () => {
  let deviceBytes = 0;
  const disk = Object.assign(newMemoryDisk(), { deviceReadBytes: () => deviceBytes });
  const store = await openTestStore(disk, { commitLogFileBytes: 32 * 1024 * 1024 });
  for (let index = 0; index < 200; index++) {
    await store.put([testMessage(2000 + index, { bodyBytes: 100 * 1024 })]);
  }
  const target = Buffer.alloc(2 * LONG_READ_BYTES_MIN);
  const readFirst = () => store.readInto(target, 0, target.length, 0);
  for (let read = 0; read < SIGNS_WINDOW_BYTES; read += target.length) {
    deviceBytes += await readFirst();
  }
  disk.holdSyncs();
  const syncsBefore = disk.count("datasync", "/commitlog/");
  await store.put([testMessage(3000)]);
  const flushed = store.flush();
  while (disk.count("datasync", "/commitlog/") === syncsBefore) await endOfTurn(systemClock);
  let isRead = false;
  const reading = readFirst().then((count) => (isRead = true, count));
  for (let turn = 0; turn < 20; turn++) await endOfTurn(systemClock);
  expect(isRead).toBe(false);
  disk.releaseSyncs();
  expect(await reading).toBe(target.length);
  await flushed;
  await store[Symbol.asyncDispose]();
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

function turnsOf(signs: { isCold: boolean }): ReadTurns {
  return new ReadTurns(signs, { next: () => 0 }, systemClock);
}

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

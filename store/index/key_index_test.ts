// The key index against a naive model, through rolls, truncations, clean stops, kills and power cuts.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { Buffer } from "node:buffer";
import { OperationError } from "../../core/errors.ts";
import { MemoryDisk } from "../../core/disk/memory_disk.ts";
import { silentLogger } from "../../core/log.ts";
import { randomBelow, seededRandom } from "../../core/random.ts";
import { VirtualClock } from "../../core/time/virtual_clock.ts";
import type { KeyIndexOptions } from "./index_options.ts";
import { KeyIndex } from "./key_index.ts";
import { indexFileBytes } from "./layout.ts";
import { TAIL_ITEMS_MAX } from "./limits.ts";
import { eachIndexKey } from "./record_keys.ts";
import type { SlotsPoint } from "./slots_point.ts";

const BEGIN_MS = 1_700_000_000_000;
const CLEAN = { lastExitClean: true, completeUntilMs: 0 };

interface Store {
  disk: MemoryDisk;
  clock: VirtualClock;
  options: KeyIndexOptions & { clock: VirtualClock };
  completed: number[];
}

function testIndex(slotCount = 30, itemCount = 100, seed = 1): Store {
  const disk = new MemoryDisk(seededRandom(seed));
  disk.makeDirectorySync("/store");
  const clock = new VirtualClock();
  const completed: number[] = [];
  const options = {
    disk,
    clock,
    log: silentLogger,
    path: "/store/index",
    slotCount,
    itemCount,
    onFileComplete: (endTimestampMs: number) => void completed.push(endTimestampMs),
  };
  return { disk, clock, options, completed };
}

/** Record n has the offset 100 n, is stored n × 700 ms after the begin and has the key n modulo 7. */
function putRecord(index: KeyIndex, record: number): void {
  const timeMs = BEGIN_MS + record * 700;
  eachIndexKey("t", 0, { KEYS: `k${record % 7}` }, (hash) => index.put(hash, record * 100, timeMs));
}

async function offsetsOf(index: KeyIndex, key: string, max = 1000): Promise<number[]> {
  return (await index.query("t", key, max, 0, 2 ** 50)).offsets;
}

function expectedOffsets(key: number, records: number, from = 0): number[] {
  const offsets: number[] = [];
  for (let record = records - 1; record >= from; record--) {
    if (record % 7 === key) offsets.push(record * 100);
  }
  return offsets;
}

async function expectRecords(index: KeyIndex, records: number, from = 0): Promise<void> {
  for (let key = 0; key < 7; key++) {
    expect([key, ...await offsetsOf(index, `k${key}`)])
      .toEqual([key, ...expectedOffsets(key, records, from)]);
  }
}

test("keys are found at once, and after they were written, newest first", async () => {
  const { clock, options } = testIndex();
  await using index = await KeyIndex.open(options, CLEAN);
  for (let record = 0; record < 50; record++) putRecord(index, record);
  await expectRecords(index, 50);
  await clock.advance(60);
  for (let record = 50; record < 80; record++) putRecord(index, record);
  await expectRecords(index, 80);
  expect(await offsetsOf(index, "k1", 3)).toEqual([7800, 7100, 6400]);
});

test("keys of records before the newest one are in the index already and aren't put again", async () => {
  const { options } = testIndex();
  await using index = await KeyIndex.open(options, CLEAN);
  for (const record of [0, 1, 2, 0, 1, 3]) putRecord(index, record);
  await expectRecords(index, 4);
});

test("an index without keys takes neither disk nor a table, the first key makes a file of the exact length", async () => {
  const { disk, clock, options } = testIndex();
  await using index = await KeyIndex.open(options, CLEAN);
  await clock.advance(5000);
  expect(disk.statSync("/store/index")).toBeNull();
  putRecord(index, 0);
  await clock.advance(60);
  const [name] = disk.listSync("/store/index");
  expect(name).toMatch(/^\d{17}$/);
  expect(disk.statSync(`/store/index/${name}`)!.sizeBytes).toBe(40 + 30 * 4 + 100 * 20);
});

test("a time range narrows to the second, and stops at files that begin before it", async () => {
  const { options } = testIndex();
  await using index = await KeyIndex.open(options, CLEAN);
  for (let record = 0; record < 300; record++) putRecord(index, record);
  const at = (record: number) => BEGIN_MS + record * 700;
  const found = await index.query("t", "k0", 64, at(140) - 1000, at(161));
  expect(found.offsets).toEqual([16100, 15400, 14700, 14000]);
  expect(found.lastUpdateTimestampMs).toBe(at(299));
  expect(found.lastUpdatePhysicalOffset).toBe(29900);
});

test("full files are completed in the background and reported with their last store time", async () => {
  const { disk, clock, options, completed } = testIndex();
  const index = await KeyIndex.open(options, CLEAN);
  for (let record = 0; record < 250; record++) putRecord(index, record);
  await clock.advance(60);
  expect(completed).toEqual([98, 197].map((record) => BEGIN_MS + record * 700));
  await expectRecords(index, 250);
  await index[Symbol.asyncDispose]();
  expect(disk.listSync("/store/index").length).toBe(3);
  await using again = await KeyIndex.open(options, CLEAN);
  await expectRecords(again, 250);
  for (let record = 250; record < 330; record++) putRecord(again, record);
  await expectRecords(again, 330);
});

test("a new file's first item counts its seconds from the end of the file before", async () => {
  const { disk, options } = testIndex(30, 3);
  const index = await KeyIndex.open(options, CLEAN);
  for (const record of [0, 1, 100]) putRecord(index, record);
  await index[Symbol.asyncDispose]();
  const second = Buffer.from(disk.contents(`/store/index/${disk.listSync("/store/index")[1]}`));
  expect(second.readInt32BE(40 + 30 * 4 + 20 + 12)).toBe(69);
  expect(Number(second.readBigInt64BE(0))).toBe(BEGIN_MS + 70_000);
});

test("when no key comes for a second the slots are on disk, byte for byte as after a clean stop", async () => {
  const { disk, clock, options } = testIndex();
  const index = await KeyIndex.open(options, CLEAN);
  for (let record = 0; record < 60; record++) putRecord(index, record);
  await clock.advance(1200);
  const path = `/store/index/${disk.listSync("/store/index")[0]}`;
  const quiet = Buffer.from(disk.contents(path));
  await index[Symbol.asyncDispose]();
  expect(quiet.equals(Buffer.from(disk.contents(path)))).toBe(true);
  expect(quiet.readInt32BE(32)).toBe(7);
  expect(quiet.readInt32BE(36)).toBe(61);
});

test("truncation forgets newer records, whole files among them, and goes on where it cut", async () => {
  const { disk, options } = testIndex();
  const index = await KeyIndex.open(options, CLEAN);
  for (let record = 0; record < 250; record++) putRecord(index, record);
  await index.truncate(15000);
  expect(index.endPhysicalOffset).toBe(14900);
  expect(disk.listSync("/store/index").length).toBe(2);
  await expectRecords(index, 150);
  for (let record = 150; record < 230; record++) putRecord(index, record);
  await expectRecords(index, 230);
  await index.truncate(0);
  expect(disk.listSync("/store/index")).toEqual([]);
  putRecord(index, 0);
  await expectRecords(index, 1);
  await index[Symbol.asyncDispose]();
});

test("retention deletes files that end before the log begins, never the newest", async () => {
  const { disk, clock, options } = testIndex();
  await using index = await KeyIndex.open(options, CLEAN);
  for (let record = 0; record < 250; record++) putRecord(index, record);
  await clock.advance(60);
  await index.deleteExpired(19_650, (path) => disk.unlink(path));
  expect(disk.listSync("/store/index").length).toBe(2);
  await index.deleteExpired(10 ** 9, (path) => disk.unlink(path));
  expect(disk.listSync("/store/index").length).toBe(1);
  await expectRecords(index, 250, 198);
});

test("a disk that is full keeps keys in memory, and they are written when there is room", async () => {
  const { disk, clock, options } = testIndex(30, 3 * TAIL_ITEMS_MAX);
  const index = await KeyIndex.open(options, CLEAN);
  putRecord(index, 0);
  disk.inject({ operation: "write", code: "ENOSPC" });
  const records = TAIL_ITEMS_MAX + 100;
  for (let record = 1; record < records; record++) putRecord(index, record);
  await clock.advance(100);
  await expect(index.sync()).rejects.toThrow("ENOSPC");
  disk.clearFaults();
  await clock.advance(1100);
  await index[Symbol.asyncDispose]();
  await using again = await KeyIndex.open(options, CLEAN);
  expect((await offsetsOf(again, "k3", 10)).length).toBe(10);
  expect(again.endPhysicalOffset).toBe((records - 1) * 100);
});

test("a file that can't be completed is tried again, and costs no key", async () => {
  const { disk, clock, options } = testIndex();
  await using index = await KeyIndex.open(options, CLEAN);
  disk.inject({ operation: "datasync", code: "EIO", times: 1 });
  for (let record = 0; record < 250; record++) putRecord(index, record);
  await clock.advance(60);
  await expectRecords(index, 250, 0);
  await clock.advance(2000);
  putRecord(index, 250);
  await clock.advance(60);
  await index.sync();
  await expectRecords(index, 251, 0);
});

test("a file that can't be made doesn't fail the caller, but no checkpoint may count its keys", async () => {
  const { disk, clock, options } = testIndex();
  const index = await KeyIndex.open(options, CLEAN);
  disk.inject({ operation: "open", code: "EACCES", times: 1 });
  putRecord(index, 0);
  putRecord(index, 1);
  await clock.advance(1001);
  for (let record = 2; record < 150; record++) putRecord(index, record);
  await clock.advance(60);
  await expectRecords(index, 150, 2);
  await expect(index.sync()).rejects.toThrow("EACCES");
});

test("a file of another size than configured stops the start and says why", async () => {
  const { disk, options } = testIndex();
  disk.place("/store/index/20260101000000000", new Uint8Array(100));
  await expect(KeyIndex.open(options, CLEAN)).rejects.toThrow(OperationError);
  await expect(KeyIndex.open(options, CLEAN)).rejects.toThrow("maxHashSlotNum 30");
});

/** An index of 60 durable records and 20 more on disk, killed; `rebuilt` tells from which item slots were made again. */
async function killedIndex(change: (file: string, disk: MemoryDisk) => void, cutFrom = 60) {
  const { disk, options } = testIndex();
  const index = await KeyIndex.open(options, CLEAN);
  for (let record = 0; record < 60; record++) putRecord(index, record);
  const now = index.slotsNow;
  // The slots on disk will know of more.
  for (let record = 60; record < 70; record++) putRecord(index, record);
  await index.sync(now);
  const point = index.slotsPoint;
  for (let record = 70; record < 80; record++) putRecord(index, record);
  await options.clock.advance(1200);
  disk.crash("process");
  change(`/store/index/${disk.listSync("/store/index")[0]}`, disk);
  const rebuilt: unknown[] = [];
  const log = { ...silentLogger, info: (_: string, facts: unknown) => void rebuilt.push(facts) };
  const start = { lastExitClean: false, completeUntilMs: 0 };
  const again = await KeyIndex.open({ ...options, log, clock: new VirtualClock() }, start);
  await again.truncate(cutFrom * 100, point);
  for (let record = cutFrom; record < 90; record++) putRecord(again, record);
  await expectRecords(again, 90);
  return rebuilt[0];
}

test("after a kill the slots are made again from where they were durable, not from the first item", async () => {
  expect(await killedIndex(() => {})).toMatchObject({ from: 61, forgotten: 20 });
  expect(await killedIndex(() => {}, 50)).toMatchObject({ from: 1, forgotten: 30 });
});

test("slots that items don't bear out are made again from the first item", async () => {
  const zeroedSlots = (path: string, disk: MemoryDisk) => zero(disk, path, 40, 4 * 30);
  expect(await killedIndex(zeroedSlots)).toMatchObject({ from: 1, forgotten: 20 });
  const lostItem = (path: string, disk: MemoryDisk) => zero(disk, path, 40 + 4 * 30 + 20 * 75, 20);
  expect(await killedIndex(lostItem)).toMatchObject({ from: 1, forgotten: 20 });
});

function zero(disk: MemoryDisk, path: string, at: number, length: number): void {
  disk.openSync(path, "write").writeSync(new Uint8Array(length), 0, length, at);
}

type Step = { do: "put"; count: number } | { do: "wait"; ms: number } | { do: "sync" } | {
  do: "truncate";
  share: number;
} | { do: "reopen" | "kill" | "cut power" };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("put" as const),
      count: fc.integer({ min: 1, max: 130 }),
    }),
  },
  fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(1, 51, 1200) }),
  fc.constant({ do: "sync" as const }),
  fc.record({
    do: fc.constant("truncate" as const),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
  fc.constantFrom(
    { do: "reopen" as const },
    { do: "kill" as const },
    { do: "cut power" as const },
  ),
);

test("the index finds what a naive model finds after any sequence of steps", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), fc.nat(), async (steps, seed) => {
      const store = testIndex(30, 100, seed);
      let index = await KeyIndex.open(store.options, CLEAN);
      let records: number[] = [];
      let next = 0;
      let synced = 0;
      let completeUntilMs = 0;
      let point: SlotsPoint | null = null;
      const cutOffset = (count: number) => count === 0 ? 0 : records[count - 1]! * 100 + 1;
      const crash = async (kind: "process" | "power") => {
        store.disk.crash(kind);
        store.options.clock = new VirtualClock(store.clock.nowMs());
        store.clock = store.options.clock;
        index = await KeyIndex.open(store.options, { lastExitClean: false, completeUntilMs });
        await index.truncate(cutOffset(synced), point);
        // The log behind the checkpoint is lost then, and other records take its place.
        if (kind === "power") records = records.slice(0, synced);
        for (const record of records.slice(synced)) putRecord(index, record);
      };
      for (const each of steps) {
        if (each.do === "put") {
          for (let i = 0; i < each.count; i++) {
            putRecord(index, next);
            records.push(next++);
          }
        } else if (each.do === "wait") await store.clock.advance(each.ms);
        else if (each.do === "sync") {
          synced = records.length;
          await index.sync(index.slotsNow);
          point = index.slotsPoint;
          completeUntilMs = store.completed.at(-1) ?? 0;
        } else if (each.do === "truncate") {
          const count = Math.floor(records.length * each.share);
          await index.truncate(cutOffset(count));
          records = records.slice(0, count);
          if (count < synced) point = null;
          synced = Math.min(synced, count);
        } else if (each.do === "reopen") {
          await index[Symbol.asyncDispose]();
          index = await KeyIndex.open(store.options, CLEAN);
          synced = records.length;
        } else {
          await crash(each.do === "kill" ? "process" : "power");
          // Other keys than those that were lost.
          next += 1 + next % 3;
        }
        for (let key = 0; key < 7; key++) {
          const expected = records.filter((record) => record % 7 === key).reverse();
          expect(await offsetsOf(index, `k${key}`)).toEqual(expected.map((record) => record * 100));
        }
      }
      await index[Symbol.asyncDispose]();
    }),
    { numRuns: 150 },
  );
});

test("look-ups agree with a scan of all items for random hashes, times and limits", async () => {
  const random = seededRandom(7);
  const { options } = testIndex(97, 500);
  await using index = await KeyIndex.open(options, CLEAN);
  const puts: { hash: string; offset: number; timeMs: number }[] = [];
  for (let record = 0; record < 2000; record++) {
    const put = {
      hash: `k${randomBelow(random, 150)}`,
      offset: record * 10,
      timeMs: BEGIN_MS + record * 1000,
    };
    puts.push(put);
    eachIndexKey("t", 0, { UNIQ_KEY: put.hash }, (hash) => index.put(hash, put.offset, put.timeMs));
  }
  for (let round = 0; round < 200; round++) {
    const key = `k${randomBelow(random, 150)}`;
    const found = await offsetsOf(index, key, 64);
    const expected = puts.filter((put) => put.hash === key).map((put) => put.offset).reverse();
    expect(found).toEqual(expected.slice(0, 64));
  }
  expect(indexFileBytes({ slotCount: 5_000_000, itemCount: 20_000_000 })).toBe(420_000_040);
});

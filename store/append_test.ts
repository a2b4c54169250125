// Appending through the whole store on the memory disk: numbering, roll-over, full and failing disks, group commit,
// sync time-outs, confirm bounds. What owners are told is what a client would be.
import { expect, test } from "bun:test";
import { createLogger } from "../core/log.ts";
import { VirtualClock } from "../core/time/virtual_clock.ts";
import type { PutResult } from "./message_store.ts";
import {
  LOG_FILE_BYTES,
  newMemoryDisk,
  openTestStore,
  STORE_PATH,
  testMessage,
  viewBytes,
} from "./testing_store.ts";

function statuses(results: PutResult[]): string[] {
  return results.map(({ status }) => status);
}

/** Lets everything that is ready run. */
function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 2));
}

const LOG = `${STORE_PATH}/commitlog/`;

test("messages put in one turn are one write, numbered in order, seen by consumers at once", async () => {
  const disk = newMemoryDisk();
  await using store = await openTestStore(disk);
  const arrivals: string[] = [];
  store.onArrival((topic, queueId, queueOffset, tagsCode) =>
    arrivals.push(`${topic}/${queueId}/${queueOffset}/${tagsCode}`)
  );
  const before = disk.count("write", LOG);
  const puts = [0, 1, 2, 3].map((index) => store.put([testMessage(index)]));
  const results = (await Promise.all(puts)).flat();
  expect(disk.count("write", LOG) - before).toBe(1);
  expect(results.map(({ status, queueOffset }) => [status, queueOffset]))
    .toEqual([["ok", 0], ["ok", 0], ["ok", 1], ["ok", 1]]);
  expect(results.map(({ physicalOffset }) => physicalOffset))
    .toEqual([0, 1, 2, 3].map((index) => index * results[0]!.size));
  expect(arrivals).toEqual([
    "TestTopic/0/0/65",
    "TestTopic/1/0/65",
    "TestTopic/0/1/65",
    "TestTopic/1/1/65",
  ]);
  expect(store.queueBounds("TestTopic", 0)).toEqual({ minOffset: 0, maxOffset: 2 });
  const found = await store.queryIndex("TestTopic", "key2", 8, 0, 1e15);
  expect(found.offsets).toEqual([results[2]!.physicalOffset]);
  expect(await store.storeTimestamp("TestTopic", 0, 1)).toBe(results[2]!.storeTimestampMs);
});

test("a file is rolled over when a record and a blank one don't both fit, and reads go on across it", async () => {
  const disk = newMemoryDisk();
  await using store = await openTestStore(disk);
  const results: PutResult[] = [];
  for (let index = 0; index < 40; index++) {
    results.push(...await store.put([testMessage(10 + index, { bodyBytes: 5000 })]));
  }
  const { size } = results[0]!;
  const perFile = Math.floor((LOG_FILE_BYTES - 8) / size);
  results.forEach(({ physicalOffset }, index) => {
    const file = Math.floor(index / perFile);
    expect(physicalOffset).toBe(file * LOG_FILE_BYTES + (index % perFile) * size);
  });
  expect(disk.listSync(`${STORE_PATH}/commitlog`).map(Number))
    .toEqual(Array.from({ length: Math.ceil(40 / perFile) }, (_, file) => file * LOG_FILE_BYTES));
  const first = disk.contents(`${STORE_PATH}/commitlog/${"0".repeat(20)}`);
  expect(first.length).toBe(LOG_FILE_BYTES);
  const blankAt = perFile * size;
  const blank = new DataView(first.buffer, blankAt, 8);
  expect([blank.getInt32(0), blank.getUint32(4)]).toEqual([LOG_FILE_BYTES - blankAt, 0xcbd43194]);
  for (const { physicalOffset } of results) {
    expect(viewBytes(await store.read(physicalOffset)).length).toBe(size);
  }
  expect(await store.read(blankAt)).toBeNull();
});

test("messages put together go to one file, and a batch that fits none is refused", async () => {
  await using store = await openTestStore(newMemoryDisk());
  await store.put([testMessage(0, { bodyBytes: 40_000 })]);
  const together = await store.put(
    [1, 2, 3].map((index) => testMessage(index, { bodyBytes: 9000 })),
  );
  expect(together[0]!.physicalOffset).toBe(LOG_FILE_BYTES);
  expect(together.every(({ physicalOffset }) => physicalOffset < 2 * LOG_FILE_BYTES)).toBe(true);
  const refused = await store.put([4, 5].map((index) => testMessage(index, { bodyBytes: 40_000 })));
  expect(statuses(refused)).toEqual(["message_illegal", "message_illegal"]);
  expect(refused[0]!.detail).toContain("don't fit a log file");
  expect(statuses(await store.put([testMessage(6)]))).toEqual(["ok"]);
});

test("what can't be stored is refused before anything has happened", async () => {
  await using store = await openTestStore(newMemoryDisk(), { bodyBytesMax: 100 });
  const cases: [string, Parameters<typeof testMessage>[1]][] = [
    ["message_illegal", { bodyBytes: 101 }],
    ["message_illegal", { topic: "" }],
    ["topic_too_long", { topic: "t".repeat(256) }],
    ["properties_too_long", { properties: new Uint8Array(32_768) }],
  ];
  for (const [status, fields] of cases) {
    expect(statuses(await store.put([testMessage(0), testMessage(1, fields)])))
      .toEqual([status, status]);
  }
  expect(store.maxPhysicalOffset).toBe(0);
  expect(store.queueTopics()).toEqual([]);
});

test("a full disk takes back the numbers of a burst, says why, and writes resume with room", async () => {
  const disk = newMemoryDisk();
  const lines: string[] = [];
  const log = createLogger(({ level, text }) => level !== "debug" && lines.push(text));
  const store = await openTestStore(disk, { log });
  const [kept] = await store.put([testMessage(0, { bodyBytes: 3000 })]);
  lines.length = 0;
  const free = disk.freeBytes;
  disk.freeBytes = 3 * 4096;
  const burst = [2, 4, 6, 8, 10, 12].map((index) =>
    store.put([testMessage(index, { bodyBytes: 3000 })])
  );
  const failed = (await Promise.all(burst)).flat();
  expect(statuses(failed)).toEqual(Array(6).fill("disk_full"));
  // A producer is told the cause, and nothing of the machine's paths.
  expect(failed[0]!.detail).toBe("the disk is full (ENOSPC)");
  expect(statuses(await store.put([testMessage(16, { bodyBytes: 20_000 })]))).toEqual([
    "disk_full",
  ]);
  expect(store.queueBounds("TestTopic", 0)).toEqual({ minOffset: 0, maxOffset: 1 });
  expect(store.maxPhysicalOffset).toBe(kept!.size);
  expect(store.writeRefusal).toBeNull();
  expect(store.stats()).toMatchObject({ putTotal: 1, putFailedTotal: 7 });
  expect((await store.queryIndex("TestTopic", "key2", 8, 0, 1e15)).offsets).toEqual([]);
  disk.freeBytes = free;
  const [next] = await store.put([testMessage(14, { bodyBytes: 3000 })]);
  expect([next!.status, next!.queueOffset, next!.physicalOffset]).toEqual(["ok", 1, kept!.size]);
  // A slow machine's queue may have been due for writing meanwhile.
  expect(lines.filter((line) => line.startsWith("the log "))).toEqual([
    "the log can't be written: sends are refused meanwhile",
    "the log can be written again",
  ]);
  disk.crash("process");
  await using reopened = await openTestStore(disk);
  expect(reopened.maxPhysicalOffset).toBe(kept!.size + next!.size);
  expect(reopened.queueBounds("TestTopic", 0)).toEqual({ minOffset: 0, maxOffset: 2 });
});

test("what a refused burst left on a full disk is no find for the next start", async () => {
  const disk = newMemoryDisk();
  const store = await openTestStore(disk);
  const [kept] = await store.put([testMessage(0, { bodyBytes: 3000 })]);
  disk.freeBytes = 4 * 4096;
  const burst = [2, 4, 6, 8, 10, 12].map((index) =>
    store.put([testMessage(index, { bodyBytes: 3000 })])
  );
  expect(statuses((await Promise.all(burst)).flat())).toEqual(Array(6).fill("disk_full"));
  disk.crash("process");
  disk.freeBytes = Infinity;
  await using reopened = await openTestStore(disk);
  expect(reopened.stats().recovery).toMatchObject({ cut: null, damage: null });
  expect(reopened.maxPhysicalOffset).toBe(kept!.size);
});

test("a store that is closed on a full disk gives up its lock, and the next start finds all that was acknowledged", async () => {
  const disk = newMemoryDisk();
  const store = await openTestStore(disk);
  await store.put([testMessage(0)]);
  await settle();
  disk.freeBytes = 0;
  // The log's page takes it; queue and index of another topic would need new ones.
  const [kept] = await store.put([testMessage(0, { topic: "Other" })]);
  expect(kept!.status).toBe("ok");
  await store[Symbol.asyncDispose]();
  expect(disk.statSync(`${STORE_PATH}/abort`)).not.toBeNull();
  disk.freeBytes = Infinity;
  await using reopened = await openTestStore(disk);
  expect(reopened.queueBounds("Other", 0)).toEqual({ minOffset: 0, maxOffset: 1 });
});

test("records that a failed write left whole are not there after a crash", async () => {
  const disk = newMemoryDisk();
  const store = await openTestStore(disk);
  const [kept] = await store.put([testMessage(0)]);
  disk.inject({
    operation: "write",
    path: "commitlog",
    code: "EIO",
    times: 1,
    partialBytes: 3 * kept!.size,
  });
  const burst = (await Promise.all([1, 2, 3, 4].map((index) => store.put([testMessage(index)]))))
    .flat();
  expect(statuses(burst)).toEqual(Array(4).fill("write_failed"));
  disk.crash("process");
  await using reopened = await openTestStore(disk);
  expect(reopened.maxPhysicalOffset).toBe(kept!.size);
});

test("blocks are allocated ahead of the end, and lacking room for them refuses nothing", async () => {
  const disk = newMemoryDisk();
  await using store = await openTestStore(disk, { syncFlush: true });
  await store.put([testMessage(10)]);
  await settle();
  // What was allocated ahead takes the messages to come.
  disk.freeBytes = 0;
  expect(statuses(await store.put([testMessage(11)]))).toEqual(["ok"]);
  disk.freeBytes = Infinity;
  expect(statuses(await store.put([testMessage(12)]))).toEqual(["ok"]);
});

test("when a roll-over fails, what came before it stands and the rest is told so", async () => {
  const disk = newMemoryDisk();
  await using store = await openTestStore(disk);
  const size = (await store.put([testMessage(10, { bodyBytes: 10_000 })]))[0]!.size;
  await settle();
  disk.inject({ operation: "rename", code: "ENOSPC", path: "commitlog" });
  const burst = [12, 14, 16, 18, 20, 22, 24, 26].map((index) =>
    store.put([testMessage(index, { bodyBytes: 10_000 })])
  );
  const results = (await Promise.all(burst)).flat();
  expect(statuses(results)).toEqual([...Array(5).fill("ok"), ...Array(3).fill("disk_full")]);
  expect(store.queueBounds("TestTopic", 0)?.maxOffset).toBe(6);
  disk.clearFaults();
  const [next] = await store.put([testMessage(28, { bodyBytes: 10_000 })]);
  expect([next!.status, next!.queueOffset, next!.physicalOffset]).toEqual([
    "ok",
    6,
    LOG_FILE_BYTES,
  ]);
  expect(viewBytes(await store.read(5 * size)).length).toBe(size);
});

test("under SYNC_FLUSH one sync covers all who wait, and who comes during it waits for the next", async () => {
  const disk = newMemoryDisk();
  await using store = await openTestStore(disk, { syncFlush: true });
  const told: number[] = [];
  const put = (index: number) => store.put([testMessage(index)]).then(() => told.push(index));
  disk.holdSyncs();
  const before = disk.count("datasync", LOG);
  const first = [0, 1, 2].map(put);
  await settle();
  const second = [3, 4, 5].map(put);
  await settle();
  expect(disk.count("datasync", LOG) - before).toBe(1);
  expect(told).toEqual([]);
  expect(store.queueBounds("TestTopic", 0)?.maxOffset ?? 0).toBe(0);
  expect(store.confirmOffset).toBe(0);
  disk.releaseSyncs();
  disk.holdSyncs();
  await Promise.all(first);
  expect(told).toEqual([0, 1, 2]);
  expect(store.queueBounds("TestTopic", 0)?.maxOffset).toBe(2);
  disk.releaseSyncs();
  await Promise.all(second);
  expect(told).toEqual([0, 1, 2, 3, 4, 5]);
  expect(disk.count("datasync", LOG) - before).toBe(2);
  expect(store.flushedOffset).toBe(store.maxPhysicalOffset);
});

test("a sync that takes too long is told as such, and its records are seen when it ends", async () => {
  const disk = newMemoryDisk();
  const clock = new VirtualClock();
  const store = await openTestStore(disk, { syncFlush: true, syncFlushTimeoutMs: 5000, clock });
  disk.holdSyncs();
  const putting = store.put([testMessage(0)]);
  await settle();
  await clock.advance(4999);
  let result: PutResult | null = null;
  void putting.then(([only]) => result = only!);
  await settle();
  expect(result).toBeNull();
  await clock.advance(2);
  await settle();
  expect(result!).toMatchObject({ status: "flush_disk_timeout", queueOffset: 0 });
  expect(store.queueBounds("TestTopic", 0)?.maxOffset ?? 0).toBe(0);
  disk.releaseSyncs();
  await settle();
  expect(store.queueBounds("TestTopic", 0)?.maxOffset).toBe(1);
  await store[Symbol.asyncDispose]();
});

test("after a failed sync nothing is called safe and nothing is taken, and the cause is named", async () => {
  const disk = newMemoryDisk();
  const store = await openTestStore(disk, { syncFlush: true });
  expect(statuses(await store.put([testMessage(0)]))).toEqual(["ok"]);
  disk.inject({ operation: "datasync", path: "commitlog", code: "EIO", times: 1 });
  const [failed] = await store.put([testMessage(1)]);
  expect(failed).toMatchObject({ status: "write_failed" });
  expect(failed!.detail).toContain("EIO");
  const [refused] = await store.put([testMessage(2)]);
  expect(refused).toMatchObject({ status: "not_writeable" });
  expect(store.writeRefusal?.detail).toContain("can't be made durable");
  expect(store.queueBounds("TestTopic", 1)?.maxOffset ?? 0).toBe(0);
  store.setWriteRefusal(null);
  expect(store.writeRefusal).not.toBeNull();
  await store[Symbol.asyncDispose]();
  expect(disk.statSync(`${STORE_PATH}/abort`)).not.toBeNull();
});

test("under ASYNC_FLUSH dirty pages are synced at the interval, a lesser rest at the thorough one", async () => {
  const disk = newMemoryDisk();
  const clock = new VirtualClock();
  const store = await openTestStore(disk, { clock });
  await store.put([testMessage(0, { bodyBytes: 100 })]);
  await clock.advance(600);
  expect(store.flushedOffset).toBe(0);
  await store.put([testMessage(1, { bodyBytes: 20_000 })]);
  await clock.advance(600);
  expect(store.flushedOffset).toBe(store.maxPhysicalOffset);
  await store.put([testMessage(2, { bodyBytes: 100 })]);
  await clock.advance(600);
  expect(store.flushedOffset).toBeLessThan(store.maxPhysicalOffset);
  await clock.advance(10_000);
  expect(store.flushedOffset).toBe(store.maxPhysicalOffset);
  await store[Symbol.asyncDispose]();
});

test("a store that is being closed refuses, and what was put before is there at the next start", async () => {
  const disk = newMemoryDisk();
  const store = await openTestStore(disk);
  const putting = store.put([testMessage(0)]);
  const closing = store[Symbol.asyncDispose]();
  const refused = store.put([testMessage(1)]);
  expect(statuses(await putting)).toEqual(["ok"]);
  expect(statuses(await refused)).toEqual(["shutting_down"]);
  await closing;
  expect(disk.statSync(`${STORE_PATH}/abort`)).toBeNull();
  await using reopened = await openTestStore(disk);
  expect(reopened.queueBounds("TestTopic", 0)?.maxOffset).toBe(1);
});

test("prepared and rolled back records take no queue number, and a CRC property ends a record when asked", async () => {
  await using store = await openTestStore(newMemoryDisk(), { appendPropertyCrc: true });
  const [prepared] = await store.put([testMessage(0, { sysFlag: 4 })]);
  expect([prepared!.status, prepared!.queueOffset]).toEqual(["ok", 0]);
  expect(store.queueBounds("TestTopic", 0)).toBeNull();
  const properties = new TextEncoder().encode("KEYS\x01a");
  const [plain] = await store.put([testMessage(2, { properties })]);
  expect(plain!.queueOffset).toBe(0);
  const bytes = viewBytes(await store.read(plain!.physicalOffset));
  const text = bytes.toString("latin1").replaceAll("\x01", "=").replaceAll("\x02", ";");
  expect(text).toMatch(/KEYS=a;__CRC32#=\d{10};$/);
  const { checkRecordAt } = await import("../core/message/record_check.ts");
  const check = checkRecordAt(bytes, 0, bytes.length, { checkCrc: true, requirePropertyCrc: true });
  expect([check.kind, check.suspicion]).toEqual(["message", null]);
});

test("a record that is put again leaves the sum of its earlier self out, whether sums are on or off", async () => {
  for (const appendPropertyCrc of [true, false]) {
    await using store = await openTestStore(newMemoryDisk(), { appendPropertyCrc });
    const properties = new TextEncoder().encode(
      "__CRC32#\x011111111111\x02KEYS\x01a\x02__CRC32#\x012222222222\x02",
    );
    const [put] = await store.put([testMessage(2, { properties })]);
    const bytes = viewBytes(await store.read(put!.physicalOffset));
    const text = bytes.toString("latin1");
    expect(text).not.toMatch(/1111111111|2222222222/);
    expect(text.match(/__CRC32#/g)?.length ?? 0).toBe(appendPropertyCrc ? 1 : 0);
  }
});

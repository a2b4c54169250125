// What a recovery finds and does: bytes behind the log's end kept aside, lost and damaged queues and indexes made again,
// and what it says of it.
import { expect, test } from "bun:test";
import { basename } from "node:path";
import { createLogger, type LogEntry } from "../core/log.ts";
import { VirtualClock } from "../core/time/virtual_clock.ts";
import {
  type Acknowledged,
  expectAll,
  expectLevel,
  killedAt,
  LOG_PATH,
  putOne,
  smallStore,
} from "./testing_crash.ts";
import { LOG_FILE_BYTES, newMemoryDisk, openTestStore, STORE_PATH } from "./testing_store.ts";

/** A log of two files; the first one, with all records of one queue, needs no replay by the checkpoint's times. */
async function twoFileStore() {
  const disk = newMemoryDisk();
  const clock = new VirtualClock();
  const store = await openTestStore(disk, { clock });
  const acknowledged: Acknowledged[] = [];
  for (let index = 0; index < 30; index++) {
    const isFirstFile = store.maxPhysicalOffset < LOG_FILE_BYTES / 2;
    acknowledged.push((await putOne(store, isFirstFile ? index : 2 * index + 1, 4000))!);
    await clock.advance(1000);
  }
  await store[Symbol.asyncDispose]();
  return { disk, acknowledged };
}

test("records behind a hole are kept aside, named and counted, and don't come back", async () => {
  const disk = newMemoryDisk();
  const store = await openTestStore(disk);
  const acknowledged: Acknowledged[] = [];
  for (let index = 0; index < 30; index++) acknowledged.push((await putOne(store, index, 4000))!);
  await store[Symbol.asyncDispose]();
  const killed = killedAt(disk, 1 << 20, () => true);
  killed.unlinkSync(`${STORE_PATH}/checkpoint`);
  // A lost page in the first file; the second one is whole.
  const hole = acknowledged[5]!.result;
  killed.openSync(LOG_PATH, "write").writeSync(new Uint8Array(4096), 0, 4096, hole.physicalOffset);
  const second = LOG_PATH.replace(/0{5}$/, String(LOG_FILE_BYTES));
  const secondBytes = killed.contents(second);
  const entries: LogEntry[] = [];
  const log = createLogger((entry) => entries.push(entry));
  await using reopened = await openTestStore(killed, { log });
  expect(reopened.maxPhysicalOffset).toBe(hole.physicalOffset);
  const { cut } = reopened.stats().recovery;
  expect(cut!.keptAs.map((path) => basename(path))).toEqual([
    `commitlog-${String(hole.physicalOffset).padStart(20, "0")}`,
    `commitlog-${String(LOG_FILE_BYTES).padStart(20, "0")}`,
  ]);
  expect(killed.contents(cut!.keptAs[1]!)).toEqual(secondBytes);
  expect(cut!.records).toBe(acknowledged.length - 6);
  const line = entries.find(({ level }) => level === "error")!;
  expect(line.text).toContain("behind a hole");
  await expectLevel(reopened);
  await expectAll(reopened, acknowledged.slice(0, 5));
  expect((await putOne(reopened, 5, 4000))!.result.physicalOffset).toBe(hole.physicalOffset);
});

test("without room to keep them aside, records behind a hole stop the start instead of being lost", async () => {
  const { disk, acknowledged } = await smallStore();
  const killed = killedAt(disk, 1 << 20, (path) => !path.endsWith("checkpoint"));
  killed.flipBit(LOG_PATH, acknowledged[4]!.result.physicalOffset + 90, 0);
  killed.inject({ operation: "write", code: "ENOSPC", path: "kept-aside" });
  await expect(openTestStore(killed)).rejects.toThrow(/5 whole records behind a hole .*ENOSPC/);
  killed.clearFaults();
  await using store = await openTestStore(killed);
  expect(store.stats().recovery.cut!.records).toBe(5);
});

for (const isClean of [true, false]) {
  test(`one queue's lost files are made again after a ${isClean ? "clean stop" : "kill"} though another queue covers the log`, async () => {
    const { disk, acknowledged } = await smallStore();
    const lost = `${STORE_PATH}/consumequeue/TestTopic/0/`;
    const kept = killedAt(disk, 1 << 20, (path) => !path.startsWith(lost));
    if (isClean) kept.unlinkSync(`${STORE_PATH}/abort`);
    await using store = await openTestStore(kept);
    await expectLevel(store);
    await expectAll(store, acknowledged);
    expect(store.stats().recovery.rebuilt).toEqual(["queues"]);
  });
}

test("a queue that was made again and not synced before a kill isn't vouched for by an older checkpoint", async () => {
  const { disk, acknowledged } = await twoFileStore();
  const lost = `${STORE_PATH}/consumequeue/TestTopic/0/`;
  for (let seed = 0; seed < 8; seed++) {
    const kept = killedAt(disk, LOG_FILE_BYTES, (path) => !path.startsWith(lost), seed);
    kept.inject({ operation: "datasync", code: "EIO", path: "/consumequeue/" });
    expect((await openTestStore(kept)).stats().recovery.rebuilt).toContain("queues");
    kept.crash("process");
    await openTestStore(kept);
    kept.crash("power");
    // Apache leaves nothing of ours behind its own part.
    const own = new Uint8Array(64);
    kept.openSync(`${STORE_PATH}/checkpoint`, "write").writeSync(own, 0, own.length, 64);
    const store = await openTestStore(kept);
    await expectAll(store, acknowledged);
  }
});

test("a queue's file of a wrong length is set aside, and the queue made again", async () => {
  const { disk, acknowledged } = await smallStore();
  const torn = `${STORE_PATH}/consumequeue/TestTopic/0/00000000000000000000`;
  const kept = killedAt(disk, 1 << 20, () => true);
  kept.unlinkSync(`${STORE_PATH}/abort`);
  kept.openSync(torn, "write").truncateSync(777);
  await using store = await openTestStore(kept);
  await expectAll(store, acknowledged);
  expect(kept.statSync(`${STORE_PATH}/kept-aside/consumequeue-TestTopic-0`)?.isDirectory).toBe(
    true,
  );
});

test("an index file of a wrong length is set aside, and its keys are entered again", async () => {
  const { disk, acknowledged } = await smallStore();
  for (const isClean of [true, false]) {
    const kept = killedAt(disk, 1 << 20, () => true);
    if (isClean) kept.unlinkSync(`${STORE_PATH}/abort`);
    const [name] = kept.listSync(`${STORE_PATH}/index`);
    kept.openSync(`${STORE_PATH}/index/${name}`, "write").truncateSync(777);
    await using store = await openTestStore(kept);
    await expectAll(store, acknowledged);
    expect(kept.statSync(`${STORE_PATH}/kept-aside/index-${name}`)?.sizeBytes).toBe(777);
  }
});

test("a long reading of the log says how far it is", async () => {
  const { disk } = await smallStore();
  const clock = new VirtualClock();
  const { monotonicMs } = clock;
  let calls = 0;
  clock.monotonicMs = () => monotonicMs.call(clock) + 6000 * calls++;
  const lines: LogEntry[] = [];
  const log = createLogger((entry) => lines.push(entry));
  await using _ = await openTestStore(killedAt(disk, 1 << 20, () => false), { clock, log });
  expect(lines.find(({ text }) => text === "reading the log")?.fields)
    .toMatchObject({ at: 0, end: LOG_FILE_BYTES, percent: 0 });
});

test("one record whose number in its queue changed hides no other, and is reported", async () => {
  const { disk, acknowledged } = await smallStore();
  const kept = killedAt(disk, 1 << 20, () => false);
  const changed = acknowledged[4]!;
  // 2 becomes 258: the bytes outside the body have no CRC.
  kept.flipBit(LOG_PATH, changed.result.physicalOffset + 20 + 6, 0);
  await using store = await openTestStore(kept);
  await expectAll(store, acknowledged.filter((each) => each !== changed));
  expect(store.queueBounds("TestTopic", 0)).toEqual({ minOffset: 0, maxOffset: 5 });
  const { firstSuspicion, suspectRecords } = store.stats().recovery;
  expect([suspectRecords, firstSuspicion]).toEqual([
    1,
    `queueOffset: 258 where 2 is due, in the record at ${changed.result.physicalOffset}`,
  ]);
});

test("a record whose queue can't exist is kept in the log and reported", async () => {
  const { disk, acknowledged } = await smallStore();
  const kept = killedAt(disk, 1 << 20, () => false);
  const last = acknowledged.at(-1)!;
  kept.flipBit(LOG_PATH, last.result.physicalOffset + 12, 7);
  await using store = await openTestStore(kept);
  expect(store.maxPhysicalOffset).toBe(last.result.physicalOffset + last.result.size);
  await expectAll(store, acknowledged.slice(0, -1));
  expect(store.stats().recovery.firstSuspicion).toStartWith("queueId: -2147483647");
});

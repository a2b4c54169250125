// Files that vanished from a store while it was closed: a start notices them, whoever closed it, and makes them again;
// and what only looks like a loss is left alone.
import { expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import type { MemoryDisk } from "../core/disk/memory_disk.ts";
import { createLogger } from "../core/log.ts";
import type { PutResult } from "./message_store.ts";
import { type Acknowledged, expectAll, expectLevel, LOG_PATH, putOne } from "./testing_crash.ts";
import {
  LOG_FILE_BYTES,
  newMemoryDisk,
  openTestStore,
  STORE_PATH,
  testMessage,
} from "./testing_store.ts";

/** Ten entries a queue file; an index file has 19 items, three of them for each message. */
const SMALL_FILES = { consumeQueueFileBytes: 200, indexSlotCount: 10, indexItemCount: 20 };
const CHECKPOINT = `${STORE_PATH}/checkpoint`;
const MESSAGES = 60;

/** A closed store of several log, queue and index files. */
async function largerStore(): Promise<{ disk: MemoryDisk; acknowledged: Acknowledged[] }> {
  const disk = newMemoryDisk();
  const store = await openTestStore(disk, SMALL_FILES);
  const acknowledged: Acknowledged[] = [];
  for (let index = 0; index < MESSAGES; index++) {
    acknowledged.push((await putOne(store, index, 4000))!);
  }
  await store[Symbol.asyncDispose]();
  expect(disk.listSync(`${STORE_PATH}/commitlog`).length).toBeGreaterThan(3);
  return { disk, acknowledged };
}

/** As when Apache's broker closed the store: its checkpoint has nothing of ours. */
function closedByApache(disk: MemoryDisk): void {
  disk.openSync(CHECKPOINT, "write").writeSync(new Uint8Array(64), 0, 64, 64);
}

/** Files of a folder by their place in its list, −1 the last one. */
function remove(disk: MemoryDisk, folder: string, ...positions: number[]): void {
  const names = disk.listSync(`${STORE_PATH}/${folder}`);
  for (const position of positions) {
    disk.unlinkSync(`${STORE_PATH}/${folder}/${names.at(position)}`);
  }
}

for (const closedBy of ["Roquet", "Apache"]) {
  for (const [which, positions] of Object.entries({ first: [0], middle: [4], last: [-1] })) {
    test(`the ${which} index file, lost from a store that ${closedBy} closed, is made again`, async () => {
      const { disk, acknowledged } = await largerStore();
      if (closedBy === "Apache") closedByApache(disk);
      remove(disk, "index", ...positions);
      {
        await using store = await openTestStore(disk, SMALL_FILES);
        expect(store.stats().recovery.rebuilt).toContain("index");
        await expectAll(store, acknowledged);
      }
      await using again = await openTestStore(disk, SMALL_FILES);
      expect(again.stats().recovery).toMatchObject({ rebuilt: [], records: 0 });
    });
  }

  for (const [which, positions] of Object.entries({ first: [0], middle: [1], last: [-1] })) {
    test(`a queue's ${which} file, lost from a store that ${closedBy} closed, is made again`, async () => {
      const { disk, acknowledged } = await largerStore();
      if (closedBy === "Apache") closedByApache(disk);
      remove(disk, "consumequeue/TestTopic/1", ...positions);
      {
        await using store = await openTestStore(disk, SMALL_FILES);
        expect(store.stats().recovery.rebuilt).toEqual(["queues"]);
        await expectLevel(store);
        await expectAll(store, acknowledged);
      }
      await using again = await openTestStore(disk, SMALL_FILES);
      expect(again.stats().recovery).toMatchObject({ rebuilt: [], records: 0 });
    });
  }

  test(`a queue that stands in the first log file only, lost from a store that ${closedBy} closed, is made again`, async () => {
    const disk = newMemoryDisk();
    const rare: PutResult[] = [];
    {
      await using store = await openTestStore(disk, SMALL_FILES);
      for (let index = 0; index < 4; index++) {
        rare.push(...await store.put([testMessage(index, { topic: "Rare", queueId: index % 2 })]));
      }
      for (let index = 0; index < MESSAGES; index++) await putOne(store, index, 4000);
    }
    if (closedBy === "Apache") closedByApache(disk);
    remove(disk, "consumequeue/Rare/1", 0);
    await using store = await openTestStore(disk, SMALL_FILES);
    expect(store.stats().recovery.rebuilt).toEqual(["queues"]);
    const cursor = store.openCursor("Rare", 1, 0)!;
    const found: number[] = [];
    while (cursor.next()) found.push(cursor.physicalOffset);
    expect(found).toEqual([rare[1]!.physicalOffset, rare[3]!.physicalOffset]);
  });
}

test("after retention, a lost first index file and the lost beginning of a queue are noticed too", async () => {
  const { disk, acknowledged } = await largerStore();
  disk.unlinkSync(LOG_PATH);
  const left = acknowledged.filter(({ result }) => result.physicalOffset >= LOG_FILE_BYTES);
  {
    await using _ = await openTestStore(disk, SMALL_FILES);
  }
  closedByApache(disk);
  // The log still has entries 8 and 9 of the queue's first file.
  remove(disk, "consumequeue/TestTopic/1", 0);
  remove(disk, "index", 0, 1, 2, 3);
  await using store = await openTestStore(disk, SMALL_FILES);
  expect(store.stats().recovery.rebuilt).toEqual(["index", "queues"]);
  await expectAll(store, left);
});

for (const count of [1, 4]) {
  test(`the loss of the last ${count} log files is said, and new messages are found by their keys`, async () => {
    const { disk } = await largerStore();
    closedByApache(disk);
    remove(disk, "commitlog", ...Array.from({ length: count }, (_, index) => -1 - index));
    const lines: string[] = [];
    const log = createLogger(({ text }) => lines.push(text));
    await using store = await openTestStore(disk, { ...SMALL_FILES, log });
    expect(lines).toContainEqual(expect.stringContaining("behind the log's end"));
    await expectLevel(store);
    await expectAll(store, [(await putOne(store, MESSAGES, 50))!]);
  });
}

test("messages without keys between index files are no loss", async () => {
  const disk = newMemoryDisk();
  {
    await using store = await openTestStore(disk, SMALL_FILES);
    const keyless = { properties: new Uint8Array(0), uniqueKey: "", keys: "" };
    for (let index = 0; index < 40; index++) {
      await store.put([testMessage(index, index % 3 === 0 ? {} : keyless)]);
    }
  }
  await using store = await openTestStore(disk, SMALL_FILES);
  expect(store.stats().recovery).toMatchObject({ rebuilt: [], records: 0 });
});

test("what was sent before a topic was deleted and made again doesn't come back", async () => {
  const disk = newMemoryDisk();
  {
    await using store = await openTestStore(disk, SMALL_FILES);
    for (let index = 0; index < 20; index++) await putOne(store, index, 100);
    await store.deleteTopic("TestTopic");
    for (let index = 0; index < MESSAGES; index++) {
      await store.put([testMessage(index, { topic: "Other", bodyBytes: 4000 })]);
    }
    await putOne(store, 100, 50);
  }
  closedByApache(disk);
  await using store = await openTestStore(disk, SMALL_FILES);
  expect(store.stats().recovery.rebuilt).toEqual([]);
  expect(store.queueBounds("TestTopic", 0)).toEqual({ minOffset: 0, maxOffset: 1 });
  expect(store.queueBounds("TestTopic", 1)).toBeNull();
});

test("index items that a killed broker's store lost the bytes of are entered again, with all behind them", async () => {
  const disk = newMemoryDisk();
  const acknowledged: Acknowledged[] = [];
  {
    // Too few keys for the checkpoint to vouch for the slots: all items are proved.
    await using store = await openTestStore(disk, { indexItemCount: 20_000 });
    for (let index = 0; index < MESSAGES; index++) {
      acknowledged.push((await putOne(store, index, 40))!);
    }
  }
  disk.place(`${STORE_PATH}/abort`, new Uint8Array(0));
  const path = `${STORE_PATH}/index/${disk.listSync(`${STORE_PATH}/index`)[0]}`;
  const eleventh = 40 + 500 * 4 + 11 * 20;
  disk.openSync(path, "write").writeSync(new Uint8Array(20), 0, 20, eleventh);
  await using store = await openTestStore(disk, { indexItemCount: 20_000 });
  expect(store.stats().recovery.rebuilt).toEqual(["index"]);
  await expectAll(store, acknowledged);
});

for (const ended of ["stopped", "killed"]) {
  for (const which of [0, 4, -1]) {
    test(`index file ${which} with a header of another's, of a ${ended} broker's store, costs no key`, async () => {
      const { disk, acknowledged } = await largerStore();
      if (ended === "killed") disk.place(`${STORE_PATH}/abort`, new Uint8Array(0));
      const path = `${STORE_PATH}/index/${disk.listSync(`${STORE_PATH}/index`).at(which)}`;
      const header = Buffer.alloc(40, 0x5a);
      header.writeInt32BE(11, 36);
      disk.openSync(path, "write").writeSync(header, 0, 40, 0);
      {
        await using store = await openTestStore(disk, SMALL_FILES);
        if (ended === "stopped") expect(store.stats().recovery.rebuilt).toContain("index");
        acknowledged.push((await putOne(store, MESSAGES, 40))!);
        await expectAll(store, acknowledged);
      }
      await using again = await openTestStore(disk, SMALL_FILES);
      await expectAll(again, acknowledged);
    });
  }
}

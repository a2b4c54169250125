// Damaged queue entries at the store's own door: the record that was meant is found, for light queues too, and what can't be
// found is looked for once.
import { expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import type { MemoryDisk } from "../core/disk/memory_disk.ts";
import { createLogger, type LogEntry } from "../core/log.ts";
import type { QueueEntry } from "./message_store.ts";
import { killedAt } from "./testing_crash.ts";
import {
  newMemoryDisk,
  openTestStore,
  STORE_PATH,
  testMessage,
  viewBytes,
} from "./testing_store.ts";

const MESSAGES = 12;
const LIGHT = "%LMQ%device";
const QUEUES = { plain: "TestTopic", light: LIGHT };

/** A store of messages that each stand in a light queue too, closed, and then damaged. */
async function damagedStore(topic: string, entry: number, bytes: Uint8Array): Promise<MemoryDisk> {
  const disk = newMemoryDisk();
  {
    await using store = await openTestStore(disk, { lightQueues: true });
    for (let n = 0; n < MESSAGES; n++) {
      const { properties } = testMessage(n);
      const light = Buffer.from(`INNER_MULTI_DISPATCH\x01${LIGHT}\x02`);
      const all = Buffer.concat([properties, light]);
      await store.put([testMessage(n, { queueId: 0, properties: all })]);
    }
  }
  const path = `${STORE_PATH}/consumequeue/${topic}/0/${"0".repeat(20)}`;
  disk.openSync(path, "write").writeSync(bytes, 0, bytes.length, entry * 20);
  return disk;
}

async function open(disk: MemoryDisk) {
  const entries: LogEntry[] = [];
  const log = createLogger((entry) => entries.push(entry));
  return { store: await openTestStore(disk, { lightQueues: true, log }), entries };
}

for (const [kind, topic] of Object.entries(QUEUES)) {
  test(`a cursor stops before a damaged entry of a ${kind} queue and shows it when it is mended`, async () => {
    const opened = await open(await damagedStore(topic, 4, new Uint8Array(20)));
    await using store = opened.store;
    const before = store.openCursor(topic, 0, 0)!;
    const seen: number[] = [];
    while (before.next()) seen.push(before.queueOffset);
    expect(seen.length).toBeLessThan(MESSAGES);
    const arrived: [string, number][] = [];
    store.onArrival((arrivedTopic, _queueId, queueOffset) =>
      arrived.push([arrivedTopic, queueOffset])
    );
    await store.entries.mends(topic, 0);
    expect(arrived.map(([each]) => each)).toEqual([topic]);
    expect(store.entries.mends(topic, 0)).toBeNull();
    const after = store.openCursor(topic, 0, 0)!;
    for (let n = 0; n < MESSAGES; n++) {
      expect(after.next()).toBe(true);
      const record = viewBytes(await store.entries.read(topic, 0, after)).toString("latin1");
      expect([after.queueOffset, record.includes(`message ${n} `)]).toEqual([n, true]);
    }
    expect(opened.entries.filter(({ level }) => level === "warn")).toMatchObject([
      { fields: { topic, queueId: 0, mended: 1 } },
    ]);
  });
}

async function soundEntries(): Promise<QueueEntry[]> {
  const { store } = await open(await damagedStore("TestTopic", 0, new Uint8Array(0)));
  const entries: QueueEntry[] = [];
  const cursor = store.openCursor("TestTopic", 0, 0)!;
  while (cursor.next()) {
    const { physicalOffset, queueOffset, size } = cursor;
    entries.push({ physicalOffset, queueOffset, size });
  }
  await store[Symbol.asyncDispose]();
  return entries;
}

test("who reads the record of an entry that names its neighbour's gets the right one", async () => {
  const entries = await soundEntries();
  const wrong = Buffer.alloc(20);
  wrong.writeBigInt64BE(BigInt(entries[5]!.physicalOffset), 0);
  wrong.writeInt32BE(entries[5]!.size, 8);
  const { store } = await open(await damagedStore("TestTopic", 4, wrong));
  const view = await store.entries.read("TestTopic", 0, { ...entries[5]!, queueOffset: 4 });
  expect(viewBytes(view).toString("latin1")).toContain("message 4 ");
  await store[Symbol.asyncDispose]();
});

test("who waits for an entry that is mended for the reader of its neighbour learns that it is", async () => {
  const right = (await soundEntries())[4]!;
  const wrong = { ...right, size: right.size + 3000 };
  const bytes = Buffer.alloc(40);
  bytes.writeBigInt64BE(BigInt(wrong.physicalOffset), 0);
  bytes.writeInt32BE(wrong.size, 8);
  const { store } = await open(await damagedStore("TestTopic", 4, bytes));
  expect(store.openCursor("TestTopic", 0, 5)!.next()).toBe(false);
  expect(await store.entries.judge("TestTopic", 0, wrong)).toBe("mended");
  expect(await store.entries.judge("TestTopic", 0, right)).toBe("kept");
  await store[Symbol.asyncDispose]();
});

test("an entry whose record isn't in the log is looked for once", async () => {
  const disk = await damagedStore("TestTopic", 4, Buffer.alloc(20, 0x11));
  const path = `${STORE_PATH}/commitlog/${"0".repeat(20)}`;
  const log = Buffer.from(disk.contents(path));
  const at = log.indexOf("message 4 ") - 90;
  disk.openSync(path, "write").writeSync(Buffer.alloc(60, 1), 0, 60, at);
  const opened = await open(disk);
  await using store = opened.store;
  for (let round = 0; round < 3; round++) {
    const cursor = store.openCursor("TestTopic", 0, 4)!;
    cursor.next();
    await store.entries.mends("TestTopic", 0);
  }
  const lost = opened.entries.filter(({ text }) => text.includes("name no record of it"));
  expect(lost).toMatchObject([{ level: "error", fields: { queueOffset: 4, lost: 1 } }]);
  const cursor = store.openCursor("TestTopic", 0, 5)!;
  expect([cursor.next(), cursor.queueOffset]).toEqual([true, 5]);
});

test("a queue of which thousands of entries are lost in a row is mended stretch by stretch, wherever it is read from", async () => {
  const messages = 9_000;
  const template = newMemoryDisk();
  {
    await using store = await openTestStore(template);
    for (let n = 0; n < messages; n += 100) {
      const some = Array.from({ length: 100 }, (_, each) => testMessage(n + each, { queueId: 0 }));
      await store.put(some);
    }
  }
  const folder = `${STORE_PATH}/consumequeue/TestTopic/0`;
  const sound = template.listSync(folder).map((name) => template.contents(`${folder}/${name}`));
  const damaged = [2, 27];
  for (const from of [0, 5_000, 7_800]) {
    const disk = killedAt(template, Infinity, () => true);
    disk.unlinkSync(`${STORE_PATH}/abort`);
    template.listSync(folder).forEach((name, file) => {
      const isLost = file >= damaged[0]! && file < damaged[1]!;
      if (isLost) disk.place(`${folder}/${name}`, new Uint8Array(sound[file]!.length));
    });
    const opened = await open(disk);
    {
      await using store = opened.store;
      const cursor = store.openCursor("TestTopic", 0, from)!;
      for (let n = from; n < messages; n++) {
        expect([n, await store.entries.next("TestTopic", 0, cursor)]).toEqual([n, true]);
        expect(cursor.queueOffset).toBe(n);
      }
      const last = viewBytes(await store.entries.read("TestTopic", 0, cursor));
      expect(last.toString("latin1")).toContain(`message ${messages - 1} `);
    }
    expect(opened.entries.filter(({ level }) => level === "error")).toEqual([]);
    if (from > 0) continue;
    const mended = template.listSync(folder).map((name) => disk.contents(`${folder}/${name}`));
    expect(mended).toEqual(sound);
  }
});

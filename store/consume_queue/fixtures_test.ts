// The queues that Apache 5.4.0 wrote, read by ours.
import { expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { dirname } from "node:path";
import type { MemoryDisk } from "../../core/disk/memory_disk.ts";
import { fixtureArchive, fixtureJson } from "../../testdata/fixtures.ts";
import { ConsumeQueues } from "./consume_queues.ts";
import { entriesOf, type Entry, reopened, testStore, wholeLog } from "./test_store.ts";

interface ExpectedQueue {
  firstQueueOffset: number;
  endQueueOffset: number;
  entries: Entry[];
}
interface Expected {
  consumeQueues: Record<string, Record<string, ExpectedQueue>>;
  batchConsumeQueues: Record<string, Record<string, Record<string, number>[]>>;
  commitLog: { endOfRecords: number };
}

/** Lays a fixture's files out below /store. */
function layOut(disk: MemoryDisk, archive: string, folders: string[]): void {
  for (const [path, bytes] of fixtureArchive(archive)) {
    if (folders.some((folder) => path.startsWith(`${folder}/`))) {
      disk.place(`/store/${path}`, bytes);
    }
  }
}

test("every queue of Apache's store has the recorded bounds and entries", async () => {
  const expected = fixtureJson<Expected>("expected/store.json");
  const store = testStore();
  layOut(store.disk, "store/store.tar.gz", ["consumequeue", "batchconsumequeue"]);
  await using queues = await reopened(store, wholeLog(expected.commitLog.endOfRecords));
  let count = 0;
  for (const [topic, ofTopic] of Object.entries(expected.consumeQueues)) {
    for (const [queueId, queue] of Object.entries(ofTopic)) {
      const found = queues.find(topic, Number(queueId))!;
      expect([topic, queueId, found.minOffset, found.maxOffset]).toEqual(
        [topic, queueId, queue.firstQueueOffset, queue.endQueueOffset],
      );
      expect(entriesOf(found)).toEqual(queue.entries);
      count++;
    }
  }
  const batch = queues.find("TopicBcq", 0)!;
  expect(count + 1).toBe([...queues.all()].length);
  expect(count).toBe(57);
  expect([batch.kind, batch.minOffset, batch.maxOffset]).toEqual(["batch", 0, 4]);
  const cursor = batch.openCursor(2, Infinity);
  expect(cursor.next()).toBe(true);
  const unit = expected.batchConsumeQueues.TopicBcq!["0"]![0]!;
  expect([cursor.physicalOffset, cursor.size, cursor.tagsCode]).toEqual(
    [unit.phyOffset, unit.size, unit.tagsCode],
  );
  expect([cursor.queueOffset, cursor.batchCount]).toEqual([unit.baseOffset, unit.batchNum]);
  expect(cursor.next()).toBe(false);
});

interface ExpectedExt {
  consumeQueues: Record<string, Record<string, ExpectedQueue>>;
  consumeQueueExt: Record<
    string,
    Record<
      string,
      {
        offsetInExt: number;
        unit: { tagsCode: number; msgStoreTime: number; filterBitMapHex: string | null };
      }[]
    >
  >;
  commitLog: { endOfRecords: number };
}

test("entries that Apache extended show the tags codes behind their addresses", async () => {
  const expected = fixtureJson<ExpectedExt>("expected/store-ext.json");
  const store = testStore();
  const folders = ["consumequeue", "batchconsumequeue", "consumequeue_ext"];
  layOut(store.disk, "store-ext/store-ext.tar.gz", folders);
  await using queues = await reopened(store, wholeLog(expected.commitLog.endOfRecords));
  let extended = 0;
  for (const [topic, ofTopic] of Object.entries(expected.consumeQueues)) {
    for (const [queueId, queue] of Object.entries(ofTopic)) {
      const units = expected.consumeQueueExt[topic]?.[queueId];
      const entries = queue.entries.map(([offset, size, tagsCode], index): Entry => {
        if (tagsCode >= -(2 ** 31)) return [offset, size, tagsCode];
        extended++;
        return [offset, size, units![index]!.unit.tagsCode];
      });
      expect([topic, queueId, ...entriesOf(queues.find(topic, Number(queueId))!)])
        .toEqual([topic, queueId, ...entries]);
    }
  }
  expect(extended).toBeGreaterThan(30);
});

test("queues built from the same entries have the same bytes as Apache's, sparse rest included", async () => {
  const expected = fixtureJson<Expected>("expected/store.json");
  const store = testStore();
  const queues = await ConsumeQueues.open(store.options);
  for (const [topic, ofTopic] of Object.entries(expected.consumeQueues)) {
    for (const [queueId, { entries }] of Object.entries(ofTopic)) {
      const queue = queues.findOrCreate(topic, Number(queueId), "simple");
      for (const [offset, size, tags] of entries) {
        queue.append(queue.nextOffset, offset, size, tags, 0, 1);
      }
    }
  }
  const { phyOffset, size, tagsCode, storeTime, baseOffset, batchNum } = expected.batchConsumeQueues
    .TopicBcq!["0"]![0]! as Record<string, number>;
  queues.findOrCreate("TopicBcq", 0, "batch")
    .append(baseOffset!, phyOffset!, size!, tagsCode!, storeTime!, batchNum!);
  await queues[Symbol.asyncDispose]();
  let files = 0;
  for (const [path, bytes] of fixtureArchive("store/store.tar.gz")) {
    if (!/^(batch)?consumequeue\//.test(path)) continue;
    expect([path, bytes.equals(store.disk.contents(`/store/${path}`))]).toEqual([path, true]);
    files++;
  }
  expect(files).toBe(58);
});

test("extended units written from the same facts have the same bytes as Apache's, and so have their entries", async () => {
  const expected = fixtureJson<ExpectedExt>("expected/store-ext.json");
  const files = fixtureArchive("store-ext/store-ext.tar.gz");
  const [, anyExt] = [...files].find(([path]) => path.startsWith("consumequeue_ext/"))!;
  const store = testStore();
  const extended = { writesExt: true, extFileBytes: anyExt.length };
  const queues = await ConsumeQueues.open({ ...store.options, ...extended });
  const written = new Set<string>();
  for (const [topic, ofTopic] of Object.entries(expected.consumeQueueExt)) {
    for (const [queueId, units] of Object.entries(ofTopic)) {
      const { entries } = expected.consumeQueues[topic]![queueId]!;
      const queue = queues.findOrCreate(topic, Number(queueId), "simple");
      for (const [index, [offset, size]] of entries.entries()) {
        const { tagsCode, msgStoreTime, filterBitMapHex } = units[index]!.unit;
        const bitMap = filterBitMapHex === null ? null : Buffer.from(filterBitMapHex, "hex");
        queue.append(queue.nextOffset, offset, size, tagsCode, msgStoreTime, 1, bitMap);
      }
      written.add(`consumequeue/${topic}/${queueId}`).add(`consumequeue_ext/${topic}/${queueId}`);
    }
  }
  await queues[Symbol.asyncDispose]();
  let compared = 0;
  for (const [path, bytes] of files) {
    if (!written.has(dirname(path))) continue;
    expect([path, bytes.equals(store.disk.contents(`/store/${path}`))]).toEqual([path, true]);
    compared++;
  }
  expect(compared).toBe(2 * 9);
});

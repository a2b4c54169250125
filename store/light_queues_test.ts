// Light queues through the whole store: numbers in records, entries in queues, what a crash and a failing disk leave.
import { expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import type { MemoryDisk } from "../core/disk/memory_disk.ts";
import { parseProperties } from "../core/message/properties.ts";
import { emptyParts, locateParts } from "../core/message/record.ts";
import type { PutResult } from "./message_store.ts";
import type { FileMessageStore } from "./message_store_impl.ts";
import { newMemoryDisk, openTestStore, testMessage, viewBytes } from "./testing_store.ts";

const lights = (...names: string[]) => ({
  properties: Buffer.from(`INNER_MULTI_DISPATCH\x01${names.join(",")}\x02TAGS\x01A\x02`),
});
const open = (disk: MemoryDisk, lightQueues = true) => openTestStore(disk, { lightQueues });

async function numbersOf(store: FileMessageStore, result: PutResult): Promise<string | undefined> {
  const bytes = viewBytes(await store.read(result.physicalOffset, result.size));
  const parts = emptyParts();
  expect(locateParts(bytes, 0, bytes.length, parts)).toBeNull();
  return parseProperties(bytes.subarray(parts.propertiesStart, parts.propertiesEnd))
    .get("INNER_MULTI_QUEUE_OFFSET");
}

function entriesOf(store: FileMessageStore, topic: string): number[] {
  const bounds = store.queueBounds(topic, 0);
  const cursor = store.openCursor(topic, 0, bounds?.minOffset ?? 0);
  const found: number[] = [];
  while (cursor?.next()) found.push(cursor.physicalOffset);
  return found;
}

test("a message stands in each light queue that it names, under its number there, and wakes who waits", async () => {
  await using store = await open(newMemoryDisk());
  const arrivals: string[] = [];
  store.onArrival((topic, queueId, queueOffset) =>
    arrivals.push(`${topic}/${queueId}/${queueOffset}`)
  );
  const puts = [
    [testMessage(0, lights("%LMQ%a"))],
    [testMessage(2, lights("%LMQ%a", "%LMQ%b"))],
    [testMessage(4, lights("%LMQ%b")), testMessage(6, lights("%LMQ%b"))],
  ];
  const results = (await Promise.all(puts.map((put) => store.put(put)))).flat();
  const numbers = await Promise.all(results.map((result) => numbersOf(store, result)));
  expect(numbers).toEqual(["0", "1,0", "1", "2"]);
  const [first, second, third, fourth] = results.map(({ physicalOffset }) => physicalOffset);
  expect(entriesOf(store, "%LMQ%a")).toEqual([first!, second!]);
  expect(entriesOf(store, "%LMQ%b")).toEqual([second!, third!, fourth!]);
  expect(arrivals.slice(0, 2)).toEqual(["TestTopic/0/0", "%LMQ%a/0/0"]);
  expect(store.stats().putTotal).toBe(4);
});

test("other names, other topics and a store without light queues are left as they came", async () => {
  const disk = newMemoryDisk();
  await using store = await open(disk);
  const [odd, retry] = await Promise.all([
    store.put([testMessage(0, lights("plain", "%LMQ%../x", "%LMQ%a"))]),
    store.put([testMessage(2, { ...lights("%LMQ%a"), topic: "%RETRY%G" })]),
  ]);
  expect(await numbersOf(store, odd[0]!)).toBe(",,0");
  expect(await numbersOf(store, retry[0]!)).toBeUndefined();
  // What waits for its time stands there once it is delivered (Apache's issue 6779).
  for (const topic of ["SCHEDULE_TOPIC_XXXX", "rmq_sys_wheel_timer"]) {
    const [waiting] = await store.put([testMessage(4, { ...lights("%LMQ%a"), topic })]);
    expect(await numbersOf(store, waiting!)).toBeUndefined();
  }
  await using without = await open(newMemoryDisk(), false);
  const [plain] = await without.put([testMessage(0, lights("%LMQ%a"))]);
  expect(await numbersOf(without, plain!)).toBeUndefined();
  expect(without.queueBounds("%LMQ%a", 0)).toBeNull();
});

test("halves of transactions and given-up ones stand in no light queue, also with numbers that Apache gave", async () => {
  await using store = await open(newMemoryDisk());
  const names = "INNER_MULTI_DISPATCH\x01%LMQ%a\x02";
  for (const topic of ["RMQ_SYS_TRANS_HALF_TOPIC", "TRANS_CHECK_MAX_TIME_TOPIC"]) {
    for (const properties of [names, `${names}INNER_MULTI_QUEUE_OFFSET\x010\x02`]) {
      const [half] = await store.put([
        testMessage(0, { topic, properties: Buffer.from(properties) }),
      ]);
      expect(await numbersOf(store, half!)).toBeUndefined();
    }
  }
  expect(entriesOf(store, "%LMQ%a")).toEqual([]);
  const [committed] = await store.put([testMessage(2, lights("%LMQ%a"))]);
  expect(await numbersOf(store, committed!)).toBe("0");
  expect(entriesOf(store, "%LMQ%a")).toEqual([committed!.physicalOffset]);
});

test("after a kill, and after their files are lost, the entries are made again from the records", async () => {
  const disk = newMemoryDisk();
  const store = await open(disk);
  const results: PutResult[] = [];
  for (let index = 0; index < 20; index++) {
    results.push(...await store.put([testMessage(2 * index, lights("%LMQ%a"))]));
  }
  const offsets = results.map(({ physicalOffset }) => physicalOffset);
  disk.crash("process");
  {
    await using again = await open(disk);
    expect(entriesOf(again, "%LMQ%a")).toEqual(offsets);
    const [next] = await again.put([testMessage(40, lights("%LMQ%a"))]);
    expect(await numbersOf(again, next!)).toBe("20");
    offsets.push(next!.physicalOffset);
  }
  for (const name of disk.listSync("/store/consumequeue/%LMQ%a/0")) {
    disk.unlinkSync(`/store/consumequeue/%LMQ%a/0/${name}`);
  }
  await using last = await open(disk);
  expect(entriesOf(last, "%LMQ%a")).toEqual(offsets);
});

test("numbers of records that could not be written are given again", async () => {
  const disk = newMemoryDisk();
  await using store = await open(disk);
  await store.put([testMessage(0, lights("%LMQ%a"))]);
  disk.inject({ operation: "write", path: "/store/commitlog", code: "ENOSPC", times: 1 });
  const [failed] = await store.put([testMessage(2, lights("%LMQ%a"))]);
  expect(failed!.status).not.toBe("ok");
  const [next] = await store.put([testMessage(4, lights("%LMQ%a"))]);
  expect(await numbersOf(store, next!)).toBe("1");
});

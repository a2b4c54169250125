// Inner batches through the whole store: the number in a record, and what a crash leaves of a queue of them.
import { expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import type { MemoryDisk } from "../core/disk/memory_disk.ts";
import { parseProperties } from "../core/message/properties.ts";
import { emptyParts, locateParts } from "../core/message/record.ts";
import { INNER_BATCH, NEED_UNWRAP } from "../core/message/sys_flag.ts";
import type { FileMessageStore } from "./message_store_impl.ts";
import {
  newMemoryDisk,
  openTestStore,
  STORE_PATH,
  testMessage,
  viewBytes,
} from "./testing_store.ts";

const TOPIC = "BatchTopic";
const open = (disk: MemoryDisk) =>
  openTestStore(disk, { queueKindOf: (topic) => topic === TOPIC ? "batch" : "simple" });

const innerBatch = (index: number, count: number, fields: { topic?: string } = {}) =>
  testMessage(2 * index, {
    topic: TOPIC,
    sysFlag: INNER_BATCH | NEED_UNWRAP,
    batchCount: count,
    properties: Buffer.from(`UNIQ_KEY\x01U${index}\x02INNER_NUM\x01${count}\x02`),
    ...fields,
  });

/** Base and count of each unit. */
function unitsOf(store: FileMessageStore): [number, number][] {
  const cursor = store.openCursor(TOPIC, 0, 0);
  const units: [number, number][] = [];
  while (cursor?.next()) units.push([cursor.queueOffset, cursor.batchCount]);
  return units;
}

async function propertiesOf(store: FileMessageStore, offset: number, size: number) {
  const bytes = viewBytes(await store.read(offset, size));
  const parts = emptyParts();
  expect(locateParts(bytes, 0, bytes.length, parts)).toBeNull();
  return parseProperties(bytes.subarray(parts.propertiesStart, parts.propertiesEnd));
}

test("an inner batch says in its record from which number on it counts, as Apache's does", async () => {
  await using store = await open(newMemoryDisk());
  const results = (await Promise.all([
    store.put([innerBatch(0, 3)]),
    store.put([innerBatch(1, 2), innerBatch(2, 5)]),
  ])).flat();
  expect(results.map(({ queueOffset }) => queueOffset)).toEqual([0, 3, 5]);
  for (const { physicalOffset, queueOffset, size } of results) {
    const properties = await propertiesOf(store, physicalOffset, size);
    expect(properties.get("INNER_BASE")).toBe(String(queueOffset));
  }
});

test("after a kill, and after its files are lost, a queue of batches counts every message of them", async () => {
  const disk = newMemoryDisk();
  const store = await open(disk);
  for (let index = 0; index < 10; index++) await store.put([innerBatch(index, 3)]);
  const units = unitsOf(store);
  expect(units.at(-1)).toEqual([27, 3]);
  disk.crash("process");
  {
    await using again = await open(disk);
    expect(unitsOf(again)).toEqual(units);
    expect(again.queueBounds(TOPIC, 0)).toEqual({ minOffset: 0, maxOffset: 30 });
    expect(again.stats().recovery.suspectRecords).toBe(0);
    const [next] = await again.put([innerBatch(10, 3)]);
    expect(next!.queueOffset).toBe(30);
  }
  disk.unlinkSync(`${STORE_PATH}/batchconsumequeue/${TOPIC}/0/${"0".repeat(20)}`);
  await using rebuilt = await open(disk);
  expect(unitsOf(rebuilt)).toEqual([...units, [30, 3]]);
});

test("a batch that is kept for a retry is one message of its retry topic, also after a kill", async () => {
  const disk = newMemoryDisk();
  const store = await open(disk);
  const properties = Buffer.from("UNIQ_KEY\x01U\x02INNER_NUM\x013\x02INNER_BASE\x010\x02");
  const copy = { ...innerBatch(0, 1, { topic: "%RETRY%G" }), properties };
  for (let index = 0; index < 3; index++) await store.put([copy]);
  disk.crash("process");
  await using again = await open(disk);
  expect(again.queueBounds("%RETRY%G", 0)).toEqual({ minOffset: 0, maxOffset: 3 });
  expect(again.stats().recovery.suspectRecords).toBe(0);
});

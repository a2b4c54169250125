// What damaged queue entries do to a pull's bytes: they are left out with a word, whatever they point at.
import { expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { createLogger, type LogEntry } from "../../../core/log.ts";
import {
  ENTRIES_AS_THEY_ARE,
  newMemoryDisk,
  openTestStore,
  STORE_PATH,
  testMessage,
} from "../../../store/testing_store.ts";
import { RecordBytes, type RecordSource } from "./record_bytes.ts";
import { Selection } from "./selection.ts";

const MESSAGES = 6;

/** Six records and what a pull of their queue makes of entries that are damaged; on disk they are so too, or sound by now. */
async function copied(damage: (selection: Selection) => void, isMended = false) {
  await using store = await openTestStore(newMemoryDisk());
  const messages = Array.from({ length: MESSAGES }, (_, n) => testMessage(n, { queueId: 0 }));
  const results = await store.put(messages);
  const selection = new Selection();
  selection.topic = "TestTopic";
  for (const { physicalOffset, queueOffset, size } of results) {
    selection.add(queueOffset, physicalOffset, size, 1);
  }
  damage(selection);
  const entries: LogEntry[] = [];
  const source: RecordSource = isMended
    ? store
    : Object.create(store, { entries: { value: ENTRIES_AS_THEY_ARE } });
  const records = new RecordBytes(source, createLogger((entry) => entries.push(entry)));
  const target = Buffer.alloc(selection.totalBytes);
  const held = records.hold(selection);
  if (held !== null) records.release(held);
  await records.copyOneByOne(selection, target, 0);
  return { entries, isHeld: held !== null, selection };
}

test("sound entries are read block by block, and nothing is said of them", async () => {
  const { entries, isHeld, selection } = await copied(() => {});
  expect([isHeld, selection.recordCount, entries]).toEqual([true, MESSAGES, []]);
});

const damages: [string, number, number][] = [
  ["before the others", 0, 120],
  ["far behind the log", 2 ** 50, 100],
  ["at nothing", 0, 0],
  ["into the middle of a record", 33, 100],
  ["at a record of a negative size", 0, -1],
];

for (const [where, physicalOffset, size] of damages) {
  test(`an entry that points ${where} is left out, and the log names it`, async () => {
    const { entries, isHeld, selection } = await copied((selection) => {
      selection.physicalOffsets[4] = physicalOffset;
      selection.sizes[4] = size;
    });
    expect(isHeld).toBe(false);
    expect(selection.recordCount).toBe(MESSAGES - 1);
    expect([...selection.queueOffsets.subarray(0, MESSAGES - 1)]).toEqual([0, 1, 2, 3, 5]);
    expect(entries).toMatchObject([{ fields: { topic: "TestTopic", queueId: 0, queueOffset: 4 } }]);
  });
}

test("a pull ends before an entry that was mended after it was selected: the next one gets its record", async () => {
  const { entries, selection } = await copied((selection) => selection.sizes[4]! += 1000, true);
  expect([selection.recordCount, selection.nextOffset, entries]).toEqual([4, 4, []]);
});

test("a body that changed since an earlier run stored it is left out, and what this run stored isn't read again", async () => {
  const disk = newMemoryDisk();
  const before = await openTestStore(disk);
  await before.put([testMessage(0, { queueId: 0 }), testMessage(2, { queueId: 0 })]);
  await before[Symbol.asyncDispose]();
  const path = `${STORE_PATH}/commitlog/${"0".repeat(20)}`;
  disk.openSync(path, "write").writeSync(Buffer.of(0xff), 0, 1, 100);
  await using store = await openTestStore(disk);
  const errors: LogEntry[] = [];
  const records = new RecordBytes(store, createLogger((entry) => errors.push(entry)));
  await store.put([testMessage(4, { queueId: 0 })]);
  const selection = new Selection();
  const cursor = store.openCursor("TestTopic", 0, 0)!;
  while (cursor.next()) selection.add(cursor.queueOffset, cursor.physicalOffset, cursor.size, 1);
  const target = Buffer.alloc(selection.totalBytes);
  expect(records.copyHot(selection, target, 0)).toBe(false);
  await records.copyOneByOne(selection, target, 0);
  expect([...selection.queueOffsets.subarray(0, selection.recordCount)]).toEqual([1, 2]);
  expect(errors).toMatchObject([{ fields: { queueOffset: 0, physicalOffset: 0 } }]);
});

for (const damaged of [null, 0, 1, 2, 3, 4]) {
  const what = damaged === null ? "are copied" : `aren't, when record ${damaged} is another one`;
  test(`records of held blocks, side by side or with gaps between, ${what}`, async () => {
    await using store = await openTestStore(newMemoryDisk());
    const queueIds = [0, 0, 1, 0, 0, 0];
    const messages = queueIds.map((queueId, n) => testMessage(n, { queueId }));
    const placed = (await store.put(messages)).filter((_, n) => queueIds[n] === 0);
    const selection = new Selection();
    selection.topic = "TestTopic";
    for (const { physicalOffset, queueOffset, size } of placed) {
      selection.add(queueOffset, physicalOffset, size, 1);
    }
    if (damaged !== null) selection.queueOffsets[damaged] = 77;
    const records = new RecordBytes(store, createLogger(() => {}));
    const held = records.hold(selection)!;
    await Promise.all(held.map((block) => block.loading));
    const target = Buffer.alloc(5 + selection.totalBytes);
    expect(records.copyHeld(selection, held, target, 5)).toBe(damaged === null);
    records.release(held);
    if (damaged !== null) return;
    const whole = Buffer.alloc(selection.totalBytes);
    await records.copyOneByOne(selection, whole, 0);
    expect(target.subarray(5).equals(whole)).toBe(true);
  });
}

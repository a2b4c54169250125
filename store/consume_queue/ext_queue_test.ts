import { expect, test } from "bun:test";
import { ConsumeQueues } from "./consume_queues.ts";
import { entriesOf, reopened, testStore, wholeLog } from "./test_store.ts";

const FILE_BYTES = 100;
const BIT_MAP = Uint8Array.of(1, 2, 3);
/** 23 bytes a unit: four to a file of 100 bytes. */
const UNITS = 10;

function extendedStore() {
  const store = testStore();
  Object.assign(store.options, { writesExt: true, extFileBytes: FILE_BYTES });
  return store;
}

function fill(queues: ConsumeQueues, from: number, to: number): void {
  const queue = queues.findOrCreate("T", 0, "simple");
  for (let offset = from; offset < to; offset++) {
    queue.append(offset, offset * 100, 100, 1000 + offset, 5000 + offset, 1, BIT_MAP);
  }
}

const expected = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => {
    const offset = from + index;
    return [offset * 100, 100, 1000 + offset];
  });

test("units go on in the next file when one is full, and after a restart behind the last one", async () => {
  const store = extendedStore();
  const queues = await ConsumeQueues.open(store.options);
  fill(queues, 0, UNITS);
  expect(entriesOf(queues.find("T", 0)!)).toEqual(expected(0, UNITS) as never);
  await queues[Symbol.asyncDispose]();
  await using again = await reopened(store, wholeLog(100 * UNITS));
  fill(again, UNITS, 2 * UNITS);
  expect(entriesOf(again.find("T", 0)!)).toEqual(expected(0, 2 * UNITS) as never);
  const names = store.disk.listSync("/store/consumequeue_ext/T/0").sort().map(Number);
  expect(names).toEqual([0, 100, 200, 300, 400]);
  // Behind four units of 23 bytes stands the mark of a file's end.
  expect([...store.disk.contents("/store/consumequeue_ext/T/0/00000000000000000000").slice(92)])
    .toEqual([255, 255, 0, 0, 0, 0, 0, 0]);
});

test("files that no entry points into any more go with the queue's, and all with the topic", async () => {
  const store = extendedStore();
  await using queues = await ConsumeQueues.open(store.options);
  fill(queues, 0, UNITS);
  await queues.sync();
  await queues.deleteExpired(100 * 9);
  expect(store.disk.listSync("/store/consumequeue_ext/T/0").map(Number)).toEqual([200]);
  expect(entriesOf(queues.find("T", 0)!)).toEqual(expected(9, UNITS) as never);
  await queues.deleteTopic("T");
  expect(store.disk.statSync("/store/consumequeue_ext/T")).toBeNull();
});

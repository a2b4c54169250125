// Queues of batches: units found by offset and by time over several files, bounds, what is on disk.
import { expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { ConsumeQueues } from "./consume_queues.ts";
import type { StoredQueue } from "./stored_queue.ts";
import { reopened, testStore, wholeLog } from "./test_store.ts";

/** 700 batches of 1, 2, 3, 1 … messages, 10 ms apart from 1000 on; three files. */
function fill(queue: StoredQueue): number[] {
  const bases: number[] = [];
  for (let unit = 0, base = 0; unit < 700; unit++) {
    const count = unit % 3 + 1;
    bases.push(base);
    queue.append(base, unit * 100, 100, unit, 1000 + 10 * unit, count);
    base += count;
  }
  return bases;
}

test("a cursor begins with the batch that holds the offset", async () => {
  const store = testStore();
  const queues = await ConsumeQueues.open(store.options);
  const bases = fill(queues.findOrCreate("t", 0, "batch"));
  await queues[Symbol.asyncDispose]();
  await using again = await reopened(store, wholeLog(70_000));
  const queue = again.find("t", 0)!;
  expect([queue.minOffset, queue.maxOffset, queue.nextOffset]).toEqual([0, 1399, 1399]);
  bases.forEach((base, unit) => {
    for (let offset = base; offset < base + unit % 3 + 1; offset++) {
      const cursor = queue.openCursor(offset, Infinity);
      expect([cursor.next(), cursor.queueOffset, cursor.batchCount, cursor.physicalOffset])
        .toEqual([true, base, unit % 3 + 1, unit * 100]);
    }
  });
  expect(queue.openCursor(1399, Infinity).next()).toBe(false);
});

test("a batch's unit has Apache's 46 bytes", async () => {
  const { disk, clock, options } = testStore();
  await using queues = await ConsumeQueues.open(options);
  const queue = queues.findOrCreate("t", 3, "batch");
  queue.append(0, 32189, 780, -5, 1795230969311, 4);
  await clock.advance(6);
  const bytes = Buffer.from(disk.contents("/store/batchconsumequeue/t/3/00000000000000000000"));
  expect(bytes.length).toBe(13800);
  expect([bytes.readBigInt64BE(0), bytes.readInt32BE(8), bytes.readBigInt64BE(12)])
    .toEqual([32189n, 780, -5n]);
  expect(bytes.readBigInt64BE(20)).toBe(1795230969311n);
  expect(bytes.toString("hex", 28, 46)).toBe("0000000000000000" + "0004" + "ffffffff" + "00000000");
});

test("a time leads to the batch that Apache's search gives", async () => {
  const { options } = testStore();
  await using queues = await ConsumeQueues.open(options);
  const queue = queues.findOrCreate("t", 0, "batch");
  const bases = fill(queue);
  const at = (timestampMs: number, boundary: "lower" | "upper") =>
    queue.offsetByTimestamp(timestampMs, boundary, () => -1);
  expect(await at(999, "lower")).toBe(0);
  expect(await at(1000 + 10 * 301, "lower")).toBe(bases[301]!);
  expect(await at(1000 + 10 * 301 - 5, "lower")).toBe(bases[301]!);
  expect(await at(1000 + 10 * 301, "upper")).toBe(bases[301]!);
  expect(await at(999_999, "lower")).toBe(bases[699]!);
  expect(await at(999_999, "upper")).toBe(bases[699]!);
});

test("an empty queue of batches has no offset for a time and no entries", async () => {
  const { options } = testStore();
  await using queues = await ConsumeQueues.open(options);
  const queue = queues.findOrCreate("t", 0, "batch");
  expect(await queue.offsetByTimestamp(5, "lower", () => -1)).toBe(-1);
  expect([queue.minOffset, queue.maxOffset]).toEqual([0, 0]);
  expect(queue.openCursor(0, Infinity).next()).toBe(false);
});

test("retention moves the minimum behind the last deleted batch", async () => {
  const { clock, options, disk } = testStore();
  await using queues = await ConsumeQueues.open(options);
  const queue = queues.findOrCreate("t", 0, "batch");
  const bases = fill(queue);
  await clock.advance(6);
  await queues.deleteExpired(35_050);
  expect(queue.minOffset).toBe(bases[351]!);
  expect(disk.listSync("/store/batchconsumequeue/t/0").length).toBe(2);
});

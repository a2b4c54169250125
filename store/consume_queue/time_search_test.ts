// From a time to an offset, with the edges where Apache's answer isn't the obvious one.
import { expect, test } from "bun:test";
import fc from "fast-check";
import type { TimestampBoundary } from "../message_store.ts";
import { ConsumeQueues } from "./consume_queues.ts";
import { testStore } from "./test_store.ts";

/** A queue with 5 entries a file whose records have these store times. */
async function withTimes(times: number[], minRecord = 0) {
  const { options, clock } = testStore(1, { fileBytes: 100 });
  const queues = await ConsumeQueues.open(options);
  const queue = queues.findOrCreate("t", 0, "simple");
  times.forEach((_, record) => queue.append(record, record * 100, 100, 0, 0, 1));
  await clock.advance(6);
  await queues.deleteExpired(minRecord * 100);
  const storeTimeOf = (physicalOffset: number): number | Promise<number> => {
    const record = physicalOffset / 100;
    const time = record < minRecord ? -1 : times[record]!;
    return record % 2 === 0 ? time : Promise.resolve(time);
  };
  return (timestampMs: number, boundary: TimestampBoundary) =>
    queue.offsetByTimestamp(timestampMs, boundary, storeTimeOf);
}

test("between two times lower is the entry after and upper the entry before", async () => {
  const search = await withTimes([10, 10, 10, 30, 30]);
  expect(await search(20, "lower")).toBe(3);
  expect(await search(20, "upper")).toBe(2);
});

test("of several entries of one time lower is the first and upper the last", async () => {
  const search = await withTimes([5, 10, 10, 10, 30]);
  expect(await search(10, "lower")).toBe(1);
  expect(await search(10, "upper")).toBe(3);
});

test("past the end lower is the maximum and upper the last entry", async () => {
  const search = await withTimes([1, 2, 3, 4, 5, 6, 7]);
  expect(await search(8, "lower")).toBe(7);
  expect(await search(8, "upper")).toBe(6);
});

test("before the first entry both are 0", async () => {
  const search = await withTimes([10, 20]);
  expect(await search(5, "lower")).toBe(0);
  expect(await search(5, "upper")).toBe(0);
});

test("before the first entry that is left lower is its file's start, not the minimum, and upper 0", async () => {
  const search = await withTimes([10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120], 7);
  expect(await search(5, "lower")).toBe(5);
  // The first file's own start is deleted log, so its time is unknown and the file is searched.
  expect(await search(5, "upper")).toBe(0);
  expect(await search(80, "lower")).toBe(7);
  expect(await search(85, "upper")).toBe(7);
});

test("an empty queue gives 0", async () => {
  const search = await withTimes([]);
  expect(await search(5, "lower")).toBe(0);
  expect(await search(5, "upper")).toBe(0);
});

test("within the times of one file the search agrees with looking at every entry", async () => {
  const gaps = fc.array(fc.nat(2), { minLength: 1, maxLength: 23 });
  await fc.assert(fc.asyncProperty(gaps, fc.nat(50), async (gaps, timestampMs) => {
    const times = gaps.map((gap, index) =>
      10 + index + gaps.slice(0, index).reduce((a, b) => a + b, gap)
    );
    const search = await withTimes(times);
    const first = times.findIndex((time) => time >= timestampMs);
    expect(await search(timestampMs, "lower")).toBe(first < 0 ? times.length : first);
    const last = times.findLastIndex((time) => time <= timestampMs);
    expect(await search(timestampMs, "upper")).toBe(Math.max(0, last));
  }));
});

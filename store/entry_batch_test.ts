// Records on their way to their queues: all of them come, in order, each as it was when it was added.
import { expect, test } from "bun:test";
import { EntryBatch } from "./entry_batch.ts";
import type { StoredQueue } from "./consume_queue/stored_queue.ts";
import { QueueLookup } from "./queue_lookup.ts";

test("what is added comes in order, unchanged, with the queue that was there when the batch was looked up", () => {
  const queue = { topic: "A", queueId: 1, expect: () => 7 } as unknown as StoredQueue;
  const find = (topic: string, queueId: number) => topic === "A" && queueId === 1 ? queue : null;
  const entered: string[] = [];
  const batch = new EntryBatch(new QueueLookup({ find }), (facts, size, seen) => {
    const { batchCount, physicalOffset, queueId, queueOffset, storeTimestampMs, tagsCode, topic } =
      facts;
    const numbers = [queueId, queueOffset, physicalOffset, storeTimestampMs, tagsCode, batchCount];
    entered.push([topic, ...numbers, size, seen === queue].join(" "));
  });
  const expected: string[] = [];
  const facts = {
    topic: "",
    queueId: 0,
    queueOffset: 0,
    physicalOffset: 0,
    storeTimestampMs: 0,
    tagsCode: 0,
    batchCount: 1,
  };
  for (let at = 0; at < 1000; at++) {
    // One object for all, as the scan has it.
    facts.topic = at % 3 === 0 ? "A" : "B";
    facts.queueId = at % 2;
    facts.queueOffset = at >> 1;
    facts.physicalOffset = 2 ** 40 + at * 100;
    facts.storeTimestampMs = 1_700_000_000_000 + at;
    facts.tagsCode = -at;
    facts.batchCount = 1 + at % 5;
    batch.add(facts, at % 3, 100 + at);
    const { batchCount, physicalOffset, queueId, queueOffset, storeTimestampMs, tagsCode, topic } =
      facts;
    const numbers = [queueId, queueOffset, physicalOffset, storeTimestampMs, tagsCode, batchCount];
    expected.push([topic, ...numbers, 100 + at, topic === "A" && queueId === 1].join(" "));
  }
  batch.flush();
  batch.flush();
  expect(entered).toEqual(expected);
});

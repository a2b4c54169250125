// The queues that Apache 5.4.0 wrote, read by ours.
import { expect, test } from "bun:test";
import { fixtureJson } from "../../testdata/fixtures.ts";
import { entriesOf, type Entry, layOut, reopened, testStore, wholeLog } from "./test_store.ts";

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

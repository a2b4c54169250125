// Due times in the delay queues: the store counts them from a record's own time, so that a recovery makes the same.
import { expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { SCHEDULE_TOPIC } from "../../core/message/topic_names.ts";
import type { FileMessageStore } from "../message_store_impl.ts";
import { newMemoryDisk, openTestStore, testMessage } from "../testing_store.ts";

/** When the first message of the third level is due, after its store time. */
async function delayOf(store: FileMessageStore): Promise<number> {
  const cursor = store.openCursor(SCHEDULE_TOPIC, 2, 0)!;
  expect(cursor.next()).toBe(true);
  return cursor.tagsCode - await store.storeTimestamp(SCHEDULE_TOPIC, 2, 0);
}

test("a delayed message is due after its record's time, also when its queue is made again", async () => {
  const disk = newMemoryDisk();
  const store = await openTestStore(disk);
  const properties = Buffer.from("DELAY\x013\x02UNIQ_KEY\x01U\x02");
  // What the sender's clock said when it asked, a while before.
  await store.put([
    testMessage(0, { topic: SCHEDULE_TOPIC, queueId: 2, properties, tagsCode: 12_345 }),
  ]);
  expect(await delayOf(store)).toBe(10_000);
  disk.crash("process");
  await using again = await openTestStore(disk);
  expect(await delayOf(again)).toBe(10_000);
});

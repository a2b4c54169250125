// A mend that fails is over for its readers, and no reason for the broker to end.
import { expect, test } from "bun:test";
import { DiskError } from "../../core/disk/disk.ts";
import { createLogger, silentLogger } from "../../core/log.ts";
import { CommitLog } from "../commit_log/commit_log.ts";
import { RecordFacts } from "../commit_log/record_facts.ts";
import { FILE_MESSAGE_STORE_DEFAULTS } from "../file_message_store_options.ts";
import { newMemoryDisk } from "../testing_store.ts";
import { EntryMender } from "./entry_mender.ts";
import type { MendableQueue } from "./mendable_queue.ts";

const queue: MendableQueue = {
  topic: "Orders",
  queueId: 3,
  unitBytes: 20,
  mendableFrom: 0,
  endByte: 160,
  isDeleted: false,
  at: 0,
  bytesAt: () => {
    throw new DiskError("EIO", "read", "/store/consumequeue/Orders/3");
  },
  offsetAt: (position) => position / 20,
  positionOf: (queueOffset) => queueOffset * 20,
  isNumbered: true,
  numbersOf: ({ from, to }) => [from / 20, to / 20],
  placesOf: () => new Map(),
  isOf: () => false,
  correct: () => {},
  knowTags: () => {},
};

test("readers of a queue that can't be read go on, and later ones don't wait at that place", async () => {
  const said: string[] = [];
  const log = new CommitLog({
    disk: newMemoryDisk(),
    log: silentLogger,
    path: "/store/commitlog",
    fileSizeBytes: 4096,
    fillAhead: false,
  });
  await using mender = new EntryMender({
    files: log.files,
    read: () => Promise.resolve(null),
    confirmOffset: () => 0,
    facts: new RecordFacts(FILE_MESSAGE_STORE_DEFAULTS.delayLevels),
    log: createLogger(({ text }) => said.push(text)),
    onDone: () => {},
  });
  expect(mender.holds(queue, 80)).toBe(true);
  expect(await mender.judge(queue, 4)).toBe("kept");
  expect(mender.holds(queue, 80)).toBe(false);
  expect(await mender.judge(queue, 5)).toBe("kept");
  expect(new Set(said)).toEqual(new Set(["a queue's damaged entries can't be mended"]));
  await log.close();
});

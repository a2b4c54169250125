// How far queues are consumed, where consuming begins, and the file of a broadcasting consumer.
import { expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { MemoryDisk } from "../disk/memory_disk.ts";
import { silentLogger } from "../log.ts";
import { seededRandom } from "../random.ts";
import { FileOffsetStore, formatOffsets, parseOffsets } from "./file_offset_store.ts";
import type { MessageQueue } from "./message.ts";
import { OffsetBook } from "./offsets.ts";
import { startOffset } from "./start_offset.ts";

const queue: MessageQueue = { topic: "T", brokerName: "b", queueId: 0 };

test("only what the store doesn't know yet is to be committed", () => {
  const book = new OffsetBook();
  book.begin(queue, 5);
  expect(book.uncommitted()).toEqual([{ queue, offset: 5 }]);
  book.committed(book.uncommitted());
  expect(book.uncommitted()).toEqual([]);
  book.advance(queue, 4);
  expect(book.uncommitted()).toEqual([]);
  book.advance(queue, 9);
  expect(book.uncommitted()).toEqual([{ queue, offset: 9 }]);
  book.move(queue, 2);
  expect(book.get(queue)).toBe(2);
  book.forget(queue);
  expect(book.get(queue)).toBeNull();
  book.advance(queue, 7);
  expect(book.all()).toEqual([]);
});

test("a group that was here goes on; a new one begins where it wants to", async () => {
  const queries = (committed: number | null) => ({
    committed: () => Promise.resolve(committed),
    maxOffset: () => Promise.resolve(100),
    offsetAt: (_: MessageQueue, timestampMs: number) => Promise.resolve(timestampMs),
  });
  const retry = { ...queue, topic: "%RETRY%g" };
  for (const from of ["last", "first", new Date(7)] as const) {
    expect(await startOffset(queue, from, queries(42))).toBe(42);
  }
  expect(await startOffset(queue, "last", queries(null))).toBe(100);
  expect(await startOffset(queue, "first", queries(null))).toBe(0);
  expect(await startOffset(queue, new Date(7), queries(null))).toBe(7);
  expect(await startOffset(retry, "last", queries(null))).toBe(0);
  expect(await startOffset(retry, new Date(7), queries(null))).toBe(100);
  expect(await startOffset(queue, "last", queries(-1))).toBe(100);
});

test("the file that Apache's client wrote is read, and written to the byte as it was", () => {
  const path = new URL(
    "../../testdata/apache-5.4.0/client-offsets/broadcast-offsets.json",
    import.meta.url,
  ).pathname;
  const bytes = readFileSync(path);
  const offsets = parseOffsets(bytes);
  expect(offsets).toEqual([0, 1].map((queueId) => ({
    queue: { topic: "TopicBroadcast", brokerName: "broker-fx", queueId },
    offset: 2,
  })));
  expect(formatOffsets(offsets)).toBe(bytes.toString("utf8"));
  expect(parseOffsets(Buffer.from(formatOffsets([])))).toEqual([]);
});

test("local offsets are found again, also from the backup when the file is torn", async () => {
  const disk = new MemoryDisk(seededRandom(1));
  const options = { disk, log: silentLogger, folder: "/o", clientId: "c", group: "g" };
  const store = new FileOffsetStore(options);
  expect(await store.read(queue)).toBeNull();
  await store.write([{ queue, offset: 3 }]);
  await store.write([{ queue: { ...queue, queueId: 1 }, offset: 4 }]);
  expect(await new FileOffsetStore(options).read(queue)).toBe(3);
  const file = disk.openSync("/o/c/g/offsets.json", "write");
  file.truncateSync(5);
  await file.close();
  expect(await new FileOffsetStore(options).read(queue)).toBe(3);
});

test("a disk that refuses leaves the offsets uncommitted and says why", async () => {
  const disk = new MemoryDisk(seededRandom(1));
  const refusing = Object.create(disk, {
    openSync: {
      value: () => {
        throw new Error("no");
      },
    },
  }) as MemoryDisk;
  const store = new FileOffsetStore({
    disk: refusing,
    log: silentLogger,
    folder: "/o",
    clientId: "c",
    group: "g",
  });
  const { taken, failure } = await store.write([{ queue, offset: 3 }]);
  expect(taken).toEqual([]);
  expect(failure).toBeInstanceOf(Error);
});

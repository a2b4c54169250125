// What a plain queue promises at its edges: late writing, gaps, stale tails, damaged folders, a disk that refuses.
import { expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { OperationError } from "../../core/errors.ts";
import { createLogger } from "../../core/log.ts";
import { ConsumeQueues } from "./consume_queues.ts";
import { TAIL_BYTES_MAX } from "./limits.ts";
import type { StoredQueue } from "./stored_queue.ts";
import { entriesOf, reopened, testStore, wholeLog } from "./test_store.ts";
import { queueFileName } from "./unit.ts";

function fill(queue: StoredQueue, from: number, count: number): void {
  for (let offset = from; offset < from + count; offset++) {
    queue.append(offset, offset * 100, 100, offset, 0, 1);
  }
}

function path(base: number, topic = "t"): string {
  return `/store/consumequeue/${topic}/0/${queueFileName(base)}`;
}

test("entries are on disk a few milliseconds after they came, in files of exactly the configured length", async () => {
  const { disk, clock, options } = testStore();
  await using queues = await ConsumeQueues.open(options);
  fill(queues.findOrCreate("t", 0, "simple"), 0, 301);
  expect(disk.statSync(path(0))).toBeNull();
  await clock.advance(6);
  expect(disk.statSync(path(0))!.sizeBytes).toBe(6000);
  expect(disk.statSync(path(6000))!.sizeBytes).toBe(6000);
  const first = Buffer.from(disk.contents(path(0)));
  expect(first.readBigInt64BE(20)).toBe(100n);
  expect([first.readInt32BE(28), first.readBigInt64BE(32)]).toEqual([100, 1n]);
});

test("a configured file size is rounded up to whole entries as Apache does", async () => {
  const { disk, clock, options } = testStore(1, { fileBytes: 5999 });
  await using queues = await ConsumeQueues.open(options);
  fill(queues.findOrCreate("t", 0, "simple"), 0, 1);
  await clock.advance(6);
  expect(disk.statSync(path(0))!.sizeBytes).toBe(6000);
});

test("a cursor opened before an append sees the new entry, written or not", async () => {
  const { clock, options } = testStore();
  await using queues = await ConsumeQueues.open(options);
  const queue = queues.findOrCreate("t", 0, "simple");
  fill(queue, 0, 1);
  const cursor = queue.openCursor(0, Infinity);
  expect([cursor.next(), cursor.queueOffset, cursor.next()]).toEqual([true, 0, false]);
  fill(queue, 1, 1);
  expect([cursor.next(), cursor.queueOffset, cursor.next()]).toEqual([true, 1, false]);
  await clock.advance(5000);
  fill(queue, 2, 1);
  expect([cursor.next(), cursor.queueOffset, cursor.physicalOffset]).toEqual([true, 2, 200]);
});

test("two cursors that take turns on different queues don't see each other's entries", async () => {
  const { clock, options } = testStore();
  await using queues = await ConsumeQueues.open(options);
  const names = ["t", "u"];
  for (const name of names) fill(queues.findOrCreate(name, 0, "simple"), 0, 700);
  queues.find("u", 0)!.append(700, 999_999, 100, 5, 0, 1);
  await clock.advance(5000);
  const cursors = names.map((name) => queues.find(name, 0)!.openCursor(0, Infinity));
  for (let offset = 0; offset < 700; offset++) {
    for (const cursor of cursors) {
      expect([cursor.next(), cursor.queueOffset, cursor.tagsCode]).toEqual([true, offset, offset]);
    }
  }
  expect(cursors.map((cursor) => cursor.next())).toEqual([false, true]);
});

test("a queue rebuilt after retention begins with blank units and serves from its true minimum", async () => {
  const store = testStore();
  const queues = await ConsumeQueues.open(store.options);
  fill(queues.findOrCreate("t", 0, "simple"), 403, 2);
  await queues[Symbol.asyncDispose]();
  const bytes = Buffer.from(store.disk.contents(path(6000)));
  for (let unit = 0; unit < 103; unit++) {
    expect(bytes.toString("hex", unit * 20, unit * 20 + 20)).toBe(
      "00000000000000007fffffff0000000000000000",
    );
  }
  await using again = await reopened(store, wholeLog(1_000_000));
  const queue = again.find("t", 0)!;
  expect([queue.minOffset, queue.maxOffset, queue.nextOffset]).toEqual([403, 405, 405]);
  expect(entriesOf(queue)).toEqual([[40300, 100, 403], [40400, 100, 404]]);
});

test("a small hole in the offsets is filled with blanks, one too large to be true is refused", async () => {
  const { options } = testStore();
  await using queues = await ConsumeQueues.open(options);
  const queue = queues.findOrCreate("t", 0, "simple");
  fill(queue, 0, 2);
  fill(queue, 5, 1);
  queue.append(2 ** 40, 600, 100, 0, 0, 1);
  expect(queue.maxOffset).toBe(6);
  expect(entriesOf(queue).map(([physicalOffset]) => physicalOffset)).toEqual([0, 100, 500]);
});

test("an entry that points behind the log keeps no reader from those behind it, and is told of", async () => {
  const messages: string[] = [];
  const store = testStore(1, { log: createLogger(({ text }) => messages.push(text)) });
  const queues = await ConsumeQueues.open(store.options);
  fill(queues.findOrCreate("t", 0, "simple"), 0, 10);
  const batches = queues.findOrCreate("b", 0, "batch");
  for (let offset = 0; offset < 30; offset += 3) batches.append(offset, offset * 100, 100, 7, 0, 3);
  await queues[Symbol.asyncDispose]();
  const batchPath = `/store/batchconsumequeue/b/0/${queueFileName(0)}`;
  for (const [file, at] of [[path(0), 4 * 20], [batchPath, 4 * 46]] as const) {
    const far = Buffer.of(0, 4, 0, 0, 0, 0, 0, 0);
    store.disk.openSync(file, "write").writeSync(far, 0, far.length, at);
  }
  await using again = await reopened(store, wholeLog(10_000));
  for (const topic of ["t", "b"]) {
    const cursor = again.find(topic, 0)!.openCursor(0, 10_000);
    const found: number[] = [];
    while (cursor.next()) found.push(cursor.queueOffset / cursor.batchCount);
    expect(found).toEqual([0, 1, 2, 3, 5, 6, 7, 8, 9]);
  }
  expect(messages.filter((each) => each.includes("points behind the log"))).toHaveLength(2);
});

test("an entry that is there already is not entered twice", async () => {
  const { options } = testStore();
  await using queues = await ConsumeQueues.open(options);
  const queue = queues.findOrCreate("t", 0, "simple");
  fill(queue, 0, 3);
  fill(queue, 0, 4);
  expect([queue.maxOffset, queue.nextOffset, entriesOf(queue).length]).toEqual([4, 4, 4]);
});

test("entries left behind by an earlier truncation are cut at load, though they point into the log", async () => {
  const store = testStore();
  const queues = await ConsumeQueues.open(store.options);
  fill(queues.findOrCreate("t", 0, "simple"), 0, 500);
  await queues[Symbol.asyncDispose]();
  await using again = await reopened(store, {
    ...wholeLog(1_000_000),
    holds: (physicalOffset) => physicalOffset < 31_700,
  });
  const queue = again.find("t", 0)!;
  expect([queue.maxOffset, queue.nextOffset, entriesOf(queue).length]).toEqual([317, 317, 317]);
  const bytes = store.disk.contents(path(6000));
  expect(bytes.subarray(17 * 20).every((byte) => byte === 0)).toBe(true);
});

test("what a replay doesn't write over is cleared at its end, whatever a kill meanwhile leaves", async () => {
  const store = testStore();
  const { disk, options } = store;
  {
    await using queues = await ConsumeQueues.open(options);
    fill(queues.findOrCreate("t", 0, "simple"), 0, 100);
  }
  {
    // Replayed from entry 40 on, of which ten come again; then the process is killed.
    const queues = await ConsumeQueues.open(options);
    queues.recover(wholeLog(10_000), 4000);
    fill(queues.find("t", 0)!, 40, 10);
    await queues.sync();
    expect(queues.find("t", 0)!.maxOffset).toBe(50);
    disk.crash("process");
  }
  for (const expected of [45, 45]) {
    const queues = await ConsumeQueues.open(options);
    queues.recover(wholeLog(10_000), 4000);
    expect(queues.find("t", 0)!.maxOffset).toBe(40);
    fill(queues.find("t", 0)!, 40, 5);
    queues.truncate(4500);
    await queues.sync();
    disk.crash("process");
    // No entry of earlier lives is found by a load that knows nothing of the log.
    expect((await ConsumeQueues.open(options)).find("t", 0)!.maxOffset).toBe(expected);
    const bytes = new Uint8Array(6000);
    disk.openSync(path(0), "read").readSync(bytes, 0, 6000, 0);
    expect(bytes.subarray(45 * 20).every((byte) => byte === 0)).toBe(true);
  }
});

test("retention frees files that only point to deleted log and moves the minimum", async () => {
  const { disk, clock, options } = testStore();
  await using queues = await ConsumeQueues.open(options);
  const queue = queues.findOrCreate("t", 0, "simple");
  fill(queue, 0, 950);
  await clock.advance(6);
  await queues.deleteExpired(70_050);
  expect(disk.listSync("/store/consumequeue/t/0")).toEqual([12000, 18000].map(queueFileName));
  expect([queue.minOffset, queue.maxOffset]).toEqual([701, 950]);
  const cursor = queue.openCursor(650, Infinity);
  expect([cursor.next(), cursor.queueOffset]).toEqual([true, 701]);
  await queues.deleteExpired(1_000_000);
  expect([queue.minOffset, queue.maxOffset]).toEqual([950, 950]);
  expect(disk.listSync("/store/consumequeue/t/0")).toEqual([queueFileName(18000)]);
});

test("a full disk loses no entry: they stay readable and are written when there is room again", async () => {
  const { disk, clock, options } = testStore();
  const queues = await ConsumeQueues.open(options);
  const queue = queues.findOrCreate("t", 0, "simple");
  disk.inject({ operation: "write", code: "ENOSPC" });
  const count = 2 * TAIL_BYTES_MAX / 20;
  fill(queue, 0, count);
  await clock.advance(3000);
  expect(entriesOf(queue).length).toBe(count);
  await expect(queues.sync()).rejects.toThrow("ENOSPC");
  disk.clearFaults();
  await clock.advance(1001);
  await queues[Symbol.asyncDispose]();
  await using again = await reopened({ disk, clock, options }, wholeLog(count * 100));
  expect(entriesOf(again.find("t", 0)!).length).toBe(count);
});

test("a queue whose folder can't be written doesn't hold the others up", async () => {
  const { disk, clock, options } = testStore();
  await using queues = await ConsumeQueues.open(options);
  disk.inject({ operation: "write", code: "EIO", path: "/bad/" });
  for (const topic of ["bad", "good"]) fill(queues.findOrCreate(topic, 0, "simple"), 0, 1);
  await clock.advance(6);
  expect(Buffer.from(disk.contents(path(0, "good"))).readInt32BE(8)).toBe(100);
  disk.clearFaults();
});

test("files of another length than configured stop the start with their path", async () => {
  const store = testStore();
  store.disk.place(path(0), new Uint8Array(4000));
  const opening = Promise.resolve().then(() => ConsumeQueues.open(store.options));
  await expect(opening).rejects.toThrow(OperationError);
  await expect(opening).rejects.toThrow(path(0));
});

test("a last file without length, left by a crash, is removed", async () => {
  const store = testStore();
  const queues = await ConsumeQueues.open(store.options);
  fill(queues.findOrCreate("t", 0, "simple"), 0, 300);
  await queues[Symbol.asyncDispose]();
  store.disk.place(path(6000), new Uint8Array(0));
  await using again = await reopened(store, wholeLog(30_000));
  expect(again.find("t", 0)!.maxOffset).toBe(300);
  expect(store.disk.listSync("/store/consumequeue/t/0")).toEqual([queueFileName(0)]);
});

test("a deleted topic's handle takes and shows nothing, and a new one of the name begins at 0", async () => {
  const { disk, clock, options } = testStore();
  await using queues = await ConsumeQueues.open(options);
  const old = queues.findOrCreate("t", 0, "simple");
  fill(old, 0, 10);
  await clock.advance(6);
  const deleting = queues.deleteTopic("t");
  const queue = queues.findOrCreate("t", 0, "simple");
  fill(queue, 0, 1);
  await clock.advance(6);
  await deleting;
  fill(old, 0, 3);
  await clock.advance(6);
  expect(entriesOf(old)).toEqual([]);
  expect(entriesOf(queue)).toEqual([[0, 100, 0]]);
  expect(disk.listSync("/store/consumequeue/t/0")).toEqual([queueFileName(0)]);
});

test("more dirty queues than descriptors are all written", async () => {
  const store = testStore(1, { descriptorsMax: 3 });
  const queues = await ConsumeQueues.open(store.options);
  for (let round = 0; round < 3; round++) {
    for (let id = 0; id < 20; id++) fill(queues.findOrCreate("t", id, "simple"), round, 1);
    await store.clock.advance(6);
  }
  await queues[Symbol.asyncDispose]();
  await using again = await reopened(store, wholeLog(300));
  for (let id = 0; id < 20; id++) expect(entriesOf(again.find("t", id)!).length).toBe(3);
});

test("with fewer descriptors than hoped for, the cache makes do", async () => {
  const { disk, clock, options } = testStore();
  await using queues = await ConsumeQueues.open(options);
  for (let id = 0; id < 8; id++) fill(queues.findOrCreate("t", id, "simple"), 0, 1);
  disk.inject({ operation: "open", code: "EMFILE", after: 4, times: 1 });
  await clock.advance(6);
  for (let id = 0; id < 8; id++) {
    expect(disk.statSync(`/store/consumequeue/t/${id}/${queueFileName(0)}`)!.sizeBytes).toBe(6000);
  }
});

test("very many changed queues are made durable by one sync of the file system, or one by one when that fails", async () => {
  for (const works of [true, false]) {
    const store = testStore();
    const calls: string[] = [];
    const syncFileSystem = (path: string) => {
      calls.push(path);
      return Promise.resolve(works);
    };
    const disk = Object.assign(store.disk, { syncFileSystem });
    await using queues = await ConsumeQueues.open({ ...store.options, disk });
    for (let queueId = 0; queueId <= 256; queueId++) {
      queues.findOrCreate("T", queueId, "simple").append(0, queueId * 100, 100, 7, 0, 1);
    }
    await queues.sync();
    expect(calls).toEqual([store.options.storePath]);
    expect(disk.count("datasync")).toBe(works ? 0 : 257);
  }
});

test("a recovery from where it was foreseen opens no file again, from elsewhere it finds the same", async () => {
  const store = testStore(1, { descriptorsMax: 1 });
  {
    await using queues = await ConsumeQueues.open(store.options);
    for (let id = 0; id < 4; id++) fill(queues.findOrCreate("t", id, "simple"), 0, 260 + 10 * id);
  }
  for (const replayFrom of [4000, 27_500, 100_000]) {
    for (const isForeseen of [true, false]) {
      const foreseen = isForeseen ? { replayFrom } : {};
      const queues = await ConsumeQueues.open({ ...store.options, ...foreseen });
      const opened = store.disk.count("open");
      queues.recover(wholeLog(100_000), replayFrom);
      if (isForeseen) expect(store.disk.count("open")).toBe(opened);
      for (let id = 0; id < 4; id++) {
        const queue = queues.find("t", id)!;
        const count = Math.min(replayFrom / 100, 260 + 10 * id);
        expect([queue.maxOffset, queue.coveredPhysicalOffset]).toEqual([count, count * 100]);
        // As a replay does, so that the next turn finds all of them.
        fill(queue, count, 260 + 10 * id - count);
      }
      queues.truncate(100_000);
      await queues[Symbol.asyncDispose]();
    }
  }
});

test("in a replay entries wait in memory for its end, unless they become very many", async () => {
  const store = testStore(1, { heldBytesMax: 2000 });
  const { clock, disk, options } = store;
  await using queues = await ConsumeQueues.open(options);
  queues.beginReplay();
  fill(queues.findOrCreate("t", 0, "simple"), 0, 99);
  await clock.advance(10_000);
  expect(disk.statSync(path(0))).toBeNull();
  fill(queues.findOrCreate("t", 0, "simple"), 99, 1);
  await clock.advance(1000);
  expect(disk.contents(path(0)).subarray(99 * 20, 100 * 20)).not.toEqual(new Uint8Array(20));
  fill(queues.findOrCreate("t", 0, "simple"), 100, 1);
  await clock.advance(10_000);
  expect(disk.contents(path(0)).subarray(100 * 20, 101 * 20)).toEqual(new Uint8Array(20));
  queues.truncate(10_100);
  await clock.advance(1000);
  expect(disk.contents(path(0)).subarray(100 * 20, 101 * 20)).not.toEqual(new Uint8Array(20));
});

test("a long loading of queues says how far it is, and how long it took", async () => {
  const store = testStore();
  {
    await using queues = await ConsumeQueues.open(store.options);
    for (let id = 0; id < 300; id++) fill(queues.findOrCreate("t", id, "simple"), 0, 1);
  }
  const { clock } = store;
  const { monotonicMs } = clock;
  let calls = 0;
  clock.monotonicMs = () => monotonicMs.call(clock) + 6000 * calls++;
  const lines: string[] = [];
  const log = createLogger(({ text, fields }) => lines.push(`${text} ${JSON.stringify(fields)}`));
  await using _ = await ConsumeQueues.open({ ...store.options, log });
  expect(lines).toEqual([
    'loading consume queues {"found":256,"loaded":0,"seconds":6}',
    'loading consume queues {"found":300,"loaded":212,"seconds":12}',
    'loaded the consume queues {"queues":300,"tookMs":18000}',
  ]);
});

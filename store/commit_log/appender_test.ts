// The staging interface that the send path uses, on a writer and queues that only remember.
import { expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { readI64 } from "../../core/bytes/big_endian.ts";
import { DiskError } from "../../core/disk/disk.ts";
import { PHYSICAL_OFFSET_AT, QUEUE_OFFSET_AT } from "../../core/message/record_layout.ts";
import { VirtualClock } from "../../core/time/virtual_clock.ts";
import { Dispatcher, type DispatchQueue } from "../dispatch.ts";
import { Appender, type AppenderOptions, REFUSED, STAGING_FULL } from "./appender.ts";
import { HotTail } from "./hot_tail.ts";
import { Settlement } from "./settlement.ts";
import type { AppendOwner } from "./staged_records.ts";
import { Turns } from "./turns.ts";

const FILE_BYTES = 4096;
const RECORD_BYTES = 200;

class RememberingQueue implements DispatchQueue {
  nextOffset = 0;
  readonly entries: number[][] = [];

  constructor(readonly topic: string, readonly queueId: number) {}

  append(queueOffset: number, physicalOffset: number, size: number, tagsCode: number): void {
    this.entries.push([queueOffset, physicalOffset, size, tagsCode]);
  }
}

function setUp(options?: AppenderOptions, start = 0, syncFlush = false) {
  const clock = new VirtualClock();
  const written = Buffer.alloc(64 * 1024);
  const writes: [offset: number, length: number][] = [];
  const items: [hash: number, physicalOffset: number][] = [];
  const dispatcher = new Dispatcher({ put: (hash, offset) => void items.push([hash, offset]) });
  const sync = { syncFlush, syncFlushTimeoutMs: 5000 };
  const device = { fullFrom: Infinity };
  const settlement = new Settlement(dispatcher, clock, sync, start, () => {});
  const writer = {
    fileSizeBytes: FILE_BYTES,
    writeSync(buffer: Uint8Array, from: number, length: number, offset: number) {
      if (offset + length > device.fullFrom) throw new DiskError("ENOSPC", "write", "/log");
      writes.push([offset, length]);
      written.set(buffer.subarray(from, from + length), offset);
    },
    hasStaleTail: () => false,
    markStaleTail: () => {},
  };
  const hot = new HotTail(new Turns(clock), { chunkBytes: 1024, chunkCount: 4 });
  const appender = new Appender(writer, hot, settlement, clock, start, options);
  const told: string[] = [];
  const owner: AppendOwner = {
    onStored: (token, status, physicalOffset, queueOffset) =>
      void told.push(`${token} ${status} ${physicalOffset} ${queueOffset}`),
  };
  const queue = new RememberingQueue("T", 0);
  const stage = (token: number, queues: DispatchQueue | null = queue, keys: number[] = []) => {
    const at = appender.begin(RECORD_BYTES);
    if (at < 0) return at;
    appender.buffer.fill(token, at, at + RECORD_BYTES);
    for (const key of keys) appender.addKey(key);
    appender.end(RECORD_BYTES, queues, 7, 1, owner, token);
    return at;
  };
  return {
    appender,
    clock,
    device,
    dispatcher,
    items,
    owner,
    queue,
    settlement,
    stage,
    told,
    writes,
    written,
  };
}

test("records are staged without a write, and one commit writes, dispatches and tells them in order", () => {
  const { stage, appender, writes, written, told, queue, items } = setUp();
  stage(1, undefined, [11, 12]);
  stage(2, undefined, []);
  stage(3, null, [13]);
  expect([writes.length, told.length, queue.nextOffset]).toEqual([0, 0, 2]);
  appender.commit();
  expect(writes).toEqual([[0, 600]]);
  expect(told).toEqual(["1 ok 0 0", "2 ok 200 1", "3 ok 400 0"]);
  expect(queue.entries).toEqual([[0, 0, 200, 7], [1, 200, 200, 7]]);
  expect(items).toEqual([[11, 0], [12, 0], [13, 400]]);
  expect([written[0], written[200], written[400]]).toEqual([1, 2, 3]);
  expect(readI64(written, 200 + PHYSICAL_OFFSET_AT)).toBe(200);
  expect(readI64(written, 200 + QUEUE_OFFSET_AT)).toBe(1);
});

test("a record that is begun and not ended leaves no bytes, no number and no keys", () => {
  const { stage, appender, queue, items, told } = setUp();
  appender.begin(RECORD_BYTES);
  appender.addKey(99);
  stage(1, undefined, [11]);
  appender.begin(RECORD_BYTES);
  appender.addKey(98);
  appender.commit();
  stage(2, undefined, [12]);
  appender.commit();
  expect(told).toEqual(["1 ok 0 0", "2 ok 200 1"]);
  expect(items).toEqual([[11, 0], [12, 200]]);
  expect(queue.nextOffset).toBe(2);
});

test("the store time is read once a burst", () => {
  const { stage, appender, clock } = setUp();
  stage(1);
  const first = appender.storeTimestampMs;
  clock.jumpWall(50);
  stage(2);
  expect(appender.storeTimestampMs).toBe(first);
  appender.commit();
  stage(3);
  expect(appender.storeTimestampMs).toBe(first + 50);
});

test("what doesn't fit the staging ring asks for a commit, and nothing staged is lost", () => {
  const { stage, appender, told } = setUp();
  let staged = 0;
  while (stage(staged) >= 0) staged++;
  expect(stage(staged)).toBe(STAGING_FULL);
  expect(staged).toBeGreaterThan(10);
  appender.commit();
  expect(told.length).toBe(staged);
  expect(stage(staged)).toBeGreaterThanOrEqual(0);
});

test("a burst that fails after a sync freed rows before it tells each owner once, and what was written stands", () => {
  const { stage, appender, settlement, told, device, queue } = setUp(undefined, 0, true);
  stage(1);
  appender.commit();
  // More than a chunk, which is two writes.
  for (let token = 2; token <= 7; token++) stage(token);
  settlement.flushed(RECORD_BYTES);
  device.fullFrom = 1200;
  appender.commit();
  expect(told).toEqual(["1 ok 0 0", "6 disk_full 1000 5", "7 disk_full 1200 6"]);
  told.length = 0;
  settlement.flushed(1000);
  expect(told).toEqual(["2 ok 200 1", "3 ok 400 2", "4 ok 600 3", "5 ok 800 4"]);
  expect([queue.nextOffset, queue.entries.length]).toEqual([5, 5]);
});

test("a record that fits no file, and any while the store refuses, is refused with the reason", () => {
  const { appender } = setUp();
  expect(appender.begin(FILE_BYTES)).toBe(REFUSED);
  expect(appender.lastRefusal.status).toBe("message_illegal");
  expect(appender.begin(FILE_BYTES - 8)).toBeGreaterThanOrEqual(0);
  appender.refusal = { status: "disk_full", detail: "97 % used" };
  expect(appender.begin(10)).toBe(REFUSED);
  expect(appender.lastRefusal.detail).toBe("97 % used");
});

test("a record's position may lie behind an entry header that the caller fills", () => {
  const { stage, appender, writes, written, queue } = setUp({ entryHeaderBytes: 48 });
  const at = stage(1);
  appender.buffer.fill(0xee, at - 48, at);
  stage(2);
  appender.commit();
  expect(writes).toEqual([[0, 496]]);
  expect(queue.entries.map(([, physicalOffset]) => physicalOffset)).toEqual([48, 296]);
  expect([written[0], written[47], written[48]]).toEqual([0xee, 0xee, 1]);
});

test("an owner may stage and commit from its callback; the outer commit takes it along", () => {
  const { appender, stage, queue, told, owner } = setUp();
  let again = true;
  const nested: AppendOwner = {
    onStored(token, status, physicalOffset, queueOffset) {
      owner.onStored(token, status, physicalOffset, queueOffset);
      if (!again) return;
      again = false;
      stage(2);
      appender.commit();
    },
  };
  appender.begin(RECORD_BYTES);
  appender.end(RECORD_BYTES, queue, 7, 1, nested, 1);
  appender.commit();
  expect(told).toEqual(["1 ok 0 0", "2 ok 200 1"]);
  expect(queue.entries.length).toBe(2);
});

test("consumers see no further than the bound from outside, owners are told all the same", () => {
  const { stage, appender, settlement, queue, told } = setUp();
  settlement.setConfirmBound(350);
  stage(1);
  stage(2);
  appender.commit();
  expect(told.length).toBe(2);
  expect(queue.entries.length).toBe(1);
  expect([settlement.confirmOffset, settlement.dispatchedEnd]).toEqual([350, 200]);
  stage(3);
  appender.commit();
  settlement.setConfirmBound(Infinity);
  expect(queue.entries.map(([queueOffset]) => queueOffset)).toEqual([0, 1, 2]);
  expect(settlement.dispatchedEnd).toBe(600);
});

test("a burst over a file's end is written file by file, with a blank record between", () => {
  const { stage, appender, writes, written, queue } = setUp(undefined, FILE_BYTES - 300);
  stage(1);
  stage(2);
  appender.commit();
  expect(writes).toEqual([[FILE_BYTES - 300, 208], [FILE_BYTES, 200]]);
  expect(written.readInt32BE(FILE_BYTES - 100)).toBe(100);
  expect(written.readUInt32BE(FILE_BYTES - 96)).toBe(0xcbd43194);
  expect(queue.entries.map(([, physicalOffset]) => physicalOffset))
    .toEqual([FILE_BYTES - 300, FILE_BYTES]);
});

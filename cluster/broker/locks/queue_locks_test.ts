import { expect, test } from "bun:test";
import { silentLogger } from "../../../core/log.ts";
import { VirtualClock } from "../../../core/time/virtual_clock.ts";
import { memoryTableFile } from "../table_file.ts";
import { QueueLocks } from "./queue_locks.ts";

const queue = (queueId: number) => ({ topic: "T", brokerName: "b", queueId });
const open = (clock = new VirtualClock(), file = memoryTableFile()) =>
  new QueueLocks({ clock, log: silentLogger, file });

test("a queue is locked for one client of a group until it unlocks it", () => {
  const locks = open();
  expect(locks.lock("G", "a", [queue(0), queue(1)])).toEqual([queue(0), queue(1)]);
  expect(locks.lock("G", "b", [queue(0), queue(2)])).toEqual([queue(2)]);
  expect(locks.lock("H", "b", [queue(0)])).toEqual([queue(0)]);
  locks.unlock("G", "b", [queue(0)]);
  expect(locks.lock("G", "b", [queue(0)])).toEqual([]);
  locks.unlock("G", "a", [queue(0)]);
  expect(locks.lock("G", "b", [queue(0)])).toEqual([queue(0)]);
});

test("a lock that isn't renewed for 60 s may be taken", async () => {
  const clock = new VirtualClock();
  const locks = open(clock);
  locks.lock("G", "a", [queue(0)]);
  await clock.advance(60_000);
  clock.jumpWall(600_000);
  expect(locks.lock("G", "b", [queue(0)])).toEqual([]);
  expect(locks.allExpired("G")).toBeFalse();
  await clock.advance(1);
  expect(locks.allExpired("G")).toBeTrue();
  expect(locks.lock("G", "b", [queue(0)])).toEqual([queue(0)]);
});

test("after a restart a holder keeps its lock for as long as it may trust it, and renews it", async () => {
  const clock = new VirtualClock();
  const file = memoryTableFile();
  const before = open(clock, file);
  before.lock("G", "a", [queue(0), queue(1)]);
  before.unlock("G", "a", [queue(1)]);
  await before.saved();
  const after = open(clock, file);
  expect(after.lock("G", "b", [queue(0), queue(1)])).toEqual([queue(1)]);
  expect(after.allExpired("G")).toBeFalse();
  await clock.advance(20_000);
  expect(after.lock("G", "a", [queue(0)])).toEqual([queue(0)]);
  await clock.advance(40_000);
  expect(after.lock("G", "b", [queue(0)])).toEqual([]);
});

test("after a restart a holder that doesn't renew loses its lock 30 s later", async () => {
  const clock = new VirtualClock();
  const file = memoryTableFile();
  const before = open(clock, file);
  before.lock("G", "a", [queue(0)]);
  await before.saved();
  const after = open(clock, file);
  await clock.advance(30_000);
  expect(after.lock("G", "b", [queue(0)])).toEqual([]);
  await clock.advance(1);
  expect(after.lock("G", "b", [queue(0)])).toEqual([queue(0)]);
});

test("a lock that its holder renews too late outlives a restart as a new one does", async () => {
  const clock = new VirtualClock();
  const file = memoryTableFile();
  const before = open(clock, file);
  before.lock("G", "a", [queue(0)]);
  await clock.advance(60_001);
  before.lock("G", "b", [queue(1)]);
  await before.saved();
  expect(before.lock("G", "a", [queue(0)])).toEqual([queue(0)]);
  await before.saved();
  expect(open(clock, file).lock("G", "c", [queue(0), queue(1)])).toEqual([]);
});

test("a file that can't be read forgets the locks and stops nothing", () => {
  for (const text of ["", "[]", '{"locks":[{"queueId":"x"}]}', '{"locks":{}}']) {
    const locks = open(new VirtualClock(), memoryTableFile(text));
    expect(locks.lock("G", "b", [queue(0)])).toEqual([queue(0)]);
  }
});

test("when nobody knows any more who holds what, nobody gets a queue while another one may trust its lock", async () => {
  const clock = new VirtualClock();
  const locks = open(clock, Object.assign(memoryTableFile(), { isDamaged: true }));
  expect(locks.lock("G", "a", [queue(0)])).toEqual([]);
  await clock.advance(29_999);
  expect(locks.lock("G", "a", [queue(0)])).toEqual([]);
  await clock.advance(1);
  expect(locks.lock("G", "a", [queue(0)])).toEqual([queue(0)]);
});

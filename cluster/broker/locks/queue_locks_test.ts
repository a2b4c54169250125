import { expect, test } from "bun:test";
import { VirtualClock } from "../../../core/time/virtual_clock.ts";
import { QueueLocks } from "./queue_locks.ts";

const queue = (queueId: number) => ({ topic: "T", brokerName: "b", queueId });

test("a queue is locked for one client of a group until it unlocks it", () => {
  const locks = new QueueLocks(new VirtualClock());
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
  const locks = new QueueLocks(clock);
  locks.lock("G", "a", [queue(0)]);
  await clock.advance(60_000);
  expect(locks.lock("G", "b", [queue(0)])).toEqual([]);
  expect(locks.allExpired("G")).toBeFalse();
  await clock.advance(1);
  expect(locks.allExpired("G")).toBeTrue();
  expect(locks.lock("G", "b", [queue(0)])).toEqual([queue(0)]);
});

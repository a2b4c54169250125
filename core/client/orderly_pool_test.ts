// Queues consumed in order under a virtual clock: order, rests, give-ups, commits by hand, locks.
import { expect, test } from "bun:test";
import { silentLogger } from "../log.ts";
import { VirtualClock } from "../time/virtual_clock.ts";
import { ConsumeStats } from "./consume_stats.ts";
import type { ConsumeOutcome } from "./listener.ts";
import { OrderlyPool, type OrderlyPoolOptions } from "./orderly_pool.ts";
import { ProcessQueue } from "./process_queue.ts";
import type { ReceivedMessage } from "./received_message.ts";

class Bed {
  readonly clock = new VirtualClock();
  readonly queue = new ProcessQueue({ topic: "T", brokerName: "b", queueId: 0 });
  /** Offsets and failed deliveries as the listener saw them, a call each. */
  readonly calls: string[] = [];
  readonly gaveUp: number[] = [];
  locked = true;
  readonly pool: OrderlyPool;

  constructor(
    listener: (
      offsets: readonly number[],
      calls: number,
    ) => ConsumeOutcome | Promise<ConsumeOutcome>,
    options: Partial<OrderlyPoolOptions> = {},
  ) {
    this.pool = new OrderlyPool({
      clock: this.clock,
      log: silentLogger,
      stats: new ConsumeStats(),
      concurrency: 4,
      batchMax: 1,
      autoCommit: true,
      suspendMs: 1000,
      maxReconsumeTimes: Infinity,
      listener: (messages) => {
        const offsets = messages.map(({ queueOffset }) => queueOffset);
        this.calls.push(`${offsets}/${messages[0]!.reconsumeTimes}`);
        return listener(offsets, this.calls.length);
      },
      mayConsume: () => this.locked,
      finish: (entry) => this.queue.finish(entry),
      giveUp: (entry) => {
        this.gaveUp.push(entry.message.queueOffset);
        return Promise.resolve(true);
      },
      ...options,
    });
  }

  /** Pulled messages; the first call of the listener has begun. */
  async put(...offsets: number[]): Promise<void> {
    this.queue.put(offsets.map(message));
    this.pool.wake(this.queue);
    await this.clock.advance(0);
  }
}

/** As much of a message as the pool looks at. */
function message(queueOffset: number): ReceivedMessage {
  const made = {
    queueOffset,
    storedBytes: 1,
    topic: "T",
    messageId: `${queueOffset}`,
    retriedHere: 0,
    get reconsumeTimes() {
      return this.retriedHere;
    },
  };
  return made as ReceivedMessage;
}

test("messages come one after the other, also when the listener takes its time", async () => {
  const it: Bed = new Bed(async () => {
    await it.clock.sleep(10);
  });
  await it.put(0, 1, 2);
  await it.clock.advance(15);
  expect(it.calls).toEqual(["0/0", "1/0"]);
  await it.put(3);
  await it.clock.advance(100);
  expect(it.calls).toEqual(["0/0", "1/0", "2/0", "3/0"]);
  expect(it.queue.finishedOffset).toBe(4);
});

test("what fails comes again after a rest, before anything behind it", async () => {
  const it = new Bed((offsets, calls) => {
    if (offsets[0] !== 1 || calls > 3) return;
    if (calls === 2) throw new Error("not now");
    return { suspendMs: 50 };
  });
  await it.put(0, 1, 2);
  await it.clock.advance(999);
  expect(it.calls).toEqual(["0/0", "1/0"]);
  await it.clock.advance(1);
  expect(it.calls).toEqual(["0/0", "1/0", "1/1"]);
  await it.clock.advance(50);
  expect(it.calls).toEqual(["0/0", "1/0", "1/1", "1/2", "2/0"]);
});

test("a message that fails too often is given up, and the queue goes on", async () => {
  const it = new Bed((offsets) => offsets[0] === 0 ? "later" : "success", { maxReconsumeTimes: 2 });
  await it.put(0, 1);
  await it.clock.advance(5000);
  expect(it.calls).toEqual(["0/0", "0/1", "0/2", "1/0"]);
  expect(it.gaveUp).toEqual([0]);
  expect(it.queue.finishedOffset).toBe(2);
});

test("of a batch, what wasn't consumed comes again, without what was", async () => {
  const it = new Bed((offsets) => offsets.length === 3 ? { consumed: 2 } : "success", {
    batchMax: 3,
  });
  await it.put(0, 1, 2, 3);
  await it.clock.advance(1000);
  expect(it.calls).toEqual(["0,1,2/0", "2,3/1"]);
  expect(it.queue.finishedOffset).toBe(4);
});

test("without autoCommit, what is consumed counts when the listener commits, and rolls back", async () => {
  const outcomes: ConsumeOutcome[] = [
    "success",
    "success",
    "rollback",
    "success",
    "success",
    "commit",
  ];
  const it = new Bed(() => outcomes.shift(), { autoCommit: false });
  await it.put(0, 1, 2, 3);
  await it.clock.advance(0);
  expect(it.calls).toEqual(["0/0", "1/0", "2/0"]);
  expect(it.queue.finishedOffset).toBe(0);
  await it.clock.advance(1000);
  expect(it.calls.slice(3)).toEqual(["0/0", "1/0", "2/0", "3/0"]);
  expect(it.queue.finishedOffset).toBe(3);
  expect(it.queue.takenCount).toBe(1);
});

test("nothing comes while the lock isn't held", async () => {
  const it: Bed = new Bed(() => {
    if (it.calls.length === 1) it.locked = false;
  });
  await it.put(0, 1);
  await it.clock.advance(60_000);
  expect(it.calls).toEqual(["0/0"]);
  it.locked = true;
  it.pool.wake(it.queue);
  await it.clock.advance(0);
  expect(it.calls).toEqual(["0/0", "1/0"]);
});

test("a queue that leaves waits for its running listener and begins no other call", async () => {
  const it: Bed = new Bed(() => it.clock.sleep(100));
  await it.put(0, 1);
  let idle = false;
  void it.pool.leave(it.queue).then(() => idle = true);
  await it.clock.advance(99);
  expect(idle).toBeFalse();
  await it.clock.advance(1);
  expect(idle).toBeTrue();
  await it.clock.advance(1000);
  expect(it.calls).toEqual(["0/0"]);
  expect(it.queue.finishedOffset).toBe(1);
});

test("one queue's rest holds up no other, and no more calls run at a time than are allowed", async () => {
  let running = 0;
  let most = 0;
  const it: Bed = new Bed(async () => {
    most = Math.max(most, ++running);
    await it.clock.sleep(10);
    running--;
  }, { concurrency: 2, finish: (entry) => entry.of.finish(entry) });
  const queues = [0, 1, 2, 3].map((queueId) =>
    new ProcessQueue({ topic: "T", brokerName: "b", queueId })
  );
  for (const queue of queues) {
    queue.put([0, 1, 2].map(message));
    it.pool.wake(queue);
  }
  await it.clock.advance(0);
  await it.clock.advance(60);
  expect(most).toBe(2);
  expect(queues.map(({ finishedOffset }) => finishedOffset)).toEqual([3, 3, 3, 3]);
});

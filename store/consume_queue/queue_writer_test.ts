// Writing queues while the disk refuses: tried again after a rest, and never left out of a sync.
import { expect, test } from "bun:test";
import { VirtualClock } from "../../core/time/virtual_clock.ts";
import { ConsumeQueues } from "./consume_queues.ts";
import { WRITE_RETRY_MS } from "./limits.ts";
import { entriesOf, reopened, testStore, wholeLog } from "./test_store.ts";

const QUEUES = 300;

/** On which each look takes so long that a go of writing is over with it. */
class BusyClock extends VirtualClock {
  private looks = 0;

  override monotonicMs(): number {
    return super.monotonicMs() + this.looks++ * 10;
  }
}

function appendToAll(queues: ConsumeQueues, queueOffset: number): void {
  for (let queueId = 0; queueId < QUEUES; queueId++) {
    const physicalOffset = (queueOffset * QUEUES + queueId) * 100;
    queues.findOrCreate("T", queueId, "simple").append(queueOffset, physicalOffset, 100, 7, 0, 1);
  }
}

test("queues that can't be written are tried again once a second, however many there are", async () => {
  const store = testStore();
  const clock = new BusyClock();
  const queues = await ConsumeQueues.open({ ...store.options, clock });
  store.disk.inject({ operation: "open", code: "ENOSPC", path: "consumequeue" });
  appendToAll(queues, 0);
  await clock.advance(10 * WRITE_RETRY_MS);
  const tries = store.disk.count("open", "consumequeue");
  expect(tries).toBeGreaterThanOrEqual(8 * QUEUES);
  expect(tries).toBeLessThanOrEqual(11 * QUEUES);
  store.disk.clearFaults();
  await clock.advance(2 * WRITE_RETRY_MS);
  expect(store.disk.listSync("/store/consumequeue/T").length).toBe(QUEUES);
  await queues[Symbol.asyncDispose]();
});

test("a sync comes to the queues too that are waiting for another try", async () => {
  const store = testStore();
  const clock = new BusyClock();
  const queues = await ConsumeQueues.open({ ...store.options, clock });
  store.disk.inject({ operation: "open", code: "EIO", path: "consumequeue/T/1" });
  appendToAll(queues, 0);
  await clock.advance(20);
  await expect(queues.sync()).rejects.toThrow("EIO");
  await clock.advance(20);
  await expect(queues.sync()).rejects.toThrow("EIO");
  store.disk.clearFaults();
  appendToAll(queues, 1);
  await queues.sync();
  store.disk.crash("power");
  const again = await reopened(store, wholeLog(Infinity));
  for (let queueId = 0; queueId < QUEUES; queueId++) {
    expect(entriesOf(again.find("T", queueId)!).length).toBe(2);
  }
  await again[Symbol.asyncDispose]();
});

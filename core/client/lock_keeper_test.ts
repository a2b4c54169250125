// An orderly consumer's locks under a virtual clock: renewal, trust, doubt, loss.
import { expect, test } from "bun:test";
import { silentLogger } from "../log.ts";
import { VirtualClock } from "../time/virtual_clock.ts";
import { LockKeeper } from "./lock_keeper.ts";
import type { MessageQueue } from "./message.ts";

const queue: MessageQueue = { topic: "T", brokerName: "b", queueId: 0 };

class Bed {
  readonly clock = new VirtualClock();
  /** What the broker does with the next requests for locks. */
  broker: "grants" | "refuses" | "fails" = "grants";
  readonly events: string[] = [];
  readonly keeper = new LockKeeper({
    clock: this.clock,
    log: silentLogger,
    group: "g",
    clientId: "c",
    calls: {
      lock: (_broker, _group, _client, queues) => {
        this.events.push("lock");
        if (this.broker === "fails") return Promise.reject(new Error("gone"));
        return Promise.resolve(this.broker === "grants" ? [...queues] : []);
      },
      unlock: () => {
        this.events.push("unlock");
        return Promise.resolve();
      },
    },
    catchUp: () => {
      this.events.push("catch up");
      return Promise.resolve();
    },
    regained: () => void this.events.push("regained"),
    lost: () => void this.events.push("lost"),
  });
}

test("a lock is renewed every 20 s, and given back", async () => {
  const it = new Bed();
  expect(await it.keeper.lock(queue)).toBeTrue();
  await it.clock.advance(60_000);
  expect(it.events).toEqual(["lock", "lock", "lock", "lock"]);
  expect(it.keeper.isHeld(queue)).toBeTrue();
  await it.keeper.unlock(queue);
  expect(it.keeper.isHeld(queue)).toBeFalse();
  expect(it.events.at(-1)).toBe("unlock");
});

test("a lock that another member holds isn't ours", async () => {
  const it = new Bed();
  it.broker = "refuses";
  expect(await it.keeper.lock(queue)).toBeFalse();
  expect(it.keeper.isHeld(queue)).toBeFalse();
});

test("a lock that can't be renewed is trusted for 30 s, then asked for until it is confirmed", async () => {
  const it = new Bed();
  await it.keeper.lock(queue);
  it.broker = "fails";
  await it.clock.advance(30_000);
  expect(it.keeper.isHeld(queue)).toBeTrue();
  await it.clock.advance(1);
  expect(it.keeper.isHeld(queue)).toBeFalse();
  it.broker = "grants";
  await it.clock.advance(1_000);
  expect(it.keeper.isHeld(queue)).toBeTrue();
  expect(it.events.slice(-2)).toEqual(["catch up", "regained"]);
});

test("when the broker's connection breaks, nothing counts until it has confirmed the lock", async () => {
  const it = new Bed();
  await it.keeper.lock(queue);
  it.broker = "fails";
  it.keeper.doubt("b");
  expect(it.keeper.isHeld(queue)).toBeFalse();
  await it.clock.advance(2_000);
  expect(it.keeper.isHeld(queue)).toBeFalse();
  it.broker = "grants";
  await it.clock.advance(500);
  expect(it.keeper.isHeld(queue)).toBeTrue();
  expect(it.events.slice(-3)).toEqual(["lock", "catch up", "regained"]);
});

test("a lock that went to another member is lost, and isn't given back", async () => {
  const it = new Bed();
  await it.keeper.lock(queue);
  it.broker = "refuses";
  await it.clock.advance(20_000);
  expect(it.events).toEqual(["lock", "lock", "lost"]);
  expect([it.keeper.isHeld(queue), it.keeper.isLost(queue)]).toEqual([false, true]);
  await it.keeper.unlock(queue);
  expect(it.events.at(-1)).toBe("lost");
});

test("a lock of another broker isn't doubted", async () => {
  const it = new Bed();
  await it.keeper.lock(queue);
  it.keeper.doubt("other");
  expect(it.keeper.isHeld(queue)).toBeTrue();
});

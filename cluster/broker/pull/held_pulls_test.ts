import { beforeEach, describe, expect, test } from "bun:test";
import { VirtualClock } from "../../../core/time/virtual_clock.ts";
import { parseSubscription } from "../clients/subscription.ts";
import { FakeConnection } from "../clients/testing.ts";
import { HeldPulls } from "./held_pulls.ts";
import type { PullRequest } from "./pull_request.ts";

const TAG_A = 2598919;
const TAG_B = 2598920;
const all = parseSubscription("T", "*", "TAG", 0)!;
const tagA = parseSubscription("T", "TagA", "TAG", 0)!;

function pullAt(queueOffset: number, queueId = 0): PullRequest {
  const fields = {
    consumerGroup: "G",
    topic: "T",
    queueId,
    queueOffset,
    maxMsgNums: 32,
    sysFlag: 2,
    suspendTimeoutMillis: 15_000,
    subVersion: 0,
  };
  return {
    fields,
    command: {} as PullRequest["command"],
    connection: new FakeConnection(),
    arrivedMs: 0,
    offsetKey: "T@G",
    maySuspend: true,
  };
}

describe("a held pull", () => {
  let clock: VirtualClock;
  let held: HeldPulls;
  let resumed: number[];

  beforeEach(() => {
    clock = new VirtualClock();
    resumed = [];
    held = new HeldPulls(clock, (request) => resumed.push(request.fields.queueOffset));
  });

  test("is waked once by the first message that it wants, after the burst", async () => {
    held.hold(pullAt(5), all, 15_000);
    held.arrived("T", 0, 5, TAG_A);
    held.arrived("T", 0, 6, TAG_A);
    expect(resumed).toEqual([]);
    await clock.advance(0);
    expect(resumed).toEqual([5]);
    expect(held.count).toBe(0);
  });

  test("sleeps on when other queues, topics or tags arrive", async () => {
    held.hold(pullAt(5), tagA, 15_000);
    held.arrived("T", 1, 5, TAG_A);
    held.arrived("U", 0, 5, TAG_A);
    held.arrived("T", 0, 5, TAG_B);
    await clock.advance(0);
    expect(resumed).toEqual([]);
    held.arrived("T", 0, 6, TAG_A);
    await clock.advance(0);
    expect(resumed).toEqual([5]);
  });

  test("isn't waked by a message before its offset", async () => {
    held.hold(pullAt(5), all, 15_000);
    held.arrived("T", 0, 4, TAG_A);
    await clock.advance(0);
    expect(resumed).toEqual([]);
  });

  test("runs again when its time is up, each at its own", async () => {
    held.hold(pullAt(1), all, 15_000);
    await clock.advance(5_000);
    held.hold(pullAt(2), all, 1_000);
    await clock.advance(999);
    expect(resumed).toEqual([]);
    await clock.advance(1);
    expect(resumed).toEqual([2]);
    await clock.advance(8_999);
    expect(resumed).toEqual([2]);
    await clock.advance(1);
    expect(resumed).toEqual([2, 1]);
  });

  test("is forgotten when its peer is gone", async () => {
    const request = pullAt(5);
    held.hold(request, all, 1_000);
    request.connection.close("");
    await clock.advance(1_000);
    expect(resumed).toEqual([]);
    expect(held.count).toBe(0);
  });

  test("runs at once when its group's offset is reset", async () => {
    held.hold(pullAt(5), tagA, 15_000);
    held.hold(pullAt(7, 1), tagA, 15_000);
    held.wake("T", 0, "H");
    await clock.advance(0);
    expect(resumed).toEqual([]);
    held.wake("T", 0, "G");
    await clock.advance(0);
    expect(resumed).toEqual([5]);
    expect(held.count).toBe(1);
  });
});

import { expect, test } from "bun:test";
import type { Clock } from "../time/clock.ts";
import { VirtualClock } from "../time/virtual_clock.ts";
import { requestCommand } from "./answers.ts";
import { PendingAnswers } from "./pending_answers.ts";

function answer(opaque: number, code = 0) {
  return { ...requestCommand(code), opaque };
}

/** The outcomes of calls by opaque: the answer's code or the error's. */
function outcomes(pending: PendingAnswers, calls: [opaque: number, timeoutMs: number][]) {
  const seen = new Map<number, number | string>();
  for (const [opaque, timeoutMs] of calls) {
    pending.wait(opaque, timeoutMs).then(
      ({ code }) => seen.set(opaque, code),
      (error) => seen.set(opaque, error.code),
    );
  }
  return seen;
}

test("each call ends at its own deadline, whatever the order they were made in", async () => {
  const clock = new VirtualClock();
  const pending = new PendingAnswers(clock, "peer:1");
  const seen = outcomes(pending, [[1, 300], [2, 100], [3, 200], [4, 100]]);
  await clock.advance(99);
  expect([...seen]).toEqual([]);
  await clock.advance(1);
  expect([...seen]).toEqual([[2, "timeout"], [4, "timeout"]]);
  await clock.advance(100);
  expect(seen.get(3)).toBe("timeout");
  expect(pending.size).toBe(1);
  await clock.advance(100);
  expect(seen.get(1)).toBe("timeout");
});

test("answers are matched by opaque, once; late and unknown ones belong to nobody", async () => {
  const clock = new VirtualClock();
  const pending = new PendingAnswers(clock, "peer:1");
  const seen = outcomes(pending, [[1, 100], [2, 100]]);
  expect(pending.settle(answer(2, 17))).toBe(true);
  expect(pending.settle(answer(2, 17))).toBe(false);
  expect(pending.settle(answer(9))).toBe(false);
  await clock.advance(100);
  expect(pending.settle(answer(1))).toBe(false);
  expect([...seen].sort()).toEqual([[1, "timeout"], [2, 17]]);
});

test("a closed connection ends every call with the reason", async () => {
  const pending = new PendingAnswers(new VirtualClock(), "peer:1");
  const call = pending.wait(1, 100).catch((error) => error);
  pending.closeAll("it was idle");
  expect(await call).toMatchObject({
    code: "closed",
    message: "peer:1: connection closed: it was idle",
  });
});

test("many calls that are answered in time share one timer", async () => {
  const clock = new VirtualClock();
  let timers = 0;
  const counting: Clock = {
    nowMs: () => clock.nowMs(),
    monotonicMs: () => clock.monotonicMs(),
    after(delayMs, callback) {
      timers++;
      return clock.after(delayMs, callback);
    },
    endOfTurn: (callback) => clock.endOfTurn(callback),
    sleep: (delayMs, signal) => clock.sleep(delayMs, signal),
  };
  const pending = new PendingAnswers(counting, "peer:1");
  for (let opaque = 0; opaque < 1_000; opaque++) {
    const call = pending.wait(opaque, 3_000);
    pending.settle(answer(opaque));
    await call;
    if (opaque % 100 === 0) await clock.advance(10);
  }
  expect(timers).toBe(1);
});

test("an aborted call ends with the signal's reason and leaves no listener", async () => {
  const pending = new PendingAnswers(new VirtualClock(), "peer:1");
  const controller = new AbortController();
  const first = pending.wait(1, 100, controller.signal).catch((error) => error);
  const second = pending.wait(2, 100, controller.signal);
  pending.settle(answer(2));
  await second;
  controller.abort("enough");
  expect(await first).toMatchObject({ code: "aborted", cause: "enough" });
  expect(pending.size).toBe(0);
});

// Cold reads pause by how long the event loop waited for a core while messages were stored, and only then.
import { expect, test } from "bun:test";
import { VirtualClock } from "../../core/time/virtual_clock.ts";
import { PAUSE_MS_MAX, PAUSE_MS_MIN, PAUSE_PER_CORE_WAIT } from "./limits.ts";
import { ReadPauses } from "./read_pauses.ts";
import { ReadTurns } from "./read_turns.ts";

/** A machine whose event loop waits for a core, and a log that grows. */
class Machine extends VirtualClock {
  waitedMs = 1000;
  logEnd = 5_000_000;

  coreWaitMs(): number {
    return this.waitedMs;
  }

  /** What happens between two cold reads. */
  pass(waitedMs: number, storedBytes: number): void {
    this.waitedMs += waitedMs;
    this.logEnd += storedBytes;
  }

  pauses(): ReadPauses {
    return new ReadPauses(this, () => this.logEnd);
  }
}

test("a pause is so many times what the event loop waited for a core while messages were stored", () => {
  const machine = new Machine();
  const pauses = machine.pauses();
  expect(pauses.next()).toBe(0);
  machine.pass(2, 100);
  expect(pauses.next()).toBe(2 * PAUSE_PER_CORE_WAIT);
  machine.pass(0, 100);
  expect(pauses.next()).toBe(0);
});

test("a reader that nobody sends beside has no pause, however long cores are waited for", () => {
  const machine = new Machine();
  const pauses = machine.pauses();
  machine.pass(50, 0);
  expect(pauses.next()).toBe(0);
  machine.pass(0, 100);
  expect(pauses.next()).toBe(0);
});

test("sends on a machine with cores enough make no pause", () => {
  const machine = new Machine();
  const pauses = machine.pauses();
  for (let read = 0; read < 10; read++) {
    machine.pass(0, 100_000);
    expect(pauses.next()).toBe(0);
  }
});

test("a pause has a limit, and one that is too short for a timer is added to the next", () => {
  const machine = new Machine();
  const pauses = machine.pauses();
  machine.pass(10_000, 100);
  expect(pauses.next()).toBe(PAUSE_MS_MAX);
  machine.pass(0.6 * PAUSE_MS_MIN / PAUSE_PER_CORE_WAIT, 100);
  expect(pauses.next()).toBe(0);
  machine.pass(0.6 * PAUSE_MS_MIN / PAUSE_PER_CORE_WAIT, 100);
  expect(pauses.next()).toBeCloseTo(1.2 * PAUSE_MS_MIN);
});

test("where the clock can't tell how long cores were waited for nothing pauses", () => {
  let logEnd = 0;
  const pauses = new ReadPauses(new VirtualClock(), () => logEnd);
  logEnd += 100;
  expect(pauses.next()).toBe(0);
});

test("cold reads keep the pause, in order; a read near the log's end and what was read don't wait for it", async () => {
  const clock = new VirtualClock();
  const turns = new ReadTurns({ isCold: true }, { next: () => 5 }, clock);
  const ended: string[] = [];
  const read = (name: string, isUrgent = false) =>
    turns.take(() => Promise.resolve(name), isUrgent).then((name) => ended.push(name));
  const reads = [read("first"), read("second"), read("third")];
  await reads[0];
  await read("urgent", true);
  expect(ended).toEqual(["first", "urgent"]);
  await clock.advance(5);
  expect(ended).toEqual(["first", "urgent", "second"]);
  await clock.advance(5);
  await Promise.all(reads);
  expect(ended).toEqual(["first", "urgent", "second", "third"]);
});

test("a cold read that fails leaves the pause to the next one, which goes on", async () => {
  const clock = new VirtualClock();
  const turns = new ReadTurns({ isCold: true }, { next: () => 5 }, clock);
  const failed = turns.take(() => Promise.reject(new Error("EIO")));
  const next = turns.take(() => Promise.resolve("read"));
  expect(await failed.catch((error: Error) => error.message)).toBe("EIO");
  await clock.advance(5);
  expect(await next).toBe("read");
});

test("warm reads keep no pause", async () => {
  const never = { next: () => PAUSE_MS_MAX };
  const turns = new ReadTurns({ isCold: false }, never, new VirtualClock());
  for (let read = 0; read < 3; read++) {
    expect(await turns.take(() => Promise.resolve(read))).toBe(read);
  }
});

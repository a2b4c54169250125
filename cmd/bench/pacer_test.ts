import { describe, expect, test } from "bun:test";
import { VirtualClock } from "../../core/time/virtual_clock.ts";
import { Pacer } from "./pacer.ts";

const settle = () => new Promise((resolve) => setImmediate(resolve));

describe("the pacer of a load", () => {
  test("without a rate starts every message at once", async () => {
    const clock = new VirtualClock();
    const pacer = new Pacer(clock, null);
    expect(pacer.next()).toBe(0);
    await clock.advance(7);
    expect(pacer.next()).toBe(7);
  });

  test("gives every message its own time, by the rate alone", async () => {
    const clock = new VirtualClock();
    const pacer = new Pacer(clock, 100);
    const starts: (number | null)[] = [];
    for (let message = 0; message < 4; message++) {
      void Promise.resolve(pacer.next()).then((start) => starts.push(start));
    }
    await settle();
    expect(starts).toEqual([0]);
    await clock.advance(10);
    expect(starts).toEqual([0, 10]);
    await clock.advance(20);
    await settle();
    expect(starts).toEqual([0, 10, 20, 30]);
  });

  test("charges a message that a stall held up from when it was due", async () => {
    const clock = new VirtualClock();
    const pacer = new Pacer(clock, 100);
    expect(pacer.next()).toBe(0);
    // The only sender is busy for 35 ms: three messages became due meanwhile.
    await clock.advance(35);
    expect([pacer.next(), pacer.next(), pacer.next()]).toEqual([10, 20, 30]);
    const waiting = pacer.next();
    expect(waiting).toBeInstanceOf(Promise);
    await clock.advance(5);
    expect(await waiting).toBe(40);
  });

  test("starts none that is due at the end of its length or later", async () => {
    const clock = new VirtualClock();
    const pacer = new Pacer(clock, 100, 20);
    await clock.advance(50);
    expect([pacer.next(), pacer.next(), pacer.next()]).toEqual([0, 10, null]);
  });

  test("ends the waiting when it is stopped, and gives no more", async () => {
    const clock = new VirtualClock();
    const pacer = new Pacer(clock, 1);
    pacer.next();
    const waiting = pacer.next();
    pacer.stop();
    expect(await waiting).toBeNull();
    expect(pacer.next()).toBeNull();
  });
});

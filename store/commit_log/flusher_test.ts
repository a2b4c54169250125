import { expect, test } from "bun:test";
import { silentLogger } from "../../core/log.ts";
import { VirtualClock } from "../../core/time/virtual_clock.ts";
import { Flusher } from "./flusher.ts";

/** A flusher over a log that grows as the test says, and whose syncs end when the test says. */
class World {
  readonly clock = new VirtualClock();
  written = 0;
  readonly syncs: { start: number; end: number; done: () => void; failed: (e: Error) => void }[] =
    [];
  readonly flushed: number[] = [];
  failures = 0;
  readonly flusher = new Flusher({
    clock: this.clock,
    log: silentLogger,
    writtenEnd: () => this.written,
    sync: (start, end) =>
      new Promise((done, failed) => void this.syncs.push({ start, end, done, failed })),
    onFlushed: (end) => void this.flushed.push(end),
    onFailed: () => void this.failures++,
  }, 0);

  write(bytes: number): void {
    this.written += bytes;
    this.flusher.request();
  }
}

test("a sync covers what several turns of the event loop bring one after the other", async () => {
  const world = new World();
  world.write(100);
  world.clock.endOfTurn(() => world.write(20));
  await world.clock.advance(0);
  expect(world.syncs.map(({ start, end }) => [start, end])).toEqual([[0, 120]]);
});

test("a sync begins though every turn brings more", async () => {
  const world = new World();
  let turns = 0;
  const more = () => {
    world.write(1);
    if (turns++ < 100) world.clock.endOfTurn(more);
  };
  more();
  await world.clock.advance(0);
  expect(world.syncs.length).toBe(1);
  expect(world.syncs[0]!.end).toBeLessThan(100);
});

test("who asks during a sync is covered by the next, and told by it alone", async () => {
  const world = new World();
  world.write(100);
  await world.clock.advance(0);
  world.write(50);
  await world.clock.advance(0);
  expect(world.syncs.length).toBe(1);
  world.syncs[0]!.done();
  await world.clock.advance(0);
  expect(world.flushed).toEqual([100]);
  expect(world.syncs.map(({ start, end }) => [start, end])).toEqual([[0, 100], [100, 150]]);
  world.syncs[1]!.done();
  await world.clock.advance(0);
  expect(world.flushed).toEqual([100, 150]);
});

test("asking when nothing is written leaves the flusher able to sync what comes later", async () => {
  const world = new World();
  world.flusher.request();
  await world.clock.advance(0);
  expect(world.syncs).toEqual([]);
  world.write(10);
  await world.clock.advance(0);
  expect(world.syncs.length).toBe(1);
});

test("after a failed sync nothing is synced or told any more", async () => {
  const world = new World();
  world.write(100);
  await world.clock.advance(0);
  world.write(50);
  world.syncs[0]!.failed(new Error("EIO"));
  await world.clock.advance(0);
  world.write(50);
  await world.clock.advance(0);
  expect([world.syncs.length, world.failures, world.flushed]).toEqual([1, 1, []]);
  expect(await world.flusher.flush()).toBe(false);
});

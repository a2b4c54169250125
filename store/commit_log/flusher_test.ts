import { expect, test } from "bun:test";
import { silentLogger } from "../../core/log.ts";
import { VirtualClock } from "../../core/time/virtual_clock.ts";
import { Flusher } from "./flusher.ts";
import {
  LONE_SYNCS_MIN,
  LONE_SYNCS_PER_GATHERED,
  LOOP_SYNC_BYTES_MAX,
  QUICK_LOOP_SYNC_MS,
  QUICK_POOL_SYNC_MS,
} from "./limits.ts";

/** A flusher over a log that grows as the test says, and whose syncs end when the test says. */
class World {
  readonly clock = new VirtualClock();
  written = 0;
  readonly syncs: { start: number; end: number; done: () => void; failed: (e: Error) => void }[] =
    [];
  readonly flushed: number[] = [];
  failures = 0;
  /** Ends of the syncs that the event loop did itself, and what each does. */
  readonly loopSyncs: number[] = [];
  onLoopSync = (): boolean => true;
  /** Records that wait for a sync. */
  waiting = 1;
  readonly flusher: Flusher;

  constructor(quickSyncsMin = Infinity) {
    this.flusher = new Flusher({
      clock: this.clock,
      log: silentLogger,
      writtenEnd: () => this.written,
      sync: (start, end) =>
        new Promise((done, failed) => void this.syncs.push({ start, end, done, failed })),
      onLoop: {
        quickSyncsMin,
        syncNow: (_start, end) => this.syncNow(end),
        waiting: () => this.waiting,
      },
      onFlushed: (end) => void this.flushed.push(end),
      onFailed: () => void this.failures++,
    }, 0);
  }

  private syncNow(end: number): boolean {
    const isDone = this.onLoopSync();
    if (isDone) this.loopSyncs.push(end);
    return isDone;
  }

  write(bytes: number): void {
    this.written += bytes;
    this.flusher.request();
  }

  /** Writes, and ends the sync of it that the pool does after `tookMs`, if it is the pool that does it. */
  async synced(bytes: number, tookMs = 0): Promise<"pool" | "loop"> {
    const before = this.syncs.length;
    this.write(bytes);
    await this.clock.advance(0);
    if (this.syncs.length === before) return "loop";
    await this.clock.advance(tookMs);
    this.syncs.at(-1)!.done();
    await this.clock.advance(0);
    return "pool";
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

test("after quick syncs the event loop does those of few bytes itself", async () => {
  const world = new World(2);
  const where = [];
  for (const bytes of [100, 100, 100, LOOP_SYNC_BYTES_MAX + 1, LOOP_SYNC_BYTES_MAX]) {
    where.push(await world.synced(bytes));
  }
  expect(where).toEqual(["pool", "pool", "loop", "pool", "loop"]);
  expect(world.loopSyncs).toEqual([300, world.written]);
  expect(world.flushed.at(-1)).toBe(world.written);
});

test("a slow sync, by the pool or on the loop, sends the next ones to the pool", async () => {
  const world = new World(1);
  const where = [await world.synced(1, QUICK_POOL_SYNC_MS + 1), await world.synced(1)];
  where.push(await world.synced(1));
  world.onLoopSync = () => {
    void world.clock.advance(QUICK_LOOP_SYNC_MS + 1);
    return true;
  };
  where.push(await world.synced(1), await world.synced(1), await world.synced(1));
  expect(where).toEqual(["pool", "pool", "loop", "loop", "pool", "loop"]);
});

test("one sender alone doesn't wait for others, and now and then it is seen whether there are any", async () => {
  const world = new World(0);
  /** Whether the sync was done before a turn of the event loop could bring more. */
  const isAtOnce = async () => {
    const before = world.loopSyncs.length;
    world.write(1);
    const isDone = world.loopSyncs.length > before;
    await world.clock.advance(0);
    return isDone;
  };
  const atOnce = async (syncs: number) => {
    let count = 0;
    for (let sync = 0; sync < syncs; sync++) if (await isAtOnce()) count++;
    return count;
  };
  expect(await atOnce(LONE_SYNCS_MIN)).toBe(0);
  expect(await atOnce(3 * LONE_SYNCS_PER_GATHERED)).toBe(3 * (LONE_SYNCS_PER_GATHERED - 1));
  world.waiting = 2;
  expect(await atOnce(LONE_SYNCS_PER_GATHERED)).toBe(0);
  world.waiting = 1;
  expect(await atOnce(LONE_SYNCS_MIN)).toBe(0);
  expect(await atOnce(1)).toBe(1);
  expect(world.flushed.at(-1)).toBe(world.written);
});

test("a loop with much else to do leaves syncs to the pool", async () => {
  const world = new World(0);
  expect(await world.synced(1)).toBe("loop");
  for (let turn = 0; turn < 20; turn++) {
    world.clock.endOfTurn(() => void world.clock.advance(1));
    await world.synced(1);
  }
  expect(await world.synced(1)).toBe("pool");
});

test("what the loop can't sync at once the pool syncs", async () => {
  const world = new World(0);
  world.onLoopSync = () => false;
  expect(await world.synced(1)).toBe("pool");
  expect(world.flushed).toEqual([1]);
});

test("a sync that fails on the loop is the last one", async () => {
  const world = new World(0);
  world.onLoopSync = () => {
    throw new Error("EIO");
  };
  world.write(1);
  await world.clock.advance(0);
  world.write(1);
  await world.clock.advance(0);
  expect([world.failures, world.flushed, world.syncs.length]).toEqual([1, [], 0]);
  expect(await world.flusher.flush()).toBe(false);
});

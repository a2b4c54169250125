// The timer's promises on a small store: when messages come, what takes them back, and what must not stop the wheel
// (each of the last as users of Apache's broker have met it).
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { TestTimer, TICK_MS, timerMessage } from "./testing_timer.ts";

let timer: TestTimer;
let startMs: number;

beforeEach(async () => {
  timer = await TestTimer.open();
  startMs = timer.clock.nowMs();
});

afterEach(() => timer.stop());

describe("a timed message", () => {
  test("is stored for its topic when its tick is over, with the times that Apache adds", async () => {
    const key = await timer.send(startMs + 2_500);
    expect(timer.metrics.count("T")).toBe(1);
    await timer.clock.advance(2_999);
    expect(await timer.keys()).toEqual([]);
    await timer.clock.advance(1);
    const [delivered] = await timer.delivered();
    expect(delivered).toMatchObject({ key, atMs: startMs + 3_000 });
    expect(Object.fromEntries(delivered!.properties)).toEqual({
      UNIQ_KEY: key,
      TAGS: "A",
      TIMER_DELIVER_MS: String(startMs + 2_500),
      TIMER_OUT_MS: String(startMs + 2_000),
      REAL_TOPIC: "T",
      REAL_QID: "0",
      TIMER_ENQUEUE_MS: String(startMs),
      TIMER_DEQUEUE_MS: String(startMs + 3_000),
    });
    expect(timer.metrics.count("T")).toBe(0);
  });

  test("that asks for a whole tick comes at that tick", async () => {
    await timer.send(startMs + 2_000);
    await timer.clock.advance(2_000);
    expect((await timer.delivered())[0]!.atMs).toBe(startMs + 2_000);
  });

  test("comes in the order of sending within its tick, and of ticks", async () => {
    const late = await timer.send(startMs + 5_000);
    const early = [await timer.send(startMs + 1_500), await timer.send(startMs + 1_200)];
    await timer.clock.advance(6_000);
    expect(await timer.keys()).toEqual([...early, late]);
  });

  test("that is due beyond the window rolls until it is near, and comes once at its time", async () => {
    const key = await timer.send(startMs + 35_000);
    await timer.clock.advance(34_999);
    expect(await timer.keys()).toEqual([]);
    await timer.clock.advance(1_001);
    const [delivered, ...more] = await timer.delivered();
    expect(more).toEqual([]);
    expect(delivered).toMatchObject({ key, atMs: startMs + 35_000 });
    expect(Number(delivered!.properties.get("TIMER_ROLL_TIMES"))).toBeGreaterThan(2);
  });

  test("whose time passed while its broker was down comes at the start", async () => {
    const key = await timer.send(startMs + 3_000);
    await timer.stop();
    timer.clock.jumpWall(3_600_000);
    await timer.start();
    await timer.clock.advance(1_000);
    expect(await timer.keys()).toEqual([key]);
  });

  test("waits while delivery is switched off, and while the intake is", async () => {
    timer.settings.timerStopDequeue = true;
    const first = await timer.send(startMs + 1_500);
    await timer.clock.advance(5_000);
    expect(await timer.keys()).toEqual([]);
    timer.settings.timerStopEnqueue = true;
    timer.settings.timerStopDequeue = false;
    const second = await timer.send(timer.clock.nowMs() + 500);
    await timer.clock.advance(5_000);
    expect(await timer.keys()).toEqual([first]);
    timer.settings.timerStopEnqueue = false;
    await timer.clock.advance(2_000);
    const delivered = await timer.delivered();
    expect(delivered.map(({ key }) => key)).toEqual([first, second]);
    expect(delivered[1]!.properties.get("TIMER_ENQUEUE_MS")).toBe("9223372036854775807");
  });

  test("comes by the wall clock when it is moved on, and none twice when it is moved back", async () => {
    const first = await timer.send(startMs + 60_000);
    timer.clock.jumpWall(60_000);
    await timer.clock.advance(2_000);
    expect(await timer.keys()).toEqual([first]);
    timer.clock.jumpWall(-60_000);
    await timer.clock.advance(2_000);
    // Its slot was passed already: it comes at once rather than never.
    const second = await timer.send(timer.clock.nowMs() + 10_000);
    await timer.clock.advance(70_000);
    expect(await timer.keys()).toEqual([first, second]);
  });
});

describe("a message that is taken back", () => {
  test("never comes, and those beside it do", async () => {
    const keys = [];
    for (let index = 0; index < 4; index++) keys.push(await timer.send(startMs + 4_500));
    await timer.recall(keys[1]!, startMs + 4_001);
    expect(timer.timers.waitingAt(startMs + 4_000)).toBe(3);
    await timer.clock.advance(6_000);
    expect(await timer.keys()).toEqual([keys[0]!, keys[2]!, keys[3]!]);
    expect(timer.metrics.count("T")).toBe(0);
  });

  test("is known by its key alone or with its topic, and also after it rolled", async () => {
    const plain = await timer.send(startMs + 30_500);
    const withTopic = await timer.send(startMs + 30_500);
    const stays = await timer.send(startMs + 30_500);
    await timer.recall(plain, startMs + 30_001);
    await timer.clock.advance(20_000);
    await timer.recall(withTopic, startMs + 30_001, `T+${withTopic}`);
    await timer.clock.advance(20_000);
    expect(await timer.keys()).toEqual([stays]);
  });

  test("is counted again when nothing was there to take back", async () => {
    await timer.recall("nobody", startMs + 2_500);
    expect(timer.metrics.count("T")).toBe(-1);
    await timer.clock.advance(4_000);
    expect(timer.metrics.count("T")).toBe(0);
    expect(await timer.keys()).toEqual([]);
  });

  test("comes when it is taken back too late: such a request is refused", async () => {
    const key = await timer.send(startMs + 1_500);
    await timer.clock.advance(2_000);
    await expect(timer.recall(key, startMs + 1_001)).rejects.toThrow("timer message illegal");
    expect(await timer.keys()).toEqual([key]);
  });
});

describe("the wheel goes on", () => {
  test("past records of its topic that say no time, or no topic that they can go to", async () => {
    const bad: Record<string, string>[] = [
      {},
      { TIMER_OUT_MS: "soon", REAL_TOPIC: "T", REAL_QID: "0" },
      { TIMER_OUT_MS: "-5", REAL_TOPIC: "T", REAL_QID: "0" },
      { TIMER_OUT_MS: String(startMs + 1_000) },
      { TIMER_OUT_MS: String(startMs + 1_000), REAL_TOPIC: "T", REAL_QID: "x" },
      { TIMER_OUT_MS: String(startMs + 1_000), REAL_TOPIC: "rmq_sys_wheel_timer", REAL_QID: "0" },
      { TIMER_OUT_MS: "1", REAL_QID: "0" },
    ];
    for (const more of bad) {
      const message = timerMessage("bad", more);
      message.topic = "rmq_sys_wheel_timer";
      await timer.putRaw(message);
    }
    const key = await timer.send(startMs + 1_500);
    await timer.clock.advance(5_000);
    expect(await timer.keys()).toEqual([key]);
    expect(timer.logged.filter(({ level }) => level === "error")).toHaveLength(bad.length);
  });

  test("with a message whose properties leave no room for its times", async () => {
    const key = await timer.send(startMs + 1_500, { LONG: "x".repeat(32_600) });
    await timer.clock.advance(3_000);
    const [delivered] = await timer.delivered();
    expect(delivered!.key).toBe(key);
    expect(delivered!.properties.has("TIMER_DEQUEUE_MS")).toBeFalse();
  });

  test("when the disk refuses a delivery for a long time: nothing is given up, nothing comes twice", async () => {
    const keys = [];
    for (let index = 0; index < 3; index++) keys.push(await timer.send(startMs + 1_500));
    timer.store.setWriteRefusal({ status: "disk_full", detail: "full" });
    await timer.clock.advance(60_000);
    expect(await timer.keys()).toEqual([]);
    timer.store.setWriteRefusal(null);
    await timer.clock.advance(1_000);
    expect(await timer.keys()).toEqual(keys);
  });

  test("when the timer log can't be written: the message waits, and comes", async () => {
    timer.disk.inject({ operation: "write", code: "ENOSPC", path: "timerlog" });
    const key = await timer.send(startMs + 1_500);
    await timer.clock.advance(10_000);
    timer.disk.clearFaults();
    await timer.clock.advance(2_000);
    expect(await timer.keys()).toEqual([key]);
  });

  test("over slots larger than a batch, read before they are due, in order and less what was taken back", async () => {
    const keys: string[] = [];
    for (let index = 0; index < 1_300; index++) keys.push(await timer.send(startMs + 3_500));
    await timer.clock.advance(3_700);
    // It is made ready by now.
    const late = await timer.send(startMs + 3_900);
    await timer.recall(keys[7]!, startMs + 3_901);
    await timer.recall(late, startMs + 3_902);
    const last = await timer.send(startMs + 3_950);
    await timer.clock.advance(500);
    const expected = [...keys.filter((_, index) => index !== 7), last];
    expect(await timer.keys()).toEqual(expected);
    expect(timer.metrics.count("T")).toBe(0);
  });

  test("over many files of its log, which go when their messages are gone", async () => {
    const keys: string[] = [];
    for (let index = 0; index < 100; index++) {
      keys.push(await timer.send(startMs + 500 + index * 90));
    }
    await timer.clock.advance(12_000);
    expect((await timer.keys()).sort()).toEqual(keys.sort());
    const files = () => timer.disk.listSync("/store/timerlog");
    expect(files().length).toBe(6);
    expect(await timer.timers.deleteBefore(timer.store.maxPhysicalOffset)).toBe(5);
    expect(files()).toEqual([String(5 * 1040).padStart(20, "0")]);
    const next = await timer.send(timer.clock.nowMs() + TICK_MS);
    await timer.clock.advance(3_000);
    expect((await timer.keys()).at(-1)).toBe(next);
  });
});

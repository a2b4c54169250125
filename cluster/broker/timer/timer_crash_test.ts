// The timer across kills, power cuts and lost files: nothing that was acknowledged is lost, and what comes twice is no
// more than the slot that was being delivered.
import { Buffer } from "node:buffer";
import { expect, test } from "bun:test";
import { type Random, randomBelow, seededRandom } from "../../../core/random.ts";
import { TIMER_TOPIC } from "../../../core/message/topic_names.ts";
import { TestTimer } from "./testing_timer.ts";

const WHEEL = "/store/timerwheel";
const CHECK = "/store/config/timercheck";

async function withTimers(work: (timer: TestTimer, startMs: number) => Promise<void>) {
  await using timer = await TestTimer.open();
  await work(timer, timer.clock.nowMs());
}

/** Timers due in each of the next seconds, some beyond the window; gives keys by due time. */
async function sendMany(timer: TestTimer, startMs: number): Promise<string[]> {
  const keys: string[] = [];
  for (let second = 1; second <= 40; second += 1) {
    keys.push(await timer.send(startMs + second * 1000 + 500));
  }
  return keys;
}

test("a killed broker delivers each timer once, at its time", () =>
  withTimers(async (timer, startMs) => {
    const keys = await sendMany(timer, startMs);
    for (let life = 0; life < 8; life++) {
      await timer.clock.advance(3_300);
      await timer.crash("process");
    }
    await timer.clock.advance(30_000);
    expect(await timer.keys()).toEqual(keys);
  }));

test("a stop between flushes tells everything; what is read at the next start is nothing", () =>
  withTimers(async (timer, startMs) => {
    const keys = await sendMany(timer, startMs);
    await timer.clock.advance(4_700);
    await timer.stop();
    const { queueOffset } = timer.timers;
    await timer.start();
    expect(timer.timers.queueOffset).toBe(queueOffset);
    await timer.clock.advance(60_000);
    expect(await timer.keys()).toEqual(keys);
  }));

test("a lost wheel is made again of the whole log", () =>
  withTimers(async (timer, startMs) => {
    const keys = await sendMany(timer, startMs);
    await timer.clock.advance(5_000);
    await timer.stop();
    timer.disk.unlinkSync(WHEEL);
    await timer.start();
    await timer.clock.advance(60_000);
    expect(await timer.keys()).toEqual(keys);
  }));

test("a lost timer log is made again of the timer topic, without what was delivered or rolled on", () =>
  withTimers(async (timer, startMs) => {
    const keys = await sendMany(timer, startMs);
    const recalled = keys[30]!;
    await timer.recall(recalled, startMs + 31_001);
    // By now those beyond the window have rolled at least once.
    await timer.clock.advance(12_000);
    await timer.stop();
    for (const name of timer.disk.listSync("/store/timerlog")) {
      timer.disk.unlinkSync(`/store/timerlog/${name}`);
    }
    await timer.start();
    await timer.clock.advance(60_000);
    expect(await timer.keys()).toEqual(keys.filter((key) => key !== recalled));
  }));

test("a timer log that lost its end is cut there, and the rest is read again", () =>
  withTimers(async (timer, startMs) => {
    const keys = await sendMany(timer, startMs);
    await timer.clock.advance(2_500);
    await timer.stop();
    const names = timer.disk.listSync("/store/timerlog");
    timer.disk.unlinkSync(`/store/timerlog/${names.at(-1)}`);
    await timer.start();
    await timer.clock.advance(60_000);
    expect((await timer.keys()).sort()).toEqual(keys.sort());
  }));

test("a lost check costs no timer, and brings back no more than the last minute", () =>
  withTimers(async (timer, startMs) => {
    const keys = await sendMany(timer, startMs);
    await timer.clock.advance(3_000);
    await timer.stop();
    timer.disk.unlinkSync(CHECK);
    await timer.start();
    await timer.clock.advance(60_000);
    expect([...new Set(await timer.keys())].sort()).toEqual(keys.sort());
  }));

test("a store without timers makes no files, and starts without reading any", () =>
  withTimers(async (timer) => {
    await timer.clock.advance(10_000);
    expect(timer.disk.statSync(WHEEL)).toBeNull();
    expect(timer.disk.statSync("/store/timerlog")).toBeNull();
    expect(timer.disk.statSync(CHECK)).toBeNull();
  }));

test("a disk that takes nothing at the stop loses no timer, and stops the stop no more", () =>
  withTimers(async (timer, startMs) => {
    const keys = await sendMany(timer, startMs);
    await timer.clock.advance(2_200);
    timer.disk.inject({ operation: "write", code: "EIO", path: "timer" });
    await timer.service[Symbol.asyncDispose]();
    timer.disk.clearFaults();
    await timer.store[Symbol.asyncDispose]();
    await timer.start();
    await timer.clock.advance(60_000);
    expect(await timer.keys()).toEqual(keys);
  }));

/** One random step in a timer's life. */
async function step(
  timer: TestTimer,
  random: Random,
  sent: Map<string, number>,
  gone: Set<string>,
) {
  const nowMs = timer.clock.nowMs();
  const kind = randomBelow(random, 10);
  if (kind < 5) {
    const deliverMs = Math.ceil(nowMs) + 1 + randomBelow(random, 30_000);
    sent.set(await timer.send(deliverMs), deliverMs);
  } else if (kind === 5) {
    // Only what is far enough ahead is sure to be taken back.
    const waiting = [...sent].filter(([key, dueMs]) => dueMs > nowMs + 3_000 && !gone.has(key));
    const [key, dueMs] = waiting[randomBelow(random, waiting.length)] ?? [];
    if (key === undefined) return;
    const outMs = dueMs! % 1000 === 0 ? dueMs! - 1000 : dueMs! - dueMs! % 1000;
    await timer.recall(key, outMs + 1);
    gone.add(key);
  } else await timer.clock.advance(randomBelow(random, 2_500));
}

for (let seed = 1; seed <= 6; seed++) {
  test(`random life ${seed}: through kills every timer comes, those taken back don't, none comes early`, async () => {
    await using timer = await TestTimer.open(seed);
    const random = seededRandom(seed);
    const sent = new Map<string, number>();
    const gone = new Set<string>();
    for (let life = 0; life < 5; life++) {
      for (let steps = 0; steps < 40; steps++) await step(timer, random, sent, gone);
      await timer.crash("process");
    }
    await timer.clock.advance(40_000);
    const delivered = await timer.delivered();
    const keys = delivered.map(({ key }) => key);
    expect(keys.toSorted()).toEqual([...sent.keys()].filter((key) => !gone.has(key)).sort());
    // Nothing was taken for damage.
    expect(timer.disk.listSync("/store/kept-aside")).toEqual([]);
    expect(timer.logged.filter(({ text }) => text.includes("damaged"))).toEqual([]);
    for (const { atMs, key } of delivered) expect(atMs).toBeGreaterThan(sent.get(key)! - 1000);
  });
}

for (let seed = 1; seed <= 4; seed++) {
  test(`power cut ${seed}: whatever of the timer's files is left, no message that the log has is lost`, async () => {
    await using timer = await TestTimer.open(seed, true);
    const random = seededRandom(seed);
    const sent = new Map<string, number>();
    for (let life = 0; life < 4; life++) {
      for (let steps = 0; steps < 25; steps++) {
        if (randomBelow(random, 3) === 0) await timer.clock.advance(randomBelow(random, 2_000));
        else {
          const deliverMs = Math.ceil(timer.clock.nowMs()) + 1 + randomBelow(random, 20_000);
          sent.set(await timer.send(deliverMs), deliverMs);
        }
      }
      await timer.crash("power");
    }
    await timer.clock.advance(40_000);
    const keys = new Set(await timer.keys());
    expect([...sent.keys()].filter((key) => !keys.has(key))).toEqual([]);
    expect(timer.disk.listSync("/store/kept-aside")).toEqual([]);
  });
}

for (let seed = 1; seed <= 12; seed++) {
  test(`power cut ${seed} under ASYNC_FLUSH: what the log lost with its end costs no timer that is sent after it`, async () => {
    await using timer = await TestTimer.open(seed, false);
    const random = seededRandom(seed);
    const dueMs = new Map<string, number>();
    const send = async (count: number) => {
      for (let index = 0; index < count; index++) {
        const deliverMs = Math.ceil(timer.clock.nowMs()) + 4_000 + randomBelow(random, 9_000);
        dueMs.set(await timer.send(deliverMs), deliverMs);
      }
    };
    await send(3 + randomBelow(random, 6));
    // The timer's files are durable, the log isn't: its end is lost, and others come to its places.
    await timer.clock.advance(1_200);
    await timer.crash("power");
    dueMs.clear();
    await send(2 + randomBelow(random, 6));
    await timer.crash("process");
    await send(2 + randomBelow(random, 6));
    await timer.clock.advance(1_200);
    await timer.crash("process");
    await timer.clock.advance(30_000);
    const delivered = (await timer.delivered()).filter(({ key }) => dueMs.has(key));
    expect(delivered.map(({ key }) => key).sort()).toEqual([...dueMs.keys()].sort());
    for (const { atMs, key } of delivered) expect(atMs).toBeGreaterThan(dueMs.get(key)! - 1000);
  });
}

test("a kill while past timers wait for the disk loses none of them, though later ones are in the wheel", () =>
  withTimers(async (timer, startMs) => {
    timer.settings.timerStopEnqueue = true;
    const past = await timer.send(startMs + 1_500);
    const later = await timer.send(startMs + 20_500);
    await timer.clock.advance(5_000);
    // What is delivered can't be stored, the timer's own files can.
    timer.disk.inject({ operation: "write", code: "EIO", path: "/store/commitlog" });
    timer.settings.timerStopEnqueue = false;
    await timer.clock.advance(3_000);
    await timer.crash("process");
    await timer.clock.advance(30_000);
    expect(await timer.keys()).toEqual([past, later]);
  }));

test("past timers come once although the wheel's files refuse those behind them for a while", () =>
  withTimers(async (timer, startMs) => {
    timer.settings.timerStopEnqueue = true;
    const past = await timer.send(startMs + 1_500);
    const later = await timer.send(startMs + 20_500);
    await timer.clock.advance(5_000);
    timer.disk.inject({ operation: "write", code: "EIO", path: "/store/timerlog" });
    timer.settings.timerStopEnqueue = false;
    await timer.clock.advance(3_000);
    timer.disk.clearFaults();
    await timer.clock.advance(30_000);
    expect(await timer.keys()).toEqual([past, later]);
  }));

test("timers whose units were never durable are read from their queue again", async () => {
  for (let seed = 1; seed <= 8; seed++) {
    await using timer = await TestTimer.open(seed, true);
    const startMs = timer.clock.nowMs();
    const keys = [await timer.send(startMs + 5_500), await timer.send(startMs + 6_500)];
    await timer.crash("power");
    await timer.clock.advance(10_000);
    expect(await timer.keys()).toEqual(keys);
  }
});

test("a unit that a power cut tore between two sectors isn't believed: its timer is read again", () =>
  withTimers(async (timer, startMs) => {
    const keys: string[] = [];
    // The last unit lies across the end of the second sector.
    for (let count = 0; count < 20; count++) keys.push(await timer.send(startMs + 20_000 + count));
    await timer.clock.advance(1_200);
    await timer.stop();
    const torn = timer.disk.openSync("/store/timerlog/00000000000000000000", "write");
    torn.writeSync(Buffer.alloc(16), 0, 16, 1024);
    timer.disk.unlinkSync(CHECK);
    timer.disk.unlinkSync(WHEEL);
    await timer.start();
    await timer.clock.advance(30_000);
    expect((await timer.keys()).toSorted()).toEqual(keys.toSorted());
  }));

test("the check is safe before the first timer is: without it old timers would pass for delivered", async () => {
  for (let seed = 1; seed <= 6; seed++) {
    await using timer = await TestTimer.open(seed, true);
    await timer.send(timer.clock.nowMs() + 5_500);
    await timer.crash("power");
    expect(timer.disk.statSync(CHECK)).not.toBeNull();
  }
});

test("what a killed process left in the page cache is made durable with the units behind it, in every file", async () => {
  for (let seed = 1; seed <= 5; seed++) {
    await using timer = await TestTimer.open(seed, true);
    const startMs = timer.clock.nowMs();
    const keys: string[] = [];
    for (let count = 0; count < 25; count++) keys.push(await timer.send(startMs + 6_000 + count));
    await timer.crash("process");
    for (let count = 0; count < 5; count++) keys.push(await timer.send(startMs + 7_000 + count));
    await timer.clock.advance(1_500);
    await timer.crash("power");
    await timer.clock.advance(20_000);
    expect((await timer.keys()).toSorted()).toEqual(keys.toSorted());
  }
});

test("a wheel that knows a timer whose record the log lost still delivers the others of its slot", () =>
  withTimers(async (timer, startMs) => {
    const key = await timer.send(startMs + 8_300);
    await timer.clock.advance(1_200);
    const check = Buffer.alloc(56);
    const checkFile = timer.disk.openSync(CHECK, "write");
    checkFile.readSync(check, 0, check.length, 0);
    const deliverMs = String(startMs + 8_600);
    const { physicalOffset, size } = await timer.put("lost", { TIMER_DELIVER_MS: deliverMs });
    await timer.clock.advance(1_200);
    // The power went between the wheel's sync and the check's, and took the log's end.
    checkFile.writeSync(check, 0, check.length, 0);
    const [logFile] = timer.disk.listSync("/store/commitlog");
    const log = timer.disk.openSync(`/store/commitlog/${logFile}`, "write");
    log.writeSync(Buffer.alloc(size), 0, size, physicalOffset);
    await timer.crash("process");
    await timer.clock.advance(20_000);
    expect(await timer.keys()).toEqual([key]);
  }));

test("a recall that was read as late as its message, both after their time, still takes it back", () =>
  withTimers(async (timer, startMs) => {
    timer.settings.timerStopEnqueue = true;
    const others = [await timer.send(startMs + 5_100), await timer.send(startMs + 5_200)];
    const recalled = await timer.send(startMs + 5_300);
    await timer.recall(recalled, startMs + 5_300);
    // A timer that waits keeps the wheel going; the intake stands still past their time.
    timer.settings.timerStopDequeue = true;
    await timer.clock.advance(10_000);
    timer.settings.timerStopEnqueue = false;
    timer.settings.timerStopDequeue = false;
    await timer.clock.advance(10_000);
    expect((await timer.keys()).toSorted()).toEqual(others);
  }));

test("a wheel whose making again was interrupted is made once more, not believed", () =>
  withTimers(async (timer, startMs) => {
    timer.settings.timerRollWindowSlot = 1_000;
    await timer.crash("process");
    // In pages of their own.
    const keys = [await timer.send(startMs + 5_500), await timer.send(startMs + 400_500)];
    await timer.clock.advance(1_200);
    await timer.stop();
    timer.disk.unlinkSync(WHEEL);
    await timer.start();
    keys.push(await timer.send(startMs + 6_500));
    timer.disk.inject({ operation: "write", code: "EIO", path: WHEEL, after: 1 });
    await timer.clock.advance(1_200);
    await timer.crash("process");
    await timer.clock.advance(410_000);
    expect((await timer.keys()).toSorted()).toEqual(keys.toSorted());
  }));

test("a timed message whose queue entry was damaged while nobody watched is delivered all the same", () =>
  withTimers(async (timer, startMs) => {
    timer.settings.timerStopEnqueue = true;
    const keys: string[] = [];
    for (let count = 0; count < 6; count++) keys.push(await timer.send(startMs + 5_000 + count));
    await timer.stop();
    const path = `/store/consumequeue/${TIMER_TOPIC}/0/${"0".repeat(20)}`;
    const file = timer.disk.openSync(path, "write");
    const first = new Uint8Array(20);
    file.readSync(first, 0, 20, 0);
    file.writeSync(new Uint8Array(20), 0, 20, 40);
    file.writeSync(first, 0, 20, 80);
    timer.settings.timerStopEnqueue = false;
    await timer.start();
    await timer.clock.advance(20_000);
    expect((await timer.keys()).toSorted()).toEqual(keys);
  }));

// Timer files that can't be used as they are: the broker keeps them aside, makes them again, and delivers every timer.
import { expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import type { MemoryDisk } from "../../../core/disk/memory_disk.ts";
import { TestTimer, TICK_MS } from "./testing_timer.ts";

const TIMER_LOG = "/store/timerlog";
const WHEEL = "/store/timerwheel";
const SUMS = "/store/config/timersums";

function timerLogs(disk: MemoryDisk): string[] {
  return disk.listSync(TIMER_LOG).map((name) => `${TIMER_LOG}/${name}`);
}

/** Writes over bytes of a file, which keeps its length. */
function writeOver(disk: MemoryDisk, path: string, at: number, bytes: Uint8Array): void {
  disk.openSync(path, "write").writeSync(bytes, 0, bytes.length, at);
}

const SLOT_BYTES = 32;
const SLOT_COUNT = 2 * 7 * 24 * 3600;
const UNIT_BYTES = 52;

/** Where the wheel keeps the slot of a time that is still to come. */
function slotAt(startMs: number): number {
  return (startMs / TICK_MS + 8) % SLOT_COUNT * SLOT_BYTES;
}

const DAMAGES: Record<string, (disk: MemoryDisk, startMs: number) => void> = {
  "a slot of the timer wheel that says blank": (disk, startMs) =>
    writeOver(disk, WHEEL, slotAt(startMs), new Uint8Array(SLOT_BYTES)),
  "a slot of the timer wheel that tells another chain": (disk, startMs) =>
    writeOver(disk, WHEEL, slotAt(startMs) + 23, new Uint8Array([0])),
  "zeros for a timer wheel": (disk) =>
    writeOver(disk, WHEEL, 0, new Uint8Array(SLOT_COUNT * SLOT_BYTES)),
  "a unit of the timer log that names another record": (disk) =>
    writeOver(disk, timerLogs(disk)[2]!, 3 * UNIT_BYTES + 34, new Uint8Array([1])),
  "zeros for a file of the timer log": (disk) =>
    writeOver(disk, timerLogs(disk)[2]!, 0, new Uint8Array(20 * UNIT_BYTES)),
  "other bytes for the timer log's last units": (disk) =>
    writeOver(disk, timerLogs(disk).at(-1)!, 0, new Uint8Array(UNIT_BYTES).fill(7)),
  "a timer wheel cut short": (disk) => disk.openSync(WHEEL, "write").truncateSync(1000),
  "the timer log's last file cut within a unit": (disk) =>
    disk.openSync(timerLogs(disk).at(-1)!, "write").truncateSync(77),
  "an inner file of the timer log cut short": (disk) =>
    disk.openSync(timerLogs(disk)[1]!, "write").truncateSync(104),
  "an inner file of the timer log lost": (disk) => disk.unlinkSync(timerLogs(disk)[1]!),
};

test("something else in the timer log's folder is passed over and stays as it is", async () => {
  await using timer = await TestTimer.open();
  const key = await timer.send(timer.clock.nowMs() + 5_500);
  await timer.clock.advance(1_200);
  await timer.stop();
  const path = `${TIMER_LOG}/readme.txt`;
  timer.disk.place(path, new Uint8Array(UNIT_BYTES));
  await timer.start();
  expect(timer.disk.listSync("/store/kept-aside")).toEqual([]);
  await timer.clock.advance(20_000);
  expect([await timer.keys(), timer.disk.statSync(path)?.sizeBytes]).toEqual([[key], UNIT_BYTES]);
});

/** How the run before the damage ends. */
const ENDS: Record<string, (timer: TestTimer) => Promise<void>> = {
  "a clean stop": (timer) => timer.stop(),
  "a clean stop after a kill": async (timer) => {
    await timer.crash("process");
    await timer.stop();
  },
  "a kill": (timer) => Promise.resolve(timer.disk.crash("process")),
};

for (const [damage, spoil] of Object.entries(DAMAGES)) {
  for (const [end, endRun] of Object.entries(ENDS)) {
    test(`${damage} costs no timer after ${end}`, async () => {
      await using timer = await TestTimer.open();
      const startMs = timer.clock.nowMs();
      const keys: string[] = [];
      for (let second = 1; second <= 60; second++) {
        keys.push(await timer.send(startMs + second * 1000 + 500));
      }
      await timer.clock.advance(5_200);
      expect(timerLogs(timer.disk).length).toBeGreaterThan(2);
      await endRun(timer);
      spoil(timer.disk, startMs);
      await timer.start();
      const keptAside = timer.disk.listSync("/store/kept-aside").length;
      const warned = timer.logged.filter(({ level, text }) =>
        level === "warn" && text.includes("made again")
      );
      if (end !== "a kill") expect([keptAside, warned.length > 0]).toEqual([1, true]);
      await timer.clock.advance(90_000);
      expect((await timer.keys()).sort()).toEqual(keys.sort());
      await timer.stop();
      await timer.start();
      expect(timer.disk.listSync("/store/kept-aside")).toHaveLength(keptAside);
    });
  }
}

const i64 = (value: bigint) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(value);
  return bytes;
};

const CHECK = "/store/config/timercheck";
const READ_TIME_AT = 0;
const QUEUE_OFFSET_AT = 16;
const CHECK_DAMAGES: Record<string, (disk: MemoryDisk, startMs: number) => void> = {
  "a time far ahead": (disk) => writeOver(disk, CHECK, READ_TIME_AT, i64(1n << 48n)),
  "a time an hour ahead": (disk, startMs) =>
    writeOver(disk, CHECK, READ_TIME_AT, i64(BigInt(startMs + 3_600_000))),
  "a negative time": (disk) => writeOver(disk, CHECK, READ_TIME_AT, i64(-1n)),
  "a negative offset": (disk) => writeOver(disk, CHECK, QUEUE_OFFSET_AT, i64(-1n)),
  "nonsense": (disk) => writeOver(disk, CHECK, 0, new Uint8Array(200).fill(0x5a)),
  "nothing": (disk) => writeOver(disk, CHECK, 0, new Uint8Array(200)),
  "a time far ahead, and nothing behind it": (disk) => {
    writeOver(disk, CHECK, 0, new Uint8Array(200));
    writeOver(disk, CHECK, READ_TIME_AT, i64(1n << 48n));
  },
};

for (const [damage, spoil] of Object.entries(CHECK_DAMAGES)) {
  for (const [end, endRun] of Object.entries(ENDS)) {
    test(`a check that says ${damage} costs no timer after ${end}`, async () => {
      await using timer = await TestTimer.open();
      const startMs = timer.clock.nowMs();
      const keys: string[] = [];
      for (let second = 1; second <= 20; second++) {
        keys.push(await timer.send(startMs + second * 1000 + 500));
      }
      await timer.clock.advance(5_200);
      await endRun(timer);
      spoil(timer.disk, startMs);
      await timer.start();
      await timer.clock.advance(60_000);
      expect([...new Set(await timer.keys())].sort()).toEqual(keys.sort());
      if (damage !== "nothing") {
        expect(timer.logged).toContainEqual(
          expect.objectContaining({ text: expect.stringContaining("timercheck is damaged") }),
        );
      }
    });
  }
}

test("a check that Apache's broker wrote over an older copy is believed", async () => {
  await using timer = await TestTimer.open();
  const startMs = timer.clock.nowMs();
  const keys = [await timer.send(startMs + 5_500), await timer.send(startMs + 30_500)];
  await timer.clock.advance(2_000);
  await timer.stop();
  const older = Buffer.from(timer.disk.contents(CHECK));
  await timer.start();
  await timer.clock.advance(8_000);
  await timer.stop();
  // As if that life had been one of Apache's broker, which leaves what it doesn't know.
  const copyAt = 64;
  writeOver(timer.disk, CHECK, copyAt, older.subarray(copyAt));
  await timer.start();
  await timer.clock.advance(60_000);
  expect(await timer.keys()).toEqual(keys);
  expect(timer.logged.filter(({ level }) => level !== "info")).toEqual([]);
});

test("what another broker did to the timer's files since the last clean stop is believed", async () => {
  await using timer = await TestTimer.open();
  const startMs = timer.clock.nowMs();
  const keys = [await timer.send(startMs + 20_500)];
  await timer.stop();
  const note = timer.disk.contents(SUMS);
  await timer.start();
  expect(timer.disk.statSync(SUMS)).toBeNull();
  for (let second = 21; second <= 40; second++) {
    keys.push(await timer.send(startMs + second * 1000 + 500));
  }
  await timer.clock.advance(3_000);
  await timer.stop();
  // As if that life had been one of Apache's broker, which doesn't know the note.
  timer.disk.place(SUMS, note);
  await timer.start();
  expect(timer.disk.listSync("/store/kept-aside")).toEqual([]);
  await timer.clock.advance(60_000);
  expect((await timer.keys()).sort()).toEqual(keys.sort());
});

test("a note of a clean stop that isn't whole, or can't be read, is none", async () => {
  await using timer = await TestTimer.open();
  const key = await timer.send(timer.clock.nowMs() + 5_500);
  await timer.stop();
  timer.disk.place(SUMS, timer.disk.contents(SUMS).subarray(0, 40));
  await timer.start();
  await timer.stop();
  timer.disk.inject({ operation: "read", code: "EIO", path: SUMS });
  await timer.start();
  expect(timer.disk.listSync("/store/kept-aside")).toEqual([]);
  await timer.clock.advance(10_000);
  expect(await timer.keys()).toEqual([key]);
});

// Cold reads pause by how long the event loop waited for a core while messages were stored, and only then.
import { Buffer } from "node:buffer";
import { expect, test } from "bun:test";
import type { DiskFile } from "../../core/disk/disk.ts";
import { VirtualClock } from "../../core/time/virtual_clock.ts";
import { newMemoryDisk, openTestStore, testMessage } from "../testing_store.ts";
import { SIGNS_WINDOW_BYTES } from "./cold_signs.ts";
import {
  PAUSE_MS_MAX,
  PAUSE_MS_MIN,
  PAUSE_PER_CORE_WAIT,
  READS_PER_CACHED_READ,
  UNCACHED_READS_AFTER_PAUSE,
} from "./limits.ts";
import { ReadPauses } from "./read_pauses.ts";
import { ReadTurns } from "./read_turns.ts";

const READ_BYTES = 128 * 1024;
/** Its last file is longer than what counts as near the log's end. */
const LOG_FILE_BYTES = 20 * 1024 * 1024;

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

test("sends are pressed from a pause on for so many reads", () => {
  const machine = new Machine();
  const pauses = machine.pauses();
  expect(pauses.isPressed).toBe(false);
  machine.pass(PAUSE_MS_MAX, 100);
  pauses.next();
  for (let read = 1; read < UNCACHED_READS_AFTER_PAUSE; read++) pauses.next();
  expect(pauses.isPressed).toBe(true);
  pauses.next();
  expect(pauses.isPressed).toBe(false);
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

/** A store on a disk that tells what came from the device, and notes what was read past the page cache. */
async function openColdStore(clock: Machine) {
  const disk = newMemoryDisk();
  const device = { bytes: 0, uncachedReads: [] as number[] };
  const open = disk.openSync.bind(disk);
  disk.openSync = (path, mode) => {
    const file = open(path, mode);
    const readUncached: DiskFile["readUncached"] = (target, start, length, position) => {
      device.uncachedReads.push(position);
      return file.read(target, start, length, position);
    };
    return Object.assign(file, { readUncached });
  };
  Object.assign(disk, { deviceReadBytes: () => device.bytes });
  const store = await openTestStore(disk, { clock, commitLogFileBytes: LOG_FILE_BYTES });
  return { store, device };
}

test("while sends wait for a core cold reads go past the page cache, but for one in so many and the last file's", async () => {
  const clock = new Machine();
  const { store, device } = await openColdStore(clock);
  const put = async (index: number) =>
    await store.put([testMessage(index, { bodyBytes: READ_BYTES })]);
  for (let index = 0; index < 300; index++) await put(1000 + index);
  const target = Buffer.alloc(READ_BYTES);
  const read = async (offset: number) => {
    device.bytes += READ_BYTES;
    const reading = store.readInto(target, 0, READ_BYTES, offset);
    await clock.advance(PAUSE_MS_MAX);
    expect(await reading).toBe(READ_BYTES);
  };
  for (let bytes = 0; bytes < 2 * SIGNS_WINDOW_BYTES; bytes += READ_BYTES) await read(0);
  expect(device.uncachedReads).toEqual([]);
  clock.waitedMs += PAUSE_MS_MAX;
  await put(2000);
  await read(0);
  for (let count = 0; count < READS_PER_CACHED_READ; count++) await read(0);
  expect(device.uncachedReads).toEqual(Array.from({ length: READS_PER_CACHED_READ - 1 }, () => 0));
  await read(store.maxPhysicalOffset - store.maxPhysicalOffset % LOG_FILE_BYTES);
  expect(device.uncachedReads).toHaveLength(READS_PER_CACHED_READ - 1);
  await store[Symbol.asyncDispose]();
});

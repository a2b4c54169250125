// The faults of the memory disk: what a power cut leaves, and what is refused.
import { expect, test } from "bun:test";
import { seededRandom } from "../random.ts";
import { DiskError } from "./disk.ts";
import { MemoryDisk } from "./memory_disk.ts";

function filled(byte: number, length: number): Uint8Array {
  return new Uint8Array(length).fill(byte);
}

test("a power cut keeps what was synced and tears the rest by whole sectors", async () => {
  const outcomes = new Set<string>();
  for (let seed = 0; seed < 30; seed++) {
    const disk = new MemoryDisk(seededRandom(seed));
    const file = disk.openSync("/log", "create");
    disk.syncDirectorySync("/");
    file.writeSync(filled(1, 2048), 0, 2048, 0);
    await file.datasync();
    file.writeSync(filled(2, 2048), 0, 2048, 0);
    disk.crash("power");
    const bytes = disk.contents("/log");
    let outcome = "";
    for (let at = 0; at < 2048; at += 512) {
      const sector = bytes.subarray(at, at + 512);
      expect(sector.every((byte) => byte === sector[0])).toBe(true);
      outcome += sector[0];
    }
    outcomes.add(outcome);
  }
  expect([...outcomes].every((outcome) => /^[12]{4}$/.test(outcome))).toBe(true);
  expect(outcomes.size).toBeGreaterThan(8);
});

test("a sync covers what was written before it began, not what came during it", async () => {
  let lost = 0;
  for (let seed = 0; seed < 20; seed++) {
    const disk = new MemoryDisk(seededRandom(seed));
    const file = disk.openSync("/log", "create");
    disk.syncDirectorySync("/");
    file.writeSync(filled(1, 512), 0, 512, 0);
    disk.holdSyncs();
    const sync = file.datasync();
    file.writeSync(filled(2, 512), 0, 512, 512);
    disk.releaseSyncs();
    await sync;
    disk.crash("power");
    const bytes = disk.contents("/log");
    expect(bytes[0]).toBe(1);
    if (bytes[512] !== 2) lost++;
  }
  expect(lost).toBeGreaterThan(0);
});

test("a name whose folder wasn't synced may be gone, one that was stays", () => {
  let lost = 0;
  for (let seed = 0; seed < 20; seed++) {
    const disk = new MemoryDisk(seededRandom(seed));
    disk.openSync("/kept", "create");
    disk.syncDirectorySync("/");
    disk.openSync("/maybe", "create");
    disk.crash("power");
    expect(disk.statSync("/kept")).not.toBeNull();
    if (disk.statSync("/maybe") === null) lost++;
  }
  expect(lost).toBeGreaterThan(0);
  expect(lost).toBeLessThan(20);
});

test("a killed process loses nothing, but its open files are dead", () => {
  const disk = new MemoryDisk(seededRandom(1));
  const file = disk.openSync("/log", "create");
  file.writeSync(filled(3, 10), 0, 10, 0);
  disk.crash("process");
  expect(disk.contents("/log")).toEqual(filled(3, 10));
  expect(() => file.writeSync(filled(4, 1), 0, 1, 0)).toThrow(DiskError);
});

test("a full disk takes what fits and then says ENOSPC; overwriting costs nothing", () => {
  const disk = new MemoryDisk(seededRandom(1));
  const file = disk.openSync("/log", "create");
  disk.freeBytes = 8192;
  expect(() => file.writeSync(filled(1, 10_000), 0, 10_000, 0)).toThrow("ENOSPC");
  expect(file.sizeSync()).toBe(8192);
  file.writeSync(filled(2, 8192), 0, 8192, 0);
  disk.unlinkSync("/log");
  expect(disk.freeBytes).toBe(8192);
});

test("an injected fault comes when and as often as asked, after a part was written", () => {
  const disk = new MemoryDisk(seededRandom(1));
  const file = disk.openSync("/log", "create");
  disk.inject({
    operation: "write",
    code: "EIO",
    path: "log",
    after: 1,
    times: 1,
    partialBytes: 3,
  });
  file.writeSync(filled(1, 8), 0, 8, 0);
  expect(() => file.writeSync(filled(2, 8), 0, 8, 0)).toThrow("EIO");
  expect([...disk.contents("/log")]).toEqual([2, 2, 2, 1, 1, 1, 1, 1]);
  file.writeSync(filled(3, 8), 0, 8, 0);
  disk.flipBit("/log", 0, 7);
  expect(disk.contents("/log")[0]).toBe(131);
});

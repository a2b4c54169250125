// A large file goes by steps, but never before its name is durably gone, and never for another who holds it.
import { expect, test } from "bun:test";
import { linkSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { nodeDisk } from "../../core/disk/disk_node.ts";
import { MemoryDisk } from "../../core/disk/memory_disk.ts";
import { seededRandom } from "../../core/random.ts";
import { systemClock } from "../../core/time/system_clock.ts";
import { VirtualClock } from "../../core/time/virtual_clock.ts";
import { deleteGradually } from "./gradual_deletion.ts";

const PATH = "/log/00000000000000000000";
const STEP_BYTES = 4096;
const FILE_BYTES = 10 * STEP_BYTES;
const BYTES = Buffer.alloc(FILE_BYTES, "a file of the log");

function scene(seed = 1) {
  const disk = new MemoryDisk(seededRandom(seed));
  disk.place(PATH, BYTES);
  const clock = new VirtualClock();
  return { disk, clock, stepBytes: STEP_BYTES };
}

/** Step by step, since what a step brings may wait for the next one. */
async function pass(clock: VirtualClock, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed++) await clock.advance(1);
}

test("a large file is freed by steps with rests between them", async () => {
  const { disk, clock, stepBytes } = scene();
  const freeBytes = disk.freeBytes;
  const deleting = deleteGradually({ disk, clock, stepBytes }, PATH);
  await pass(clock, 5);
  expect(disk.statSync(PATH)).toBeNull();
  const begun = disk.count("truncate", PATH) - 1;
  expect(begun).toBeGreaterThan(1);
  expect(begun).toBeLessThan(10);
  await pass(clock, 50);
  await deleting;
  expect(disk.count("truncate", PATH) - 1).toBe(10);
  expect(disk.freeBytes).toBe(freeBytes + FILE_BYTES);
});

test("a power cut at any moment leaves the whole file or none", async () => {
  const outcomes = new Set<string>();
  for (let moment = 0; moment < 80; moment++) {
    const { disk, clock, stepBytes } = scene(moment);
    const deleting = deleteGradually({ disk, clock, stepBytes }, PATH).catch(() => {});
    for (let turn = 0; turn < moment; turn++) await (turn % 4 === 3 ? clock.advance(1) : null);
    disk.crash("power");
    outcomes.add(disk.statSync(PATH) === null ? "none" : "whole");
    if (disk.statSync(PATH) !== null) expect(BYTES.equals(disk.contents(PATH))).toBe(true);
    await pass(clock, 50);
    await deleting;
  }
  expect([...outcomes].sort()).toEqual(["none", "whole"]);
});

test("a file that another name stands for stays whole under it", async () => {
  const folder = mkdtempSync(`${tmpdir()}/roquet-deletion-`);
  try {
    const [path, backup] = [`${folder}/file`, `${folder}/backup`];
    writeFileSync(path, BYTES);
    linkSync(path, backup);
    const deletion = { disk: nodeDisk, clock: systemClock, stepBytes: STEP_BYTES };
    await deleteGradually(deletion, path);
    expect(nodeDisk.listSync(folder)).toEqual(["backup"]);
    expect(BYTES.equals(readFileSync(backup))).toBe(true);
    await deleteGradually(deletion, backup);
    expect(nodeDisk.listSync(folder)).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("aborted, the rest is freed without a rest", async () => {
  const { disk, clock, stepBytes } = scene();
  const stopping = new AbortController();
  const deleting = deleteGradually({ disk, clock, stepBytes, signal: stopping.signal }, PATH);
  await pass(clock, 4);
  const before = disk.count("truncate", PATH);
  stopping.abort();
  await deleting;
  expect(disk.count("truncate", PATH)).toBe(before + 1);
});

test("a name that can't be removed or forgotten is an error, and the file is whole", async () => {
  for (const operation of ["unlink", "sync_directory"] as const) {
    const { disk, clock, stepBytes } = scene();
    const truncations = disk.count("truncate", PATH);
    disk.inject({ operation, code: "EIO" });
    const failure = deleteGradually({ disk, clock, stepBytes }, PATH).then(() => "", String);
    await pass(clock, 50);
    expect(await failure).toContain("EIO");
    expect(disk.count("truncate", PATH)).toBe(truncations);
  }
});

test("what can't be opened or cut is deleted all the same", async () => {
  for (const operation of ["open", "truncate"] as const) {
    const { disk, clock, stepBytes } = scene();
    disk.inject({ operation, code: "EIO" });
    const deleting = deleteGradually({ disk, clock, stepBytes }, PATH);
    await pass(clock, 50);
    await deleting;
    expect(disk.statSync(PATH)).toBeNull();
  }
});

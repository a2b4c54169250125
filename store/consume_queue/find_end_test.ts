// Where a queue's entries end is found by what the device has of the file, and doesn't depend on it.
import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Disk } from "../../core/disk/disk.ts";
import { ConsumeQueues } from "./consume_queues.ts";
import { testStore } from "./test_store.ts";

const FILE_BYTES = 120_000;
const UNITS_A_FILE = FILE_BYTES / 20;

/** A disk that says what it likes of how much of its files is allocated. */
function claiming(disk: Disk, allocatedBytes: number | undefined): Disk {
  return new Proxy(disk, {
    get(target, name) {
      if (name === "statSync") {
        return (path: string) => {
          const stat = target.statSync(path);
          return stat && { ...stat, allocatedBytes };
        };
      }
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

test("a queue's end is found wherever it is and whatever the device says of the file", async () => {
  const claims = fc.oneof(
    fc.constant(undefined),
    fc.integer({ min: 0, max: 40 }).map((pages) => pages * 4096),
    fc.integer({ min: 0, max: 2 * FILE_BYTES }),
  );
  // Pages end within units but for every fifth, of 1024 units.
  const counts = fc.oneof(
    fc.integer({ min: 0, max: 2 * UNITS_A_FILE }),
    fc.constantFrom(203, 204, 205, 206, 819, 820, 1023, 1024, 1025, UNITS_A_FILE),
  );
  await fc.assert(
    fc.asyncProperty(counts, claims, async (count, claim) => {
      const { disk, options } = testStore(1, { fileBytes: FILE_BYTES });
      const written = await ConsumeQueues.open(options);
      const queue = written.findOrCreate("t", 0, "simple");
      for (let at = 0; at < count; at++) queue.append(at, at * 100, 100, at, 0, 1);
      await written[Symbol.asyncDispose]();
      for (const from of [disk, claiming(disk, claim)]) {
        await using queues = await ConsumeQueues.open({ ...options, disk: from });
        expect(queues.find("t", 0)?.maxOffset ?? 0).toBe(count);
      }
    }),
    { numRuns: 60 },
  );
});

test("a device's true answer saves the reads behind what was written", async () => {
  const { disk, options } = testStore(1, { fileBytes: FILE_BYTES });
  const written = await ConsumeQueues.open(options);
  const queue = written.findOrCreate("t", 0, "simple");
  for (let at = 0; at < 2000; at++) queue.append(at, at * 100, 100, at, 0, 1);
  await written[Symbol.asyncDispose]();
  const reads: [number, number][] = [];
  const watched = new Proxy(disk, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (name !== "openSync") return typeof value === "function" ? value.bind(target) : value;
      return (...parameters: Parameters<Disk["openSync"]>) => {
        const file = target.openSync(...parameters);
        const readSync = file.readSync.bind(file);
        file.readSync = (bytes, start, length, position) => {
          reads.push([position, position + length]);
          return readSync(bytes, start, length, position);
        };
        return file;
      };
    },
  });
  await using queues = await ConsumeQueues.open({ ...options, disk: watched, replayFrom: 190_000 });
  expect(queues.find("t", 0)!.maxOffset).toBe(2000);
  // The page that may be the file system's own is tried first; then the end; then where the queue begins.
  expect(reads).toEqual([[20_480, 36_860], [24_580, 40_960], [0, 20]]);
});

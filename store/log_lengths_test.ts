// Log files of a wrong length: which are mended at a start, and what is served of such a log then.
import { expect, test } from "bun:test";
import type { MemoryDisk } from "../core/disk/memory_disk.ts";
import { createLogger, type LogEntry } from "../core/log.ts";
import { lengthMends } from "./log_lengths.ts";
import {
  type Acknowledged,
  expectAll,
  expectLevel,
  killedAt,
  LOG_PATH,
  putOne,
} from "./testing_crash.ts";
import { LOG_FILE_BYTES, newMemoryDisk, openTestStore, STORE_PATH } from "./testing_store.ts";

const SECOND = LOG_PATH.replace(/0{5}$/, String(LOG_FILE_BYTES));

/** A log of two files, of a broker that was stopped. */
async function twoFiles(): Promise<{ disk: MemoryDisk; acknowledged: Acknowledged[] }> {
  const disk = newMemoryDisk();
  const store = await openTestStore(disk);
  const acknowledged: Acknowledged[] = [];
  for (let index = 0; index < 30; index++) acknowledged.push((await putOne(store, index, 4000))!);
  await store[Symbol.asyncDispose]();
  return { disk, acknowledged };
}

/** Opens the store; gives the errors that it says. */
async function reopen(disk: MemoryDisk) {
  const entries: LogEntry[] = [];
  const store = await openTestStore(disk, { log: createLogger((entry) => entries.push(entry)) });
  return { store, errors: entries.filter(({ level }) => level === "error") };
}

test("a length is mended only where another file, or an odd number of bytes, shows that it isn't meant", () => {
  const cases: [sizes: number[], mends: ReturnType<typeof lengthMends>][] = [
    [[8192], [null]],
    [[8192, 8192], [null, null]],
    [[8192, 4096], [null, "lengthen"]],
    [[8192, 5000], [null, "lengthen"]],
    [[8192, 0], [null, null]],
    [[4096, 8192], [null, null]],
    [[8192, 9000, 8192], [null, "cut", null]],
    [[8192, 16384], [null, "cut"]],
    // All of them may have been made under another configuration.
    [[4096], [null]],
    [[4096, 4096], [null, null]],
    [[16384, 16384], [null, null]],
    [[5000], ["lengthen"]],
    [[9001], ["cut"]],
  ];
  for (const [sizes, mends] of cases) {
    expect([sizes, lengthMends(sizes, 8192)]).toEqual([sizes, mends]);
  }
});

for (const stop of ["clean", "killed"] as const) {
  test(`a last file that was cut short keeps its whole records, wherever it was cut (${stop})`, async () => {
    for (let sizeBytes = 1; sizeBytes < 60_000; sizeBytes += 1997) {
      const { disk, acknowledged } = await twoFiles();
      const cut = stop === "clean" ? disk : killedAt(disk, 1 << 20, () => true);
      cut.openSync(SECOND, "write").truncateSync(sizeBytes);
      const whole = acknowledged.filter(({ result }, index) => {
        const next = acknowledged[index + 1]?.result.physicalOffset ?? Infinity;
        return result.physicalOffset < LOG_FILE_BYTES || next <= LOG_FILE_BYTES + sizeBytes;
      });
      const { store, errors } = await reopen(cut);
      expect(errors[0]!.text).toContain("was cut short");
      await expectLevel(store);
      await expectAll(store, whole);
      const next = acknowledged[whole.length]!.result.physicalOffset;
      if (next > LOG_FILE_BYTES) expect(store.maxPhysicalOffset).toBe(next);
      await putOne(store, 500, 100);
      await store[Symbol.asyncDispose]();
      const again = await reopen(cut);
      expect(again.errors).toEqual([]);
      await again.store[Symbol.asyncDispose]();
    }
  });
}

test("what stands behind a file's length is kept aside, and the file is the log's again", async () => {
  for (const path of [LOG_PATH, SECOND]) {
    const { disk, acknowledged } = await twoFiles();
    const excess = new Uint8Array(3000).fill(7);
    const file = disk.openSync(path, "write");
    file.writeSync(excess, 0, excess.length, LOG_FILE_BYTES);
    const { store, errors } = await reopen(disk);
    expect(errors.map(({ text }) => text).join()).toContain("was too long");
    await expectAll(store, acknowledged);
    expect(disk.statSync(path)!.sizeBytes).toBe(LOG_FILE_BYTES);
    const kept = disk.listSync(`${STORE_PATH}/kept-aside`);
    expect(kept.map((name) => disk.contents(`${STORE_PATH}/kept-aside/${name}`))).toEqual([excess]);
    await store[Symbol.asyncDispose]();
  }
});

test("a file that was cut short among others is refused and left as it is", async () => {
  const { disk } = await twoFiles();
  disk.openSync(LOG_PATH, "write").truncateSync(5000);
  await expect(openTestStore(disk)).rejects.toThrow("has 5000 bytes where files of");
  expect(disk.statSync(LOG_PATH)!.sizeBytes).toBe(5000);
});

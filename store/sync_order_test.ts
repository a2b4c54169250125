// What SYNC_FLUSH promises, seen at the disk: when a producer is told "ok", an fdatasync that began after its record was
// written has ended, and so has the sync of a folder that got a new file.
import { describe, expect, test } from "bun:test";
import { tmpdir } from "node:os";
import { mkdtempSync, rmSync } from "node:fs";
import type { Disk } from "../core/disk/disk.ts";
import { nodeDisk } from "../core/disk/disk_node.ts";
import { TracingDisk } from "../core/disk/tracing_disk.ts";
import { randomBelow, seededRandom } from "../core/random.ts";
import { systemClock } from "../core/time/system_clock.ts";
import { soleOwner } from "../core/disk/file_lock.ts";
import { silentLogger } from "../core/log.ts";
import { MetadataFile } from "./file/metadata_file.ts";
import { segmentName } from "./file/segment_files.ts";
import { FileMessageStore } from "./message_store_impl.ts";
import { LOG_FILE_BYTES, newMemoryDisk, SMALL_STORE, testMessage } from "./testing_store.ts";

const BURSTS = 120;

async function firstUndurable(inner: Disk, storePath: string, seed: number) {
  const disk = new TracingDisk(inner);
  const random = seededRandom(seed);
  const config = { ...SMALL_STORE, storePath, syncFlush: true };
  const parts = { disk, clock: systemClock, log: silentLogger, locks: soleOwner };
  await using store = await FileMessageStore.open(config, parts);
  const problems: string[] = [];
  let told = 0;
  const putOne = async (index: number) => {
    const bodyBytes = 20 + randomBelow(random, 9000);
    const [result] = await store.put([testMessage(index, { bodyBytes })]);
    if (result!.status !== "ok") return;
    told++;
    const within = result!.physicalOffset % LOG_FILE_BYTES;
    const name = segmentName(result!.physicalOffset - within);
    const why = disk.whyNotDurable(`${storePath}/commitlog/${name}`, within, within + result!.size);
    if (why !== null) problems.push(`${result!.physicalOffset}: ${why}`);
  };
  let index = 0;
  for (let burst = 0; burst < BURSTS; burst++) {
    const puts: Promise<void>[] = [];
    for (let count = 1 + randomBelow(random, 6); count > 0; count--) puts.push(putOne(index++));
    // Bursts overlap: some come while the sync of others is in flight.
    if (randomBelow(random, 3) === 0) await Promise.all(puts);
    else await new Promise((resolve) => setImmediate(resolve));
  }
  await store[Symbol.asyncDispose]();
  return { problems, told, files: Math.ceil(store.maxPhysicalOffset / LOG_FILE_BYTES) };
}

describe("an acknowledgement under SYNC_FLUSH follows a sync that covers it", () => {
  test("on a disk in memory", async () => {
    for (let seed = 0; seed < 5; seed++) {
      const { problems, told, files } = await firstUndurable(newMemoryDisk(seed), "/store", seed);
      expect(problems).toEqual([]);
      expect(told).toBeGreaterThan(BURSTS);
      expect(files).toBeGreaterThan(10);
    }
  });

  test("on the machine's disk, whose syncs take their time", async () => {
    const path = mkdtempSync(`${tmpdir()}/roquet-sync-`);
    try {
      const { problems, told } = await firstUndurable(nodeDisk, `${path}/store`, 7);
      expect(problems).toEqual([]);
      expect(told).toBeGreaterThan(BURSTS);
    } finally {
      rmSync(path, { recursive: true, force: true });
    }
  });
});

describe("a configuration file is in place for good when its save is over", () => {
  const texts = ["1", "2", "3"].map((count) => `{"dataVersion":${count}}`);

  test.each(["save", "saveInBackground"] as const)("%s", async (how) => {
    for (let seed = 0; seed < 5; seed++) {
      const disk = new TracingDisk(newMemoryDisk(seed));
      const path = "/store/config/topics.json";
      const file = new MetadataFile({ disk, log: silentLogger, path });
      for (const text of texts) {
        await file[how](text);
        expect(disk.whyNotDurable(path, 0, text.length)).toBeNull();
      }
      // The version before it, which stands in for a torn one.
      expect(disk.whyNotDurable(`${path}.bak`, 0, texts[1]!.length)).toBeNull();
    }
  });
});

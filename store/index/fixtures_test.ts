// Apache's index file: read by ours, and written again from the same log to the same bytes.
import { expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { MemoryDisk } from "../../core/disk/memory_disk.ts";
import { silentLogger } from "../../core/log.ts";
import { seededRandom } from "../../core/random.ts";
import { VirtualClock } from "../../core/time/virtual_clock.ts";
import { fixtureArchive, fixtureJson } from "../../testdata/fixtures.ts";
import { KeyIndex } from "./key_index.ts";
import { eachIndexKey } from "./record_keys.ts";

interface Expected {
  records: {
    kind: string;
    phyOffset: number;
    topic: string;
    sysFlag: number;
    storeTimestamp: number;
    properties: Record<string, string>;
  }[];
  index: {
    files: { name: string; endTimestamp: number; endPhyOffset: number }[];
    lookups: Record<string, number[]>;
  };
}

const expected = fixtureJson<Expected>("expected/store.json");
const name = expected.index.files[0]!.name;
const apacheBytes = fixtureArchive("store/store.tar.gz").get(`index/${name}`)!;
const CLEAN = { lastExitClean: true, completeUntilMs: 0 };

function optionsOn(disk: MemoryDisk) {
  const clock = new VirtualClock();
  return { disk, clock, log: silentLogger, path: "/store/index", slotCount: 500, itemCount: 2000 };
}

function fileBytes(disk: MemoryDisk, path: string): Buffer {
  const bytes = Buffer.alloc(disk.statSync(path)!.sizeBytes);
  const file = disk.openSync(path, "read");
  file.readSync(bytes, 0, bytes.length, 0);
  void file.close();
  return bytes;
}

function withApacheFile(): MemoryDisk {
  const disk = new MemoryDisk(seededRandom(1));
  disk.makeDirectorySync("/store/index");
  const file = disk.openSync(`/store/index/${name}`, "create");
  file.writeSync(apacheBytes, 0, apacheBytes.length, 0);
  void file.close();
  return disk;
}

test("every recorded look-up in Apache's index finds the same offsets", async () => {
  await using index = await KeyIndex.open(optionsOn(withApacheFile()), CLEAN);
  for (const [lookup, offsets] of Object.entries(expected.index.lookups)) {
    const at = lookup.indexOf("#");
    const topic = lookup.slice(0, at);
    const found = await index.query(topic, lookup.slice(at + 1), 64, 0, 2 ** 50);
    expect([lookup, ...found.offsets]).toEqual([lookup, ...offsets]);
    expect(found.lastUpdateTimestampMs).toBe(expected.index.files[0]!.endTimestamp);
    expect(found.lastUpdatePhysicalOffset).toBe(expected.index.files[0]!.endPhyOffset);
  }
});

test("an index built from the same records has the same bytes as Apache's", async () => {
  const disk = new MemoryDisk(seededRandom(1));
  const index = await KeyIndex.open(optionsOn(disk), CLEAN);
  for (const record of expected.records) {
    if (record.kind !== "message") continue;
    const { topic, sysFlag, properties, phyOffset, storeTimestamp } = record;
    eachIndexKey(topic, sysFlag, properties, (hash) => index.put(hash, phyOffset, storeTimestamp));
  }
  await index[Symbol.asyncDispose]();
  const names = disk.listSync("/store/index");
  expect(names.length).toBe(1);
  expect(fileBytes(disk, `/store/index/${names[0]}`).equals(apacheBytes)).toBe(true);
});

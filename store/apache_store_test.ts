// Stores that Apache 5.4.0 wrote, opened: every record, queue entry and key look-up is what Apache's own tools said, and
// after a crash the same is recovered as Apache recovered, or better where its check is too weak.
import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { createLogger, type LogEntry } from "../core/log.ts";
import { MemoryDisk } from "../core/disk/memory_disk.ts";
import { emptyParts, locateParts } from "../core/message/record.ts";
import { seededRandom } from "../core/random.ts";
import { fixtureArchive, fixtureJson } from "../testdata/fixtures.ts";
import type { FileMessageStore } from "./message_store_impl.ts";
import { openTestStore, STORE_PATH, viewBytes } from "./testing_store.ts";

interface ExpectedRecord {
  phyOffset: number;
  size: number;
  kind: "message" | "blank";
  topic: string;
  queueOffset: number;
  storeTimestamp: number;
  bodySha256: string;
}

interface ExpectedStore {
  records: ExpectedRecord[];
  consumeQueues: Record<string, Record<string, { entries: [number, number, number][] }>>;
  batchConsumeQueues: Record<string, Record<string, unknown>>;
  index: { lookups: Record<string, number[]> };
}

interface ExpectedRecovery {
  edit: string;
  maxPhysicalOffsetAfterRecovery: number;
  minPhysicalOffset: number;
  queues: Record<string, Record<string, { minOffset: number; maxOffset: number }>>;
  queryMessageByKey: Record<string, number[] | string>;
  queryConsumeQueue: Record<string, [number, number, number][]>;
}

function diskWith(archive: string): MemoryDisk {
  const disk = new MemoryDisk(seededRandom(1));
  for (const [path, bytes] of fixtureArchive(archive)) {
    // 38 MB of nothing that this store reads.
    if (path !== "timerwheel") disk.place(`${STORE_PATH}/${path}`, bytes);
  }
  return disk;
}

function entriesOf(store: FileMessageStore, topic: string, queueId: number): number[][] {
  const bounds = store.queueBounds(topic, queueId);
  if (bounds === null) return [];
  const cursor = store.openCursor(topic, queueId, bounds.minOffset)!;
  const entries: number[][] = [];
  while (cursor.next()) entries.push([cursor.physicalOffset, cursor.size, cursor.tagsCode]);
  return entries;
}

test("an Apache store opens, and every record reads as Apache's decoder read it", async () => {
  const expected = fixtureJson<ExpectedStore>("expected/store.json");
  await using store = await openTestStore(diskWith("store/store.tar.gz"), {
    commitLogFileBytes: 1048576,
  });
  const parts = emptyParts();
  let messages = 0;
  for (const record of expected.records) {
    if (record.kind !== "message") {
      expect(await store.read(record.phyOffset)).toBeNull();
      continue;
    }
    messages++;
    const bytes = viewBytes(await store.read(record.phyOffset));
    expect(bytes.length).toBe(record.size);
    expect(viewBytes(store.readHot(record.phyOffset, record.size))).toEqual(bytes);
    expect(locateParts(bytes, 0, bytes.length, parts)).toBeNull();
    const body = bytes.subarray(parts.bodyStart, parts.bodyEnd);
    expect(createHash("sha256").update(body).digest("hex")).toBe(record.bodySha256);
  }
  expect(messages).toBe(325);
  const last = expected.records.at(-1)!;
  expect(store.maxPhysicalOffset).toBe(last.phyOffset + last.size);
  expect(store.minPhysicalOffset).toBe(0);
  expect(await store.earliestStoreTimestamp()).toBe(expected.records[0]!.storeTimestamp);
});

test("its queues give the entries that Apache's gave, and its index the look-ups", async () => {
  const expected = fixtureJson<ExpectedStore>("expected/store.json");
  await using store = await openTestStore(diskWith("store/store.tar.gz"), {
    commitLogFileBytes: 1048576,
  });
  for (const [topic, queues] of Object.entries(expected.consumeQueues)) {
    for (const [queueId, { entries }] of Object.entries(queues)) {
      expect(entriesOf(store, topic, Number(queueId))).toEqual(entries);
      expect(store.queueBounds(topic, Number(queueId))?.maxOffset).toBe(entries.length);
    }
  }
  for (const [name, offsets] of Object.entries(expected.index.lookups)) {
    const [topic, ...key] = name.split("#") as [string, ...string[]];
    const found = await store.queryIndex(topic, key.join("#"), 64, 0, Number.MAX_SAFE_INTEGER);
    expect(found.offsets).toEqual(offsets);
  }
  const queues = [expected.consumeQueues, expected.batchConsumeQueues]
    .flatMap((topics) => Object.values(topics)).flatMap((byId) => Object.keys(byId));
  expect(store.queueTopics().length).toBe(queues.length);
});

for (const variant of ["crash-asis", "crash-tornzero", "crash-tornflip"]) {
  test(`${variant} recovers to what Apache reported`, async () => {
    const expected = fixtureJson<Record<string, ExpectedRecovery>>(
      "expected/store-crash.after-recovery.json",
    )[
      variant
    ]!;
    const cutAt = expected.maxPhysicalOffsetAfterRecovery;
    const disk = diskWith(`store-crash/${variant}.tar.gz`);
    for (let opening = 0; opening < 2; opening++) {
      await using store = await openTestStore(disk, { commitLogFileBytes: 65_536 });
      expect(store.maxPhysicalOffset).toBe(cutAt);
      expect(store.minPhysicalOffset).toBe(expected.minPhysicalOffset);
      for (const [topic, queues] of Object.entries(expected.queues)) {
        for (const [queueId, bounds] of Object.entries(queues)) {
          expect(store.queueBounds(topic, Number(queueId))).toEqual(bounds);
        }
      }
      for (const [queue, entries] of Object.entries(expected.queryConsumeQueue)) {
        const [topic, queueId] = queue.split("/") as [string, string];
        expect(entriesOf(store, topic, Number(queueId))).toEqual(entries);
      }
      for (const [name, offsets] of Object.entries(expected.queryMessageByKey)) {
        const [topic, key] = name.split("#") as [string, string];
        const found = await store.queryIndex(topic, key, 64, 0, Number.MAX_SAFE_INTEGER);
        if (typeof offsets !== "string") expect(found.offsets).toEqual(offsets);
      }
    }
  });
}

test("a record whose second half was zeroed is kept, as by Apache, and reported: only its body has a CRC", async () => {
  const disk = diskWith("store-crash/crash-tornzero.tar.gz");
  const entries: LogEntry[] = [];
  const log = createLogger((entry) => entries.push(entry));
  await using store = await openTestStore(disk, { commitLogFileBytes: 65_536, log });
  const { recovery } = store.stats();
  expect(recovery).toMatchObject({ suspectRecords: 1, damage: null, cut: null });
  expect(recovery.firstSuspicion).toBe("properties: a zero byte, in the record at 58200");
  expect(entries.filter(({ level }) => level === "warn").map(({ text }) => text))
    .toEqual(["recovered the store after a crash"]);
});

test("a record whose body was flipped ends the log, as in Apache, and its bytes are kept aside", async () => {
  const disk = diskWith("store-crash/crash-tornflip.tar.gz");
  const before = disk.contents(`${STORE_PATH}/commitlog/00000000000000000000`);
  await using store = await openTestStore(disk, { commitLogFileBytes: 65_536 });
  const { cut, end } = store.stats().recovery;
  const [keptAs] = cut!.keptAs;
  expect(keptAs).toBe(`${STORE_PATH}/kept-aside/commitlog-${String(end).padStart(20, "0")}`);
  expect(disk.contents(keptAs!)).toEqual(before.subarray(end, end + cut!.bytes));
  expect(before.subarray(end + cut!.bytes).every((byte) => byte === 0)).toBe(true);
});

// The store's promises across crashes: what was acknowledged is there, unchanged, and queues and index are level with
// the log. Killed at every byte of a small log; power cut at random moments; lost queues and indexes made again.
import { expect, test } from "bun:test";
import type { MemoryDisk } from "../core/disk/memory_disk.ts";
import { createLogger } from "../core/log.ts";
import { type Random, randomBelow, seededRandom } from "../core/random.ts";
import { VirtualClock } from "../core/time/virtual_clock.ts";
import type { FileMessageStore } from "./message_store_impl.ts";
import {
  LOG_FILE_BYTES,
  newMemoryDisk,
  openTestStore,
  STORE_PATH,
  testMessage,
} from "./testing_store.ts";
import {
  type Acknowledged,
  expectAll,
  expectLevel,
  killedAt,
  LOG_PATH,
  propertiesStartOf,
  putOne,
  smallStore,
} from "./testing_crash.ts";

const survivors: [string, (path: string) => boolean][] = [
  ["with nothing but the log", () => false],
  ["with the queues and the index of later records", (path) => !path.endsWith("checkpoint")],
  ["with a checkpoint that says more than there is", () => true],
];

for (const [name, keep] of survivors) {
  test(`killed at every byte of the log, ${name}: a prefix with every written record is recovered, and what is behind is kept aside`, async () => {
    const { disk, acknowledged } = await smallStore();
    const last = acknowledged.at(-1)!.result;
    const end = last.physicalOffset + last.size;
    // Every byte of the last three records; the ones before are alike.
    const from = acknowledged.at(-3)!.result.physicalOffset;
    for (let cut = from; cut <= end; cut++) {
      const killed = killedAt(disk, cut, keep);
      await using store = await openTestStore(killed);
      const whole = acknowledged.filter(({ result }) => result.physicalOffset + result.size <= cut);
      // Only zeros among its properties tell that a record was torn there: it may be whole, so it is kept.
      const kept = acknowledged.filter((each) => propertiesStartOf(each) <= cut);
      const wholeEnd = kept.at(-1)!.result;
      expect(store.maxPhysicalOffset).toBe(wholeEnd.physicalOffset + wholeEnd.size);
      await expectLevel(store);
      if (cut % 16 !== 0) continue;
      await expectAll(store, whole);
      const next = (await putOne(store, 100, 30))!;
      expect(next.result.physicalOffset).toBe(wholeEnd.physicalOffset + wholeEnd.size);
      expect(next.result.queueOffset).toBe(kept.filter(({ queueId }) => queueId === 0).length);
    }
  });
}

/** Puts at random, in bursts, until the crash; gives what was acknowledged by then. */
async function live(
  store: FileMessageStore,
  disk: MemoryDisk,
  random: Random,
  nextIndex: () => number,
  acknowledged: Acknowledged[],
): Promise<void> {
  const rounds = 1 + randomBelow(random, 6);
  for (let round = 0; round < rounds; round++) {
    const burst: Promise<unknown>[] = [];
    if (randomBelow(random, 3) === 0) disk.holdSyncs();
    for (let count = 1 + randomBelow(random, 8); count > 0; count--) {
      const putting = putOne(store, nextIndex(), 20 + randomBelow(random, 6000));
      burst.push(putting.then((put) => put === null ? undefined : acknowledged.push(put)));
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
    if (round === rounds - 1) return;
    disk.releaseSyncs();
    await Promise.all(burst);
  }
}

const settings = [
  {
    name: "SYNC_FLUSH loses nothing acknowledged when power is cut",
    syncFlush: true,
    kind: "power",
  },
  {
    name: "ASYNC_FLUSH loses nothing acknowledged when the process is killed",
    syncFlush: false,
    kind: "process",
  },
] as const;

for (const { name, syncFlush, kind } of settings) {
  test(name, async () => {
    for (let seed = 0; seed < 25; seed++) {
      const random = seededRandom(seed);
      const disk = newMemoryDisk(seed + 1000);
      const acknowledged: Acknowledged[] = [];
      let index = 0;
      for (let life = 0; life < 4; life++) {
        const store = await openTestStore(disk, { syncFlush });
        await expectLevel(store);
        await expectAll(store, acknowledged);
        await live(store, disk, random, () => index++, acknowledged);
        disk.crash(kind);
      }
    }
  });
}

test("whatever a power cut leaves under ASYNC_FLUSH, the store opens level and goes on", async () => {
  for (let seed = 0; seed < 40; seed++) {
    const random = seededRandom(seed);
    const disk = newMemoryDisk(seed + 2000);
    let index = 0;
    for (let life = 0; life < 4; life++) {
      const store = await openTestStore(disk);
      await expectLevel(store);
      const before = store.maxPhysicalOffset;
      const acknowledged: Acknowledged[] = [];
      await live(store, disk, random, () => index++, acknowledged);
      await expectAll(store, acknowledged);
      for (const { result } of acknowledged) {
        expect(result.physicalOffset).toBeGreaterThanOrEqual(before);
      }
      disk.crash("power");
    }
  }
});

test("a crash replays from the checkpoint on, not from the log's beginning", async () => {
  const disk = newMemoryDisk();
  const first = await openTestStore(disk);
  for (let index = 0; index < 50; index++) await putOne(first, index, 4000);
  await first[Symbol.asyncDispose]();
  const second = await openTestStore(disk);
  const late = (await putOne(second, 50, 100))!;
  disk.crash("process");
  const lines: Record<string, unknown>[] = [];
  const log = createLogger(({ fields }) => lines.push(fields ?? {}));
  await using third = await openTestStore(disk, { log });
  const line = lines.find((fields) => "records" in fields)!;
  expect(line).toMatchObject({ records: 1, from: late.result.physicalOffset, rebuilt: "nothing" });
  expect(third.maxPhysicalOffset).toBe(late.result.physicalOffset + late.result.size);
});

test("after a kill under ASYNC_FLUSH nobody waits for the log's sync, and nothing is said to be durable before it", async () => {
  const disk = newMemoryDisk();
  const first = await openTestStore(disk);
  for (let index = 0; index < 10; index++) await putOne(first, index, 400);
  await first[Symbol.asyncDispose]();
  const synced = first.maxPhysicalOffset;
  const second = await openTestStore(disk);
  const late = (await putOne(second, 10, 400))!;
  disk.crash("process");
  disk.holdSyncs();
  await using third = await openTestStore(disk);
  expect(third.maxPhysicalOffset).toBe(late.result.physicalOffset + late.result.size);
  expect(third.flushedOffset).toBe(synced);
  disk.releaseSyncs();
  expect(await third.flush()).toBe(true);
  expect(third.flushedOffset).toBe(third.maxPhysicalOffset);
  disk.crash("power");
  await using fourth = await openTestStore(disk);
  await expectAll(fourth, [late]);
});

for (const lost of ["consumequeue", "index"]) {
  test(`a lost ${lost} folder is made again from the log, after a clean stop too`, async () => {
    const { disk, acknowledged } = await smallStore();
    const kept = killedAt(disk, 1 << 20, (path) => !path.includes(`/${lost}/`));
    kept.unlinkSync(`${STORE_PATH}/abort`);
    await using store = await openTestStore(kept);
    await expectLevel(store);
    await expectAll(store, acknowledged);
  });
}

test("bytes behind a cut tail don't come back when the log grows over them", async () => {
  const { disk, acknowledged } = await smallStore();
  // The record before the last is damaged: the last one, whole, must not follow its successor.
  const damaged = acknowledged.at(-2)!.result;
  const killed = killedAt(disk, 1 << 20, () => true);
  killed.unlinkSync(`${STORE_PATH}/checkpoint`);
  killed.flipBit(LOG_PATH, damaged.physicalOffset + 90, 0);
  const store = await openTestStore(killed);
  expect(store.maxPhysicalOffset).toBe(damaged.physicalOffset);
  const bodyBytes = 10 + acknowledged.at(-2)!.index;
  const again = (await putOne(store, acknowledged.at(-2)!.index, bodyBytes))!;
  expect(again.result.size).toBe(damaged.size);
  killed.crash("process");
  await using reopened = await openTestStore(killed);
  expect(reopened.maxPhysicalOffset).toBe(damaged.physicalOffset + damaged.size);
  await expectLevel(reopened);
});

test("a deleted topic's queues don't come back after a crash", async () => {
  const disk = newMemoryDisk();
  const store = await openTestStore(disk);
  await store.put([testMessage(0, { topic: "Kept" })]);
  await store.put([testMessage(1, { topic: "Gone" })]);
  await store.deleteTopic("Gone");
  disk.crash("process");
  await using reopened = await openTestStore(disk);
  expect(reopened.queueTopics().map(({ topic }) => topic)).toEqual(["Kept"]);
});

for (const lost of ["consumequeue", "index"]) {
  test(`a damaged record hides itself and no other when a lost ${lost} folder is made again`, async () => {
    const { disk, acknowledged } = await smallStore();
    const kept = killedAt(disk, 1 << 20, (path) => !path.includes(`/${lost}/`));
    kept.unlinkSync(`${STORE_PATH}/abort`);
    const damaged = acknowledged[4]!;
    kept.flipBit(LOG_PATH, damaged.result.physicalOffset + 90, 0);
    const lines: Record<string, unknown>[] = [];
    const log = createLogger(({ fields }) => lines.push(fields ?? {}));
    await using store = await openTestStore(kept, { log });
    const last = acknowledged.at(-1)!.result;
    expect(store.maxPhysicalOffset).toBe(last.physicalOffset + last.size);
    await expectAll(store, acknowledged.filter((each) => each !== damaged));
    expect(lines.find((fields) => "unreadable" in fields)).toMatchObject({ unreadable: 1 });
  });
}

test("a record whose size is damaged too hides no more than the rest of its file", async () => {
  const disk = newMemoryDisk();
  const store = await openTestStore(disk);
  const acknowledged: Acknowledged[] = [];
  for (let index = 0; index < 30; index++) acknowledged.push((await putOne(store, index, 4000))!);
  await store[Symbol.asyncDispose]();
  const kept = killedAt(disk, 1 << 20, (path) => !path.includes("/consumequeue/"));
  const damaged = acknowledged[3]!.result.physicalOffset;
  kept.flipBit(LOG_PATH, damaged + 1, 7);
  await using reopened = await openTestStore(kept);
  const last = acknowledged.at(-1)!.result;
  expect(reopened.maxPhysicalOffset).toBe(last.physicalOffset + last.size);
  await expectAll(
    reopened,
    acknowledged.filter(({ result: { physicalOffset } }) =>
      physicalOffset < damaged || physicalOffset >= LOG_FILE_BYTES
    ),
  );
});

test("a zero byte that a producer put into a property doesn't make the last record a torn one", async () => {
  const disk = newMemoryDisk();
  const store = await openTestStore(disk);
  const properties = new TextEncoder().encode("UNIQ_KEY\x01U1\x02note\x01a\0b\x02");
  const [result] = await store.put([testMessage(0, { properties })]);
  disk.crash("process");
  await using reopened = await openTestStore(disk);
  expect(reopened.maxPhysicalOffset).toBe(result!.size);
  expect(reopened.queueBounds("TestTopic", 0)).toEqual({ minOffset: 0, maxOffset: 1 });
});

test("a topic made again while its deletion is under way keeps its new messages after a kill", async () => {
  const disk = newMemoryDisk();
  const store = await openTestStore(disk);
  for (let index = 0; index < 10; index += 2) await putOne(store, index, 50);
  disk.holdSyncs();
  const deleting = store.deleteTopic("TestTopic");
  const again = [(await putOne(store, 20, 60))!, (await putOne(store, 22, 61))!];
  expect(again.map(({ result }) => result.queueOffset)).toEqual([0, 1]);
  disk.crash("process");
  void deleting.catch(() => {});
  await using reopened = await openTestStore(disk);
  await expectAll(reopened, again);
  expect(reopened.queueBounds("TestTopic", 0)).toEqual({ minOffset: 0, maxOffset: 2 });
});

test("a kill while an index file is begun doesn't make the whole index again", async () => {
  const disk = newMemoryDisk();
  const first = await openTestStore(disk);
  // Three keys a message: the first file of 1999 items is all but full.
  for (let index = 0; index < 665; index++) await first.put([testMessage(index)]);
  await first[Symbol.asyncDispose]();
  const second = await openTestStore(disk);
  const late = [(await putOne(second, 665, 100))!, (await putOne(second, 666, 100))!];
  expect(disk.listSync(`${STORE_PATH}/index`)).toHaveLength(2);
  disk.crash("process");
  const lines: Record<string, unknown>[] = [];
  const log = createLogger(({ fields }) => lines.push(fields ?? {}));
  await using third = await openTestStore(disk, { log });
  expect(lines.find((fields) => "records" in fields)).toMatchObject({
    records: 2,
    rebuilt: "nothing",
  });
  await expectAll(third, late);
});

test("keys of one millisecond are found after a kill though an index file ended within it", async () => {
  const disk = newMemoryDisk();
  const store = await openTestStore(disk, { clock: new VirtualClock() });
  for (let index = 0; index < 700; index++) await store.put([testMessage(index)]);
  // Deleting a topic writes a checkpoint.
  await store.deleteTopic("Absent");
  disk.crash("process");
  await using reopened = await openTestStore(disk);
  for (const index of [0, 660, 670, 699]) {
    const { offsets } = await reopened.queryIndex("TestTopic", `key${index}`, 8, 0, 1e15);
    expect(offsets).toHaveLength(1);
  }
});

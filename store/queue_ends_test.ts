// Starts that take the queues as the checkpoint has them: nothing acknowledged is missing afterwards, nothing stale
// comes back, and ends that don't hold any more are found out.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { DiskError } from "../core/disk/disk.ts";
import type { MemoryDisk } from "../core/disk/memory_disk.ts";
import { createLogger, type LogEntry } from "../core/log.ts";
import {
  decodeQueueEnds,
  encodeQueueEnds,
  type QueueEnd,
  QueueEndsFiles,
} from "./consume_queue/queue_ends.ts";
import type { FileMessageStore } from "./message_store_impl.ts";
import { type Acknowledged, expectAll, expectLevel, killedAt, putOne } from "./testing_crash.ts";
import { newMemoryDisk, openTestStore, STORE_PATH } from "./testing_store.ts";

const QUEUE = (queueId: number) => `${STORE_PATH}/consumequeue/TestTopic/${queueId}`;
const BY_ENDS = "took the consume queues as the checkpoint has them";
const FIRST_FILE = "00000000000000000000";

interface Life {
  store: FileMessageStore;
  said: LogEntry[];
}

async function open(disk: MemoryDisk): Promise<Life> {
  const said: LogEntry[] = [];
  const log = createLogger((entry) => said.push(entry));
  return { store: await openTestStore(disk, { queueEndsMin: 1, log }), said };
}

async function put(store: FileMessageStore, from: number, to: number): Promise<Acknowledged[]> {
  const put: Acknowledged[] = [];
  for (let index = from; index < to; index++) put.push((await putOne(store, index, 20))!);
  // A queue without a file isn't told of.
  await store.queues.sync();
  return put;
}

/** A disk on which 40 messages were stored before a clean stop. */
async function stopped(): Promise<{ disk: MemoryDisk; acknowledged: Acknowledged[] }> {
  const disk = newMemoryDisk();
  const { store } = await open(disk);
  const acknowledged = await put(store, 0, 40);
  await store[Symbol.asyncDispose]();
  return { disk, acknowledged };
}

async function settled({ store }: Life): Promise<void> {
  while (store.queues.trust.untriedCount > 0) await Bun.sleep(5);
}

/** The numbers that a reader of a queue is shown. */
async function readQueue(store: FileMessageStore, queueId: number): Promise<number[]> {
  const cursor = store.openCursor("TestTopic", queueId, 0)!;
  const numbers: number[] = [];
  while (await store.entries.next("TestTopic", queueId, cursor)) numbers.push(cursor.queueOffset);
  return numbers;
}

const wasSaid = ({ said }: Life, part: string) => said.some(({ text }) => text.includes(part));

describe("queue ends", () => {
  const queueEnd = fc.record({
    queueId: fc.nat(),
    firstByte: fc.nat(),
    filesEnd: fc.nat(),
    endByte: fc.nat(),
    minOffset: fc.nat(),
    minPhysical: fc.integer({ min: -1 }),
    coveredPhysicalOffset: fc.maxSafeNat(),
  });
  const of = { replayFrom: 2 ** 40, queueOffsets: 77, minPhysicalOffset: 0, fileBytes: 6000 };
  const topics = fc.uniqueArray(
    fc.tuple(fc.string({ minLength: 1 }), fc.array(queueEnd)),
    { selector: ([topic]) => topic, maxLength: 5 },
  );
  const byId = (ends: readonly QueueEnd[]) => new Map(ends.map((end) => [end.queueId, end]));

  test("are read as they were written", () => {
    fc.assert(fc.property(topics, (given) => {
      const read = decodeQueueEnds(encodeQueueEnds(of, given))!;
      expect(read).toMatchObject(of);
      expect([...read.topics]).toEqual(given.map(([topic, ends]) => [topic, byId(ends)]));
    }));
  });

  test("are not read with any byte changed, cut or added", () => {
    fc.assert(fc.property(topics, fc.nat(), fc.integer({ min: 1, max: 255 }), (given, at, bits) => {
      const bytes = encodeQueueEnds(of, given);
      const changed = Buffer.from(bytes);
      changed[at % bytes.length]! ^= bits;
      expect(decodeQueueEnds(changed)).toBeNull();
      expect(decodeQueueEnds(bytes.subarray(0, at % bytes.length))).toBeNull();
      expect(decodeQueueEnds(Buffer.concat([bytes, Buffer.of(0)]))).toBeNull();
    }));
  });

  test("of the checkpoint on disk stay while the next ones are written", async () => {
    const disk = newMemoryDisk();
    disk.makeDirectorySync(STORE_PATH);
    const files = new QueueEndsFiles(disk, STORE_PATH);
    for (const replayFrom of [1, 2, 3]) {
      await files.write(encodeQueueEnds({ ...of, replayFrom }, []));
    }
    for (const replayFrom of [2, 3]) {
      expect(files.read({ ...of, replayFrom })?.replayFrom).toBe(replayFrom);
    }
    expect(files.read({ ...of, replayFrom: 1 })).toBeNull();
    files.discard();
    expect(files.read({ ...of, replayFrom: 3 })).toBeNull();
  });
});

describe("a start by the queues' ends", () => {
  test("finds every message after a clean stop, and looks at the files later", async () => {
    const { disk, acknowledged } = await stopped();
    const life = await open(disk);
    expect(wasSaid(life, BY_ENDS)).toBe(true);
    await expectAll(life.store, acknowledged);
    await settled(life);
    await expectLevel(life.store);
    await life.store[Symbol.asyncDispose]();
  });

  test("enters what came after the checkpoint, over several files of a queue", async () => {
    const { disk, acknowledged } = await stopped();
    const before = await open(disk);
    acknowledged.push(...await put(before.store, 40, 800));
    const killed = killedAt(disk, 64 * 1024, () => true);
    await before.store[Symbol.asyncDispose]();
    const life = await open(killed);
    expect(wasSaid(life, BY_ENDS)).toBe(true);
    await expectAll(life.store, acknowledged);
    await settled(life);
    await expectLevel(life.store);
    await life.store[Symbol.asyncDispose]();
    expect(disk.listSync(QUEUE(0)).length).toBe(2);
  });

  test("leaves no entries behind of records that a power cut took", async () => {
    const { disk, acknowledged } = await stopped();
    const before = await open(disk);
    const lost = await put(before.store, 40, 60);
    const killed = killedAt(disk, lost[0]!.result.physicalOffset, () => true);
    await before.store[Symbol.asyncDispose]();
    const life = await open(killed);
    expect(wasSaid(life, BY_ENDS)).toBe(true);
    await settled(life);
    for (const queueId of [0, 1]) {
      const bytes = killed.contents(`${QUEUE(queueId)}/${FIRST_FILE}`);
      expect(bytes.subarray(20 * 20).every((byte) => byte === 0)).toBe(true);
    }
    await expectAll(life.store, acknowledged);
    await life.store[Symbol.asyncDispose]();
    const next = await openTestStore(killed);
    await expectAll(next, acknowledged);
    await expectLevel(next);
    await next[Symbol.asyncDispose]();
  });

  test("isn't clean for the next one while a crash's queues weren't all looked at", async () => {
    const { disk } = await stopped();
    const killed = killedAt(disk, 64 * 1024, () => true);
    const life = await open(killed);
    expect(wasSaid(life, BY_ENDS)).toBe(true);
    await life.store[Symbol.asyncDispose]();
    expect(killed.statSync(`${STORE_PATH}/abort`)).not.toBeNull();
  });

  test("looks at all queues when one's folder is gone, and makes it again", async () => {
    const { disk, acknowledged } = await stopped();
    disk.unlinkSync(`${QUEUE(1)}/${FIRST_FILE}`);
    disk.removeDirectorySync(QUEUE(1));
    const life = await open(disk);
    expect(wasSaid(life, "are gone: all are looked at")).toBe(true);
    await expectAll(life.store, acknowledged);
    await life.store[Symbol.asyncDispose]();
  });

  test.each([
    ["is gone", false, (disk: MemoryDisk, path: string) => disk.unlinkSync(path)],
    [
      "is empty of entries",
      true,
      (disk: MemoryDisk, path: string) => disk.place(path, new Uint8Array(6000)),
    ],
    [
      "has another length",
      true,
      (disk: MemoryDisk, path: string) => disk.place(path, new Uint8Array(400)),
    ],
  ])(
    "says when a queue's file %s, and the next one makes it again",
    async (_name, isMended, damage) => {
      const { disk, acknowledged } = await stopped();
      damage(disk, `${QUEUE(1)}/${FIRST_FILE}`);
      const life = await open(disk);
      await settled(life);
      expect(wasSaid(life, "the next start makes it again")).toBe(true);
      // Readers get everything or an error meanwhile, and never less without a word.
      const read = readQueue(life.store, 1);
      if (isMended) expect(await read).toEqual(Array.from({ length: 20 }, (_, n) => n));
      else await expect(read).rejects.toThrow(DiskError);
      await life.store[Symbol.asyncDispose]();
      const next = await open(disk);
      expect(wasSaid(next, BY_ENDS)).toBe(false);
      await expectAll(next.store, acknowledged);
      await next.store[Symbol.asyncDispose]();
      const last = await open(disk);
      await expectAll(last.store, acknowledged);
      await last.store[Symbol.asyncDispose]();
    },
  );

  test("is another one's when the ends on disk are torn", async () => {
    const { disk, acknowledged } = await stopped();
    for (const name of ["queueends.0", "queueends.1"]) {
      const path = `${STORE_PATH}/${name}`;
      if (disk.statSync(path) !== null) disk.place(path, disk.contents(path).subarray(0, 100));
    }
    const life = await open(disk);
    expect(wasSaid(life, BY_ENDS)).toBe(false);
    await expectAll(life.store, acknowledged);
    await life.store[Symbol.asyncDispose]();
  });

  test("doesn't bring back a topic that was deleted", async () => {
    const { disk } = await stopped();
    const before = await open(disk);
    await before.store.deleteTopic("TestTopic");
    await before.store[Symbol.asyncDispose]();
    const life = await open(disk);
    expect(life.store.queueTopics()).toEqual([]);
    await life.store[Symbol.asyncDispose]();
  });

  test("isn't asked for by a broker with few queues", async () => {
    const disk = newMemoryDisk();
    const store = await openTestStore(disk);
    await put(store, 0, 10);
    await store[Symbol.asyncDispose]();
    expect(disk.listSync(STORE_PATH).filter((name) => name.startsWith("queueends"))).toEqual([]);
  });
});

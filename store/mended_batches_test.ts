// Damaged entries of queues of batches: units are found by what they say of themselves, so that a damaged one can lead readers
// past sound ones. From every offset all batches are read all the same, and the entries are as they were.
import { beforeAll, describe, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { dirname } from "node:path";
import type { MemoryDisk } from "../core/disk/memory_disk.ts";
import { createLogger } from "../core/log.ts";
import { INNER_BATCH, NEED_UNWRAP } from "../core/message/sys_flag.ts";
import {
  BASE_OFFSET_AT,
  BATCH_COUNT_AT,
  BATCH_UNIT_BYTES,
  SIZE_AT,
  STORE_TIME_AT,
} from "./consume_queue/unit.ts";
import { killedAt } from "./testing_crash.ts";
import {
  newMemoryDisk,
  openTestStore,
  STORE_PATH,
  testMessage,
  viewBytes,
} from "./testing_store.ts";

const TOPIC = "BatchTopic";
const BATCHES = 60;
const PATH = `${STORE_PATH}/batchconsumequeue/${TOPIC}/0/${"0".repeat(20)}`;
const queueKindOf = (topic: string) => topic === TOPIC ? "batch" as const : "simple" as const;
const countOf = (batch: number) => batch % 4 + 1;
const baseOf = (batch: number) => 10 * Math.floor(batch / 4) + [0, 1, 3, 6][batch % 4]!;
const END = baseOf(BATCHES);

let sound: Buffer;
let template: MemoryDisk;

beforeAll(async () => {
  template = newMemoryDisk();
  {
    await using store = await openTestStore(template, { queueKindOf });
    for (let batch = 0; batch < BATCHES; batch++) {
      await store.put([innerBatch(batch), testMessage(batch)]);
    }
  }
  sound = Buffer.from(template.contents(PATH));
});

const at = (batch: number) => batch * BATCH_UNIT_BYTES;

const DAMAGES: [string, (file: Buffer) => void][] = [
  ["zeroed", (file) => void file.fill(0, at(29), at(30))],
  ["overwritten with ones", (file) => void file.fill(0xff, at(29), at(30))],
  ["naming the record before", (file) => void file.copy(file, at(29), at(28), at(28) + 12)],
  ["of another size", (file) => void (file[at(29) + SIZE_AT + 3]! ^= 4)],
  ["far behind the log", (file) => void (file[at(29) + 2]! ^= 1)],
  ["counting too far", (file) => void (file[at(29) + BASE_OFFSET_AT + 2]! ^= 1)],
  ["counting from the beginning", (file) => void file.fill(0, at(29) + 28, at(29) + 36)],
  ["of no messages", (file) => void file.fill(0, at(29) + BATCH_COUNT_AT, at(29) + 38)],
  ["of more messages", (file) => void (file[at(29) + BATCH_COUNT_AT + 1]! ^= 8)],
  ["replaced by a later one", (file) => void file.copy(file, at(14), at(44), at(45))],
  ["with its neighbours", (file) => void file.fill(0x5a, at(20) + 3, at(38))],
  ["at the queue's beginning", (file) => void file.fill(0, 0, at(2))],
  ["in several places", (file) => {
    for (const batch of [7, 14, 29, 30, 44]) file.fill(0, at(batch), at(batch + 1));
  }],
  ["another time, found with another damage", (file) => {
    file.fill(0, at(29) + STORE_TIME_AT, at(29) + BASE_OFFSET_AT);
    file[at(29) + 7]! ^= 0x40;
  }],
];

function innerBatch(batch: number) {
  const count = countOf(batch);
  const properties = Buffer.from(`UNIQ_KEY\x01U${batch}\x02INNER_NUM\x01${count}\x02`);
  const sysFlag = INNER_BATCH | NEED_UNWRAP;
  const fields = { topic: TOPIC, queueId: 0, sysFlag, batchCount: count, properties };
  return testMessage(batch, { ...fields, tagsCode: 0 });
}

/** A disk with the store as its clean stop left it, but for the queue's file. */
function damagedDisk(damage: (file: Buffer) => void): MemoryDisk {
  const disk = killedAt(template, 1 << 20, () => true);
  disk.unlinkSync(`${STORE_PATH}/abort`);
  const file = Buffer.from(sound);
  damage(file);
  disk.place(PATH, file);
  return disk;
}

describe("an entry of batches", () => {
  for (const [how, damage] of DAMAGES) {
    test(`${how} is mended, whatever offset it is read from`, async () => {
      for (let from = 0; from < END; from += 7) {
        const said: string[] = [];
        const log = createLogger(({ level, text }) => level !== "info" && said.push(text));
        const disk = damagedDisk(damage);
        {
          await using store = await openTestStore(disk, { queueKindOf, log });
          const cursor = store.openCursor(TOPIC, 0, from)!;
          const read: string[] = [];
          while (await store.entries.next(TOPIC, 0, cursor)) {
            const text = viewBytes(await store.entries.read(TOPIC, 0, cursor)).toString("latin1");
            read.push(/message \d+/.exec(text)![0]);
          }
          const first = Array.from({ length: BATCHES }).findIndex((_, batch) =>
            baseOf(batch + 1) > from
          );
          expect([from, ...read]).toEqual([
            from,
            ...Array.from({ length: BATCHES - first }, (_, n) => `message ${first + n}`),
          ]);
        }
        expect(said.filter((text) => !text.startsWith("damaged entries"))).toEqual([]);
        if (from === 0) expect(Buffer.from(disk.contents(PATH)).equals(sound)).toBe(true);
      }
    });
  }

  test("is left alone where all are sound", async () => {
    const said: string[] = [];
    const log = createLogger(({ level, text }) => level !== "info" && said.push(text));
    await using store = await openTestStore(damagedDisk(() => {}), { queueKindOf, log });
    const cursor = store.openCursor(TOPIC, 0, 3)!;
    let batches = 0;
    while (cursor.next()) batches++;
    expect([batches, cursor.queueOffset, store.entries.mends(TOPIC, 0)])
      .toEqual([BATCHES - 2, baseOf(BATCHES - 1), null]);
    expect(said).toEqual([]);
  });
});

test("a queue of batches of which thousands of entries are lost in a row is mended as it is read", async () => {
  const batches = 9_000;
  const disk = newMemoryDisk();
  {
    await using store = await openTestStore(disk, { queueKindOf });
    for (let batch = 0; batch < batches; batch += 100) {
      await store.put(Array.from({ length: 100 }, (_, each) => innerBatch(batch + each)));
    }
  }
  const folder = dirname(PATH);
  const names = disk.listSync(folder);
  const before = names.map((name) => disk.contents(`${folder}/${name}`));
  // A start looks at the last files.
  for (const name of names.slice(1, -6)) {
    disk.place(`${folder}/${name}`, new Uint8Array(before[0]!.length));
  }
  for (const from of [0, 700, 12_000]) {
    const damaged = killedAt(disk, Infinity, () => true);
    damaged.unlinkSync(`${STORE_PATH}/abort`);
    const said: string[] = [];
    const log = createLogger(({ level, text }) => level !== "info" && said.push(text));
    {
      await using store = await openTestStore(damaged, { queueKindOf, log });
      const cursor = store.openCursor(TOPIC, 0, from)!;
      for (let batch = 0; batch < batches; batch++) {
        if (baseOf(batch + 1) <= from) continue;
        expect(await store.entries.next(TOPIC, 0, cursor)).toBe(true);
        expect(cursor.queueOffset).toBe(baseOf(batch));
      }
    }
    expect(new Set(said)).toEqual(new Set(["damaged entries of a queue are mended from the log"]));
    if (from > 0) continue;
    expect(names.map((name) => damaged.contents(`${folder}/${name}`))).toEqual(before);
  }
});

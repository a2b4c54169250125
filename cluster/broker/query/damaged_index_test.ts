// Stores whose index was damaged while no broker ran: no look-up gives a message without the key, what can't be true is said
// once, and the next start makes the file again.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createLogger, type LogEntry } from "../../../core/log.ts";
import { decodeRecords } from "../../../core/message/record.ts";
import { QUERY_MESSAGE } from "../../../core/remoting/codes/query.ts";
import {
  ITEM_OFFSET_AT,
  ITEM_PREVIOUS_AT,
  itemPosition,
  slotPosition,
} from "../../../store/index/layout.ts";
import { absHash, javaHash } from "../../../core/bytes/java_hash.ts";
import { call, openTestBroker, send, temporaryFolder, TestPeer } from "../testing.ts";

const SHAPE = { slotCount: 500, itemCount: 500 };
const SETTINGS = { maxHashSlotNum: SHAPE.slotCount, maxIndexNum: SHAPE.itemCount };
/** They fill one file of the index and begin another. Each has one key, so that an item is a message. */
const MESSAGES = 900;
/** The item that is damaged. */
const ITEM = 323;
/** The message that it is of. */
let n = 0;
let slot = 0;

const shared = new AsyncDisposableStack();
let template = "";

beforeAll(async () => {
  template = temporaryFolder(shared);
  {
    await using broker = await openTestBroker({ storePath: template, settings: SETTINGS });
    using peer = await TestPeer.connect(broker.port);
    const sends = Array.from(
      { length: MESSAGES },
      (_, each) => send(peer, "T", `m${each}`, `UNIQ_KEY\x01u${each}\x02`),
    );
    await Promise.all(sends);
  }
  const hash = readFileSync(indexPath(template)).readInt32BE(itemAt(ITEM));
  while (absHash(javaHash(`T#u${n}`)) !== hash) n++;
  slot = hash % SHAPE.slotCount;
});

afterAll(() => shared.disposeAsync());

interface World extends AsyncDisposable {
  peer: TestPeer;
  warnings: LogEntry[];
}

function indexPath(storePath: string): string {
  return `${storePath}/index/${readdirSync(`${storePath}/index`)[0]}`;
}

async function open(storePath: string): Promise<World> {
  const warnings: LogEntry[] = [];
  const log = createLogger((entry) => entry.level === "warn" && warnings.push(entry));
  const broker = await openTestBroker({ storePath, log, settings: SETTINGS });
  const peer = await TestPeer.connect(broker.port);
  return {
    peer,
    warnings,
    async [Symbol.asyncDispose]() {
      peer[Symbol.dispose]();
      await broker[Symbol.asyncDispose]();
    },
  };
}

async function lookUp({ peer }: World, key: string): Promise<string[]> {
  const times = { beginTimestamp: 0, endTimestamp: 2 ** 50 };
  const { body } = await call(peer, QUERY_MESSAGE, { topic: "T", key, maxNum: 8, ...times });
  return [...decodeRecords(body)].map((record) => Buffer.from(record.body).toString());
}

const itemAt = (item: number) => itemPosition(SHAPE, item);
const swapItems = (file: Buffer, to: number, from: number) =>
  file.copy(file, itemAt(to), itemAt(from), itemAt(from + 1));

const SEEN: [string, (file: Buffer) => void][] = [
  [
    "a slot naming an item of another slot",
    (file) => void file.writeInt32BE(ITEM + 1, slotPosition(slot)),
  ],
  [
    "a slot naming an item that isn't there",
    (file) => void file.writeInt32BE(1500, slotPosition(slot)),
  ],
  ["a negative slot", (file) => void file.writeInt32BE(-3, slotPosition(slot))],
  ["an item's hash", (file) => void (file[itemAt(ITEM) + 3]! ^= 1)],
  [
    "an item's offset, behind the log",
    (file) => void (file[itemAt(ITEM) + ITEM_OFFSET_AT + 3]! ^= 1),
  ],
  [
    "an item's offset, inside its record",
    (file) => void (file[itemAt(ITEM) + ITEM_OFFSET_AT + 7]! ^= 1),
  ],
  [
    "an item's offset, of the record before",
    (file) =>
      void file.copy(
        file,
        itemAt(ITEM) + ITEM_OFFSET_AT,
        itemAt(ITEM - 1) + ITEM_OFFSET_AT,
        itemAt(ITEM - 1) + ITEM_OFFSET_AT + 8,
      ),
  ],
  ["an item's way back", (file) => void file.writeInt32BE(ITEM, itemAt(ITEM) + ITEM_PREVIOUS_AT)],
  ["an item replaced by its neighbour", (file) => void swapItems(file, ITEM, ITEM + 1)],
  ["a zeroed item", (file) => void file.fill(0, itemAt(ITEM), itemAt(ITEM + 1))],
];

describe("a look-up of a key in an index with", () => {
  for (const [what, damage] of SEEN) {
    test(`${what} gives nothing else, says so once, and finds it after the next start`, async () => {
      await using stack = new AsyncDisposableStack();
      const storePath = temporaryFolder(stack);
      cpSync(template, storePath, { recursive: true });
      const path = indexPath(storePath);
      const file = readFileSync(path);
      damage(file);
      writeFileSync(path, file);
      {
        await using world = await open(storePath);
        for (let time = 0; time < 2; time++) {
          // A damaged way back leads to the message and then nowhere.
          expect(["", `m${n}`]).toContain((await lookUp(world, `u${n}`)).join());
          await send(world.peer, "T", "new", `UNIQ_KEY\x01new${time}\x02`);
        }
        const said = world.warnings.filter(({ text }) => text.includes("index file is damaged"));
        expect(said.map(({ fields }) => fields?.["path"])).toEqual([path]);
      }
      await using world = await open(storePath);
      for (const each of [n, 0, n - 1, n + 1, MESSAGES - 1]) {
        expect(await lookUp(world, `u${each}`)).toEqual([`m${each}`]);
      }
      expect(await lookUp(world, "new1")).toEqual(["new"]);
    });
  }

  test("a damaged item finds it after a kill too", async () => {
    await using stack = new AsyncDisposableStack();
    const [storePath, killed] = [temporaryFolder(stack), temporaryFolder(stack)];
    cpSync(template, storePath, { recursive: true });
    const path = indexPath(storePath);
    const file = readFileSync(path);
    file.fill(0, itemAt(ITEM), itemAt(ITEM + 1));
    writeFileSync(path, file);
    await using world = await open(storePath);
    expect(await lookUp(world, `u${n}`)).toEqual([]);
    cpSync(storePath, killed, { recursive: true });
    await using again = await open(killed);
    expect(await lookUp(again, `u${n}`)).toEqual([`m${n}`]);
  });

  test("a sound file gives every key its message and marks nothing", async () => {
    await using stack = new AsyncDisposableStack();
    const storePath = temporaryFolder(stack);
    cpSync(template, storePath, { recursive: true });
    {
      await using world = await open(storePath);
      for (let each = 0; each < MESSAGES; each += 7) {
        expect(await lookUp(world, `u${each}`)).toEqual([`m${each}`]);
      }
      expect(await lookUp(world, "nobody")).toEqual([]);
      expect(world.warnings).toEqual([]);
    }
    expect(readFileSync(indexPath(storePath)).equals(readFileSync(indexPath(template)))).toBe(true);
  });
});

test("messages of other keys with the same hash aren't given, and are no damage", async () => {
  await using stack = new AsyncDisposableStack();
  await using world = await open(temporaryFolder(stack));
  for (const key of ["Aa", "BB", "Aa"]) await send(world.peer, "T", key, `KEYS\x01x ${key}\x02`);
  expect(await lookUp(world, "Aa")).toEqual(["Aa", "Aa"]);
  expect(await lookUp(world, "BB")).toEqual(["BB"]);
  expect(await lookUp(world, "x")).toHaveLength(3);
  expect(world.warnings).toEqual([]);
});

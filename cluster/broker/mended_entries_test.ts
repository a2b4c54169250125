// Stores whose queue entries were damaged while no broker ran: consumers get every message all the same, and the entries are
// as they were.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { createLogger, type LogEntry } from "../../core/log.ts";
import { decodeRecords } from "../../core/message/record.ts";
import { QUEUE_OFFSET_AT } from "../../core/message/record_layout.ts";
import { KNOWN_TAGS_MAX } from "../../store/consume_queue/limits.ts";
import { POP_MESSAGE } from "../../core/remoting/codes/pop.ts";
import { PULL_MESSAGE } from "../../core/remoting/codes/pull.ts";
import { PULL_SUBSCRIBES, PULL_SUSPENDS } from "./pull/pull_request.ts";
import { pullFields } from "./pull/testing_pull.ts";
import {
  call,
  openTestBroker,
  send,
  temporaryFolder,
  type TestBroker,
  TestPeer,
} from "./testing.ts";

const ENTRY_BYTES = 20;
const MESSAGES = 40;
const BODIES = Array.from({ length: MESSAGES }, (_, n) => `message ${n}`);
const FIRST_FILE = "0".repeat(20);
const SETTINGS = { enablePropertyFilter: true };

interface World {
  broker: TestBroker;
  peer: TestPeer;
  entries: LogEntry[];
  /** The queue's file as the last run left it. */
  sound: Buffer;
  path: string;
}

const shared = new AsyncDisposableStack();
/** A store with two topics by turns, as a clean stop left it. */
let template = "";

beforeAll(async () => {
  template = temporaryFolder(shared);
  await using broker = await openTestBroker({ storePath: template, settings: SETTINGS });
  using peer = await TestPeer.connect(broker.port);
  for (const body of BODIES) {
    await send(peer, "Other", body);
    await send(peer, "T", body, "TAGS\x01A\x02a\x012\x02");
  }
});

afterAll(() => shared.disposeAsync());

/** A broker on a copy of that store of which the queue, or the log, was damaged. */
async function openDamaged(
  stack: AsyncDisposableStack,
  damage: (file: Buffer, other: Buffer, log: Buffer) => void,
): Promise<World> {
  const storePath = temporaryFolder(stack);
  cpSync(template, storePath, { recursive: true });
  const path = `${storePath}/consumequeue/T/0/${FIRST_FILE}`;
  const logPath = `${storePath}/commitlog/${FIRST_FILE}`;
  const sound = readFileSync(path);
  const damaged = Buffer.from(sound);
  const bytes = readFileSync(logPath);
  damage(damaged, readFileSync(path.replace("/T/", "/Other/")), bytes);
  writeFileSync(path, damaged);
  writeFileSync(logPath, bytes);
  const entries: LogEntry[] = [];
  const log = createLogger((entry) => entries.push(entry));
  const broker = await openTestBroker({ storePath, log, settings: SETTINGS });
  stack.defer(() => broker[Symbol.asyncDispose]());
  const peer = stack.use(await TestPeer.connect(broker.port));
  return { broker, peer, entries, sound, path };
}

/** The bodies that pulls from the beginning to the end of the queue bring. */
async function pullAll({ peer }: World, fields = {}): Promise<string[]> {
  const bodies: string[] = [];
  for (let queueOffset = 0; queueOffset < MESSAGES;) {
    const given = { topic: "T", consumerGroup: "G", maxMsgNums: 8, queueOffset, ...fields };
    const answer = await call(peer, PULL_MESSAGE, pullFields(given));
    for (const { body } of decodeRecords(answer.body)) bodies.push(Buffer.from(body).toString());
    queueOffset = Number(answer.extFields.get("nextBeginOffset"));
  }
  return bodies;
}

/** The bodies that pops bring, as many as there are messages. */
async function popAll({ peer }: World, exp: string): Promise<string[]> {
  const bodies: string[] = [];
  while (bodies.length < MESSAGES) {
    const answer = await call(peer, POP_MESSAGE, {
      consumerGroup: "G",
      topic: "T",
      queueId: 0,
      maxMsgNums: 8,
      invisibleTime: 60_000,
      pollTime: 30_000,
      bornTime: Date.now(),
      initMode: 0,
      expType: "TAG",
      exp,
    });
    for (const { body } of decodeRecords(answer.body)) bodies.push(Buffer.from(body).toString());
  }
  return bodies;
}

function said({ entries }: World, level: string): string[] {
  return entries.filter((entry) => entry.level === level).map(({ text }) => text);
}

const at = (entry: number) => entry * ENTRY_BYTES;
const copyEntry = (file: Buffer, from: number, to: number) =>
  file.copy(file, at(to), at(from), at(from + 1));

const DAMAGES: [string, (file: Buffer, other: Buffer) => void][] = [
  ["naming the record of its number in another topic's queue", (file, other) => {
    other.copy(file, at(5), at(5), at(6));
  }],
  ["zeroed", (file) => void file.fill(0, at(5), at(6))],
  ["overwritten with ones", (file) => void file.fill(0xff, at(5), at(6))],
  ["one bit too far back", (file) => void (file[at(20) + 6]! &= 0x0f)],
  ["one bit too far ahead", (file) => void (file[at(5) + 3]! ^= 1)],
  ["one bit inside its own record's neighbourhood", (file) => void (file[at(5) + 7]! ^= 1)],
  ["of another size", (file) => void (file[at(5) + 11]! ^= 4)],
  ["of a negative size", (file) => void (file[at(5) + 8]! ^= 0x80)],
  ["naming the record before", (file) => void copyEntry(file, 4, 5)],
  ["naming the record behind", (file) => void copyEntry(file, 6, 5)],
  ["naming a far record of its own queue", (file) => void copyEntry(file, 30, 5)],
  [
    "scribbled over together with its neighbours",
    (file) => void file.fill(0x5a, at(3) + 7, at(30)),
  ],
  ["at the queue's beginning", (file) => void file.fill(0, 0, at(2))],
  ["in several places", (file) => {
    for (const entry of [1, 9, 17, 38]) file.fill(0, at(entry), at(entry + 1));
  }],
];

describe("an entry", () => {
  for (const [how, damage] of DAMAGES) {
    test(`${how} is mended by the first pull, which brings its message`, async () => {
      await using stack = new AsyncDisposableStack();
      const world = await openDamaged(stack, damage);
      expect(await pullAll(world)).toEqual(BODIES);
      expect(said(world, "error")).toEqual([]);
      expect(said(world, "warn")).toContain("damaged entries of a queue are mended from the log");
      await world.broker[Symbol.asyncDispose]();
      expect(readFileSync(world.path).equals(world.sound)).toBe(true);
    });
  }

  test("is mended for a pull by tags and for one by SQL92 alike", async () => {
    const bySql = { subscription: "a = 2", expressionType: "SQL92" };
    const runs = [
      ...DAMAGES.map(([, damage]) => ({ damage, filter: { subscription: "A" } })),
      ...[DAMAGES[0]!, ...DAMAGES.slice(-2)].map(([, damage]) => ({ damage, filter: bySql })),
    ];
    for (const { damage, filter } of runs) {
      await using stack = new AsyncDisposableStack();
      const world = await openDamaged(stack, damage);
      expect(await pullAll(world, filter)).toEqual(BODIES);
    }
  });

  test("is mended for pops", async () => {
    for (const [, damage] of DAMAGES.slice(-4)) {
      await using stack = new AsyncDisposableStack();
      const world = await openDamaged(stack, damage);
      expect(await popAll(world, "*")).toEqual(BODIES);
    }
  });
});

describe("an entry of other tags than its record's", () => {
  const TAGS_CODE_AT = 12;
  const DAMAGED_TAGS: [string, (file: Buffer) => void][] = [
    ["of one flipped bit", (file) => void (file[at(5) + TAGS_CODE_AT + 7]! ^= 8)],
    ["far beyond 32 bits", (file) => void (file[at(5) + TAGS_CODE_AT]! ^= 0x40)],
    ["of none", (file) => void file.fill(0, at(5) + TAGS_CODE_AT, at(6))],
    ["as three others", (file) => {
      for (const entry of [0, 17, MESSAGES - 1]) file[at(entry) + TAGS_CODE_AT + 4]! ^= 1;
    }],
  ];

  for (const [how, damage] of DAMAGED_TAGS) {
    test(`${how}, is mended for a pull and a pop by tags`, async () => {
      await using stack = new AsyncDisposableStack();
      const world = await openDamaged(stack, damage);
      expect(await pullAll(world, { subscription: "A" })).toEqual(BODIES);
      expect(said(world, "warn")).toContain("damaged entries of a queue are mended from the log");
      expect(said(world, "error")).toEqual([]);
      await world.broker[Symbol.asyncDispose]();
      expect(readFileSync(world.path).equals(world.sound)).toBe(true);
      const other = await openDamaged(stack, damage);
      expect(await popAll(other, "A")).toEqual(BODIES);
    });
  }

  test("is looked for among sound ones, of which nothing is said and none is brought", async () => {
    await using stack = new AsyncDisposableStack();
    const world = await openDamaged(stack, () => {});
    expect(await pullAll(world, { subscription: "B || C" })).toEqual([]);
    expect(said(world, "warn")).toEqual([]);
    expect(said(world, "error")).toEqual([]);
  });

  test("is believed in a queue of more tags than are remembered, and the wanted ones are brought", async () => {
    await using stack = new AsyncDisposableStack();
    const storePath = temporaryFolder(stack);
    const count = KNOWN_TAGS_MAX + 20;
    {
      await using broker = await openTestBroker({ storePath });
      using peer = await TestPeer.connect(broker.port);
      for (let n = 0; n < count; n++) await send(peer, "T", `body ${n}`, `TAGS\x01tag${n}\x02`);
    }
    await using broker = await openTestBroker({ storePath });
    using peer = await TestPeer.connect(broker.port);
    const found: string[] = [];
    for (let queueOffset = 0; queueOffset < count;) {
      const subscription = `tag7 || tag${count - 1}`;
      const given = { topic: "T", consumerGroup: "G", maxMsgNums: 8, queueOffset, subscription };
      const answer = await call(peer, PULL_MESSAGE, pullFields(given));
      for (const { body } of decodeRecords(answer.body)) found.push(Buffer.from(body).toString());
      queueOffset = Number(answer.extFields.get("nextBeginOffset"));
    }
    expect(found).toEqual(["body 7", `body ${count - 1}`]);
  });
});

const recordAt = (file: Buffer, entry: number) => Number(file.readBigInt64BE(at(entry)));

test("an entry whose record is gone from the log is left out with an error, and all others are served", async () => {
  await using stack = new AsyncDisposableStack();
  const world = await openDamaged(stack, (file, _other, log) => {
    const lost = recordAt(file, 5);
    log.fill(0x5a, lost, lost + 40);
    copyEntry(file, 30, 5);
  });
  expect(await pullAll(world)).toEqual(BODIES.filter((_, n) => n !== 5));
  expect(said(world, "error")).toContainEqual(expect.stringContaining("name no record of it"));
});

test("an entry whose record says another number of itself is served as it is", async () => {
  await using stack = new AsyncDisposableStack();
  const world = await openDamaged(stack, (file, _other, log) => {
    log[recordAt(file, 5) + QUEUE_OFFSET_AT + 7]! ^= 0x40;
  });
  expect(await pullAll(world)).toEqual(BODIES);
});

test("a delayed message is delivered though the entry of its level was damaged", async () => {
  await using stack = new AsyncDisposableStack();
  const storePath = temporaryFolder(stack);
  const settings = { messageDelayLevel: "1s 2s" };
  const bodies = BODIES.slice(0, 6);
  {
    await using broker = await openTestBroker({ storePath, settings });
    using peer = await TestPeer.connect(broker.port);
    for (const body of bodies) await send(peer, "Late", body, "DELAY\x011\x02");
  }
  const path = `${storePath}/consumequeue/SCHEDULE_TOPIC_XXXX/0/${FIRST_FILE}`;
  const file = readFileSync(path);
  file.fill(0, at(2), at(3));
  copyEntry(file, 1, 4);
  writeFileSync(path, file);
  await using broker = await openTestBroker({ storePath, settings });
  using peer = await TestPeer.connect(broker.port);
  const found: string[] = [];
  for (let queueOffset = 0; found.length < bodies.length;) {
    const sysFlag = PULL_SUBSCRIBES | PULL_SUSPENDS;
    const given = { topic: "Late", consumerGroup: "G", queueOffset, sysFlag };
    const fields = pullFields({ ...given, suspendTimeoutMillis: 20_000 });
    const answer = await call(peer, PULL_MESSAGE, fields);
    for (const { body } of decodeRecords(answer.body)) found.push(Buffer.from(body).toString());
    queueOffset = Number(answer.extFields.get("nextBeginOffset"));
  }
  expect(found.toSorted()).toEqual(bodies);
});

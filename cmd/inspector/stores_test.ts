// store check, repair and dump on folders of a real disk: stores that Apache wrote, whole and damaged in every way, as an
// operator would meet them.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { extractStore, openTestBroker } from "../../cluster/broker/testing.ts";
import { fixtureJson } from "../../testdata/fixtures.ts";
import { inspect } from "./testing.ts";

const LOG_FILE_BYTES = 1_048_576;
const LOG_END = 3_307_648;
/** Where a message of TopicCrash/2 stands. */
const RECORD = 3_249_138;
const FIXTURES = ["store/store", "store-ext/store-ext", "store-crash/crash-tornflip"];

let folder: string;
let copies = 0;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "roquet-stores-"));
  for (const fixture of FIXTURES) extractStore(`${fixture}.tar.gz`, join(folder, fixture));
  // 38 MB of holes that these commands don't look at.
  rmSync(join(folder, "store/store/timerwheel"));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function copyOf(fixture: string): string {
  const path = join(folder, `copy${copies++}`);
  cpSync(join(folder, fixture), path, { recursive: true });
  return path;
}

async function store(...args: string[]) {
  const { code, err, out } = await inspect("", ["store", ...args]);
  return { code, out, err };
}

async function checkJson(path: string) {
  const { code, out } = await store("check", path, "--json");
  return { code, ...JSON.parse(out) as { sound: boolean; faults: { kind: string }[] } };
}

async function repairJson(path: string, ...args: string[]) {
  const { code, out } = await store("repair", path, "--json", ...args);
  const { applied, faults, steps } = JSON.parse(out) as {
    applied: boolean;
    faults: { kind: string }[];
    steps: string[];
  };
  return { code, applied, faults, steps };
}

/** Every file below a folder with its size and when it was changed. */
function stateOf(path: string): string[] {
  return readdirSync(path, { recursive: true, encoding: "utf8" }).sort().map((name) => {
    const stat = statSync(join(path, name));
    return stat.isDirectory() ? name : `${name} ${stat.mtimeMs} ${stat.size}`;
  });
}

function overwrite(path: string, at: number, bytes: Uint8Array): void {
  const whole = readFileSync(path);
  whole.set(bytes, at);
  writeFileSync(path, whole);
}

function inLog(path: string, offset: number): [file: string, at: number] {
  const at = offset % LOG_FILE_BYTES;
  return [`${path}/commitlog/${String(offset - at).padStart(20, "0")}`, at];
}

const queueFile = (path: string) => `${path}/consumequeue/TopicCrash/1/00000000000000000000`;
const indexFile = (path: string) => `${path}/index/${readdirSync(`${path}/index`)[0]}`;

describe("store check", () => {
  for (const fixture of ["store/store", "store-ext/store-ext"]) {
    test(`${fixture}, which Apache wrote and closed, is sound, and nothing in it is touched`, async () => {
      const path = join(folder, fixture);
      const before = stateOf(path);
      const { code, out } = await store("check", path);
      expect([code, out]).toEqual([0, expect.stringMatching(/^sound: \d+ records in /)]);
      expect(stateOf(path)).toEqual(before);
      expect(await checkJson(path)).toMatchObject({ code: 0, sound: true, faults: [] });
    });
  }

  test("notes what isn't the store's, which keeps no broker from starting", async () => {
    const path = copyOf("store/store");
    const strays = [
      "commitlog/.log.swp",
      `commitlog/${"0".repeat(20)}.bak`,
      "commitlog/zzz",
      "consumequeue/notes.txt",
      "consumequeue/TopicCrash/notes.txt",
      `consumequeue/TopicCrash/1/${"0".repeat(20)}.orig`,
      "index/notes.txt",
    ];
    for (const each of strays) writeFileSync(`${path}/${each}`, "");
    mkdirSync(`${path}/commitlog/lost+found`);
    mkdirSync(`${path}/index/lost+found`);
    const found = await checkJson(path) as unknown as { code: number; notes: string[] };
    expect(found).toMatchObject({ code: 0, sound: true, faults: [] });
    for (const each of [...strays, "commitlog/lost+found", "index/lost+found"]) {
      expect(found.notes).toContain(`${each} is no part of the store and is passed over`);
    }
    const settings = {
      mappedFileSizeConsumeQueue: 6000,
      mapperFileSizeBatchConsumeQueue: 13_800,
      maxHashSlotNum: 500,
      maxIndexNum: 2000,
    };
    await using broker = await openTestBroker({ storePath: path, settings });
    expect(broker.port).toBeGreaterThan(0);
  });

  test("needs a folder with a store", async () => {
    expect(await store("check")).toMatchObject({ code: 2, out: "" });
    expect((await store("check", join(folder, "store/store/config"))).err).toContain("is no store");
    expect(await store("check", "one", "two")).toMatchObject({ code: 2 });
  });

  test("says what a store is that wasn't closed, and names each fault of a torn one", async () => {
    const { code, out } = await store("check", join(folder, "store-crash/crash-tornflip"));
    expect(code).toBe(1);
    expect(out).toMatch(/^log_tail commitlog\/0{20} at 58200: 310 bytes .* bodyCrc: /m);
    expect(out).toMatch(/^queue_stale SCHEDULE_TOPIC_XXXX\/17 at 58200: entry 0: /m);
    expect(out).toContain("note: the store wasn't closed cleanly: the next start recovers it");
  });
});

/** What is done to the store, what is then found, and whether a repair makes it sound. */
const damages: [string, (path: string) => void, string[], boolean][] = [
  [
    "a queue's lost folder",
    (path) => rmSync(`${path}/consumequeue/TopicCrash/1`, { recursive: true }),
    ["queue_missing"],
    true,
  ],
  [
    "an entry that names another record",
    (path) => overwrite(queueFile(path), 27, Buffer.of(1)),
    ["queue_wrong", "queue_missing"],
    true,
  ],
  ["a queue's file cut short", (path) => truncateSync(queueFile(path), 100), ["queue_file"], true],
  [
    "entries behind the log's end",
    (path) => {
      const unit = Buffer.alloc(20);
      unit.writeBigInt64BE(BigInt(LOG_END + 500));
      unit.writeInt32BE(100, 8);
      overwrite(queueFile(path), 200, unit);
    },
    ["queue_stale"],
    true,
  ],
  ["a lost index", (path) => unlinkSync(indexFile(path)), ["index_missing"], true],
  [
    "an index item overwritten",
    (path) => overwrite(indexFile(path), 40 + 2000 + 20 * 50, Buffer.of(1, 2, 3, 4)),
    ["index_slots", "index_wrong", "index_missing"],
    true,
  ],
  [
    "lost slots of the index",
    (path) => overwrite(indexFile(path), 40, Buffer.alloc(400)),
    ["index_slots"],
    true,
  ],
  [
    "bytes behind the log's end",
    (path) => overwrite(...inLog(path, LOG_END), Buffer.from("what is this")),
    ["log_tail"],
    true,
  ],
  [
    "a topics.json cut short",
    (path) => truncateSync(`${path}/config/topics.json`, 700),
    ["config_file"],
    true,
  ],
  [
    "a checkpoint cut short",
    (path) => truncateSync(`${path}/checkpoint`, 10),
    ["checkpoint"],
    true,
  ],
  [
    "a checkpoint of other bytes",
    (path) => writeFileSync(`${path}/checkpoint`, Buffer.alloc(4096, "z")),
    ["checkpoint"],
    true,
  ],
  [
    "a timer wheel cut short",
    (path) => writeFileSync(`${path}/timerwheel`, Buffer.alloc(4096)),
    ["timer_file"],
    true,
  ],
  [
    "a timer check of other bytes",
    (path) => writeFileSync(`${path}/config/timercheck`, Buffer.alloc(4096, "z")),
    ["timer_file"],
    true,
  ],
  [
    "timer log files that don't follow each other",
    (path) => {
      rmSync(`${path}/timerlog`, { recursive: true, force: true });
      mkdirSync(`${path}/timerlog`);
      for (const base of [0, 9000]) {
        writeFileSync(`${path}/timerlog/${String(base).padStart(20, "0")}`, Buffer.alloc(5200));
      }
    },
    ["timer_file"],
    true,
  ],
  [
    "timer metrics cut short",
    (path) => truncateSync(`${path}/config/timermetrics`, 100),
    ["config_file"],
    true,
  ],
  [
    "a body that changed",
    (path) => overwrite(...inLog(path, RECORD + 100), Buffer.of(255, 254)),
    ["log_unreadable", "queue_wrong", "index_wrong"],
    false,
  ],
  [
    "properties that changed",
    (path) => overwrite(...inLog(path, RECORD + 330), Buffer.alloc(3)),
    ["record_suspect"],
    false,
  ],
  [
    "a lost log file",
    (path) => unlinkSync(`${path}/commitlog/${String(LOG_FILE_BYTES).padStart(20, "0")}`),
    ["log_file"],
    false,
  ],
  [
    "a last log file that was cut short",
    (path) =>
      truncateSync(`${path}/commitlog/${String(3 * LOG_FILE_BYTES).padStart(20, "0")}`, 90_001),
    ["log_file", "queue_stale"],
    false,
  ],
];

describe("store repair", () => {
  for (const [name, damage, kinds, isMended] of damages) {
    test(`finds ${name}, changes nothing unasked, and ${isMended ? "mends it" : "says that it can't"}`, async () => {
      const path = copyOf("store/store");
      damage(path);
      const damaged = stateOf(path);
      const dry = await repairJson(path);
      expect(dry).toMatchObject({ code: 1, applied: false });
      const found = [...new Set(dry.faults.map(({ kind }) => kind))];
      expect(found).toEqual(expect.arrayContaining(kinds));
      expect(stateOf(path)).toEqual(damaged);
      expect(dry.steps.length > 0).toBe(kinds[0] !== "record_suspect");
      if (isMended) {
        expect(await repairJson(path, "--apply")).toMatchObject({ code: 0, faults: [] });
        return;
      }
      expect((await store("repair", path, "--apply")).code).toBe(1);
      const ofLog = (line: string) => line.startsWith("commitlog/");
      expect(stateOf(path).filter(ofLog)).toEqual(damaged.filter(ofLog));
    });
  }

  test("keeps what it cuts", async () => {
    const path = copyOf("store-crash/crash-tornflip");
    const bytes = readFileSync(inLog(path, 0)[0]).subarray(58_200, 58_510);
    const { code, out } = await store("repair", path, "--apply");
    expect([code, out]).toEqual([0, expect.stringContaining("cut 310 bytes at 58200")]);
    const kept = readFileSync(`${path}/kept-aside/commitlog-00000000000000058200`);
    expect(kept).toEqual(bytes);
    expect(await checkJson(path)).toMatchObject({ code: 0, isClean: true, logEnd: 58_200 });
  });

  test("leaves a store alone that a broker has open", async () => {
    const path = join(folder, "open");
    await using _ = await openTestBroker({ storePath: path });
    const { code, err } = await store("repair", path, "--apply");
    // Nothing is wrong with it, so nothing is done either.
    expect([code, err]).toEqual([0, ""]);
    mkdirSync(`${path}/config`, { recursive: true });
    writeFileSync(`${path}/config/lmqConsumerOffset.json`, '{"offsetTable":');
    writeFileSync(`${path}/config/lmqConsumerOffset.json.bak`, '{"offsetTable":{}}');
    const refused = await store("repair", path, "--apply");
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining("is in use by")]);
  });
});

describe("store dump", () => {
  interface Expected {
    records: { phyOffset: number; size: number; kind: string; properties?: object }[];
    consumeQueues: Record<string, Record<string, { entries: [number, number, number][] }>>;
    index: { entries: unknown[] }[];
  }
  const lines = (out: string) => out.split("\n").map((line) => JSON.parse(line));

  test("shows every record as Apache's decoder read it", async () => {
    const { out } = await store("dump", join(folder, "store/store"), "--json", "-b");
    const { records } = fixtureJson<Expected>("expected/store.json");
    const messages = records.filter(({ kind }) => kind === "message");
    expect(
      lines(out).map(({ offset, size, topic, queueId, queueOffset, properties }) => ({
        phyOffset: offset,
        size,
        topic,
        queueId,
        queueOffset,
        properties,
      })),
    ).toMatchObject(
      messages.map(({ phyOffset, size, properties }) => ({ phyOffset, size, properties })),
    );
  });

  test("shows every queue's entries, and of one queue those that are asked for", async () => {
    const path = join(folder, "store/store");
    const { consumeQueues } = fixtureJson<Expected>("expected/store.json");
    const { out } = await store("dump", path, "-w", "queues", "--json");
    const simple = lines(out).filter(({ kind }) => kind === "simple");
    for (const [topic, queues] of Object.entries(consumeQueues)) {
      for (const [queueId, { entries }] of Object.entries(queues)) {
        const found = simple
          .filter((entry) => entry.topic === topic && entry.queueId === Number(queueId))
          .map(({ physicalOffset, size, tagsCode }) => [physicalOffset, size, Number(tagsCode)]);
        expect(found).toEqual(entries);
      }
    }
    const some = await store(
      "dump",
      path,
      "-w",
      "queues",
      "-t",
      "TopicCrash",
      "-q",
      "1",
      "-f",
      "3",
    );
    expect(some.out.split("\n")[0]).toMatch(/^TopicCrash\/1\/3 {2}at \d+ {2}\d+ bytes {2}tags /);
    const few = await store("dump", path, "-t", "TopicCrash", "-f", String(RECORD + 1), "-i", "2");
    expect(few.out.split("\n")).toHaveLength(2);
  });

  test("shows index and checkpoint, and what can't be read", async () => {
    const path = join(folder, "store/store");
    const index = lines((await store("dump", path, "-w", "index", "--json")).out);
    expect(index.filter(({ kind }) => kind === "item")).toHaveLength(920);
    const { out } = await store("dump", path, "-w", "checkpoint", "--json");
    expect(JSON.parse(out)).toMatchObject({ apache: { physicMsgTimestampMs: 1_795_231_267_070 } });
    const torn = await store("dump", join(folder, "store-crash/crash-tornflip"), "-f", "58000");
    expect([torn.code, torn.out]).toEqual([1, expect.stringMatching(/^58200 unreadable up to /)]);
    expect(await store("dump", path, "-w", "nonsense")).toMatchObject({ code: 2 });
  });
});

// Folders that stand where a store has files, as a mount of a file that isn't there leaves them: a start makes the file
// again or says what is in its way, and never serves less than it stored without a word.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { cpSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { nodeDisk } from "../../core/disk/disk_node.ts";
import { createLogger, type LogEntry } from "../../core/log.ts";
import { decodeRecords } from "../../core/message/record.ts";
import { PULL_MESSAGE } from "../../core/remoting/codes/pull.ts";
import { QUERY_MESSAGE } from "../../core/remoting/codes/query.ts";
import { checkStore } from "../../store/inspect/check.ts";
import type { Fault } from "../../store/inspect/fault.ts";
import { findShape } from "../../store/inspect/store_shape.ts";
import { pullFields } from "./pull/testing_pull.ts";
import { call, openTestBroker, send, temporaryFolder, TestPeer } from "./testing.ts";

const MESSAGES = 12;
const FIRST_FILE = "0".repeat(20);
const SETTINGS = { mappedFileSizeConsumeQueue: 200, messageDelayLevel: "1s 9h" };

const shared = new AsyncDisposableStack();
/** A store with two log files and two files of a queue, as a clean stop left it. */
let template = "";

beforeAll(async () => {
  template = temporaryFolder(shared);
  await using broker = await openTestBroker({ storePath: template, settings: SETTINGS });
  using peer = await TestPeer.connect(broker.port);
  for (let n = 0; n < MESSAGES; n++) {
    await send(peer, "T", String(n).padEnd(150_000), "KEYS\x01k\x02");
  }
  await send(peer, "T", "late", `TIMER_DELIVER_MS\x01${Date.now() + 3_600_000}\x02`);
  await send(peer, "T", "delayed", "DELAY\x012\x02");
});

afterAll(() => shared.disposeAsync());

/** A copy of the store with a folder in a file's place. */
function storeWithFolder(stack: AsyncDisposableStack, name: string): string {
  const storePath = temporaryFolder(stack);
  cpSync(template, storePath, { recursive: true });
  rmSync(`${storePath}/${name}`, { force: true });
  mkdirSync(`${storePath}/${name}`);
  return storePath;
}

async function faultsOf(storePath: string): Promise<Fault[]> {
  const faults: Fault[] = [];
  const findings = { fault: (fault: Fault) => faults.push(fault), note: () => {} };
  const shape = findShape(nodeDisk, storePath, {});
  await checkStore({ disk: nodeDisk, shape, delayLevels: null, findings, onProgress: () => {} });
  return faults;
}

const indexFile = () => `index/${readdirSync(`${template}/index`)[0]}`;

const MADE_AGAIN: [string, () => string][] = [
  ["checkpoint", () => "checkpoint"],
  ["queueends.0", () => "queueends.0"],
  ["a queue's first file", () => `consumequeue/T/0/${FIRST_FILE}`],
  ["a queue's last file", () => `consumequeue/T/0/${"200".padStart(20, "0")}`],
  ["a file of the index", indexFile],
  ["topics.json", () => "config/topics.json"],
  ["a table's backup", () => "config/topics.json.bak"],
  ["timercheck", () => "config/timercheck"],
  ["timersums", () => "config/timersums"],
  ["timermetrics", () => "config/timermetrics"],
  ["timerwheel", () => "timerwheel"],
  ["the timer log's file", () => `timerlog/${FIRST_FILE}`],
];

describe("a folder in the place of", () => {
  for (const [what, place] of MADE_AGAIN) {
    test(`${what} is kept aside, and all messages and keys are there`, async () => {
      await using stack = new AsyncDisposableStack();
      const storePath = storeWithFolder(stack, place());
      const entries: LogEntry[] = [];
      const log = createLogger((entry) => entries.push(entry));
      {
        await using broker = await openTestBroker({ storePath, settings: SETTINGS, log });
        using peer = await TestPeer.connect(broker.port);
        await send(peer, "T", "new");
        const bodies: string[] = [];
        for (let queueOffset = 0; queueOffset <= MESSAGES;) {
          const fields = pullFields({ topic: "T", consumerGroup: "G", queueOffset });
          const answer = await call(peer, PULL_MESSAGE, fields);
          for (const { body } of decodeRecords(answer.body)) {
            bodies.push(Buffer.from(body).toString().trim());
          }
          queueOffset = Number(answer.extFields.get("nextBeginOffset"));
        }
        expect(bodies).toEqual([...Array.from({ length: MESSAGES }, (_, n) => String(n)), "new"]);
        const query = {
          topic: "T",
          key: "k",
          maxNum: 64,
          beginTimestamp: 0,
          endTimestamp: 2 ** 50,
        };
        const found = await call(peer, QUERY_MESSAGE, query);
        expect([...decodeRecords(found.body)]).toHaveLength(MESSAGES);
      }
      const said = entries.filter(({ level }) => level === "warn" || level === "error");
      const named = said.map(({ fields }) => JSON.stringify(fields));
      expect(named).toContainEqual(expect.stringContaining(`${storePath}/${place()}`));
      expect(said.map(({ text }) => text)).not.toContainEqual(expect.stringContaining("not saved"));
      expect(said.map(({ text }) => text)).not.toContainEqual(expect.stringContaining("closing"));
      expect(statSync(`${storePath}/${place()}`, { throwIfNoEntry: false })?.isDirectory() ?? false)
        .toBe(false);
      expect(await faultsOf(storePath)).toEqual([]);
    });
  }

  for (
    const [what, place] of [
      ["lock", "lock"],
      ["abort", "abort"],
      ["the log's first file", `commitlog/${FIRST_FILE}`],
      ["the log's last file", `commitlog/${String(1024 * 1024).padStart(20, "0")}`],
      ["the delay levels' offsets", "config/delayOffset.json"],
      ["the groups' offsets", "config/consumerOffset.json"],
    ] as const
  ) {
    test(`${what} refuses the start with its path, and a check finds it`, async () => {
      await using stack = new AsyncDisposableStack();
      const storePath = storeWithFolder(stack, place);
      await expect(openTestBroker({ storePath, settings: SETTINGS })).rejects.toThrow(
        `${storePath}/${place} is a folder where a file belongs: put the file back`,
      );
      expect(await faultsOf(storePath)).toContainEqual(
        expect.objectContaining({ place, detail: expect.stringContaining("is a folder") }),
      );
    });
  }
});

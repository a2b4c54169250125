// What clients and operators are told when messages are deleted and when the disk is too full: over the wire, with real
// files, on a disk that says what the test wants of its use.
import { expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { existsSync, readdirSync, utimesSync } from "node:fs";
import type { Disk } from "../../core/disk/disk.ts";
import { nodeDisk } from "../../core/disk/disk_node.ts";
import { parseLenientJsonBytes } from "../../core/json/lenient_reader.ts";
import {
  DELETE_EXPIRED_COMMITLOG,
  GET_BROKER_RUNTIME_INFO,
} from "../../core/remoting/codes/admin.ts";
import { PULL_MESSAGE } from "../../core/remoting/codes/pull.ts";
import { DELETE_TOPIC_IN_BROKER } from "../../core/remoting/codes/topics.ts";
import { ResponseCode } from "../../core/remoting/response_codes.ts";
import { systemClock } from "../../core/time/system_clock.ts";
import { pullFields } from "./pull/testing_pull.ts";
import { call, openTestBroker, send, TestPeer } from "./testing.ts";

const TOPIC = "Kept";
const BODY = "x".repeat(100_000);
/** A pull whose subscription is in it. */

/** The machine's disk, so full as it is told. */
function diskWithUse(): { disk: Disk; use: (percent: number) => void } {
  let freeBytes = 100;
  const disk = { ...nodeDisk, usageSync: () => ({ totalBytes: 100, freeBytes }) };
  return { disk, use: (percent) => freeBytes = 100 - percent };
}

function pull(peer: TestPeer, queueOffset: number) {
  return call(peer, PULL_MESSAGE, pullFields({ consumerGroup: "G", topic: TOPIC, queueOffset }));
}

async function runtimeInfo(peer: TestPeer): Promise<Record<string, string>> {
  const { body } = await call(peer, GET_BROKER_RUNTIME_INFO, {});
  return (parseLenientJsonBytes(body) as { table: Record<string, string> }).table;
}

/** A round of deletion, which looks at the disk first. */
async function round(peer: TestPeer): Promise<void> {
  const { code, remark } = await call(peer, DELETE_EXPIRED_COMMITLOG, {});
  expect([code, remark]).toEqual([ResponseCode.SUCCESS, null]);
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await systemClock.sleep(5);
}

test("a consumer at deleted offsets is moved to the first one that is left, and reads on there", async () => {
  const settings = { deleteCommitLogFilesInterval: 0, deleteConsumeQueueFilesInterval: 0 };
  await using broker = await openTestBroker({ settings, disk: diskWithUse().disk });
  using peer = await TestPeer.connect(broker.port);
  const logPath = `${broker.storePath}/commitlog`;
  for (let index = 0; index < 35; index++) await send(peer, TOPIC, BODY);
  const names = readdirSync(logPath).sort();
  expect(names).toHaveLength(4);
  for (const name of names.slice(0, 2)) utimesSync(`${logPath}/${name}`, 1000, 1000);
  await round(peer);
  await until(() => readdirSync(logPath).length === 2);
  const moved = await pullUntilMoved(peer);
  expect(moved.remark).toBe("OFFSET_TOO_SMALL");
  const minOffset = Number(moved.extFields.get("minOffset"));
  expect(minOffset).toBe(20);
  expect(moved.extFields.get("nextBeginOffset")).toBe(String(minOffset));
  const found = await pull(peer, minOffset);
  expect(found.code).toBe(ResponseCode.SUCCESS);
  expect(found.body.length).toBeGreaterThan(BODY.length);
  const log = Number((await runtimeInfo(peer)).commitLogMinOffset);
  expect(log).toBe(Number(names[2]));
});

/** The queues follow the log a moment later: until then a pull passes over what is gone. */
async function pullUntilMoved(peer: TestPeer) {
  for (;;) {
    const answer = await pull(peer, 0);
    if (answer.code === ResponseCode.PULL_OFFSET_MOVED) return answer;
    await systemClock.sleep(5);
  }
}

test("a disk above the warning level refuses sends with one cause everywhere, serves reads, and takes sends again", async () => {
  const { disk, use } = diskWithUse();
  await using broker = await openTestBroker({ disk });
  using peer = await TestPeer.connect(broker.port);
  expect((await send(peer, TOPIC, "before")).code).toBe(ResponseCode.SUCCESS);
  expect(await runtimeInfo(peer)).not.toHaveProperty("writeRefusal");
  use(94);
  await round(peer);
  const cause = "the log's disk is 94% full: above diskSpaceWarningLevelRatio 90% nothing is " +
    "taken, until it is back at 85%";
  const refused = await send(peer, TOPIC, "while full");
  expect([refused.code, refused.remark])
    .toEqual([ResponseCode.SERVICE_NOT_AVAILABLE, `service not available now: ${cause}`]);
  expect((await runtimeInfo(peer)).writeRefusal).toBe(`disk_full: ${cause}`);
  const found = await pull(peer, 0);
  expect(found.code).toBe(ResponseCode.SUCCESS);
  expect(Buffer.from(found.body).includes("before")).toBe(true);
  use(50);
  await round(peer);
  expect((await send(peer, TOPIC, "afterwards")).code).toBe(ResponseCode.SUCCESS);
  expect(await runtimeInfo(peer)).not.toHaveProperty("writeRefusal");
});

test("deleteWhen, fileReservedTime and the ratios count at once when they are changed at run time", async () => {
  const { disk, use } = diskWithUse();
  await using broker = await openTestBroker({ disk });
  using peer = await TestPeer.connect(broker.port);
  await send(peer, TOPIC, "first");
  use(60);
  broker.config.update(
    new Map([["diskSpaceWarningLevelRatio", "50"], ["diskSpaceCleanForciblyRatio", "40"]]),
  );
  await round(peer);
  expect((await send(peer, TOPIC, "second")).remark).toContain("60% full");
  const bad = broker.config.update(new Map([["deleteWhen", "25"]]));
  expect(bad.status).toBe("refused");
  expect(broker.config.update(new Map([["deleteWhen", "04;16"]])).status).toBe("applied");
});

test("deleting a topic frees its queue files", async () => {
  await using broker = await openTestBroker();
  using peer = await TestPeer.connect(broker.port);
  await send(peer, TOPIC, "something");
  const queues = `${broker.storePath}/consumequeue/${TOPIC}`;
  await until(() => existsSync(`${queues}/0`));
  expect((await call(peer, DELETE_TOPIC_IN_BROKER, { topic: TOPIC })).code)
    .toBe(ResponseCode.SUCCESS);
  await until(() => !existsSync(queues));
});

import { afterAll, beforeAll, expect, test } from "bun:test";
import { parseProperties } from "../../../core/message/properties.ts";
import { fixtureLines } from "../../../testdata/fixtures.ts";
import { openTestBroker, send, type TestBroker, TestPeer } from "../testing.ts";

let opened: TestBroker;
let peer: TestPeer;

beforeAll(async () => {
  opened = await openTestBroker();
  peer = await TestPeer.connect(opened.port);
});

afterAll(async () => {
  peer[Symbol.dispose]();
  await opened[Symbol.asyncDispose]();
});

async function queueOf(properties: Record<string, string>): Promise<number> {
  const text = Object.entries(properties).map(([name, value]) => `${name}\x01${value}\x02`);
  const answer = await send(peer, "TopicPrio", "body", text.join(""));
  expect([answer.code, answer.remark]).toEqual([0, null]);
  return Number(answer.extFields.get("queueId"));
}

interface Recorded {
  header?: { code: number; extFields?: Record<string, string> };
}

test("a message goes to the queue of its priority, or the last one, as recorded", async () => {
  const recorded = fixtureLines<Recorded>("wire/json/producerPriority.jsonl")
    .filter(({ header }) => header?.code === 310)
    .map(({ header }) => parseProperties(header!.extFields!.i!).get("_SYS_MSG_PRIORITY_")!);
  const answered = fixtureLines<Recorded>("wire/json/producerPriority.jsonl")
    .filter(({ header }) => header?.extFields?.queueOffset !== undefined)
    .map(({ header }) => Number(header!.extFields!.queueId));
  const queues: number[] = [];
  for (const priority of recorded) queues.push(await queueOf({ _SYS_MSG_PRIORITY_: priority }));
  expect(queues.length).toBeGreaterThan(0);
  expect(queues).toEqual(answered);
  expect(await queueOf({ _SYS_MSG_PRIORITY_: "99" })).toBe(3);
});

test("what is no number, or is ordered, has no priority", async () => {
  expect(await queueOf({ _SYS_MSG_PRIORITY_: "urgent" })).toBe(0);
  expect(await queueOf({ _SYS_MSG_PRIORITY_: "-2" })).toBe(0);
  expect(await queueOf({ _SYS_MSG_PRIORITY_: "2", __SHARDINGKEY: "k" })).toBe(0);
});

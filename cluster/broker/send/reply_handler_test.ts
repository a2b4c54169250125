import { afterAll, beforeAll, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { parseProperties } from "../../../core/message/properties.ts";
import { encodeFrame } from "../../../core/remoting/codec.ts";
import { refusalOf } from "../../../core/remoting/answers.ts";
import { HEART_BEAT } from "../../../core/remoting/codes/groups.ts";
import { SEND_REPLY_MESSAGE_V2 } from "../../../core/remoting/codes/send.ts";
import { fixtureLines } from "../../../testdata/fixtures.ts";
import { call, openTestBroker, type TestBroker, TestPeer } from "../testing.ts";

const REPLY_TOPIC = "FixtureCluster_REPLY_TOPIC";

let opened: TestBroker;
let asker: TestPeer;
let replier: TestPeer;

beforeAll(async () => {
  opened = await openTestBroker();
  asker = await TestPeer.connect(opened.port);
  replier = await TestPeer.connect(opened.port);
  const heartbeat = { clientID: "asker@1", producerDataSet: [{ groupName: "PID_asker" }] };
  await call(asker, HEART_BEAT, {}, Buffer.from(JSON.stringify(heartbeat)));
});

afterAll(async () => {
  asker[Symbol.dispose]();
  replier[Symbol.dispose]();
  await opened[Symbol.asyncDispose]();
});

function reply(properties: Record<string, string>) {
  return call(replier, SEND_REPLY_MESSAGE_V2, {
    a: "PID_replier",
    b: REPLY_TOPIC,
    c: "TBW102",
    d: 4,
    e: 0,
    f: 0,
    g: 1_795_232_715_009,
    h: 3,
    i: Object.entries(properties).map(([name, value]) => `${name}\x01${value}\x02`).join(""),
  }, Buffer.from("reply"));
}

/** Waits for the push, answers it with a code, and gives what was pushed. */
async function takePush(code: number) {
  while (asker.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  const pushed = asker.requests.shift()!;
  asker.send(encodeFrame(refusalOf(pushed, code, null)));
  return pushed;
}

test("a reply is pushed with the fields that Apache's broker pushed, and stored too", async () => {
  const answered = reply({ CORRELATION_ID: "c-1", REPLY_TO_CLIENT: "asker@1", MSG_TYPE: "reply" });
  const pushed = await takePush(0);
  const recorded = fixtureLines<{ header?: { code: number; extFields: Record<string, string> } }>(
    "wire/json/requestReply.jsonl",
  ).find(({ header }) => header?.code === 326)!.header!;
  expect(pushed.code).toBe(326);
  expect([...pushed.extFields.keys()].sort()).toEqual(Object.keys(recorded.extFields).sort());
  expect(pushed.extFields.get("topic")).toBe(REPLY_TOPIC);
  expect(pushed.extFields.get("flag")).toBe("3");
  expect(Buffer.from(pushed.body).toString()).toBe("reply");
  const properties = parseProperties(pushed.extFields.get("properties")!);
  const recordedNames = parseProperties(recorded.extFields.properties!).keys();
  const sentByJavaAlone = new Set(["UNIQ_KEY", "TTL"]);
  expect([...properties.keys()].sort()).toEqual(
    [...recordedNames].filter((name) => !sentByJavaAlone.has(name)).sort(),
  );
  const answer = await answered;
  expect([answer.code, answer.remark]).toEqual([0, null]);
  expect(answer.extFields.get("msgId")?.length).toBe(32);
  expect(answer.extFields.get("queueOffset")).toBe("0");
});

test("without storeReplyMessageEnable a reply is pushed only, and its id is 0", async () => {
  opened.config.update(new Map([["storeReplyMessageEnable", "false"]]));
  const answered = reply({ CORRELATION_ID: "c-2", REPLY_TO_CLIENT: "asker@1" });
  await takePush(0);
  const answer = await answered;
  expect([answer.code, answer.extFields.get("msgId")]).toEqual([0, "0"]);
  opened.config.update(new Map([["storeReplyMessageEnable", "true"]]));
});

test("a reply that nobody takes is refused in Apache's words", async () => {
  const remarkOf = async (properties: Record<string, string>) => {
    const { code, remark } = await reply(properties);
    return [code, remark];
  };
  expect(await remarkOf({ CORRELATION_ID: "c" })).toEqual([
    1,
    "reply message properties[REPLY_TO_CLIENT] is null",
  ]);
  expect(await remarkOf({ REPLY_TO_CLIENT: "gone@1" })).toEqual([
    1,
    "push reply message fail, channel of <gone@1> not found.",
  ]);
  const answered = reply({ REPLY_TO_CLIENT: "asker@1" });
  await takePush(1);
  const { code, remark } = await answered;
  expect([code, remark]).toEqual([1, "push reply message to asker@1fail."]);
});

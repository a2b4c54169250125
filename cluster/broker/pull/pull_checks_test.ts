// What a pull is refused for, as clients see it (Java: PullMessageProcessor): code, remark, and what it is that forbids.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { UPDATE_AND_CREATE_SUBSCRIPTIONGROUP } from "../../../core/remoting/codes/groups.ts";
import { LITE_PULL_MESSAGE, PULL_MESSAGE } from "../../../core/remoting/codes/pull.ts";
import { UPDATE_AND_CREATE_TOPIC } from "../../../core/remoting/codes/topics.ts";
import { call, configure, openTestBroker, send, type TestBroker, TestPeer } from "../testing.ts";
import { pullFields } from "./testing_pull.ts";

const FORBIDDEN_FOR_GROUP = "2";
const FORBIDDEN_FOR_TOPIC = "3";
const FORBIDDEN_BY_BROKER = "1";

let broker: TestBroker;
let peer: TestPeer;

beforeAll(async () => {
  broker = await openTestBroker({ settings: { autoCreateSubscriptionGroup: false } });
  peer = await TestPeer.connect(broker.port);
  await send(peer, "Read", "x");
  for (const group of ["Free", "Suspended"]) await makeGroup(group, true);
});

afterAll(async () => {
  peer[Symbol.dispose]();
  await broker[Symbol.asyncDispose]();
});

function makeGroup(groupName: string, consumeEnable: boolean) {
  const config = { groupName, consumeEnable, retryQueueNums: 1, retryMaxTimes: 16, brokerId: 0 };
  const body = Buffer.from(JSON.stringify(config));
  return call(peer, UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, {}, body);
}

async function pull(changes: Record<string, unknown> = {}, row = PULL_MESSAGE) {
  const fields = pullFields({ consumerGroup: "Free", topic: "Read", ...changes });
  const { code, remark, extFields } = await call(peer, row, fields);
  return { code, remark, forbidden: extFields.get("forbiddenType") };
}

async function configured(setting: string): Promise<void> {
  expect((await configure(peer, setting)).code).toBe(0);
}

test("a group that is suspended is refused while it is, and goes on afterwards", async () => {
  expect((await pull({ consumerGroup: "Suspended" })).code).toBe(0);
  await makeGroup("Suspended", false);
  expect(await pull({ consumerGroup: "Suspended" })).toEqual({
    code: 16,
    remark: "subscription group no permission, Suspended",
    forbidden: FORBIDDEN_FOR_GROUP,
  });
  expect((await pull()).code).toBe(0);
  await makeGroup("Suspended", true);
  expect((await pull({ consumerGroup: "Suspended" })).code).toBe(0);
});

test("unknown groups and topics, and queues that there aren't, have codes of their own", async () => {
  const group = await pull({ consumerGroup: "Nobody" });
  expect(group.code).toBe(26);
  expect(group.remark).toStartWith("subscription group [Nobody] does not exist, ");
  const topic = await pull({ topic: "Nowhere" });
  expect(topic.code).toBe(17);
  expect(topic.remark).toStartWith("topic[Nowhere] not exist, apply first please! ");
  const queue = await pull({ queueId: 99 });
  expect(queue.code).toBe(29);
  expect(queue.remark).toContain("queueId[99] is illegal, topic:[Read] topicConfig.readQueueNums:");
});

test("a topic that may not be read is refused", async () => {
  await call(peer, UPDATE_AND_CREATE_TOPIC, {
    topic: "WriteOnly",
    defaultTopic: "TBW102",
    readQueueNums: 1,
    writeQueueNums: 1,
    perm: 2,
    topicFilterType: "SINGLE_TAG",
  });
  expect(await pull({ topic: "WriteOnly" })).toEqual({
    code: 16,
    remark: "the topic[WriteOnly] pulling message is forbidden",
    forbidden: FORBIDDEN_FOR_TOPIC,
  });
});

test("a broker may forbid all pulls, or lite ones", async () => {
  await configured("litePullMessageEnable=false");
  expect(await pull({}, LITE_PULL_MESSAGE)).toEqual({
    code: 16,
    remark: "the broker[127.0.0.1] for lite pull consumer is forbidden",
    forbidden: FORBIDDEN_BY_BROKER,
  });
  expect((await pull()).code).toBe(0);
  await configured("brokerPermission=2");
  expect(await pull()).toEqual({
    code: 16,
    remark: "the broker[127.0.0.1] pulling message is forbidden",
    forbidden: FORBIDDEN_BY_BROKER,
  });
});

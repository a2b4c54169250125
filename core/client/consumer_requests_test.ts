// What an operator gets from a running consumer through its broker.
import { afterEach, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { parseLenientJsonBytes } from "../json/lenient_reader.ts";
import { type JsonObject, LenientMap } from "../json/json_value.ts";
import { requestCommand } from "../remoting/answers.ts";
import {
  CONSUME_MESSAGE_DIRECTLY,
  GET_CONSUMER_RUNNING_INFO,
  GET_CONSUMER_STATUS_FROM_CLIENT,
  RESET_CONSUMER_CLIENT_OFFSET,
} from "../remoting/codes/client_bound.ts";
import type { Connection } from "../remoting/handler.ts";
import { formatOffsets } from "./file_offset_store.ts";
import { Producer } from "./producer.ts";
import { PushConsumer } from "./push_consumer.ts";
import { FakeCluster, until } from "./testing_cluster.ts";

const stack: AsyncDisposable[] = [];

afterEach(async () => {
  while (stack.length > 0) await stack.pop()![Symbol.asyncDispose]();
});

/** A consumer that has consumed ten messages, and its connection as the broker has it. */
async function open() {
  const cluster = await FakeCluster.open();
  stack.push(cluster);
  cluster.topics.set("T", { queues: 1 });
  const producer = await Producer.open({ group: "p" }, cluster.environment);
  stack.push(producer);
  const got: string[] = [];
  const consumer = await PushConsumer.open(
    { group: "g", subscriptions: { T: "*" }, consumeFrom: "first", offsetCommitMs: 20 },
    (message) => {
      got.push(message.text());
      if (message.text() === "bad") throw new Error("a bad one");
    },
    cluster.environment,
  );
  stack.push(consumer);
  for (let index = 0; index < 10; index++) {
    await producer.send({ topic: "T", body: `${index}` });
  }
  await until(() => got.length === 10);
  const { connection } = [...cluster.broker.members.values()][0]!;
  return { cluster, producer, consumer, got, connection };
}

async function ask(
  cluster: FakeCluster,
  connection: Connection,
  code: number,
  fields: Record<string, string>,
  body?: Uint8Array,
) {
  const extFields = new Map(Object.entries(fields));
  const command = requestCommand(code, { extFields, ...(body && { body }) });
  const answer = await cluster.broker.server.invoke(connection, command, 5_000);
  const json = answer.body.length > 0 ? parseLenientJsonBytes(answer.body) : null;
  return { code: answer.code, remark: answer.remark, json: json as JsonObject };
}

test("how far it is", async () => {
  const { cluster, connection } = await open();
  const { json } = await ask(cluster, connection, GET_CONSUMER_STATUS_FROM_CLIENT.code, {
    topic: "T",
    group: "g",
  });
  expect((json.messageQueueTable as LenientMap).entries)
    .toEqual([[{ brokerName: "a", queueId: 0, topic: "T" }, 10]]);
});

test("how it fares", async () => {
  const { cluster, consumer, connection } = await open();
  const { json } = await ask(cluster, connection, GET_CONSUMER_RUNNING_INFO.code, {
    consumerGroup: "g",
    clientId: consumer.clientId,
  });
  expect(json.properties).toMatchObject({
    PROP_CONSUME_TYPE: "CONSUME_PASSIVELY",
    PROP_CONSUMEORDERLY: "false",
    PROP_NAMESERVER_ADDR: cluster.nameServers,
  });
  const queues = (json.mqTable as LenientMap).entries as [{ topic: string }, JsonObject][];
  const [, info] = queues.find(([{ topic }]) => topic === "T")!;
  expect(info).toMatchObject({ cachedMsgCount: 0, commitOffset: 10, droped: false, locked: false });
  expect((json.statusTable as { T: JsonObject }).T).toMatchObject({
    consumeOKTPS: 10 / 60,
    consumeFailedMsgs: 0,
  });
  expect((json.subscriptionSet as JsonObject[]).map(({ topic }) => topic)).toEqual([
    "T",
    "%RETRY%g",
  ]);
});

test("its offsets are reset, and it consumes from there", async () => {
  const { cluster, connection, got } = await open();
  const queue = { topic: "T", brokerName: "a", queueId: 0 };
  const command = requestCommand(RESET_CONSUMER_CLIENT_OFFSET.code, {
    extFields: new Map([["topic", "T"], ["group", "g"], ["timestamp", "0"], ["isForce", "true"]]),
    body: Buffer.from(formatOffsets([{ queue, offset: 7 }])),
  });
  cluster.broker.server.oneway(connection, command);
  await until(() => got.length === 13);
  expect(got.slice(10)).toEqual(["7", "8", "9"]);
  await until(() => cluster.broker.offset("g", "T", 0) === 10);
});

test("it consumes one message now, and says what became of it", async () => {
  const { cluster, producer, connection } = await open();
  const directly = async (body: string) => {
    await producer.send({ topic: "T", body });
    const { store } = cluster.broker;
    const { body: record } = store.read("T", 0, store.maxOffset("T", 0) - 1, 1, []);
    const fields = { consumerGroup: "g", brokerName: "a" };
    return await ask(cluster, connection, CONSUME_MESSAGE_DIRECTLY.code, fields, record);
  };
  expect((await directly("good")).json).toMatchObject({
    consumeResult: "CR_SUCCESS",
    order: false,
  });
  expect((await directly("bad")).json).toMatchObject({
    consumeResult: "CR_THROW_EXCEPTION",
    remark: "Error: a bad one",
  });
});

test("questions for another group are refused", async () => {
  const { cluster, connection } = await open();
  const answer = await ask(cluster, connection, GET_CONSUMER_RUNNING_INFO.code, {
    consumerGroup: "other",
    clientId: "c",
  });
  expect(answer.code).toBe(1);
  expect(answer.remark).toContain("other");
});

// What a producer does with options and messages that are wrong, typed or not.
import { afterEach, expect, test } from "bun:test";
import { ClientError } from "./client_error.ts";
import type { Message } from "./message.ts";
import { Producer } from "./producer.ts";
import { until } from "./testing_cluster.ts";
import { errorOf, OpenedProducers } from "./testing_producer.ts";

const opened = new OpenedProducers();
const open = opened.open.bind(opened);

afterEach(() => opened.close());

test("wrong options are refused together, before anything is connected", () => {
  const wrong = () => new Producer({ nameServers: "nowhere", sendRetries: -1, group: "a b" });
  expect(wrong).toThrow(ClientError);
  expect(wrong).toThrow(/nameServers.*group.*sendRetries/);
  const tooHigh = () => new Producer({ nameServers: "h:1", compressionLevel: 12 });
  expect(tooHigh).toThrow("compressionLevel: zlib has the levels 0 to 9");
});

test("wrong messages are refused before they are sent", async () => {
  const { cluster, producer } = await open(1, { maxMessageBytes: 100 });
  const wrong: Message[] = [
    { topic: "T", body: "" },
    { topic: "T", body: "x".repeat(101) },
    { topic: "no topic", body: "x" },
    { topic: "SCHEDULE_TOPIC_XXXX", body: "x" },
    { topic: "T", body: "x", properties: { UNIQ_KEY: "mine" } },
    { topic: "T", body: "x", properties: { a: "b\x01c" } },
    { topic: "T", body: "x", properties: { long: "y".repeat(40_000) } },
    { topic: "T", body: "x", tags: "a\x02" },
  ];
  for (const message of wrong) {
    expect((await errorOf(producer.send(message))).code).toBe("invalid_message");
    expect((await errorOf(producer.sendBatch([message]))).code).toBe("invalid_message");
  }
  expect(cluster.broker.sends).toEqual([]);
});

test("what a program without types gives wrongly is refused, and others' sends go on", async () => {
  const { producer } = await open(1);
  const good = producer.send({ topic: "T", body: "x" });
  const wrong = [
    { topic: "T" },
    { topic: "T", body: 5 },
    { topic: "T", body: { id: 1 } },
    { topic: "T", body: "x", keys: 5 },
    { topic: "T", body: "x", keys: [5] },
    { topic: "T", body: "x", properties: { a: 1 } },
    { topic: 5, body: "x" },
  ];
  for (const given of wrong) {
    const message: Message = JSON.parse(JSON.stringify(given));
    expect(await errorOf(producer.send(message))).toMatchObject({ code: "invalid_message" });
    expect(await errorOf(producer.sendBatch([message]))).toMatchObject({ code: "invalid_message" });
  }
  expect((await good).status).toBe("ok");
});

test("properties that are too long for their length field are refused in a batch too", async () => {
  const { producer } = await open(1);
  const long = { topic: "T", body: "x", properties: { long: "y".repeat(40_000) } };
  const error = await errorOf(producer.sendBatch([{ topic: "T", body: "x" }, long]));
  expect(error).toMatchObject({ code: "invalid_message", retriable: false });
  expect(error.message).toContain("the properties have 40");
});

test("a producer tells masters that it is there", async () => {
  const { cluster, producer } = await open(1, { heartbeatMs: 20 });
  await producer.send({ topic: "T", body: "x" });
  await until(() => cluster.broker.heartbeats.length > 0);
  expect(cluster.broker.heartbeats[0]).toEqual({
    clientID: producer.clientId,
    consumerDataSet: [],
    producerDataSet: [{ groupName: "g" }],
  });
});

// Traces that clients write by themselves: when, where, and about what.
import { afterEach, expect, test } from "bun:test";
import { compressionOf, decompress } from "../message/compression.ts";
import { parseProperties } from "../message/properties.ts";
import { Producer } from "./producer.ts";
import { PushConsumer } from "./push_consumer.ts";
import { FakeCluster, until } from "./testing_cluster.ts";
import { decodeTraces, type TraceRecord } from "./trace_records.ts";

const TRACES = "RMQ_SYS_TRACE_TOPIC";
const stack: AsyncDisposable[] = [];

afterEach(async () => {
  while (stack.length > 0) await stack.pop()![Symbol.asyncDispose]();
});

async function open() {
  const cluster = await FakeCluster.open();
  stack.push(cluster);
  for (const topic of ["T", TRACES]) cluster.topics.set(topic, { queues: 1 });
  return cluster;
}

function traces(cluster: FakeCluster, topic = TRACES): TraceRecord[] {
  return cluster.broker.store.stored(topic).flatMap(({ body, sysFlag }) => {
    const kind = compressionOf(sysFlag);
    const plain = kind === null ? body : decompress(body, kind);
    return decodeTraces(new TextDecoder().decode(plain));
  });
}

test("a producer's traces are written at a hundred, and what is left when it closes", async () => {
  const cluster = await open();
  const producer = await Producer.open({ group: "g", trace: true }, cluster.environment);
  stack.push(producer);
  const results = await Promise.all(
    Array.from({ length: 101 }, (_, n) => producer.send({ topic: "T", body: `${n}`, keys: "k" })),
  );
  await until(() => traces(cluster).length === 100);
  await producer.close();
  expect(traces(cluster).length).toBe(101);
  expect(new Set(traces(cluster).map(({ messageId }) => messageId)))
    .toEqual(new Set(results.map(({ messageId }) => messageId)));
  const [first] = cluster.broker.store.stored(TRACES);
  const keys = parseProperties(first!.properties).get("KEYS")!.split(" ");
  // The messages' own key once, and the id of each.
  expect([keys.length, keys.includes("k")]).toEqual([101, true]);
});

test("a consumer traces what its listener did, into the topic that it is told", async () => {
  const cluster = await open();
  cluster.topics.set("MyTraces", { queues: 1 });
  const producer = await Producer.open({ group: "g" }, cluster.environment);
  stack.push(producer);
  for (const body of ["good", "bad"]) await producer.send({ topic: "T", body });
  let calls = 0;
  const consumer = await PushConsumer.open(
    { group: "c", subscriptions: { T: "*" }, consumeFrom: "first", trace: "MyTraces" },
    (message) => {
      calls++;
      if (message.text() === "bad" && message.reconsumeTimes === 0) throw new Error("bad");
    },
    cluster.environment,
  );
  stack.push(consumer);
  await until(() => calls === 3);
  await consumer.close();
  const records = traces(cluster, "MyTraces");
  const ends = records.flatMap((record) => record.kind === "SubAfter" ? [record] : []);
  expect(records.filter(({ kind }) => kind === "SubBefore").length).toBe(3);
  expect(ends.map(({ success, returnType }) => [success, returnType])).toEqual([
    [true, 0],
    [false, 2],
    [true, 0],
  ]);
  for (const { requestId, messageId } of ends) {
    const begun = records.find((record) =>
      record.kind === "SubBefore" && record.requestId === requestId
    );
    expect(begun?.messageId).toBe(messageId);
  }
});

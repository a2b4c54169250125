// Names with a namespace, and the clients that use one; brokers out of reach.
import { afterEach, expect, test } from "bun:test";
import { parseProperties } from "../message/properties.ts";
import { VirtualClock } from "../time/virtual_clock.ts";
import { FaultTracker } from "./fault_tracker.ts";
import { withNamespace, withoutNamespace } from "./namespace.ts";
import { Producer } from "./producer.ts";
import { PublishQueues } from "./publish_queues.ts";
import { PushConsumer } from "./push_consumer.ts";
import { FakeCluster, until } from "./testing_cluster.ts";

const stack: AsyncDisposable[] = [];

afterEach(async () => {
  while (stack.length > 0) await stack.pop()![Symbol.asyncDispose]();
});

test("names get their namespace once, behind retry and DLQ, and lose it again", () => {
  for (
    const [name, full] of [
      ["Orders", "shop%Orders"],
      ["%RETRY%billing", "%RETRY%shop%billing"],
      ["%DLQ%billing", "%DLQ%shop%billing"],
    ] as const
  ) {
    expect(withNamespace("shop", name)).toBe(full);
    expect(withNamespace("shop", full)).toBe(full);
    expect(withoutNamespace("shop", full)).toBe(name);
    expect(withoutNamespace("other", full)).toBe(full);
  }
  for (const own of ["TBW102", "rmq_sys_wheel_timer", "CID_RMQ_SYS_TRANS"]) {
    expect(withNamespace("shop", own)).toBe(own);
  }
  expect(withNamespace(undefined, "Orders")).toBe("Orders");
});

test("clients of a namespace meet under its names, and see their own", async () => {
  const cluster = await FakeCluster.open();
  stack.push(cluster);
  cluster.topics.set("shop%T", { queues: 1 });
  const options = { group: "g", namespace: "shop" };
  const producer = await Producer.open(options, cluster.environment);
  stack.push(producer);
  const topics: string[] = [];
  stack.push(
    await PushConsumer.open(
      { ...options, subscriptions: { T: "*" }, consumeFrom: "first" },
      ({ topic }) => {
        topics.push(topic);
      },
      cluster.environment,
    ),
  );
  await producer.send({ topic: "T", body: "1" });
  await until(() => topics.length === 1);
  expect(topics).toEqual(["T"]);
  expect(cluster.broker.group("shop%g").length).toBe(1);
  const [stored] = cluster.broker.store.stored("shop%T");
  expect(parseProperties(stored!.properties).get("INSTANCE_ID")).toBe("shop");
});

test("with a detector, a broker out of reach is left alone until it is reached", async () => {
  const clock = new VirtualClock();
  const faults = new FaultTracker(clock, true);
  const publish = new PublishQueues([
    { topic: "T", brokerName: "a", queueId: 0 },
    { topic: "T", brokerName: "b", queueId: 0 },
  ]);
  const next = () => publish.select(null, faults)?.brokerName;
  faults.failed("a");
  await clock.advance(10_001);
  expect([next(), next(), next()]).toEqual(["b", "b", "b"]);
  expect(faults.unreachable()).toEqual(["a"]);
  // Both are avoided: the one that answers at all is the better one.
  faults.refused("b");
  expect([next(), next()]).toEqual(["b", "b"]);
  faults.reached("a");
  expect([next(), next()]).toEqual(["a", "a"]);
});

test("a detector brings a broker back that is there again", async () => {
  const cluster = await FakeCluster.open(2);
  stack.push(cluster);
  cluster.topics.set("T", { queues: 1 });
  const producer = await Producer.open({
    group: "g",
    avoidSlowBrokers: true,
    detectBrokers: true,
    detectIntervalMs: 5,
    sendTimeoutMs: 5_000,
  }, cluster.environment);
  stack.push(producer);
  await producer.send({ topic: "T", body: "learns the brokers" });
  const [a, b] = cluster.brokers;
  const brokerOf = async () => (await producer.send({ topic: "T", body: "x" })).queue.brokerName;
  for (const connection of [...a!.server.connections]) connection.close("by the test");
  a!.reactions.send.push("silence");
  const seen = new Set<string>();
  await until(() => {
    void brokerOf().then((name) => seen.add(name)).catch(() => {});
    return seen.size === 2;
  });
  expect(b!.sends.length).toBeGreaterThan(0);
});

test("a unit's name is part of the client's id", async () => {
  const cluster = await FakeCluster.open();
  stack.push(cluster);
  const producer = new Producer({ group: "g", unitName: "u1" }, cluster.environment);
  expect(producer.clientId).toEndWith("@u1");
});

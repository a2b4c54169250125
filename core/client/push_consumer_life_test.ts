// A push consumer's life: loops, subscriptions while it runs, pausing, closing, what brokers are told.
import { expect, test } from "bun:test";
import { systemClock } from "../time/system_clock.ts";
import { ClientError } from "./client_error.ts";
import { PushConsumer } from "./push_consumer.ts";
import { until } from "./testing_cluster.ts";
import { ConsumerBed, numbers } from "./testing_consumer.ts";

test("a loop gets messages one at a time; the one before is consumed when the next is taken", async () => {
  await using it = await ConsumerBed.open(1, 1);
  await it.send(5);
  const consumer = await it.consumer(undefined);
  const got: string[] = [];
  for await (const message of consumer) {
    got.push(message.text());
    if (got.length === 5) {
      consumer.ack(message);
      break;
    }
  }
  await consumer.commit();
  expect(got).toEqual(numbers(5));
  expect(it.cluster.broker.offset("g", "T", 0)).toBe(5);
});

test("a message that a loop was left with comes again", async () => {
  await using it = await ConsumerBed.open(1, 1);
  await it.send(1);
  const consumer = await it.consumer(undefined);
  const failing = (async () => {
    for await (const _ of consumer) throw new Error("broken loop");
  })();
  expect(await failing.catch((error) => error.message)).toBe("broken loop");
  for await (const message of consumer) {
    expect(message.reconsumeTimes).toBe(1);
    break;
  }
});

test("a loop ends when the consumer closes", async () => {
  await using it = await ConsumerBed.open();
  await it.send(3);
  const consumer = await it.consumer(undefined);
  let count = 0;
  let closing: Promise<void> | null = null;
  for await (const _ of consumer) if (++count === 3) closing = consumer.close();
  await closing;
  expect(count).toBe(3);
  expect(consumer.state).toBe("closed");
});

test("closing waits for a listener that runs, and commits what it did", async () => {
  await using it = await ConsumerBed.open(1, 1);
  await it.send(1);
  const release = Promise.withResolvers<void>();
  let started = false;
  const consumer = await it.consumer(async () => {
    started = true;
    await release.promise;
  });
  await until(() => started);
  const closing = consumer.close();
  release.resolve();
  await closing;
  expect(it.cluster.broker.offset("g", "T", 0)).toBe(1);
  expect(it.cluster.broker.group("g")).toEqual([]);
});

test("no heartbeat comes after the good-bye, however slow the broker is", async () => {
  await using it = await ConsumerBed.open(1, 1);
  const consumer = await it.consumer(() => {}, { heartbeatMs: 5 });
  const { broker } = it.cluster;
  const release = Promise.withResolvers<void>();
  broker.beforeBeat = release.promise;
  const changing = consumer.subscribe("Other");
  const closing = consumer.close();
  await systemClock.sleep(20);
  expect(broker.group("g").length).toBe(1);
  release.resolve();
  await Promise.all([changing, closing]);
  const beats = broker.heartbeats.length;
  expect(broker.group("g")).toEqual([]);
  await systemClock.sleep(20);
  expect([broker.heartbeats.length, broker.group("g")]).toEqual([beats, []]);
});

test("closing doesn't wait for ever", async () => {
  await using it = await ConsumerBed.open(1, 1);
  await it.send(1);
  let started = false;
  const consumer = await it.consumer(() => {
    started = true;
    return new Promise(() => {});
  }, { closeTimeoutMs: 10 });
  await until(() => started);
  await consumer.close();
  expect(it.cluster.broker.offset("g", "T", 0)).toBe(0);
});

test("pausing stops the pulls until it is resumed", async () => {
  await using it = await ConsumerBed.open(1, 1);
  const got: string[] = [];
  const consumer = await it.consumer((message) => void got.push(message.text()), {
    pullHoldMs: 5,
  });
  consumer.pause();
  // The pull that is held ends by itself.
  await systemClock.sleep(20);
  await it.send(1);
  await systemClock.sleep(20);
  expect(got).toEqual([]);
  consumer.resume();
  await until(() => got.length === 1);
});

test("topics may be subscribed to and given up while it runs", async () => {
  await using it = await ConsumerBed.open();
  it.cluster.topics.set("Other", { queues: 1 });
  const got: string[] = [];
  const consumer = await it.consumer((message) => void got.push(message.topic));
  await consumer.subscribe("Other");
  await it.producer.send({ topic: "Other", body: "x" });
  await until(() => got.includes("Other"));
  await consumer.unsubscribe("Other");
  expect(consumer.queues.some(({ topic }) => topic === "Other")).toBe(false);
});

test("a topic that comes to be later is consumed then", async () => {
  await using it = await ConsumerBed.open();
  const got: string[] = [];
  await it.consumer((message) => void got.push(message.text()), {
    subscriptions: { Later: "*" },
  });
  it.cluster.topics.set("Later", { queues: 1 });
  await it.producer.send({ topic: "Later", body: "at last" });
  await until(() => got.length === 1);
});

test("heartbeats say what the consumer is and wants", async () => {
  await using it = await ConsumerBed.open();
  const consumer = await it.consumer(() => {}, { subscriptions: { T: "a || b" } });
  const [heartbeat] = it.cluster.broker.heartbeats as {
    clientID: string;
    consumerDataSet: { subscriptionDataSet: { topic: string }[] }[];
  }[];
  expect(heartbeat!.clientID).toBe(consumer.clientId);
  const [data] = heartbeat!.consumerDataSet;
  expect(data).toMatchObject({
    groupName: "g",
    consumeType: "CONSUME_PASSIVELY",
    messageModel: "CLUSTERING",
    consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
  });
  expect(data!.subscriptionDataSet.find(({ topic }) => topic === "T")).toMatchObject({
    subString: "a || b",
    tagsSet: ["a", "b"],
    codeSet: [97, 98],
    expressionType: "TAG",
  });
});

test("a consumer that finds no name server doesn't start", async () => {
  const consumer = new PushConsumer({ group: "g", nameServers: "127.0.0.1:1" }, () => {});
  const subscribing = consumer.subscribe("T");
  await subscribing;
  const error = await consumer.start().catch((reason) => reason);
  expect(error).toBeInstanceOf(ClientError);
  expect(error.code).toBe("no_name_server");
  expect(consumer.state).toBe("start_failed");
});

test("a consumer with a listener can't be looped over", async () => {
  await using it = await ConsumerBed.open();
  const consumer = await it.consumer(() => {});
  expect(() => consumer[Symbol.asyncIterator]()).toThrow(ClientError);
});

// What a program sees of a pull consumer: pulls and their statuses, offsets, reading a queue.
import { afterEach, expect, test } from "bun:test";
import { systemClock } from "../time/system_clock.ts";
import { ClientError } from "./client_error.ts";
import type { MessageQueue } from "./message.ts";
import { Producer } from "./producer.ts";
import { PullConsumer } from "./pull_consumer.ts";
import { FakeCluster, until } from "./testing_cluster.ts";

const stack: AsyncDisposable[] = [];

afterEach(async () => {
  while (stack.length > 0) await stack.pop()![Symbol.asyncDispose]();
});

async function open(messages = 0) {
  const cluster = await FakeCluster.open();
  stack.push(cluster);
  cluster.topics.set("T", { queues: 1 });
  const producer = await Producer.open({ group: "p" }, cluster.environment);
  stack.push(producer);
  for (let index = 0; index < messages; index++) {
    await producer.send({ topic: "T", body: `${index}`, tags: index % 2 === 0 ? "even" : "odd" });
  }
  const consumer = await PullConsumer.open({ group: "g", pullHoldMs: 50 }, cluster.environment);
  stack.push(consumer);
  const [queue] = await consumer.queues("T") as [MessageQueue];
  return { cluster, producer, consumer, queue };
}

test("a pull finds messages and says where to go on", async () => {
  const { consumer, queue } = await open(5);
  const { status, messages, nextOffset, minOffset, maxOffset } = await consumer.pull(queue, 1, {
    messagesMax: 3,
  });
  expect(messages.map((message) => message.text())).toEqual(["1", "2", "3"]);
  expect({ status, nextOffset, minOffset, maxOffset })
    .toEqual({ status: "found", nextOffset: 4, minOffset: 0, maxOffset: 5 });
});

test("each status says what to do next", async () => {
  const { consumer, queue } = await open(5);
  expect(await consumer.pull(queue, 5)).toMatchObject({ status: "no_new_message", nextOffset: 5 });
  expect(await consumer.pull(queue, 99)).toMatchObject({ status: "offset_illegal", nextOffset: 5 });
  expect(await consumer.pull(queue, 0, { expression: "none" }))
    .toMatchObject({ status: "no_matched_message", nextOffset: 5, messages: [] });
});

test("a held pull gets the message that comes", async () => {
  const { consumer, producer, queue } = await open();
  const pull = consumer.pull(queue, 0, { holdMs: 10_000 });
  await producer.send({ topic: "T", body: "now" });
  expect((await pull).messages[0]!.text()).toBe("now");
});

test("a pull can be given up", async () => {
  const { consumer, queue } = await open();
  const controller = new AbortController();
  const pull = consumer.pull(queue, 0, { holdMs: 60_000, signal: controller.signal });
  setTimeout(() => controller.abort(), 5);
  const error = await pull.catch((reason) => reason);
  expect(error).toBeInstanceOf(ClientError);
  expect(error.code).toBe("aborted");
});

test("offsets are asked for and committed", async () => {
  const { cluster, consumer, queue } = await open(5);
  cluster.broker.store.deleteBefore("T", 0, 2);
  expect(await consumer.minOffset(queue)).toBe(2);
  expect(await consumer.maxOffset(queue)).toBe(5);
  expect(await consumer.offsetAt(queue, 0)).toBe(1);
  expect(await consumer.committedOffset(queue)).toBeNull();
  await consumer.commit(queue, 4);
  expect(await consumer.committedOffset(queue)).toBe(4);
});

test("a queue is read to its end, from where the group was", async () => {
  const { consumer, producer, queue } = await open(100);
  await consumer.commit(queue, 90);
  const texts: string[] = [];
  for await (const message of consumer.read(queue, { untilEnd: true, expression: "odd" })) {
    texts.push(message.text());
    await producer.send({ topic: "T", body: "after the end", tags: "odd" });
  }
  expect(texts).toEqual(["91", "93", "95", "97", "99"]);
});

test("reading waits for more, and goes on after failures", async () => {
  const { cluster, consumer, producer, queue } = await open(2);
  const texts: string[] = [];
  for await (const message of consumer.read(queue, { from: "first" })) {
    texts.push(message.text());
    if (texts.length === 2) {
      await systemClock.sleep(60);
      await producer.send({ topic: "T", body: "more" });
    }
    if (texts.length === 3) break;
  }
  expect(texts).toEqual(["0", "1", "more"]);
  expect(cluster.broker.pulls.length).toBeGreaterThan(1);
});

test("reading begins at the end, at an offset or at a time when asked", async () => {
  const { consumer, producer, queue } = await open(3);
  const first = async (from: "last" | number | Date) => {
    for await (const message of consumer.read(queue, { from })) return message.text();
    return "nothing";
  };
  const last = first("last");
  await systemClock.sleep(20);
  await producer.send({ topic: "T", body: "new" });
  expect(await last).toBe("new");
  expect(await first(2)).toBe("2");
  expect(await first(new Date(0))).toBe("1");
});

test("reading ends when the consumer closes or the signal is aborted", async () => {
  const { cluster, consumer, queue } = await open();
  const controller = new AbortController();
  const read = async (signal?: AbortSignal) => {
    for await (const _ of consumer.read(queue, { from: 0, ...(signal && { signal }) }));
    return "ended";
  };
  const aborted = read(controller.signal);
  const closed = read();
  await until(() => cluster.broker.pulls.length >= 2);
  controller.abort();
  expect(await aborted).toBe("ended");
  await consumer.close();
  expect(await closed).toBe("ended");
  const error = await consumer.pull(queue, 0).catch((reason) => reason);
  expect(error.code).toBe("not_running");
});

test("brokers know the group as one that pulls", async () => {
  const { cluster, consumer, queue } = await open();
  await consumer.maxOffset(queue);
  expect(cluster.broker.group("g")).toEqual([consumer.clientId]);
  const { data } = [...cluster.broker.members.values()][0]!;
  expect(data.consumeType).toBe("CONSUME_ACTIVELY");
});

test("a topic that nobody knows is an error", async () => {
  const { consumer } = await open();
  const error = await consumer.queues("Nowhere").catch((reason) => reason);
  expect(error.code).toBe("no_route");
});

// An orderly consumer at a fake broker: locks before pulls, hand-over to other members, lost locks.
import { expect, test } from "bun:test";
import { queueKey } from "./message.ts";
import type { PushConsumer } from "./push_consumer.ts";
import { until } from "./testing_cluster.ts";
import { ConsumerBed, numbers } from "./testing_consumer.ts";

const orderly = { orderly: true, suspendMs: 10 } as const;
const queue = { topic: "T", brokerName: "a", queueId: 0 };

test("a queue is locked before it is pulled, and unlocked when the consumer closes", async () => {
  await using it = await ConsumerBed.open(1, 1);
  const { broker } = it.cluster;
  const got: string[] = [];
  broker.locks.holders.set(queueKey(queue), "another");
  const consumer = await it.consumer((message) => void got.push(message.text()), orderly);
  await it.send(5);
  await until(() => broker.locks.asked > 3);
  expect(broker.pulls.filter(({ topic }) => topic === "T")).toEqual([]);
  broker.locks.holders.delete(queueKey(queue));
  await until(() => got.length === 5);
  expect(got).toEqual(numbers(5));
  expect(broker.locks.holders.get(queueKey(queue))).toBe(consumer.clientId);
  await consumer.close();
  expect(broker.locks.holders.size).toBe(0);
  expect(broker.offset("g", "T", 0)).toBe(5);
});

test("a queue changes hands as soon as its listener is done, and nothing comes twice", async () => {
  await using it = await ConsumerBed.open(1, 2);
  const got: string[] = [];
  const running = new Set<string>();
  const listen = (owner: string) => async (message: { text(): string; queue: typeof queue }) => {
    const key = queueKey(message.queue);
    if (running.has(key)) got.push("overlap");
    running.add(key);
    await new Promise((resolve) => setTimeout(resolve, 3));
    running.delete(key);
    got.push(`${message.text()} ${owner}`);
  };
  const sending = it.send(100);
  await it.consumer(listen("first"), orderly);
  await until(() => got.length > 5);
  const second = await it.consumer(listen("second"), orderly);
  const share = (consumer: PushConsumer) =>
    consumer.queues.filter(({ topic }) => topic === "T").length;
  await until(() => share(second) === 1);
  await sending;
  await until(() => got.length >= 100);
  expect(got.length).toBe(100);
  expect(new Set(got.map((line) => line.split(" ")[0])).size).toBe(100);
  expect(got.some((line) => line.endsWith("second"))).toBeTrue();
});

test("nothing comes after the lock went to another member, nor is anything committed", async () => {
  await using it = await ConsumerBed.open(1, 1);
  const { broker } = it.cluster;
  const got: string[] = [];
  const consumer = await it.consumer((message) => void got.push(message.text()), {
    ...orderly,
    offsetCommitMs: 60_000,
  });
  await it.send(3);
  await until(() => got.length === 3);
  // As a broker that was restarted and asked by another member first.
  broker.locks.holders.set(queueKey(queue), "another");
  broker.offsets.set("g T 0", 7);
  broker.dropMembers();
  await until(() => !consumer.queues.some(({ topic }) => topic === "T"));
  await it.send(10);
  await consumer.commit();
  expect(broker.offset("g", "T", 0)).toBe(7);
  expect(got.length).toBe(3);
  broker.locks.holders.delete(queueKey(queue));
  await until(() => got.length >= 9);
  // It goes on where the other member was: at offset 7, the message that was sent as the fourth of ten.
  expect(got.slice(3)).toEqual(["4", "5", "6", "7", "8", "9"]);
});

test("after a broken connection the queue goes on where it was once the lock is confirmed", async () => {
  await using it = await ConsumerBed.open(1, 1);
  const { broker } = it.cluster;
  const got: string[] = [];
  await it.consumer((message) => void got.push(message.text()), orderly);
  await it.send(3);
  await until(() => got.length === 3);
  const asked = broker.locks.asked;
  broker.dropMembers();
  await it.send(3);
  await until(() => got.length === 6);
  expect(broker.locks.asked).toBeGreaterThan(asked);
  expect(got).toEqual([...numbers(3), ...numbers(3)]);
});

test("what fails too often goes to the retry topic, with what the broker needs for the DLQ", async () => {
  await using it = await ConsumerBed.open(1, 1);
  const { broker } = it.cluster;
  const got: string[] = [];
  const consumer = await it.consumer((message) => {
    got.push(`${message.text()} ${message.reconsumeTimes}`);
    return message.text() === "0" ? "later" : "success";
  }, { ...orderly, maxReconsumeTimes: 1 });
  await it.send(1);
  await until(() => broker.sends.some(({ b }) => b === "%RETRY%g"));
  await it.producer.send({ topic: "T", body: "next" });
  await until(() => got.some((line) => line.startsWith("next")));
  expect(got.slice(0, 2)).toEqual(["0 0", "0 1"]);
  const retry = broker.sends.find(({ b }) => b === "%RETRY%g")!;
  expect([retry.j, retry.l]).toEqual([2, 1]);
  expect(broker.sendBacks).toEqual([]);
  await consumer.close();
});

test("closing waits for a hanging listener only as long as it is told to", async () => {
  await using it = await ConsumerBed.open(1, 1);
  const { promise, resolve } = Promise.withResolvers<void>();
  let began = false;
  const consumer = await it.consumer(() => {
    began = true;
    return promise;
  }, { ...orderly, closeTimeoutMs: 20 });
  await it.send(2);
  await until(() => began);
  await consumer.close();
  expect(it.cluster.broker.locks.holders.size).toBe(0);
  expect(it.cluster.broker.offset("g", "T", 0) ?? 0).toBe(0);
  resolve();
});

test("an operator's reset waits for the running listener, and consumes in order from there", async () => {
  await using it = await ConsumerBed.open(1, 1);
  const got: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  await it.consumer(async (message) => {
    got.push(`begin ${message.text()}`);
    if (message.text() === "3" && got.length < 10) await promise;
    got.push(`end ${message.text()}`);
  }, orderly);
  await it.send(5);
  await until(() => got.includes("begin 3"));
  it.cluster.broker.reset("g", "T", [{ queue, offset: 1 }]);
  await new Promise((done) => setTimeout(done, 20));
  expect(got.at(-1)).toBe("begin 3");
  resolve();
  await until(() => got.at(-1) === "end 4");
  const again = [1, 2, 3, 4].flatMap((n) => [`begin ${n}`, `end ${n}`]);
  expect(got.slice(8)).toEqual(again);
});

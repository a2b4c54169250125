// What a group sees: members that come and go, where consuming begins and goes on, broadcasting.
import { expect, test } from "bun:test";
import { MemoryDisk } from "../disk/memory_disk.ts";
import { seededRandom } from "../random.ts";
import { ResponseCode } from "../remoting/response_codes.ts";
import type { MessageListener } from "./listener.ts";
import { PushConsumer } from "./push_consumer.ts";
import { until } from "./testing_cluster.ts";
import { ConsumerBed, QUICK } from "./testing_consumer.ts";

test("an offset isn't committed beyond a message that is still being consumed", async () => {
  await using it = await ConsumerBed.open(1, 1);
  const release = Promise.withResolvers<void>();
  let done = 0;
  const consumer = await it.consumer(async (message) => {
    if (message.text() === "first") await release.promise;
    done++;
  });
  await it.producer.send({ topic: "T", body: "first" });
  await it.send(20);
  await until(() => done === 20);
  await consumer.commit();
  expect(it.cluster.broker.offset("g", "T", 0)).toBe(0);
  release.resolve();
  await until(() => done === 21);
  await consumer.commit();
  expect(it.cluster.broker.offset("g", "T", 0)).toBe(21);
});

test("members share the queues; a new one takes its part and one that leaves gives it back", async () => {
  await using it = await ConsumerBed.open(2);
  const first = await it.consumer(() => {});
  expect(first.queues.filter(({ topic }) => topic === "T").length).toBe(8);
  const second = await it.consumer(() => {});
  const share = (consumer: PushConsumer) =>
    consumer.queues.filter(({ topic }) => topic === "T").map((q) => `${q.brokerName}${q.queueId}`);
  await until(() => share(first).length === 4 && share(second).length === 4);
  expect([...share(first), ...share(second)].toSorted())
    .toEqual(["a0", "a1", "a2", "a3", "b0", "b1", "b2", "b3"]);
  await second.close();
  await until(() => share(first).length === 8);
});

test("nothing is lost when members come and go, and little is repeated", async () => {
  await using it = await ConsumerBed.open(1, 4);
  const got = new Map<string, number>();
  const listener: MessageListener = (message) => {
    const text = message.text();
    got.set(text, (got.get(text) ?? 0) + 1);
  };
  await it.consumer(listener);
  const sending = it.send(2000);
  const second = await it.consumer(listener);
  const third = await it.consumer(listener);
  await sending;
  await second.close();
  await until(() => got.size === 2000);
  await third.close();
  const repeated = [...got.values()].filter((count) => count > 1).length;
  // What was pulled and unfinished when a queue moved: four queues of a pull each, twice at most.
  expect(repeated).toBeLessThanOrEqual(2 * 4 * 1000);
});

test("a consumer goes on where its group was", async () => {
  await using it = await ConsumerBed.open();
  await it.send(10);
  const got: string[] = [];
  const first = await it.consumer((message) => void got.push(message.text()));
  await until(() => got.length === 10);
  await first.close();
  await it.producer.send({ topic: "T", body: "later" });
  await it.consumer((message) => void got.push(message.text()));
  await until(() => got.length >= 11);
  expect(got.slice(10)).toEqual(["later"]);
});

test("a new group begins at the end unless asked otherwise", async () => {
  await using it = await ConsumerBed.open();
  await it.send(5);
  const got: string[] = [];
  await it.consumer((message) => void got.push(message.text()), { consumeFrom: "last" });
  await it.producer.send({ topic: "T", body: "new" });
  await until(() => got.length > 0);
  expect(got).toEqual(["new"]);
});

test("an offset before the queue's first is corrected by the broker", async () => {
  await using it = await ConsumerBed.open(1, 1);
  await it.send(10);
  it.cluster.broker.store.deleteBefore("T", 0, 6);
  const got: string[] = [];
  await it.consumer((message) => void got.push(message.text()));
  await until(() => got.length === 4);
  await until(() => it.cluster.broker.offset("g", "T", 0) === 10);
  expect(got).toEqual(["6", "7", "8", "9"]);
});

test("a broker that was restarted is told at once who we are", async () => {
  await using it = await ConsumerBed.open(1, 1);
  const got: string[] = [];
  await it.consumer((message) => void got.push(message.text()), { heartbeatMs: 60_000 });
  const before = it.cluster.broker.heartbeats.length;
  it.cluster.broker.reactions.pull.push(ResponseCode.SUBSCRIPTION_NOT_EXIST);
  await it.send(1);
  await it.send(1);
  await until(() => got.length === 2 && it.cluster.broker.reactions.pull.length === 0);
  await until(() => it.cluster.broker.heartbeats.length > before);
});

test("broadcasting: every member gets everything, nothing comes again, offsets are local", async () => {
  await using it = await ConsumerBed.open();
  const disk = new MemoryDisk(seededRandom(1));
  const open = (instanceName: string, got: string[]) =>
    PushConsumer.open(
      { group: "b", model: "broadcasting", instanceName, subscriptions: { T: "*" }, ...QUICK },
      (message) => {
        got.push(message.text());
        throw new Error("lost");
      },
      { ...it.cluster.environment, disk, homeDirectory: "/home/u" },
    );
  const first: string[] = [];
  const second: string[] = [];
  const consumers = [await open("one", first), await open("two", second)];
  await it.send(20);
  await until(() => first.length === 20 && second.length === 20);
  for (const consumer of consumers) await consumer.close();
  expect(it.cluster.broker.sendBacks).toEqual([]);
  expect(it.cluster.broker.offsets.size).toBe(0);
  expect(disk.listSync("/home/u/.rocketmq_offsets/127.0.0.1@one/b")).toContain("offsets.json");
  await it.producer.send({ topic: "T", body: "next" });
  const again: string[] = [];
  it.stack.push(await open("one", again));
  await until(() => again.length > 0);
  expect(again).toEqual(["next"]);
});

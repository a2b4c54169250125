// The lite pull consumer at a fake broker: polls, commits, assignments, seeks, pauses, the group.
import { expect, test } from "bun:test";
import { ResponseCode } from "../remoting/response_codes.ts";
import { LitePullConsumer } from "./lite_pull_consumer.ts";
import type { MessageQueue } from "./message.ts";
import type { LitePullConsumerOptions } from "./options.ts";
import { until } from "./testing_cluster.ts";
import { ConsumerBed, numbers } from "./testing_consumer.ts";

const queue = (queueId: number): MessageQueue => ({ topic: "T", brokerName: "a", queueId });

async function lite(
  it: ConsumerBed,
  options: Partial<LitePullConsumerOptions> = {},
): Promise<LitePullConsumer> {
  const consumer = await LitePullConsumer.open({
    group: "g",
    consumeFrom: "first",
    rebalanceMs: 20,
    heartbeatMs: 50,
    routePollMs: 50,
    ...options,
  }, it.cluster.environment);
  it.stack.push(consumer);
  return consumer;
}

/** Polls until so many messages came. */
async function polled(consumer: LitePullConsumer, count: number): Promise<string[]> {
  const texts: string[] = [];
  while (texts.length < count) {
    texts.push(...(await consumer.poll()).map((message) => message.text()));
  }
  return texts;
}

test("polls give what is subscribed to; what they gave is committed by the program", async () => {
  await using it = await ConsumerBed.open(1, 1);
  const { broker } = it.cluster;
  await it.send(25);
  const consumer = await lite(it, { subscriptions: { T: "*" }, autoCommit: false });
  expect(await polled(consumer, 25)).toEqual(numbers(25));
  expect(broker.offset("g", "T", 0)).toBeUndefined();
  await consumer.commit();
  expect(broker.offset("g", "T", 0)).toBe(25);
  expect(await consumer.committed(queue(0))).toBe(25);
  expect(await consumer.poll({ timeoutMs: 5 })).toEqual([]);
  const [first] = broker.pulls;
  expect([first!.sysFlag, first!.suspendTimeoutMillis, first!.maxMsgNums]).toEqual([
    22,
    20_000,
    10,
  ]);
});

test("with autoCommit the polls before the last one are committed, also at the end", async () => {
  await using it = await ConsumerBed.open(1, 1);
  await it.send(20);
  const consumer = await lite(it, { subscriptions: { T: "*" } });
  expect((await consumer.poll()).length).toBe(10);
  expect((await consumer.poll()).length).toBe(10);
  await consumer.close();
  expect(it.cluster.broker.offset("g", "T", 0)).toBe(10);
});

test("without autoCommit nothing is committed that the program didn't commit", async () => {
  await using it = await ConsumerBed.open(1, 1);
  await it.send(20);
  const consumer = await lite(it, { subscriptions: { T: "*" }, autoCommit: false });
  await polled(consumer, 20);
  await consumer.commit([{ queue: queue(0), offset: 7 }, { queue: queue(5), offset: 9 }]);
  await consumer.close();
  expect(it.cluster.broker.offset("g", "T", 0)).toBe(7);
  expect(it.cluster.broker.offset("g", "T", 5)).toBeUndefined();
});

test("members share a topic's queues, and hear of it", async () => {
  await using it = await ConsumerBed.open(1, 4);
  const changes: string[] = [];
  const first = await lite(it, { subscriptions: { T: "*" } });
  first.onQueuesChanged((topic, all, own) => changes.push(`${topic} ${own.length}/${all.length}`));
  expect(first.assignment.length).toBe(4);
  const second = await lite(it, { subscriptions: { T: "*" } });
  await until(() => first.assignment.length === 2 && second.assignment.length === 2);
  await second.close();
  await until(() => first.assignment.length === 4);
  expect([changes[0], changes.at(-1)]).toEqual(["T 2/4", "T 4/4"]);
});

test("assigned queues are read whoever else reads them, with their own expression", async () => {
  await using it = await ConsumerBed.open(1, 4);
  for (const n of [0, 1, 2, 3]) {
    for (const tags of ["a", "b"]) {
      await it.producer.send({ topic: "T", body: `${n}${tags}`, tags }, { queue: queue(n) });
    }
  }
  const consumer = await lite(it);
  await lite(it, { subscriptions: { T: "*" }, instanceName: "other" });
  await consumer.assign([queue(1), queue(2)], "a");
  expect((await polled(consumer, 2)).sort()).toEqual(["1a", "2a"]);
  await consumer.assign([queue(3)], "a");
  expect(await polled(consumer, 1)).toEqual(["3a"]);
  expect(consumer.assignment).toEqual([queue(3)]);
  expect(await consumer.subscribe("T").catch((error) => error.code)).toBe("invalid_options");
});

test("a seek goes on at another offset of the queue, and nowhere else", async () => {
  await using it = await ConsumerBed.open(1, 1);
  await it.send(30);
  const consumer = await lite(it, { autoCommit: false });
  await consumer.assign([queue(0)]);
  await polled(consumer, 20);
  await consumer.seek(queue(0), 28);
  expect(await polled(consumer, 2)).toEqual(["28", "29"]);
  await consumer.seekToBegin(queue(0));
  expect((await polled(consumer, 30)).slice(0, 3)).toEqual(["0", "1", "2"]);
  await consumer.seekToEnd(queue(0));
  expect(await consumer.poll({ timeoutMs: 5 })).toEqual([]);
  const code = (done: Promise<void>) => done.then(() => "", (error) => error.code);
  expect(await code(consumer.seek(queue(0), 31))).toBe("bad_offset");
  expect(await code(consumer.seek(queue(1), 0))).toBe("not_assigned");
  await consumer.commit();
  expect(it.cluster.broker.offset("g", "T", 0)).toBe(30);
});

test("a paused queue isn't pulled until it is resumed", async () => {
  await using it = await ConsumerBed.open(1, 2);
  const consumer = await lite(it);
  consumer.pause([queue(0)]);
  await consumer.assign([queue(0), queue(1)]);
  await it.producer.send({ topic: "T", body: "paused" }, { queue: queue(0) });
  await it.producer.send({ topic: "T", body: "goes on" }, { queue: queue(1) });
  expect(await polled(consumer, 1)).toEqual(["goes on"]);
  expect(await consumer.poll({ timeoutMs: 10 })).toEqual([]);
  consumer.resume([queue(0)]);
  expect(await polled(consumer, 1)).toEqual(["paused"]);
});

test("no more is pulled than may wait, and all of it comes", async () => {
  await using it = await ConsumerBed.open(1, 1);
  await it.send(100);
  const consumer = await lite(it, { subscriptions: { T: "*" }, messagesMax: 20 });
  await until(() => it.cluster.broker.pulls.filter(({ topic }) => topic === "T").length >= 3);
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect(it.cluster.broker.pulls.filter(({ topic }) => topic === "T").length).toBe(3);
  expect(await polled(consumer, 100)).toEqual(numbers(100));
});

test("a poll ends early by its signal, and by closing", async () => {
  await using it = await ConsumerBed.open(1, 1);
  const consumer = await lite(it, { subscriptions: { T: "*" } });
  const aborting = new AbortController();
  const polling = consumer.poll({ timeoutMs: 60_000, signal: aborting.signal });
  aborting.abort();
  expect(await polling).toEqual([]);
  const another = consumer.poll({ timeoutMs: 60_000 });
  await consumer.close();
  expect(await another).toEqual([]);
  expect(await consumer.poll().catch((error) => error.code)).toBe("not_running");
});

test("closing ends a loop that waits, and polls in a loop of the program's own, and commits", async () => {
  await using it = await ConsumerBed.open(1, 1);
  await it.send(5);
  const consumer = await lite(it, { subscriptions: { T: "*" } });
  const seen: string[] = [];
  const looping = (async () => {
    for await (const message of consumer) seen.push(message.text());
  })();
  await until(() => seen.length === 5);
  const polling = (async () => {
    while (consumer.state === "running") await consumer.poll();
  })();
  await Promise.all([consumer.close(), consumer.close()]);
  await Promise.all([looping, polling]);
  expect(it.cluster.broker.offset("g", "T", 0)).toBe(5);
});

test("a broker that knows no lite pulls is asked by plain ones", async () => {
  await using it = await ConsumerBed.open(1, 1);
  const { broker } = it.cluster;
  broker.reactions.pull.push(ResponseCode.REQUEST_CODE_NOT_SUPPORTED);
  await it.send(3);
  const consumer = await lite(it, { subscriptions: { T: "*" } });
  expect(await polled(consumer, 3)).toEqual(numbers(3));
  expect(broker.pulls.slice(0, 2).map(({ sysFlag }) => sysFlag)).toEqual([22, 6]);
});

test("a topic's queues are listened for", async () => {
  await using it = await ConsumerBed.open(1, 1);
  const consumer = await lite(it, { subscriptions: { T: "*" } });
  const changes: number[] = [];
  consumer.onTopicQueuesChanged("T", (_topic, queues) => changes.push(queues.length));
  it.cluster.topics.set("T", { queues: 3 });
  await until(() => changes.length > 0);
  expect(changes).toEqual([3]);
  await until(() => consumer.assignment.length === 3);
});

test("an operator's reset moves a lite pull consumer too", async () => {
  await using it = await ConsumerBed.open(1, 1);
  await it.send(10);
  const consumer = await lite(it, { subscriptions: { T: "*" } });
  await polled(consumer, 10);
  it.cluster.broker.reset("g", "T", [{ queue: queue(0), offset: 4 }]);
  expect(await polled(consumer, 6)).toEqual(["4", "5", "6", "7", "8", "9"]);
});

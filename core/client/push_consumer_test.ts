// What a program sees of a push consumer: each message once, retries, members that come and go,
// offsets, loops, life cycle.
import { afterEach, expect, test } from "bun:test";
import { MemoryDisk } from "../disk/memory_disk.ts";
import { seededRandom } from "../random.ts";
import { ResponseCode } from "../remoting/response_codes.ts";
import { systemClock } from "../time/system_clock.ts";
import { ClientError } from "./client_error.ts";
import type { MessageListener } from "./consume_pool.ts";
import type { PushConsumerOptions } from "./options.ts";
import { Producer } from "./producer.ts";
import { PushConsumer } from "./push_consumer.ts";
import type { ReceivedMessage } from "./received_message.ts";
import { FakeCluster, until } from "./testing_cluster.ts";

const stack: AsyncDisposable[] = [];

afterEach(async () => {
  while (stack.length > 0) await stack.pop()![Symbol.asyncDispose]();
});

/** Everything quick, so that no test waits for a period. */
const QUICK = { rebalanceMs: 20, offsetCommitMs: 20, heartbeatMs: 50, routePollMs: 50 };

class Bed {
  constructor(readonly cluster: FakeCluster, readonly producer: Producer) {}

  async consumer(
    listener?: MessageListener,
    options: Partial<PushConsumerOptions> = {},
  ): Promise<PushConsumer> {
    const consumer = await PushConsumer.open(
      { group: "g", subscriptions: { T: "*" }, consumeFrom: "first", ...QUICK, ...options },
      listener,
      this.cluster.environment,
    );
    stack.push(consumer);
    return consumer;
  }

  async send(count: number, tags?: string): Promise<void> {
    await Promise.all(
      Array.from(
        { length: count },
        (_, index) => this.producer.send({ topic: "T", body: `${index}`, ...(tags && { tags }) }),
      ),
    );
  }
}

async function bed(brokers = 1, queues = 4): Promise<Bed> {
  const cluster = await FakeCluster.open(brokers);
  stack.push(cluster);
  cluster.topics.set("T", { queues });
  const producer = await Producer.open({ group: "p" }, cluster.environment);
  stack.push(producer);
  return new Bed(cluster, producer);
}

function numbers(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${index}`);
}

function byNumber(texts: readonly string[]): string[] {
  return texts.toSorted((a, b) => Number(a) - Number(b));
}

test("each message is consumed once, and the offsets are committed", async () => {
  const { cluster, ...rest } = await bed();
  const it = new Bed(cluster, rest.producer);
  await it.send(100);
  const got: string[] = [];
  await it.consumer((message) => void got.push(message.text()));
  await until(() => got.length === 100);
  await it.send(10);
  await until(() => got.length === 110);
  const { store } = cluster.broker;
  const isCommitted = (queueId: number) =>
    cluster.broker.offset("g", "T", queueId) === store.maxOffset("T", queueId);
  await until(() => [0, 1, 2, 3].every(isCommitted));
  expect(byNumber(got)).toEqual(byNumber([...numbers(100), ...numbers(10)]));
});

test("messages carry what was sent and where they are", async () => {
  const it = await bed();
  const sent = await it.producer.send({
    topic: "T",
    body: JSON.stringify({ a: "ö".repeat(3000) }),
    tags: "t",
    keys: ["k1", "k2"],
    properties: { p: "v" },
    flag: 3,
  });
  const got: ReceivedMessage[] = [];
  await it.consumer((message) => void got.push(message));
  await until(() => got.length === 1);
  const message = got[0]!;
  expect(message.json()).toEqual({ a: "ö".repeat(3000) });
  expect(message.storedBytes).toBeLessThan(1000);
  expect(message).toMatchObject({
    topic: "T",
    queue: sent.queue,
    queueOffset: sent.queueOffset,
    messageId: sent.messageId,
    offsetMessageId: sent.offsetMessageId,
    tags: "t",
    keys: ["k1", "k2"],
    flag: 3,
    reconsumeTimes: 0,
    storeHost: it.cluster.broker.address,
  });
  expect(message.properties.get("p")).toBe("v");
});

test("only wanted tags arrive, also among those of an equal hash", async () => {
  const it = await bed(1, 1);
  // Java's String.hashCode gives these two the same number, so that the broker lets both through.
  await it.send(1, "Aa");
  await it.send(1, "BB");
  await it.send(1, "C");
  const got: string[] = [];
  await it.consumer((message) => void got.push(message.tags!), {
    subscriptions: { T: "BB || C" },
  });
  await until(() => got.length === 2);
  await until(() => it.cluster.broker.offset("g", "T", 0) === 3);
  expect(got).toEqual(["BB", "C"]);
});

test("a message whose listener throws comes again by the retry topic until it succeeds", async () => {
  const it = await bed();
  const deliveries: [topic: string, reconsumeTimes: number][] = [];
  await it.consumer((message) => {
    deliveries.push([message.topic, message.reconsumeTimes]);
    if (message.reconsumeTimes < 2) throw new Error("not yet");
  }, { maxReconsumeTimes: 5 });
  await it.send(1);
  await until(() => deliveries.length === 3);
  expect(deliveries).toEqual([["T", 0], ["T", 1], ["T", 2]]);
  expect(it.cluster.broker.sendBacks[0]).toMatchObject({
    group: "g",
    delayLevel: 0,
    originTopic: "T",
    maxReconsumeTimes: 5,
  });
});

test("a listener may ask for a later delivery, with or without a delay level", async () => {
  const it = await bed();
  let calls = 0;
  await it.consumer(() => {
    calls++;
    if (calls === 1) return "later";
    if (calls === 2) return { delayLevel: 7 };
    return "success";
  });
  await it.send(1);
  await until(() => calls === 3);
  expect(it.cluster.broker.sendBacks.map(({ delayLevel }) => delayLevel)).toEqual([0, 7]);
});

test("a message that can't be sent back is published to the retry topic", async () => {
  const it = await bed();
  it.cluster.broker.reactions.sendBack.push(ResponseCode.SYSTEM_ERROR);
  const deliveries: ReceivedMessage[] = [];
  await it.consumer((message) => {
    deliveries.push(message);
    return deliveries.length === 1 ? "later" : "success";
  });
  await it.producer.send({ topic: "T", body: "x", properties: { mine: "1" } });
  await until(() => deliveries.length === 2);
  const [first, again] = deliveries;
  expect(again!.queue.topic).toBe("%RETRY%g");
  expect(again!.topic).toBe("T");
  expect(again!.text()).toBe("x");
  expect(Object.fromEntries(again!.properties)).toMatchObject({
    ORIGIN_MESSAGE_ID: first!.messageId,
    RETRY_TOPIC: "T",
    DELAY: "3",
    RECONSUME_TIME: "1",
    MAX_RECONSUME_TIMES: "16",
    mine: "1",
  });
});

test("no more listeners run at a time than asked", async () => {
  const it = await bed();
  await it.send(50);
  let running = 0;
  let most = 0;
  let done = 0;
  await it.consumer(async () => {
    most = Math.max(most, ++running);
    await systemClock.sleep(1);
    running--;
    done++;
  }, { concurrency: 3 });
  await until(() => done === 50);
  expect(most).toBe(3);
});

test("a slow listener holds pulls back by count", async () => {
  const it = await bed(1, 1);
  await it.send(200);
  const release = Promise.withResolvers<void>();
  let got = 0;
  await it.consumer(async () => {
    got++;
    await release.promise;
  }, { concurrency: 1, queueMessagesMax: 20, pullBatchSize: 10 });
  await until(() => got === 1);
  // Three pulls of ten pass the limit of twenty; no fourth one follows.
  await until(() => it.cluster.broker.pulls.filter(({ topic }) => topic === "T").length >= 3);
  await systemClock.sleep(30);
  expect(it.cluster.broker.pulls.filter(({ topic }) => topic === "T").length).toBe(3);
  release.resolve();
  await until(() => got === 200);
});

test("an offset isn't committed beyond a message that is still being consumed", async () => {
  const it = await bed(1, 1);
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
  const it = await bed(2);
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
  const it = await bed(1, 4);
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
  const it = await bed();
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
  const it = await bed();
  await it.send(5);
  const got: string[] = [];
  await it.consumer((message) => void got.push(message.text()), { consumeFrom: "last" });
  await it.producer.send({ topic: "T", body: "new" });
  await until(() => got.length > 0);
  expect(got).toEqual(["new"]);
});

test("an offset before the queue's first is corrected by the broker", async () => {
  const it = await bed(1, 1);
  await it.send(10);
  it.cluster.broker.store.deleteBefore("T", 0, 6);
  const got: string[] = [];
  await it.consumer((message) => void got.push(message.text()));
  await until(() => got.length === 4);
  await until(() => it.cluster.broker.offset("g", "T", 0) === 10);
  expect(got).toEqual(["6", "7", "8", "9"]);
});

test("a broker that is too busy, or fails, is pulled from again", async () => {
  const it = await bed(1, 1);
  it.cluster.broker.reactions.pull.push(2, 2, 215);
  const got: string[] = [];
  await it.consumer((message) => void got.push(message.text()));
  await it.send(3);
  await until(() => got.length === 3);
});

test("a broker that was restarted is told at once who we are", async () => {
  const it = await bed(1, 1);
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
  const it = await bed();
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
  stack.push(await open("one", first), await open("two", second));
  await it.send(20);
  await until(() => first.length === 20 && second.length === 20);
  while (stack.length > 2) await stack.pop()![Symbol.asyncDispose]();
  expect(it.cluster.broker.sendBacks).toEqual([]);
  expect(it.cluster.broker.offsets.size).toBe(0);
  expect(disk.listSync("/home/u/.rocketmq_offsets/127.0.0.1@one/b")).toContain("offsets.json");
  await it.producer.send({ topic: "T", body: "next" });
  const again: string[] = [];
  stack.push(await open("one", again));
  await until(() => again.length > 0);
  expect(again).toEqual(["next"]);
});

test("a loop gets messages one at a time; the one before is consumed when the next is taken", async () => {
  const it = await bed(1, 1);
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
  const it = await bed(1, 1);
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
  const it = await bed();
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
  const it = await bed(1, 1);
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

test("closing doesn't wait for ever", async () => {
  const it = await bed(1, 1);
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

test("a listener that takes too long loses its message to a later delivery", async () => {
  const it = await bed(1, 1);
  await it.send(1);
  const deliveries: number[] = [];
  await it.consumer((message) => {
    deliveries.push(message.reconsumeTimes);
    return message.reconsumeTimes === 0 ? new Promise(() => {}) : "success";
  }, { consumeTimeoutMs: 40, closeTimeoutMs: 1 });
  await until(() => deliveries.length === 2);
  expect(it.cluster.broker.sendBacks[0]!.delayLevel).toBe(3);
  await until(() => it.cluster.broker.offset("g", "T", 0) === 1);
});

test("pausing stops the pulls until it is resumed", async () => {
  const it = await bed(1, 1);
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
  const it = await bed();
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
  const it = await bed();
  const got: string[] = [];
  await it.consumer((message) => void got.push(message.text()), {
    subscriptions: { Later: "*" },
  });
  it.cluster.topics.set("Later", { queues: 1 });
  await it.producer.send({ topic: "Later", body: "at last" });
  await until(() => got.length === 1);
});

test("heartbeats say what the consumer is and wants", async () => {
  const it = await bed();
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
  const it = await bed();
  const consumer = await it.consumer(() => {});
  expect(() => consumer[Symbol.asyncIterator]()).toThrow(ClientError);
});

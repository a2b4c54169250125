// What a program sees of a push consumer with a listener: each message once, what it carries, retries,
// flow control, time-outs.
import { expect, test } from "bun:test";
import { ResponseCode } from "../remoting/response_codes.ts";
import { systemClock } from "../time/system_clock.ts";
import type { ReceivedMessage } from "./received_message.ts";
import { until } from "./testing_cluster.ts";
import { ConsumerBed, numbers } from "./testing_consumer.ts";

function byNumber(texts: readonly string[]): string[] {
  return texts.toSorted((a, b) => Number(a) - Number(b));
}

test("each message is consumed once, and the offsets are committed", async () => {
  await using it = await ConsumerBed.open();
  const { cluster } = it;
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
  await using it = await ConsumerBed.open();
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
  await using it = await ConsumerBed.open(1, 1);
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
  await using it = await ConsumerBed.open();
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
  await using it = await ConsumerBed.open();
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
  await using it = await ConsumerBed.open();
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
    mine: "1",
  });
  expect(again!.reconsumeTimes).toBe(1);
  // As Apache's producers, which tell both in the request alone.
  expect(again!.properties.has("RECONSUME_TIME")).toBeFalse();
  expect(it.cluster.broker.sends.at(-1)).toMatchObject({ j: 1, l: 16 });
});

test("no more listeners run at a time than asked", async () => {
  await using it = await ConsumerBed.open();
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
  await using it = await ConsumerBed.open(1, 1);
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

test("a broker that is too busy, or fails, is pulled from again", async () => {
  await using it = await ConsumerBed.open(1, 1);
  it.cluster.broker.reactions.pull.push(2, 2, 215);
  const got: string[] = [];
  await it.consumer((message) => void got.push(message.text()));
  await it.send(3);
  await until(() => got.length === 3);
});

test("a listener that takes too long loses its message to a later delivery", async () => {
  await using it = await ConsumerBed.open(1, 1);
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

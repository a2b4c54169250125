// Transactions as programs see them, against a whole broker.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { type EmbeddedCluster, startRoquet } from "../../cmd/embedded.ts";
import type { ClientError } from "./client_error.ts";
import { Producer } from "./producer.ts";
import { PullConsumer } from "./pull_consumer.ts";
import type { ReceivedMessage } from "./received_message.ts";
import type { TransactionState } from "./transactions.ts";

let mq: EmbeddedCluster;
let consumer: PullConsumer;

beforeAll(async () => {
  mq = await startRoquet({
    broker: {
      transactionTimeOut: 200,
      transactionCheckInterval: 30,
      transactionCheckMax: 100_000,
      defaultTopicQueueNums: 1,
    },
  });
  consumer = await PullConsumer.open({ nameServers: mq.nameServer, group: "G_look" });
});

afterAll(async () => {
  await consumer.close();
  await mq[Symbol.asyncDispose]();
});

interface Asking {
  producer: Producer;
  asked: ReceivedMessage[];
}

async function open(
  group: string,
  state: (message: ReceivedMessage) => TransactionState = () => "unknown",
): Promise<Asking> {
  const asked: ReceivedMessage[] = [];
  const producer = await Producer.open({
    nameServers: mq.nameServer,
    group,
    checkTransaction(message) {
      asked.push(message);
      return state(message);
    },
  });
  return { producer, asked };
}

/** Bodies in the topic once there are as many. */
async function bodiesOf(topic: string, count: number): Promise<string[]> {
  const deadlineMs = Date.now() + 30_000;
  for (;;) {
    const bodies: string[] = [];
    for (const queue of await consumer.queues(topic)) {
      const { messages } = await consumer.pull(queue, 0, { holdMs: 0 });
      bodies.push(...messages.map((message) => message.text()));
    }
    if (bodies.length >= count || Date.now() > deadlineMs) return bodies;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test("a committed message is seen, a rolled back one never", async () => {
  const { producer } = await open("P_ends");
  const seen: string[] = [];
  for (const [body, state] of [["no", "rollback"], ["yes", "commit"]] as const) {
    const result = await producer.sendInTransaction(
      { topic: "T_ends", body, keys: "k" },
      (half) => {
        seen.push(half.messageId);
        expect(half.transactionId).toBe(half.messageId);
        return Promise.resolve(state);
      },
    );
    expect(result).toMatchObject({ state, status: "ok", messageId: seen.at(-1)! });
  }
  expect(await bodiesOf("T_ends", 1)).toEqual(["yes"]);
  await producer.close();
});

test("a message whose end is unknown is asked about, and ends as the answer says", async () => {
  const { producer, asked } = await open(
    "P_asked",
    (message) => message.text() === "good" ? "commit" : "rollback",
  );
  for (const body of ["bad", "good"]) {
    await producer.sendInTransaction(
      { topic: "T_asked", body, keys: body, properties: { color: "red" } },
      () => "unknown",
    );
  }
  expect(await bodiesOf("T_asked", 1)).toEqual(["good"]);
  const good = asked.find((message) => message.text() === "good")!;
  expect([good.topic, good.keys, good.properties.get("color")]).toEqual([
    "T_asked",
    ["good"],
    "red",
  ]);
  await producer.close();
});

test("what the local transaction throws is thrown, and the broker asks", async () => {
  const { producer, asked } = await open("P_throws", () => "commit");
  const failure = new Error("the database is gone");
  const send = producer.sendInTransaction({ topic: "T_throws", body: "1" }, () => {
    throw failure;
  });
  expect(await send.catch((error) => error)).toBe(failure);
  expect(await bodiesOf("T_throws", 1)).toEqual(["1"]);
  expect(asked.length).toBeGreaterThan(0);
  await producer.close();
});

test("a check that throws is asked again", async () => {
  let calls = 0;
  const { producer } = await open("P_again", () => {
    calls++;
    if (calls < 3) throw new Error("not yet");
    return "commit";
  });
  await producer.sendInTransaction({ topic: "T_again", body: "1" }, () => "unknown");
  expect(await bodiesOf("T_again", 1)).toEqual(["1"]);
  // One more question may be on its way while the answer is.
  expect(calls).toBeGreaterThanOrEqual(3);
  await producer.close();
});

test("another process of the group answers for one that is gone, without sending anything", async () => {
  const first = await open("P_heir");
  await first.producer.sendInTransaction({ topic: "T_heir", body: "left" }, () => "unknown");
  await first.producer.close();
  await using _ = await Producer.open({
    nameServers: mq.nameServer,
    group: "P_heir",
    transactionTopics: ["T_heir"],
    checkTransaction: () => Promise.resolve("commit"),
  });
  expect(await bodiesOf("T_heir", 1)).toEqual(["left"]);
});

test("a producer that can't be asked begins no transaction, and none is delayed", async () => {
  await using plain = await Producer.open({ nameServers: mq.nameServer, group: "P_plain" });
  const codeOf = (send: Promise<unknown>) => send.catch((error: ClientError) => error.code);
  const message = { topic: "T_plain", body: "1" };
  expect(await codeOf(plain.sendInTransaction(message, () => "commit"))).toBe("invalid_options");
  const { producer } = await open("P_delay");
  const delayed = producer.sendInTransaction({ ...message, delayLevel: 3 }, () => "commit");
  expect(await codeOf(delayed)).toBe("invalid_message");
  await producer.close();
});

test("closing waits for the transaction that is under way", async () => {
  const { producer } = await open("P_close");
  const { promise, resolve } = Promise.withResolvers<TransactionState>();
  const begun = Promise.withResolvers<void>();
  const send = producer.sendInTransaction({ topic: "T_close", body: "1" }, () => {
    begun.resolve();
    return promise;
  });
  await begun.promise;
  const closing = producer.close();
  resolve("commit");
  await closing;
  expect((await send).state).toBe("commit");
  expect(await bodiesOf("T_close", 1)).toEqual(["1"]);
});

// Timed messages and their recall as programs see them, against a whole broker.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { type EmbeddedCluster, startRoquet } from "../../cmd/embedded.ts";
import type { ClientError } from "./client_error.ts";
import type { Message } from "./message.ts";
import { Producer } from "./producer.ts";
import { PullConsumer } from "./pull_consumer.ts";

let mq: EmbeddedCluster;
let producer: Producer;

beforeAll(async () => {
  mq = await startRoquet({
    broker: { recallMessageEnable: true, timerPrecisionMs: 100, defaultTopicQueueNums: 1 },
  });
  producer = await Producer.open({ nameServers: mq.nameServer, group: "G_timers" });
});

afterAll(async () => {
  await producer.close();
  await mq[Symbol.asyncDispose]();
});

/** Bodies in the topic once there are as many, or what is there after a long while. */
async function bodiesOf(topic: string, count: number): Promise<string[]> {
  await using consumer = await PullConsumer.open({ nameServers: mq.nameServer, group: "G_look" });
  const deadlineMs = Date.now() + 30_000;
  for (;;) {
    const bodies: string[] = [];
    for (const queue of await consumer.queues(topic)) {
      const { messages } = await consumer.pull(queue, 0, { holdMs: 0 });
      bodies.push(...messages.map((message) => message.text()));
    }
    if (bodies.length >= count || Date.now() > deadlineMs) return bodies;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test("messages that ask for a time in any of the three ways come at it; one taken back doesn't", async () => {
  const send = (more: Partial<Message>, body: string) =>
    producer.send({ topic: "Timed", body, ...more });
  const late = await send({ delayMs: 1_500 }, "taken back");
  const sent = [
    await send({ deliverAtMs: Date.now() + 700 }, "at"),
    await send({ delayMs: 700 }, "after"),
    await send({ delaySeconds: 1 }, "seconds"),
    await send({ delayMs: 1_900 }, "last"),
  ];
  for (const { recallHandle } of sent) expect(recallHandle).toBeString();
  expect(await producer.recall(late.recallHandle!)).toBe(late.messageId);
  const bodies = await bodiesOf("Timed", 4);
  expect(bodies.toSorted()).toEqual(["after", "at", "last", "seconds"]);
  expect(bodies.at(-1)).toBe("last");
});

const failing = (promise: Promise<unknown>) =>
  promise.then(() => ({}) as ClientError, (error: ClientError) => error);

test("what can't be taken back, or isn't a time, is said", async () => {
  expect(await failing(producer.recall("nothing"))).toMatchObject({ code: "invalid_message" });
  const { recallHandle } = await producer.send({ topic: "Past", body: "x", delayMs: 150 });
  await bodiesOf("Past", 1);
  expect(await failing(producer.recall(recallHandle!))).toMatchObject({
    code: "refused",
    responseCode: 604,
  });
  for (const more of [{ delayMs: 1.5 }, { delayMs: 5, delaySeconds: 1 }]) {
    const message = { topic: "Timed", body: "x", ...more };
    expect(await failing(producer.send(message))).toMatchObject({ code: "invalid_message" });
  }
});

// The pop consumer against a broker in this process. What comes back after its time is tried in the interop suite.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { type EmbeddedCluster, startRoquet } from "../../cmd/embedded.ts";
import { ACK_MESSAGE, CHANGE_MESSAGE_INVISIBLETIME } from "../remoting/codes/pop.ts";
import type { PopConsumerOptions } from "./options.ts";
import { PopConsumer } from "./pop_consumer.ts";
import type { PoppedMessage } from "./popped_message.ts";
import { Producer } from "./producer.ts";

let cluster: EmbeddedCluster;
let producer: Producer;

beforeAll(async () => {
  cluster = await startRoquet({ broker: { defaultTopicQueueNums: 4 } });
  producer = await Producer.open({ nameServers: cluster.nameServer, group: "p" });
});

afterAll(async () => {
  await producer.close();
  await cluster[Symbol.asyncDispose]();
});

async function send(topic: string, count: number, tags?: string): Promise<void> {
  await Promise.all(
    Array.from(
      { length: count },
      (_, index) => producer.send({ topic, body: `${index}`, ...(tags && { tags }) }),
    ),
  );
}

function open(group: string, options = {}): Promise<PopConsumer> {
  return PopConsumer.open({ nameServers: cluster.nameServer, group, ...options });
}

test("messages of all queues are popped once and acknowledged", async () => {
  await send("Popped", 10);
  await using consumer = await open("popped");
  const seen: string[] = [];
  for (let rest = 10; rest > 0;) {
    const messages = await consumer.pop("Popped", { holdMs: 0 });
    for (const message of messages) {
      seen.push(message.text());
      expect(message.topic).toBe("Popped");
      expect(message.visibleAtMs).toBeGreaterThan(message.storeTimestampMs);
      await consumer.ack(message);
    }
    rest -= messages.length;
  }
  expect(seen.sort()).toEqual(Array.from({ length: 10 }, (_, index) => `${index}`));
  expect(await consumer.pop("Popped", { holdMs: 0 })).toEqual([]);
});

test("many messages are acknowledged with one request", async () => {
  await send("Batched", 5);
  await using consumer = await open("batched");
  const messages = await consumer.pop("Batched");
  expect(messages.length).toBe(5);
  await consumer.ackAll(messages);
});

test("a changed time gives the message a new handle", async () => {
  await send("Changed", 1);
  await using consumer = await open("changed");
  const [message] = await consumer.pop("Changed");
  const { receipt } = message!;
  await consumer.changeInvisibleTime(message!, 30_000);
  expect(message!.receipt).not.toBe(receipt);
  expect(message!.handle.invisibleMs).toBe(30_000);
  await consumer.ack(message!);
});

test("only messages of the wanted tags are popped", async () => {
  await send("Tagged", 3, "red");
  await send("Tagged", 3, "blue");
  await using consumer = await open("tagged");
  const messages = await consumer.pop("Tagged", { expression: "red || green" });
  expect(messages.map(({ tags }) => tags)).toEqual(["red", "red", "red"]);
});

test("handlers run side by side, never more than asked for, and all have ended when consuming has", async () => {
  await send("Worked", 40);
  await using consumer = await open("worked");
  const stop = new AbortController();
  const seen = new Set<string>();
  let running = 0;
  let most = 0;
  await consumer.consume("Worked", async (message) => {
    most = Math.max(most, ++running);
    await new Promise((resolve) => setTimeout(resolve, 2));
    running--;
    seen.add(message.text());
    if (seen.size === 40) stop.abort();
  }, { concurrency: 8, signal: stop.signal });
  expect(running).toBe(0);
  expect(most).toBeGreaterThan(1);
  expect(most).toBeLessThanOrEqual(8);
});

test("a loop takes messages one by one until it is left", async () => {
  await send("Looped", 3);
  await using consumer = await open("looped");
  const seen: string[] = [];
  for await (const message of consumer.messages("Looped")) {
    seen.push(message.text());
    if (seen.length === 3) break;
  }
  expect(seen.sort()).toEqual(["0", "1", "2"]);
});

test("a loop acknowledges what it goes on from; what it is left with comes again, unless acknowledged", async () => {
  const codes: number[] = [];
  const wanted: number[] = [ACK_MESSAGE.code, CHANGE_MESSAGE_INVISIBLETIME.code];
  const requestHooks: PopConsumerOptions["requestHooks"] = [{
    beforeRequest(_, { code }) {
      if (wanted.includes(code)) codes.push(code);
    },
  }];
  await using consumer = await open("leavers", { requestHooks });
  const asked = async (body: (message: PoppedMessage) => Promise<void>) => {
    await send("Left", 2);
    codes.length = 0;
    let count = 0;
    const loop = async () => {
      for await (const message of consumer.messages("Left")) {
        if (++count === 2) await body(message);
      }
    };
    await expect(loop()).rejects.toThrow("enough");
    return [...codes];
  };
  const fail = () => Promise.reject(new Error("enough"));
  expect(await asked(fail)).toEqual([ACK_MESSAGE.code, CHANGE_MESSAGE_INVISIBLETIME.code]);
  expect(await asked((message) => consumer.ack(message).then(fail)))
    .toEqual([ACK_MESSAGE.code, ACK_MESSAGE.code]);
});

test("an orderly pop gives one batch of a queue, and the same to the same attempt", async () => {
  await send("Ordered", 1);
  const [queue] = await producer.queues("Ordered");
  for (let index = 1; index < 4; index++) {
    await producer.send({ topic: "Ordered", body: `${index}` }, { queue: queue! });
  }
  await using consumer = await open("ordered");
  const pop = async (attemptId: string) => {
    const options = { orderly: true, messagesMax: 32, attemptId, holdMs: 0 };
    return (await consumer.pop("Ordered", options)).map((message) => message.text()).sort();
  };
  expect(await pop("a")).toEqual(["0", "1", "2", "3"]);
  expect(await pop("b")).toEqual([]);
  expect(await pop("a")).toEqual(["0", "1", "2", "3"]);
});

test("closing ends a pop that waits", async () => {
  await send("Closing", 1);
  const consumer = await open("closing");
  await consumer.ackAll(await consumer.pop("Closing"));
  const waiting = consumer.consume("Closing", () => {});
  await consumer.close();
  await waiting;
});

test("an unknown topic and wrong options are refused", async () => {
  await using consumer = await open("refused");
  expect(consumer.pop("Nowhere")).rejects.toMatchObject({ code: "no_route" });
  expect(() => new PopConsumer({ nameServers: cluster.nameServer, group: "g", popBatchSize: 33 }))
    .toThrow("popBatchSize");
});

// Request-reply as programs see it, against a whole broker.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { type EmbeddedCluster, startRoquet } from "../../cmd/embedded.ts";
import type { ClientError } from "./client_error.ts";
import { Producer } from "./producer.ts";
import { PushConsumer } from "./push_consumer.ts";
import type { ReceivedMessage } from "./received_message.ts";

let mq: EmbeddedCluster;
let producer: Producer;

beforeAll(async () => {
  mq = await startRoquet();
  producer = await Producer.open({ nameServers: mq.nameServer, group: "asker" });
});

afterAll(async () => {
  await producer.close();
  await mq[Symbol.asyncDispose]();
});

/** A consumer that replies to each message of the topic by `answer`. */
function replier(topic: string, answer: (message: ReceivedMessage) => Promise<unknown>) {
  return PushConsumer.open(
    {
      nameServers: mq.nameServer,
      group: `G_${topic}`,
      consumeFrom: "first",
      subscriptions: { [topic]: "*" },
    },
    async (message) => {
      await answer(message);
    },
  );
}

async function errorOf(promise: Promise<unknown>): Promise<ClientError> {
  return await promise.then(() => {
    throw new Error("it succeeded");
  }, (error) => error);
}

test("a request resolves with the reply, its properties, tag and flag", async () => {
  await using _ = await replier("T_ask", (message) =>
    producer.reply(message, {
      body: `${message.text()}!`,
      tags: "warm",
      keys: ["k"],
      properties: { mood: "good" },
      flag: 3,
    }));
  const reply = await producer.request({ topic: "T_ask", body: "hello" }, { timeoutMs: 20_000 });
  expect(reply.text()).toBe("hello!");
  expect([reply.tags, reply.keys, reply.flag]).toEqual(["warm", ["k"], 3]);
  expect(reply.properties.get("mood")).toBe("good");
  expect(reply.properties.get("MSG_TYPE")).toBe("reply");
  expect(Number(reply.properties.get("ARRIVE_TIME"))).toBeGreaterThan(1_600_000_000_000);
  expect(reply.storeHost).toBe(mq.broker);
});

test("many requests at a time each get their own reply, large ones too", async () => {
  await using _ = await replier(
    "T_many",
    (message) => producer.reply(message, message.text().repeat(2000)),
  );
  const replies = await Promise.all(
    Array.from(
      { length: 50 },
      (_, n) => producer.request({ topic: "T_many", body: `<${n}>` }, { timeoutMs: 20_000 }),
    ),
  );
  expect(replies.map((reply) => reply.text())).toEqual(
    Array.from({ length: 50 }, (_, n) => `<${n}>`.repeat(2000)),
  );
});

test("a request that nobody answers ends with no_reply, an aborted one with aborted", async () => {
  const silent = producer.request({ topic: "T_silent", body: "?" }, { timeoutMs: 300 });
  expect(await errorOf(silent)).toMatchObject({ code: "no_reply", retriable: true });
  const abort = new AbortController();
  const aborted = producer.request({ topic: "T_silent", body: "?" }, {
    timeoutMs: 20_000,
    signal: abort.signal,
  });
  abort.abort("enough");
  expect(await errorOf(aborted)).toMatchObject({ code: "aborted" });
});

test("a reply to a plain message is refused here, one to somebody gone by the broker", async () => {
  const seen: Promise<ClientError>[] = [];
  const done = Promise.withResolvers<void>();
  const other = await Producer.open({ nameServers: mq.nameServer, group: "gone" });
  await using _ = await replier("T_late", async (message) => {
    if (message.text() === "?") await other.close();
    seen.push(errorOf(producer.reply(message, "too late", { timeoutMs: 10_000 })));
    if (seen.length === 2) done.resolve();
  });
  await producer.send({ topic: "T_late", body: "no question" });
  const unanswered = errorOf(other.request({ topic: "T_late", body: "?" }, { timeoutMs: 20_000 }));
  expect(await unanswered).toMatchObject({ code: "not_running" });
  await done.promise;
  const codes = (await Promise.all(seen)).map(({ code }) => code).sort();
  expect(codes).toEqual(["invalid_message", "refused"]);
});

// Messages that travel together without being told to: who with whom, when, and each one's result.
import { afterEach, expect, test } from "bun:test";
import { VirtualClock } from "../time/virtual_clock.ts";
import { AutoBatch } from "./auto_batch.ts";
import type { Message, MessageQueue, SendResult } from "./message.ts";
import { Producer } from "./producer.ts";
import { FakeCluster } from "./testing_cluster.ts";

const stack: AsyncDisposable[] = [];

afterEach(async () => {
  while (stack.length > 0) await stack.pop()![Symbol.asyncDispose]();
});

const queue: MessageQueue = { topic: "T", brokerName: "a", queueId: 1 };

function gather(sent: string[][]) {
  const clock = new VirtualClock();
  const options = { batchBytes: 10, waitMs: 10, waitingBytesMax: 100 };
  const batch = new AutoBatch(clock, options, (messages) => {
    sent.push(messages.map(({ body }) => String(body)));
    const ids = messages.map((_, index) => `id${index}`).join(",");
    const result = { messageId: ids, offsetMessageId: ids, queueOffset: 7 };
    return Promise.resolve([result as SendResult]);
  });
  return { batch, clock };
}

test("messages of one kind leave together when time is up, each with its own result", async () => {
  const sent: string[][] = [];
  const { batch, clock } = gather(sent);
  const results = [
    batch.add({ topic: "T", body: "a" }, null),
    batch.add({ topic: "T", body: "b" }, null),
    batch.add({ topic: "T", body: "tagged", tags: "x" }, null),
    batch.add({ topic: "T", body: "queued" }, queue),
    batch.add({ topic: "T", body: "unsafe", waitStoreOk: false }, null),
  ];
  expect([sent, batch.pending]).toEqual([[], 5]);
  await clock.advance(10);
  expect(sent).toEqual([["a", "b"], ["tagged"], ["queued"], ["unsafe"]]);
  const [a, b] = await Promise.all(results);
  expect([a!.messageId, a!.queueOffset]).toEqual(["id0", 7]);
  expect([b!.messageId, b!.offsetMessageId, b!.queueOffset]).toEqual(["id1", "id1", 8]);
});

test("a full batch leaves at once, and flushing waits for nothing", () => {
  const sent: string[][] = [];
  const { batch } = gather(sent);
  for (const body of ["12345", "67890", "rest"]) void batch.add({ topic: "T", body }, null);
  expect(sent).toEqual([["12345", "67890"]]);
  batch.flush();
  expect(sent).toEqual([["12345", "67890"], ["rest"]]);
});

test("delayed messages, retries and what finds no room go by themselves", () => {
  const { batch } = gather([]);
  const takes = (message: Partial<Message>) => batch.takes({ topic: "T", body: "x", ...message });
  expect(takes({})).toBe(true);
  expect(takes({ delayLevel: 1 })).toBe(false);
  expect(takes({ deliverAtMs: 1 })).toBe(false);
  expect(takes({ topic: "%RETRY%g" })).toBe(false);
  expect(takes({ body: "x".repeat(101) })).toBe(false);
});

test("a producer with autoBatch sends few requests for many messages", async () => {
  const cluster = await FakeCluster.open();
  stack.push(cluster);
  cluster.topics.set("T", { queues: 1 });
  const producer = await Producer.open({ group: "g", autoBatch: true }, cluster.environment);
  stack.push(producer);
  const results = await Promise.all(
    Array.from({ length: 100 }, (_, n) => producer.send({ topic: "T", body: `${n}` })),
  );
  expect(cluster.broker.store.stored("T").length).toBe(100);
  expect(cluster.broker.sends.length).toBeLessThan(20);
  expect(results.map(({ queueOffset }) => queueOffset).sort((a, b) => a - b))
    .toEqual(Array.from({ length: 100 }, (_, n) => n));
  expect(new Set(results.map(({ messageId }) => messageId)).size).toBe(100);
  await expect(producer.send({ topic: "T", body: "" })).rejects.toThrow("empty");
  const last = producer.send({ topic: "T", body: "last" });
  await producer.close();
  expect((await last).status).toBe("ok");
});

// What hooks, filters and message traces see of a pop consumer's work: the same as of a push consumer's.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { type EmbeddedCluster, startRoquet } from "../../cmd/embedded.ts";
import { systemClock } from "../time/system_clock.ts";
import type { ClientHooks, ConsumeCall, ConsumeEnd } from "./hooks.ts";
import { PopConsumer } from "./pop_consumer.ts";
import { Producer } from "./producer.ts";
import { PullConsumer } from "./pull_consumer.ts";

let cluster: EmbeddedCluster;
let producer: Producer;

beforeAll(async () => {
  cluster = await startRoquet();
  producer = await Producer.open({ nameServers: cluster.nameServer, group: "p" });
});

afterAll(async () => {
  await producer.close();
  await cluster[Symbol.asyncDispose]();
});

/** Hooks that note what they see. */
function noted(): { hooks: ClientHooks[]; seen: [ConsumeCall, ConsumeEnd][] } {
  const seen: [ConsumeCall, ConsumeEnd][] = [];
  return { hooks: [{ consume: (call) => (end) => seen.push([call, end]) }], seen };
}

const open = (group: string, options = {}) =>
  PopConsumer.open({ nameServers: cluster.nameServer, group, ...options });

test("hooks see each message of workers with how its handler ended, and surround the handler", async () => {
  for (const body of ["good", "bad"]) await producer.send({ topic: "Worked", body });
  const { hooks, seen } = noted();
  let inside = 0;
  const within = <T>(_: ConsumeCall, next: () => T): T => {
    inside++;
    return next();
  };
  await using consumer = await open("workers", { unitMode: true, hooks: [...hooks, { within }] });
  const enough = new AbortController();
  await consumer.consume("Worked", async (message) => {
    await Promise.resolve();
    if (seen.length === 1) enough.abort();
    if (message.text() === "bad") throw new Error("no good");
  }, { concurrency: 1, signal: enough.signal });
  const ends = Object.fromEntries(seen.map(([{ messages }, end]) => [messages[0]!.text(), end]));
  expect(ends.good).toMatchObject({ status: "success", error: undefined });
  expect(ends.bad).toMatchObject({ status: "failed", error: new Error("no good") });
  expect(inside).toBe(2);
  expect(seen[0]![0]).toMatchObject({
    group: "workers",
    unitMode: true,
    queue: { topic: "Worked" },
  });
});

test("hooks see what a loop does with each message", async () => {
  for (const body of ["1", "2"]) await producer.send({ topic: "Looped", body });
  const { hooks, seen } = noted();
  await using consumer = await open("loopers", { hooks });
  const loop = async () => {
    for await (const _ of consumer.messages("Looped")) {
      if (seen.length === 1) throw new Error("enough");
    }
  };
  await expect(loop()).rejects.toThrow("enough");
  expect(seen.map(([, { status }]) => status)).toEqual(["success", "later"]);
});

test("what a filter hook doesn't want is never popped, and doesn't come again", async () => {
  for (const body of ["skip", "take"]) await producer.send({ topic: "Sifted", body });
  const filter: ClientHooks["filter"] = (message) => message.text() !== "skip";
  await using consumer = await open("sifters", { hooks: [{ filter }], invisibleMs: 10_000 });
  const bodies: string[] = [];
  while (bodies.length === 0) {
    for (const message of await consumer.pop("Sifted", { holdMs: 200 })) {
      bodies.push(message.text());
      await consumer.ack(message);
    }
  }
  expect(bodies).toEqual(["take"]);
});

test("message traces tell when a message was begun and how it ended", async () => {
  const { messageId } = await producer.send({ topic: "Traced", body: "x", keys: ["k"] });
  const group = "traced";
  const consumer = await open(group, { trace: true });
  for await (const message of consumer.messages("Traced")) {
    await consumer.ack(message);
    break;
  }
  await consumer.close();
  const text = await traces("RMQ_SYS_TRACE_TOPIC");
  const records = text.split("\x02").map((record) => record.split("\x01"));
  expect(records.find(([kind]) => kind === "SubBefore")).toContain(messageId);
  expect(records.find(([kind]) => kind === "SubAfter")?.slice(2, 5)).toEqual([
    messageId,
    expect.any(String),
    "true",
  ]);
});

/** All that is in a topic. */
async function traces(topic: string): Promise<string> {
  await using reader = await PullConsumer.open({
    nameServers: cluster.nameServer,
    group: "reader",
  });
  for (;;) {
    let text = "";
    for (const queue of await reader.queues(topic)) {
      for await (const message of reader.read(queue, { untilEnd: true })) text += message.text();
    }
    if (text.includes("SubAfter")) return text;
    await systemClock.sleep(20);
  }
}

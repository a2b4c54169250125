// What clients tell while they run, and typed looks at what they receive.
import { expect, test } from "bun:test";
import { z } from "zod";
import { type ClientEvents, TypedEvents } from "./events.ts";
import { createLogger, type LogEntry } from "../log.ts";
import { Producer } from "./producer.ts";
import { PullConsumer } from "./pull_consumer.ts";
import { FakeCluster, until } from "./testing_cluster.ts";

test("a client tells its state, new routes and lost connections, until nobody listens", async () => {
  await using cluster = await FakeCluster.open();
  cluster.topics.set("T", { queues: 1 });
  const producer = new Producer({ group: "g" }, cluster.environment);
  const heard: string[] = [];
  producer.on("state", ({ state }) => heard.push(state));
  producer.on("routeChanged", ({ topic, brokers }) => heard.push(`${topic}: ${brokers}`));
  const listening = producer.on("disconnected", ({ address }) => heard.push(address));
  await producer.start();
  await producer.send({ topic: "T", body: "1" });
  for (const connection of [...cluster.broker.server.connections]) connection.close("by the test");
  await until(() => heard.includes(cluster.broker.address));
  listening[Symbol.dispose]();
  await producer.close();
  expect(heard).toEqual(["running", "T: a", cluster.broker.address, "closed"]);
});

test("a listener that throws is logged and keeps nobody from hearing", () => {
  const entries: LogEntry[] = [];
  const events = new TypedEvents<ClientEvents>(createLogger((entry) => entries.push(entry)));
  const heard: string[] = [];
  events.on("state", () => {
    throw new Error("mine");
  });
  events.on("state", ({ state }) => heard.push(state));
  events.emit("state", { state: "running" });
  expect([heard, entries.length]).toEqual([["running"], 1]);
});

test("bodies and properties are read as the program's own types, or refused", async () => {
  await using cluster = await FakeCluster.open();
  cluster.topics.set("T", { queues: 1 });
  await using producer = await Producer.open({ group: "g" }, cluster.environment);
  await using consumer = await PullConsumer.open({ group: "c" }, cluster.environment);
  await producer.send({
    topic: "T",
    body: JSON.stringify({ id: 7 }),
    properties: { attempt: "3" },
  });
  const [queue] = await consumer.queues("T");
  const { messages: [message] } = await consumer.pull(queue!, 0);
  const order = message!.json(z.object({ id: z.number() }));
  const properties = message!.propertiesAs(z.object({ attempt: z.coerce.number() }));
  expect([order.id, properties.attempt]).toEqual([7, 3]);
  expect(() => message!.json(z.object({ name: z.string() }))).toThrow();
});

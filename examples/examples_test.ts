// Every example runs, against a broker in this process, and prints what it promises.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { type EmbeddedCluster, startRoquet } from "../mod.ts";

type Run = (nameServers: string, print: (line: string) => void) => Promise<void>;

const PRINTED: Record<string, string[]> = {
  "delay.ts": ["sent", "your cart is still full (a second later)"],
  "idempotent_consumer.ts": ["3 deliveries, 2 sales, 8 books left"],
  "local_transaction_table.ts": [
    "ann is registered already, and nothing is sent about it",
    "relayed 2, then 0",
    "welcome ann and bob",
  ],
  "order.ts": ["order-1", "order-2", "order-3"].map((order) =>
    `${order}: created → paid → shipped`
  ),
  "payment.ts": ["p-1: commit", "p-2: rollback", "p-3: commit", "receipts: p-1 300, p-3 200"],
  "pop_worker.ts": [
    "cat: done at attempt 1",
    "dog: done at attempt 1",
    "broken: done at attempt 2",
    "bird: done at attempt 1",
  ],
  "request_reply.ts": ["apples cost 3", "pears cost 4", "no dragons today"],
};

let cluster: EmbeddedCluster;

beforeAll(async () => {
  cluster = await startRoquet();
});

afterAll(async () => await cluster[Symbol.asyncDispose]());

test("every example is run here", () => {
  const files = readdirSync(new URL(".", import.meta.url).pathname)
    .filter((name) => /\.ts$/.test(name) && !/_test\.ts$|^database\.ts$/.test(name));
  expect(files.sort()).toEqual(Object.keys(PRINTED).sort());
});

test.concurrent.each(Object.entries(PRINTED))("%s", async (file, expected) => {
  const { run } = await import(`./${file}`) as { run: Run };
  const printed: string[] = [];
  await run(cluster.nameServer, (line) => printed.push(line));
  expect(printed).toEqual(expected);
});

// Hooks around sends and consumption, of requests, and what signed requests look like.
import { afterEach, expect, test } from "bun:test";
import { fixtureLines } from "../../testdata/fixtures.ts";
import { parseProperties } from "../message/properties.ts";
import type { RemotingCommand } from "../remoting/command.ts";
import { ResponseCode } from "../remoting/response_codes.ts";
import type { ConsumeEnd, SendCall, SendEnd } from "./hooks.ts";
import type { ProducerOptions } from "./options.ts";
import { Producer } from "./producer.ts";
import { PushConsumer } from "./push_consumer.ts";
import { signatureOf } from "./signing.ts";
import { FakeCluster, until } from "./testing_cluster.ts";

const stack: AsyncDisposable[] = [];

afterEach(async () => {
  while (stack.length > 0) await stack.pop()![Symbol.asyncDispose]();
});

async function open(options: ProducerOptions) {
  const cluster = await FakeCluster.open();
  stack.push(cluster);
  cluster.topics.set("T", { queues: 1 });
  const producer = await Producer.open({ group: "g", ...options }, cluster.environment);
  stack.push(producer);
  return { cluster, producer };
}

test("send hooks see every send with its outcome, and may change the message", async () => {
  const seen: [SendCall, SendEnd][] = [];
  const { cluster, producer } = await open({
    hooks: [{
      send(call) {
        call.messages = call.messages.map((message) => ({
          ...message,
          properties: { ...message.properties, marked: "yes" },
        }));
        return (end) => seen.push([call, end]);
      },
    }],
  });
  const result = await producer.send({ topic: "T", body: "1" });
  await producer.sendOneway({ topic: "T", body: "2" });
  await producer.sendBatch([{ topic: "T", body: "3" }, { topic: "T", body: "4" }]);
  cluster.broker.reactions.send.push(ResponseCode.MESSAGE_ILLEGAL);
  await expect(producer.send({ topic: "T", body: "5" })).rejects.toThrow("MESSAGE_ILLEGAL");
  expect(seen.map(([call]) => call.kind)).toEqual(["send", "oneway", "batch", "send"]);
  expect(seen[0]![1]).toMatchObject({
    results: [result],
    error: undefined,
    brokerAddress: cluster.broker.address,
  });
  expect(seen[3]![1].error).toMatchObject({ code: "refused" });
  await until(() => cluster.broker.store.stored("T").length === 4);
  for (const { properties } of cluster.broker.store.stored("T")) {
    expect(parseProperties(properties).get("marked")).toBe("yes");
  }
});

test("a send hook that throws forbids the send; one that fails afterwards changes nothing", async () => {
  const { cluster, producer } = await open({
    hooks: [
      {
        send: () => () => {
          throw new Error("mine");
        },
      },
      {
        send({ messages }) {
          if (messages[0]!.tags === "secret") throw new Error("forbidden");
        },
      },
    ],
  });
  await expect(producer.send({ topic: "T", body: "1", tags: "secret" })).rejects.toThrow(
    "forbidden",
  );
  await producer.send({ topic: "T", body: "2" });
  expect(cluster.broker.store.stored("T").length).toBe(1);
});

test("consume hooks see each message before its listener and what became of it", async () => {
  const { cluster, producer } = await open({});
  const ends: ConsumeEnd["status"][] = [];
  const begun: string[] = [];
  stack.push(
    await PushConsumer.open(
      {
        group: "c",
        subscriptions: { T: "*" },
        consumeFrom: "first",
        hooks: [{
          consume({ messages }) {
            begun.push(messages[0]!.text());
            return ({ status }) => ends.push(status);
          },
        }],
      },
      (message) => {
        if (message.text() === "bad") throw new Error("bad");
        return message.text() === "later" ? "later" : "success";
      },
      cluster.environment,
    ),
  );
  for (const body of ["good", "later", "bad"]) await producer.send({ topic: "T", body });
  await until(() => ends.length >= 3);
  expect(begun.slice(0, 3)).toEqual(["good", "later", "bad"]);
  expect(ends.slice(0, 3)).toEqual(["success", "later", "failed"]);
});

test("what a filter hook doesn't want is never seen, and counts as consumed", async () => {
  const { cluster, producer } = await open({});
  const seen: string[] = [];
  const consumer = await PushConsumer.open(
    {
      group: "c",
      subscriptions: { T: "*" },
      consumeFrom: "first",
      hooks: [{
        filter(message) {
          if (message.text() === "odd") throw new Error("mine");
          return message.text() !== "unwanted";
        },
      }],
    },
    (message) => void seen.push(message.text()),
    cluster.environment,
  );
  stack.push(consumer);
  for (const body of ["unwanted", "odd", "wanted", "unwanted"]) {
    await producer.send({ topic: "T", body });
  }
  await until(() => seen.length === 2);
  await consumer.close();
  expect(seen).toEqual(["odd", "wanted"]);
  expect(cluster.broker.offset("c", "T", 0)).toBeGreaterThan(0);
});

test("request hooks see sends, and those of others, with their answers", async () => {
  const codes: [number, number][] = [];
  const { cluster, producer } = await open({
    requestHooks: [{
      afterAnswer: (_, request, answer) => codes.push([request.code, answer.code]),
    }],
  });
  const result = await producer.send({ topic: "T", body: "x".repeat(20_000), flag: 3 });
  await producer.sendBatch([{ topic: "T", body: "3" }, { topic: "T", body: "4" }]);
  await producer.sendOneway({ topic: "T", body: "5" });
  await until(() => cluster.broker.store.stored("T").length === 4);
  expect(result.queueOffset).toBe(0);
  expect(codes).toContainEqual([105, 0]);
  expect(codes).toContainEqual([310, 0]);
  expect(codes).toContainEqual([320, 0]);
  const [stored] = cluster.broker.store.stored("T");
  expect(stored!.flag).toBe(3);
});

test("a request hook that throws fails the send with its error", async () => {
  const { producer } = await open({
    requestHooks: [{
      beforeRequest(_, { code }) {
        if (code === 310) throw new Error("not now");
      },
    }],
  });
  await expect(producer.send({ topic: "T", body: "1" })).rejects.toThrow("not now");
});

test("credentials sign every request, namespaceV2 is said with it", async () => {
  const requests: RemotingCommand[] = [];
  const { producer } = await open({
    credentials: { accessKey: "alice", secretKey: "hush", securityToken: "t" },
    namespaceV2: "shop",
    requestHooks: [{ afterAnswer: (_, request) => requests.push(request) }],
  });
  await producer.send({ topic: "T", body: "größe" });
  const send = requests.find(({ code }) => code === 310)!;
  for (const { extFields, body } of requests) {
    expect(extFields.get("AccessKey")).toBe("alice");
    expect(extFields.get("SecurityToken")).toBe("t");
    expect([extFields.get("nsd"), extFields.get("ns")]).toEqual(["true", "shop"]);
    const unsigned = new Map(extFields);
    unsigned.delete("Signature");
    expect(extFields.get("Signature")).toBe(signatureOf(unsigned, body, "hush"));
  }
  expect(send.extFields.get("b")).toBe("T");
});

interface RecordedSend {
  header?: { code: number; extFields: Record<string, string> };
  bodyUtf8?: string;
  bodyTruncated?: boolean;
}

test("a signature is the one that Apache's client made", () => {
  const signed = fixtureLines<RecordedSend>("wire/acl/aclClient.jsonl").filter(({ header }) =>
    header?.extFields?.AccessKey === "alice" && header.code === 310
  );
  const matches = signed.map(({ header, bodyUtf8 }) => {
    const { Signature, ...rest } = header!.extFields;
    const body = new TextEncoder().encode(bodyUtf8 ?? "");
    return Signature === signatureOf(new Map(Object.entries(rest)), body, "alice-pass2");
  });
  // The later ones were signed with a wrong secret on purpose.
  expect(matches.filter((each) => each).length).toBe(4);
});

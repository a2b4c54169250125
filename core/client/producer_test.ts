// What a program sees of a producer: results, attempts, batches, life cycle and errors.
import { afterEach, expect, test } from "bun:test";
import { compressionOf, decompress } from "../message/compression.ts";
import { parseProperties } from "../message/properties.ts";
import { ResponseCode } from "../remoting/response_codes.ts";
import { Producer } from "./producer.ts";
import { byKey } from "./selectors.ts";
import { allowAutoCreate, until } from "./testing_cluster.ts";
import { errorOf, OpenedProducers } from "./testing_producer.ts";

const opened = new OpenedProducers();
const open = opened.open.bind(opened);

afterEach(() => opened.close());

test("a sent message is stored with its body, tags, keys and properties, and the result says where", async () => {
  const { cluster, producer } = await open();
  const result = await producer.send({
    topic: "T",
    body: "größe",
    tags: "a",
    keys: ["k1", "k2"],
    properties: { colour: "red" },
    flag: 7,
  });
  const stored = cluster.broker.store.stored("T")[0]!;
  expect(new TextDecoder().decode(stored.body)).toBe("größe");
  expect(stored.flag).toBe(7);
  expect(Object.fromEntries(parseProperties(stored.properties))).toEqual({
    UNIQ_KEY: result.messageId,
    TAGS: "a",
    KEYS: "k1 k2",
    colour: "red",
  });
  expect(result).toMatchObject({ status: "ok", queueOffset: 0, regionId: "DefaultRegion" });
  expect(result.queue).toMatchObject({ topic: "T", brokerName: "a", queueId: stored.queueId });
  expect(result.offsetMessageId).toMatch(/^7F000001[0-9A-F]{24}$/);
});

test("messages go to the queues one after the other", async () => {
  const { producer } = await open(2);
  const queues: string[] = [];
  for (let i = 0; i < 8; i++) {
    const { queue } = await producer.send({ topic: "T", body: "x" });
    queues.push(`${queue.brokerName}${queue.queueId}`);
  }
  expect(queues.toSorted()).toEqual(["a0", "a1", "a2", "a3", "b0", "b1", "b2", "b3"]);
});

test("thousands in flight all arrive, each once", async () => {
  const { cluster, producer } = await open(1, { sendsInFlightMax: 100 });
  const bodies = Array.from({ length: 5000 }, (_, index) => `${index}`);
  const results = await Promise.all(bodies.map((body) => producer.send({ topic: "T", body })));
  expect(new Set(results.map(({ messageId }) => messageId)).size).toBe(5000);
  expect(cluster.broker.store.bodies("T").toSorted()).toEqual(bodies.toSorted());
  expect(producer.pending).toBe(0);
});

test("a send that a broker refuses for now goes to another broker with the same message id", async () => {
  const { cluster, producer } = await open(2);
  cluster.brokers[0]!.reactions.send.push(ResponseCode.SYSTEM_BUSY);
  cluster.brokers[1]!.reactions.send.push(ResponseCode.SYSTEM_BUSY);
  const { status, messageId } = await producer.send({ topic: "T", body: "x" });
  expect(status).toBe("ok");
  const stored = cluster.brokers.flatMap(({ store }) => store.stored("T"));
  expect(stored.map(({ properties }) => parseProperties(properties).get("UNIQ_KEY")))
    .toEqual([messageId]);
});

test("each of the codes that brokers pass over is tried again, and others are not", async () => {
  const { cluster, producer } = await open();
  const { reactions } = cluster.broker;
  for (const code of [1, 2, 14, 16, 17, 204, 205]) {
    reactions.send.push(code);
    expect((await producer.send({ topic: "T", body: `${code}` })).status).toBe("ok");
  }
  reactions.send.push(ResponseCode.MESSAGE_ILLEGAL);
  const error = await errorOf(producer.send({ topic: "T", body: "never" }));
  expect(error).toMatchObject({
    code: "refused",
    responseCode: 13,
    brokerName: "a",
    retriable: false,
  });
  expect(error.message).toBe("a answered MESSAGE_ILLEGAL (13): as told");
  expect(cluster.broker.store.bodies("T")).not.toContain("never");
});

test("three attempts are made, then the last refusal is the error", async () => {
  const { cluster, producer } = await open();
  cluster.broker.reactions.send.push(2, 2, 2);
  const error = await errorOf(producer.send({ topic: "T", body: "x" }));
  expect(error).toMatchObject({ code: "refused", responseCode: 2, retriable: true });
  expect(cluster.broker.reactions.send).toEqual([]);
});

test("a broker that went away is left for another one, and routes are asked for again", async () => {
  const { cluster, producer } = await open(2);
  for (let i = 0; i < 8; i++) await producer.send({ topic: "T", body: "warm" });
  const asked = cluster.routeQuestions;
  await cluster.brokers[0]![Symbol.asyncDispose]();
  cluster.hidden.add("a");
  const results = await Promise.all(
    Array.from({ length: 16 }, (_, i) => producer.send({ topic: "T", body: `${i}` })),
  );
  expect(results.map(({ queue }) => queue.brokerName)).toEqual(Array(16).fill("b"));
  expect(cluster.routeQuestions).toBeGreaterThan(asked);
});

test("a silent broker is a time-out, and the error says so", async () => {
  const { cluster, producer } = await open(1, { sendRetries: 0 });
  cluster.broker.reactions.send.push("silence");
  const error = await errorOf(producer.send({ topic: "T", body: "x" }, { timeoutMs: 50 }));
  expect(error).toMatchObject({ code: "timeout", retriable: true });
  expect((await producer.send({ topic: "T", body: "y" })).status).toBe("ok");
});

test("a message that wasn't flushed in time is stored, and the status says how", async () => {
  const { cluster, producer } = await open();
  cluster.broker.reactions.send.push(ResponseCode.FLUSH_DISK_TIMEOUT);
  expect((await producer.send({ topic: "T", body: "x" })).status).toBe("flush_disk_timeout");
});

test("when asked, a message that wasn't flushed is sent once more; the last status counts", async () => {
  const { cluster, producer } = await open(1, { retryWhenNotStoredAsAsked: true });
  cluster.broker.reactions.send.push(10, 10);
  expect((await producer.send({ topic: "T", body: "x" })).status).toBe("ok");
  cluster.broker.reactions.send.push(10, 10, 10);
  expect((await producer.send({ topic: "T", body: "x" })).status).toBe("flush_disk_timeout");
});

test("large bodies travel compressed, from 4096 bytes on", async () => {
  const { cluster } = await open();
  for (const compression of ["zlib", "lz4", "zstd"] as const) {
    cluster.topics.set(compression, { queues: 1 });
    const each = await Producer.open({ compression, group: compression }, cluster.environment);
    opened.use(each);
    await each.send({ topic: compression, body: "z".repeat(4095) });
    await each.send({ topic: compression, body: "z".repeat(4096) });
    const [plain, small] = cluster.broker.store.stored(compression);
    expect(plain!.body.length).toBe(4095);
    expect(plain!.sysFlag).toBe(0);
    expect(compressionOf(small!.sysFlag)).toBe(compression);
    expect(small!.body.length).toBeLessThan(1000);
    expect(decompress(small!.body, compression).length).toBe(4096);
  }
});

test("a body that is sent without a copy arrives whole", async () => {
  const { cluster, producer } = await open(1, { compressFromBytes: false });
  const body = new Uint8Array(3 * 1024 * 1024).map((_, index) => index);
  await producer.send({ topic: "T", body });
  expect(cluster.broker.store.stored("T")[0]!.body).toEqual(Buffer.from(body));
});

test("messages of one key go to one queue", async () => {
  const { producer } = await open(2);
  await producer.queues("T");
  const ids = new Set<string>();
  for (let i = 0; i < 5; i++) {
    const { queue } = await producer.send({ topic: "T", body: `${i}` }, { select: byKey("k") });
    ids.add(`${queue.brokerName}${queue.queueId}`);
  }
  expect(ids.size).toBe(1);
});

test("a selector works for the first message of a topic too", async () => {
  const { producer } = await open();
  const { queue } = await producer.send({ topic: "T", body: "x" }, { select: (each) => each[2]! });
  expect(queue.queueId).toBe(2);
});

test("oneway messages arrive without an answer", async () => {
  const { cluster, producer } = await open();
  await producer.sendOneway({ topic: "T", body: "quiet" });
  await until(() => cluster.broker.store.bodies("T").includes("quiet"));
});

test("a batch is stored in its order, and a large one is split by the size of its messages", async () => {
  const { cluster, producer } = await open(1, { maxMessageBytes: 1000 });
  const messages = Array.from({ length: 30 }, (_, index) => ({
    topic: "T",
    body: `message ${index}`,
    properties: { index: `${index}` },
  }));
  const results = await producer.sendBatch(messages, { select: (queues) => queues[0]! });
  expect(results.length).toBeGreaterThan(1);
  expect(cluster.broker.store.bodies("T")).toEqual(messages.map(({ body }) => body));
  const ids = results.flatMap(({ messageId }) => messageId.split(","));
  const keys = cluster.broker.store.stored("T")
    .map(({ properties }) => parseProperties(properties).get("UNIQ_KEY")!);
  expect(ids).toEqual(keys);
});

test("sendAll keeps the order of results and takes no faster than messages are stored", async () => {
  const { producer } = await open();
  let taken = 0;
  function* source() {
    for (; taken < 100; taken++) yield { topic: "T", body: `${taken}` };
  }
  const ids: string[] = [];
  for await (const { messageId } of producer.sendAll(source(), { inFlight: 4 })) {
    ids.push(messageId);
    expect(taken - ids.length).toBeLessThanOrEqual(4);
  }
  expect(ids).toEqual(ids.toSorted());
  expect(ids.length).toBe(100);
});

test("a topic that isn't there yet is sent to like the auto-create topic", async () => {
  const { cluster, producer } = await open();
  allowAutoCreate(cluster);
  const results = await Promise.all(
    Array.from({ length: 8 }, () => producer.send({ topic: "New", body: "x" })),
  );
  const ids = results.map(({ queue }) => queue.queueId);
  expect(new Set(ids)).toEqual(new Set([0, 1, 2, 3]));
  expect(cluster.broker.sends.every(({ c, d }) => c === "TBW102" && d === 4)).toBe(true);
});

test("a topic that nobody knows is an error that says so", async () => {
  const { producer } = await open();
  const error = await errorOf(producer.send({ topic: "Nowhere", body: "x" }));
  expect(error.code).toBe("no_route");
  expect(error.message).toContain("Nowhere");
});

test("a topic that may not be written is an error, not a hang", async () => {
  const { cluster, producer } = await open();
  cluster.topics.set("ReadOnly", { queues: 4, perm: 4 });
  expect(await errorOf(producer.send({ topic: "ReadOnly", body: "x" }))).toMatchObject({
    code: "no_route",
    retriable: true,
  });
});

test("with all name servers gone, known topics are still sent to", async () => {
  const { cluster, producer } = await open();
  await producer.send({ topic: "T", body: "before" });
  await cluster.nameServer[Symbol.asyncDispose]();
  expect((await producer.send({ topic: "T", body: "after" })).status).toBe("ok");
  const error = await errorOf(producer.send({ topic: "Unknown", body: "x" }));
  expect(error).toMatchObject({ code: "no_name_server", retriable: true });
});

test("the next name server is asked when one doesn't answer", async () => {
  const { cluster } = await open();
  const producer = await Producer.open(
    { group: "two", nameServers: ["127.0.0.1:1", cluster.nameServers, "127.0.0.1:2"] },
    cluster.environment,
  );
  opened.use(producer);
  expect((await producer.send({ topic: "T", body: "x" })).status).toBe("ok");
});

test("an aborted send rejects at once, and the next one goes on", async () => {
  const { cluster, producer } = await open();
  await producer.send({ topic: "T", body: "warm" });
  cluster.broker.reactions.send.push("silence");
  const controller = new AbortController();
  const send = producer.send({ topic: "T", body: "x" }, { signal: controller.signal });
  controller.abort(new Error("enough"));
  const error = await errorOf(send);
  expect(error).toMatchObject({ code: "aborted", retriable: false });
  expect((error.cause as Error).message).toBe("enough");
  expect((await producer.send({ topic: "T", body: "y" })).status).toBe("ok");
  const late = producer.send({ topic: "T", body: "z" }, { signal: AbortSignal.abort() });
  expect((await errorOf(late)).code).toBe("aborted");
  const first = producer.send({ topic: "Unknown", body: "z" }, { signal: AbortSignal.abort() });
  expect((await errorOf(first)).code).toBe("aborted");
});

test("more sends than may wait are refused", async () => {
  const { producer } = await open(1, { sendsInFlightMax: 1, sendsWaitingMax: 1 });
  await producer.send({ topic: "T", body: "warm" });
  const sends = ["a", "b", "c"].map((body) => producer.send({ topic: "T", body }));
  const outcomes = await Promise.allSettled(sends);
  expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected"]);
  expect(await errorOf(sends[2]!)).toMatchObject({ code: "too_many_sends", retriable: true });
});

test("closing waits for what is on its way and says good-bye", async () => {
  const { cluster, producer } = await open();
  await producer.send({ topic: "T", body: "warm" });
  const sends = Array.from({ length: 100 }, (_, i) => producer.send({ topic: "T", body: `${i}` }));
  await producer.close();
  expect((await Promise.all(sends)).length).toBe(100);
  expect(cluster.broker.store.bodies("T").length).toBe(101);
  expect(producer.state).toBe("closed");
  expect((await errorOf(producer.send({ topic: "T", body: "x" }))).code).toBe("not_running");
});

test("closing waits for sends whose topic isn't known yet, and refuses those that come later", async () => {
  const { cluster, producer } = await open();
  const sends = [
    ...Array.from({ length: 10 }, (_, i) => producer.send({ topic: "T", body: `${i}` })),
    producer.sendBatch([{ topic: "T", body: "10" }, { topic: "T", body: "11" }]),
    producer.sendOneway({ topic: "T", body: "12" }),
  ];
  const closing = producer.close();
  const late = errorOf(producer.send({ topic: "T", body: "late" }));
  await Promise.all([...sends, closing]);
  expect((await late).code).toBe("not_running");
  await until(() => cluster.broker.store.bodies("T").length === 13);
});

test("a producer starts once; a second one of its group needs its own instance name", async () => {
  const { cluster, producer } = await open(1, { instanceName: "one" });
  expect((await errorOf(producer.start())).code).toBe("already_started");
  const second = new Producer({ group: "g", instanceName: "one" }, cluster.environment);
  const error = await errorOf(second.start());
  expect(error.code).toBe("duplicate_group");
  expect(error.message).toContain("instanceName");
  const third = await Producer.open({ group: "g", instanceName: "two" }, cluster.environment);
  await third.close();
  await producer.close();
  await second.start();
  await second.close();
});

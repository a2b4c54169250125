// Roquet's own client library against Roquet's servers and Apache's of two versions: every way to send and to consume,
// members that come and go, and the same messages seen by Apache's Java client. Restarts are in
// typescript_client_faults_test.ts.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import {
  type Message,
  Producer,
  PullConsumer,
  PushConsumer,
  type PushConsumerOptions,
  type ReceivedMessage,
} from "../core/client/mod.ts";
import { expectMembersToLoseNothing } from "./client/membership.ts";
import { type Cluster, type Make, startCluster } from "./support/cluster.ts";
import { runJavaMain } from "./support/java_main.ts";
import type { ServerVersion } from "./support/java.ts";
import { waitFor } from "./support/processes.ts";
import { QUICK_CHECKS } from "./support/quick_checks.ts";

const CASES: readonly { name: string; make: Make; version?: ServerVersion }[] = [
  { name: "Roquet", make: "roquet" },
  { name: "Apache 5.4.0", make: "apache", version: "5.4.0" },
  { name: "Apache 4.9.7", make: "apache", version: "4.9.7" },
];
const ARRIVED_MS_MAX = 30_000;

for (const { name, make, version } of CASES) {
  describe(`the client library and ${name}'s name server and broker`, () => {
    let cluster: Cluster;
    let producer: Producer;
    let names = 0;

    beforeAll(async () => {
      cluster = await startCluster({ namesrv: make, broker: make, version }, QUICK_CHECKS);
      producer = await Producer.open({ ...common(), group: "G_producer" });
    }, 120_000);

    afterAll(async () => {
      await producer?.close();
      // Nobody looks at its store any more, and Apache's takes its time to close it.
      cluster?.broker.process.kill("SIGKILL");
      await cluster?.[Symbol.asyncDispose]();
    });

    const common = () => ({ nameServers: cluster.namesrv.address, sendTimeoutMs: 10_000 });
    const fresh = (kind: string) => `${kind}_${names++}`;
    const puller = (group = fresh("G_pull")) =>
      PullConsumer.open({ nameServers: cluster.namesrv.address, group });

    /** Everything that a topic holds, queue by queue, once it holds so many messages. */
    async function everything(topic: string, count: number): Promise<ReceivedMessage[]> {
      await using consumer = await puller();
      // A message can be read a moment after it was acknowledged (Apache), or sent without an answer.
      return await waitFor(`${count} messages`, ARRIVED_MS_MAX, async () => {
        const messages: ReceivedMessage[] = [];
        for (const queue of await consumer.queues(topic)) {
          messages.push(...await Array.fromAsync(consumer.read(queue, { untilEnd: true })));
        }
        // Of a batch, 4.9's brokers give all messages one id.
        const different = new Set(messages.map((each) => `${each.messageId} ${each.text()}`));
        return different.size >= count && messages;
      });
    }

    function push(
      options: Partial<PushConsumerOptions> & { group: string },
      listener?: (message: ReceivedMessage) => unknown,
    ): Promise<PushConsumer> {
      return PushConsumer.open(
        { nameServers: cluster.namesrv.address, consumeFrom: "first", ...options },
        listener && ((message) => Promise.resolve(listener(message)).then(() => undefined)),
      );
    }

    /** A 4.9 broker gives all messages of a batch the batch's own id, Java's and ours alike. */
    function comparable(lines: readonly string[]): string[] {
      const losesIds = version === "4.9.7";
      return lines.map((line) => losesIds ? line.slice(line.indexOf("|")) : line).sort();
    }

    const bodies = (messages: readonly ReceivedMessage[]) => messages.map((each) => each.text());
    const sendNumbered = (topic: string, from: number, to: number, tags?: string) =>
      Promise.all(numbers(from, to).map((n) => producer.send({ topic, body: `${n}`, tags })));

    test("a message arrives with its tag, keys, properties and flag", async () => {
      const topic = fresh("T_plain");
      const sent = await producer.send({
        topic,
        body: "héllo 你好 😀",
        tags: "paid",
        keys: ["k1", "k2"],
        properties: { color: "blue €" },
        flag: 7,
      });
      expect(sent.status).toBe("ok");
      const [message] = await everything(topic, 1);
      expect(message!.text()).toBe("héllo 你好 😀");
      expect([message!.tags, message!.keys, message!.flag]).toEqual(["paid", ["k1", "k2"], 7]);
      expect(message!.properties.get("color")).toBe("blue €");
      expect(message!.messageId).toBe(sent.messageId);
      expect(message!.offsetMessageId).toBe(sent.offsetMessageId);
      expect(message!.queueOffset).toBe(sent.queueOffset);
    });

    test("transactions end as the program says, at once or when the broker asks", async () => {
      const topic = fresh("T_tx");
      const asked: ReceivedMessage[] = [];
      const verdict = (body: string) => Number(body) % 2 === 0 ? "commit" : "rollback";
      await using transactions = await Producer.open({
        ...common(),
        group: fresh("P_tx"),
        checkTransaction(message) {
          asked.push(message);
          return verdict(message.text());
        },
      });
      for (const n of numbers(0, 12)) {
        const message = { topic, body: `${n}`, keys: `k${n}`, properties: { color: "blue" } };
        const { state } = await transactions.sendInTransaction(
          message,
          () => n % 4 < 2 ? verdict(message.body) : "unknown",
        );
        expect(state).toBe(n % 4 < 2 ? verdict(message.body) : "unknown");
      }
      const seen = await everything(topic, 6);
      // A send that a busy broker answers late is tried again: at least once, and nothing that was rolled back.
      expect(new Set(bodies(seen))).toEqual(new Set(["0", "10", "2", "4", "6", "8"]));
      for (const message of [...seen, ...asked]) {
        expect([message.topic, message.keys, message.properties.get("color")])
          .toEqual([topic, [`k${message.text()}`], "blue"]);
      }
      await waitFor("questions", ARRIVED_MS_MAX, () => new Set(bodies(asked)).size === 6);
    });

    test("large bodies are compressed on the way and whole at the end", async () => {
      const topic = fresh("T_large");
      for (const bytes of [4095, 4096, 100_000, 3_900_000]) {
        await producer.send({ topic, body: pattern(bytes), keys: `${bytes}` });
      }
      const messages = await everything(topic, 4);
      expect(messages.length).toBe(4);
      for (const message of messages) {
        const bytes = Number(message.keys[0]);
        expect(message.body).toEqual(pattern(bytes));
        expect(message.storedBytes < bytes).toBe(bytes >= 4096);
      }
    });

    test("oneway messages, batches and a thousand sends in flight are all stored", async () => {
      const topic = fresh("T_many");
      await producer.send({ topic, body: "first" });
      for (const n of numbers(0, 20)) await producer.sendOneway({ topic, body: `oneway ${n}` });
      const batch = numbers(0, 10).map((n) => ({ topic, body: `batch ${n}`, tags: "b" }));
      const [result] = await producer.sendBatch(batch);
      expect(result!.messageId.split(",").length).toBe(10);
      const results = await sendNumbered(topic, 0, 1000);
      expect(new Set(results.map((each) => each.messageId)).size).toBe(1000);
      const expected = [
        "first",
        ...numbers(0, 20).map((n) => `oneway ${n}`),
        ...batch.map(({ body }) => body),
        ...numbers(0, 1000).map(String),
      ];
      expect(bodies(await everything(topic, expected.length)).sort()).toEqual(expected.sort());
    });

    test("a selector chooses the queue", async () => {
      const topic = fresh("T_selector");
      for (const n of numbers(0, 12)) {
        const { queue } = await producer.send({ topic, body: `${n}` }, {
          select: (queues) => queues.find(({ queueId }) => queueId === n % 4)!,
        });
        expect(queue.queueId).toBe(n % 4);
      }
    });

    test("two members of a group share what the tag expression lets through", async () => {
      const [topic, group] = [fresh("T_tags"), fresh("G_tags")];
      await producer.send({ topic, body: "other", tags: "other" });
      const seen: string[] = [];
      const options = { group, subscriptions: { [topic]: "a || b" } };
      await using first = await push(options, (message) => seen.push(message.text()));
      await using second = await push(options, (message) => seen.push(message.text()));
      await waitFor("two queues each", ARRIVED_MS_MAX, () => {
        return [first, second].every(({ queues }) => {
          return queues.filter((queue) => queue.topic === topic).length === 2;
        });
      });
      await sendNumbered(topic, 0, 50, "a");
      await sendNumbered(topic, 50, 100, "b");
      await sendNumbered(topic, 100, 120, "other");
      await waitFor("100 messages", ARRIVED_MS_MAX, () => new Set(seen).size >= 100);
      expect(new Set(seen)).toEqual(new Set(numbers(0, 100).map(String)));
    });

    test("what fails comes again, and ends in the DLQ when it always fails", async () => {
      const [topic, group] = [fresh("T_retry"), fresh("G_retry")];
      const seen: string[] = [];
      await using _consumer = await push(
        { group, subscriptions: { [topic]: "*" }, maxReconsumeTimes: 2 },
        (message) => {
          seen.push(`${message.text()} ${message.reconsumeTimes} ${message.topic}`);
          if (message.text() === "bad" || message.reconsumeTimes < 1) throw new Error("not yet");
        },
      );
      await producer.send({ topic, body: "good" });
      await producer.send({ topic, body: "bad" });
      await using dead = await puller();
      const queue = { topic: `%DLQ%${group}`, brokerName: "broker-a", queueId: 0 };
      await waitFor("all deliveries, and one in the DLQ", ARRIVED_MS_MAX, async () => {
        return seen.length >= 5 && await dead.maxOffset(queue) === 1;
      });
      expect(seen.sort()).toEqual([
        ...[0, 1, 2].map((times) => `bad ${times} ${topic}`),
        ...[0, 1].map((times) => `good ${times} ${topic}`),
      ]);
    });

    test("broadcasting brings every message to each consumer", async () => {
      const [topic, group] = [fresh("T_broadcast"), fresh("G_broadcast")];
      await sendNumbered(topic, 0, 30);
      const options = (instanceName: string): PushConsumerOptions => ({
        group,
        instanceName,
        model: "broadcasting",
        offsetFolder: `${cluster.folder}/offsets`,
        subscriptions: { [topic]: "*" },
      });
      const seen: [string[], string[]] = [[], []];
      await using _first = await push(options("one"), (message) => seen[0].push(message.text()));
      await using _second = await push(options("two"), (message) => seen[1].push(message.text()));
      await waitFor("30 messages each", ARRIVED_MS_MAX, () => {
        return seen.every(({ length }) => length >= 30);
      });
      for (const each of seen) {
        expect(each.map(Number).sort((a, b) => a - b)).toEqual(numbers(0, 30));
      }
    });

    test("a second consumer goes on where the loop of the first was left", async () => {
      const [topic, group] = [fresh("T_loop"), fresh("G_loop")];
      await sendNumbered(topic, 0, 20);
      const seen: string[] = [];
      {
        await using consumer = await push({ group, subscriptions: { [topic]: "*" } });
        for await (const message of consumer) {
          seen.push(message.text());
          if (seen.length < 20) continue;
          consumer.ack(message);
          break;
        }
      }
      await sendNumbered(topic, 20, 30);
      await using _second = await push(
        { group, subscriptions: { [topic]: "*" } },
        (message) => seen.push(message.text()),
      );
      await waitFor("the rest", ARRIVED_MS_MAX, () => seen.length >= 30);
      expect(seen.map(Number).sort((a, b) => a - b)).toEqual(numbers(0, 30));
    });

    test("a pull consumer reads a queue, finds an offset by time, and commits", async () => {
      const [topic, group] = [fresh("T_pull"), fresh("G_pull")];
      await producer.send({ topic, body: "creates the topic" });
      const queue = (await producer.queues(topic)).find(({ queueId }) => queueId === 2)!;
      await using consumer = await puller(group);
      const [first] = await everything(topic, 1);
      const start = first!.queue.queueId === 2 ? 1 : 0;
      for (const n of numbers(0, 10)) {
        await producer.send({ topic, body: `${n}`, tags: n % 2 === 0 ? "even" : "odd" }, { queue });
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      await waitFor("ten messages", ARRIVED_MS_MAX, async () => {
        return await consumer.maxOffset(queue) === start + 10;
      });
      const messages = await Array.fromAsync(consumer.read(queue, { from: start, untilEnd: true }));
      expect(bodies(messages)).toEqual(numbers(0, 10).map(String));
      const even = await consumer.pull(queue, start, { expression: "even" });
      expect(bodies(even.messages)).toEqual(["0", "2", "4", "6", "8"]);
      expect(await consumer.offsetAt(queue, messages[5]!.storeTimestampMs)).toBe(start + 5);
      expect(await consumer.committedOffset(queue)).toBe(version === "4.9.7" ? 0 : null);
      await consumer.commit(queue, start + 7);
      await consumer.close();
      await using next = await puller(group);
      expect(await next.committedOffset(queue)).toBe(start + 7);
      const rest = await Array.fromAsync(next.read(queue, { untilEnd: true }));
      expect(bodies(rest)).toEqual(["7", "8", "9"]);
    });

    test("members that join, leave and are killed under load lose nothing", async () => {
      await expectMembersToLoseNothing(cluster.folder, cluster.namesrv.address);
    });

    test("Apache's Java client sees the same messages, and this one sees Java's", async () => {
      const [ours, theirs] = [fresh("T_ours"), fresh("T_theirs")];
      const messages = kinds(ours);
      const sent: string[] = [];
      for (const message of messages) {
        const { messageId } = await producer.send(message);
        sent.push(`${messageId}|${lineOf(message)}`);
      }
      const batch = numbers(0, 5).map((n): Message => ({ topic: ours, body: `batch ${n}` }));
      const [result] = await producer.sendBatch(batch);
      const ids = result!.messageId.split(",");
      sent.push(...batch.map((message, at) => `${ids[at]}|${lineOf(message)}`));
      await everything(ours, sent.length);
      const output = await runJavaMain(
        "Swap",
        [cluster.namesrv.address, ours, String(sent.length), theirs],
        cluster.folder,
      );
      const lines = (word: string) =>
        [...output.matchAll(new RegExp(`^${word} (.*)$`, "gm"))].map((match) => match[1]!).sort();
      expect(comparable(lines("READ"))).toEqual(comparable(sent));
      const received = (await everything(theirs, 8)).map((message) => {
        const { messageId, body, tags, keys, flag, properties } = message;
        const line = lineOf({
          topic: theirs,
          body,
          tags,
          keys,
          flag,
          properties: { color: properties.get("color") ?? "" },
        });
        return `${messageId}|${line}`;
      });
      expect(received.length).toBe(8);
      expect(comparable(received)).toEqual(comparable(lines("SENT")));
    });
  });
}

/** As the Java side (Swap) sends them. */
function kinds(topic: string): Message[] {
  return [
    {
      topic,
      body: "héllo 你好 😀",
      tags: "paid",
      keys: ["k1", "k2"],
      properties: { color: "blue €" },
      flag: 7,
    },
    { topic, body: "plain" },
    { topic, body: pattern(100_000), tags: "large", keys: "k3" },
  ];
}

/** A message as Swap prints it, without the id. */
function lineOf({ body, tags, keys, flag, properties }: Message): string {
  const digest = createHash("sha256").update(body).digest("hex");
  const joined = typeof keys === "string" ? keys : keys?.join(" ") ?? "";
  return [tags ?? "", joined, properties?.color ?? "", flag ?? 0, digest].join("|");
}

function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, at) => from + at);
}

function pattern(bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, at) => at % 61 + Math.trunc(at / 977));
}

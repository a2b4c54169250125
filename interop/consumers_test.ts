// The ways of our library to consume, against Roquet's servers and Apache's of two versions: in order, in batches, by lite
// pull; where a new group begins; what an operator makes members do. Java's are in consumers_java_test.ts.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  averageByCircle,
  type ConsumeOutcome,
  LitePullConsumer,
  type MessageQueue,
  Producer,
  PullConsumer,
  PushConsumer,
  type PushConsumerOptions,
  type ReceivedMessage,
} from "../core/client/mod.ts";
import { type Cluster, type Make, startCluster } from "./support/cluster.ts";
import type { ServerVersion } from "./support/java.ts";
import { mqadmin } from "./support/mqadmin.ts";
import { waitFor } from "./support/processes.ts";

const ARRIVED_MS_MAX = 90_000;
// The shortest that a broker takes.
const CONF = { registerNameServerPeriod: 10_000 };

const CASES: readonly { name: string; make: Make; version?: ServerVersion }[] = [
  { name: "Roquet", make: "roquet" },
  { name: "Apache 5.4.0", make: "apache", version: "5.4.0" },
  { name: "Apache 4.9.7", make: "apache", version: "4.9.7" },
];

for (const { name, make, version } of CASES) {
  describe(`our consumers and ${name}`, () => {
    let cluster: Cluster;
    let producer: Producer;
    let names = 0;

    beforeAll(async () => {
      const conf = { ...CONF, enablePropertyFilter: true };
      cluster = await startCluster({ namesrv: make, broker: make, version }, conf);
      producer = await Producer.open({ ...common(), group: "G_producer", sendTimeoutMs: 10_000 });
    }, 120_000);

    afterAll(async () => {
      await producer?.close();
      // Nobody looks at its store any more, and Apache's takes its time to close it.
      cluster?.broker.process.kill("SIGKILL");
      await cluster?.[Symbol.asyncDispose]();
    });

    const common = () => ({ nameServers: cluster.namesrv.address });
    const fresh = (kind: string) => `${kind}_${names++}`;
    const push = (
      options: Partial<PushConsumerOptions> & { group: string },
      listener: ConstructorParameters<typeof PushConsumer>[1],
    ) => PushConsumer.open({ ...common(), consumeFrom: "first", ...options }, listener);

    /** A topic with a message "creates the topic"; its queues. */
    async function made(topic: string): Promise<readonly MessageQueue[]> {
      await producer.send({ topic, body: "creates the topic", tags: "first" });
      return await producer.queues(topic);
    }

    async function sendTo(queue: MessageQueue, from: number, to: number): Promise<void> {
      for (let n = from; n < to; n++) {
        await producer.send({ topic: queue.topic, body: `${n}`, tags: "n" }, { queue });
      }
    }

    /** Waits for the group's dead letter. */
    async function expectDead(
      group: string,
      { brokerName }: MessageQueue,
      text: string,
      topic: string,
    ) {
      const dlq = { topic: `%DLQ%${group}`, brokerName, queueId: 0 };
      await using reader = await PullConsumer.open({ ...common(), group: fresh("G_dead") });
      await waitFor(
        "the dead letter",
        ARRIVED_MS_MAX,
        async () => await reader.maxOffset(dlq) === 1,
      );
      // A 4.9 broker lets nobody read it.
      if (version === "4.9.7") return;
      const { messages: [dead] } = await reader.pull(dlq, 0);
      expect([dead!.text(), dead!.topic]).toEqual([text, topic]);
    }

    test("orderly: in place retries, the DLQ, commits by hand, and what was committed is kept", async () => {
      const [topic, group] = [fresh("T_orderly"), fresh("G_orderly")];
      const [queue] = await made(topic);
      await sendTo(queue!, 0, 5);
      const seen: string[] = [];
      const options = {
        group,
        orderly: true,
        suspendMs: 50,
        maxReconsumeTimes: 2,
        subscriptions: { [topic]: "n" },
      };
      {
        await using _consumer = await push(options, (message) => {
          seen.push(`${message.text()}/${message.reconsumeTimes}`);
          return message.text() === "1" ? "later" : "success";
        });
        await waitFor("five messages", ARRIVED_MS_MAX, () => seen.includes("4/0"));
        expect(seen).toEqual(["0/0", "1/0", "1/1", "1/2", "2/0", "3/0", "4/0"]);
        await expectDead(group, queue!, "1", topic);
      }
      seen.length = 0;
      await sendTo(queue!, 5, 9);
      {
        await using _consumer = await push({ ...options, autoCommit: false }, (message) => {
          seen.push(message.text());
          // What comes after six is consumed and not committed: it comes again to the next one.
          return message.text() === "6" ? "commit" : "success";
        });
        await waitFor("the four others", ARRIVED_MS_MAX, () => seen.includes("8"));
      }
      expect(seen).toEqual(["5", "6", "7", "8"]);
      seen.length = 0;
      await using _consumer = await push(options, (message) => void seen.push(message.text()));
      await waitFor("what wasn't committed", ARRIVED_MS_MAX, () => seen.length >= 2);
      expect(seen).toEqual(["7", "8"]);
    });

    test("orderly members hand queues over at once and in order", async () => {
      const [topic, group] = [fresh("T_handover"), fresh("G_handover")];
      const queues = await made(topic);
      const options = {
        group,
        orderly: true,
        strategy: averageByCircle,
        subscriptions: { [topic]: "n" },
        rebalanceMs: 1_000,
      };
      const seen = queues.map((): number[] => []);
      const listener = async (message: ReceivedMessage) => {
        await new Promise((resolve) => setTimeout(resolve, 2));
        seen[message.queue.queueId]!.push(Number(message.text()));
      };
      const share = (consumer: PushConsumer) =>
        consumer.queues.filter((queue) => queue.topic === topic).length;
      await using first = await push(options, listener);
      const sending = Promise.all(queues.map((queue) => sendTo(queue, 0, 100)));
      const second = await push(options, listener);
      await waitFor("two queues each", ARRIVED_MS_MAX, () => {
        return share(first) === 2 && share(second) === 2;
      });
      const ids = [first, second].map(({ queues }) =>
        queues.filter((queue) => queue.topic === topic).map(({ queueId }) => queueId).sort().join()
      );
      expect(ids.sort()).toEqual(["0,2", "1,3"]);
      await sending;
      await second.close();
      await waitFor("all queues", ARRIVED_MS_MAX, () => share(first) === 4);
      const expected = Array.from({ length: 100 }, (_, n) => n);
      await waitFor("all messages", ARRIVED_MS_MAX, () => {
        return seen.every(({ length }) => length >= 100);
      });
      expect(seen).toEqual(queues.map(() => expected));
    });

    test("batches: what isn't consumed of one comes again, after the level that was asked for", async () => {
      const [topic, group] = [fresh("T_batch"), fresh("G_batch")];
      const [queue] = await made(topic);
      await sendTo(queue!, 0, 20);
      const calls: string[][] = [];
      const again: string[] = [];
      await using _consumer = await push({
        group,
        consumeBatchMax: 8,
        subscriptions: { [topic]: "n" },
      }, {
        onMessages(messages): ConsumeOutcome {
          if (messages[0]!.reconsumeTimes > 0) {
            again.push(...messages.map((message) => message.text()));
            return "success";
          }
          calls.push(messages.map((message) => message.text()));
          return calls.length > 1 ? "success" : { consumed: messages.length - 2, delayLevel: 1 };
        },
      });
      await waitFor(
        "two again",
        ARRIVED_MS_MAX,
        () => again.length === 2 && calls.flat().length === 20,
      );
      expect(Math.max(...calls.map(({ length }) => length))).toBeLessThanOrEqual(8);
      expect(again.sort()).toEqual(calls[0]!.slice(-2).sort());
    });

    test("a new group begins at the end, the start or a time", async () => {
      const topic = fresh("T_begin");
      const queues = await made(topic);
      for (const queue of queues) await sendTo(queue, 0, 3);
      await new Promise((resolve) => setTimeout(resolve, 50));
      const time = new Date();
      for (const queue of queues) await sendTo(queue, 3, 5);
      const begun = async (consumeFrom: "first" | "last" | Date) => {
        const seen: string[] = [];
        const consumer = await push(
          { group: fresh("G_begin"), subscriptions: { [topic]: "n || end" }, consumeFrom },
          (message) => void seen.push(message.text()),
        );
        return { seen, consumer };
      };
      const all = await Promise.all([begun("first"), begun(time), begun("last")]);
      for (const { consumer } of all) {
        await waitFor("all queues", ARRIVED_MS_MAX, () => {
          return consumer.queues.filter((queue) => queue.topic === topic).length === queues.length;
        });
      }
      for (const queue of queues) {
        await producer.send({ topic, body: "end", tags: "end" }, { queue });
      }
      const expected = (from: number) =>
        queues.flatMap(() => ["end", ...Array.from({ length: 5 - from }, (_, n) => `${from + n}`)])
          .sort();
      // 4.9 brokers say that a group without an offset is at the start of a young queue.
      for (const [index, from] of [0, version === "4.9.7" ? 0 : 3].entries()) {
        const { seen } = all[index]!;
        await waitFor(
          "what is from there on",
          ARRIVED_MS_MAX,
          () => seen.length >= expected(from).length,
        );
        expect(seen.sort()).toEqual(expected(from));
      }
      const last = all[2]!.seen;
      await waitFor(
        "the last ones",
        ARRIVED_MS_MAX,
        () => last.filter((text) => text === "end").length === 4,
      );
      for (const { consumer } of all) await consumer.close();
    });

    test("lite pull: two members share; positions are committed, found again and moved", async () => {
      const [topic, group] = [fresh("T_lite"), fresh("G_lite")];
      const queues = await made(topic);
      for (const queue of queues) await sendTo(queue, 0, 25);
      const options = {
        ...common(),
        group,
        consumeFrom: "first" as const,
        subscriptions: { [topic]: "n" },
        rebalanceMs: 1_000,
        autoCommit: false,
      };
      const seen = new Set<string>();
      const poll = async (consumer: LitePullConsumer) => {
        for (const { queue, queueOffset } of await consumer.poll({ timeoutMs: 500 })) {
          seen.add(`${queue.queueId}@${queueOffset}`);
        }
      };
      await using first = await LitePullConsumer.open(options);
      {
        await using second = await LitePullConsumer.open(options);
        await waitFor("two queues each", ARRIVED_MS_MAX, () => {
          return [first, second].every(({ assignment }) => assignment.length === 2);
        });
        await waitFor("all messages", ARRIVED_MS_MAX, async () => {
          await Promise.all([poll(first), poll(second)]);
          return seen.size === 100;
        });
        // One behind the other: of a group's first commits for a topic Apache's broker may keep one only.
        await first.commit();
        await second.commit();
      }
      await waitFor("all queues", ARRIVED_MS_MAX, () => first.assignment.length === 4);
      const ends = await Promise.all(queues.map((queue) => first.committed(queue)));
      const offsets = [...seen].map((key) => key.split("@").map(Number));
      for (const { queueId } of queues) {
        const last = Math.max(
          ...offsets.filter(([id]) => id === queueId).map(([, offset]) => offset!),
        );
        expect(ends[queueId]).toBe(last + 1);
      }
      const [queue] = queues;
      await first.seek(queue!, ends[0]! - 5);
      seen.clear();
      await waitFor("five again", ARRIVED_MS_MAX, async () => {
        await poll(first);
        return seen.size >= 5;
      });
      expect(seen).toEqual(new Set([5, 4, 3, 2, 1].map((n) => `0@${ends[0]! - n}`)));
      expect(await first.offsetForTimestamp(queue!, 0)).toBe(0);
    });

    test("lite pull: assigned queues are read by SQL, paused and resumed", async () => {
      const topic = fresh("T_assigned");
      const [queue] = await made(topic);
      for (let n = 0; n < 10; n++) {
        await producer.send({ topic, body: `${n}`, properties: { n: `${n}` } }, { queue: queue! });
      }
      await using consumer = await LitePullConsumer.open({
        ...common(),
        group: fresh("G_assigned"),
        consumeFrom: "first",
      });
      await consumer.assign([queue!], { sql: "n BETWEEN 3 AND 5" });
      const seen: string[] = [];
      const poll = async () => {
        seen.push(...(await consumer.poll({ timeoutMs: 500 })).map((message) => message.text()));
      };
      await waitFor("three messages", ARRIVED_MS_MAX, async () => {
        await poll();
        return seen.length >= 3;
      });
      expect(seen).toEqual(["3", "4", "5"]);
      consumer.pause([queue!]);
      // The pull that is held already may bring one more.
      await producer.send({ topic, body: "4", properties: { n: "4" } }, { queue: queue! });
      await poll();
      const before = seen.length;
      await producer.send({ topic, body: "5", properties: { n: "5" } }, { queue: queue! });
      await poll();
      expect(seen.length).toBe(before);
      consumer.resume([queue!]);
      await waitFor("what was sent meanwhile", ARRIVED_MS_MAX, async () => {
        await poll();
        return seen.length >= 5;
      });
      expect(seen.slice(3)).toEqual(["4", "5"]);
    });

    test("Apache's operator sees how we fare, makes us consume, and resets us", async () => {
      const [topic, group] = [fresh("T_operator"), fresh("G_operator")];
      const queues = await made(topic);
      for (const queue of queues) await sendTo(queue, 0, 5);
      const seen: string[] = [];
      const { promise: released, resolve: release } = Promise.withResolvers<void>();
      await using consumer = await push(
        { group, subscriptions: { [topic]: "n" }, offsetCommitMs: 500, pullHoldMs: 2_000 },
        async (message) => {
          if (message.text() === "hangs") await released;
          seen.push(message.text());
        },
      );
      await waitFor("20 messages", ARRIVED_MS_MAX, () => seen.length >= 20);
      const hanging = await producer.send({ topic, body: "hangs", tags: "n" });
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      const clientId = consumer.clientId;
      const folder = `${cluster.folder}/mqadmin-${topic}`;
      const output = await mqadmin(cluster.namesrv.address, [
        ["consumerStatus", "-g", group, "-i", clientId, "-s"],
        ["resetOffsetByTime", "-g", group, "-t", topic, "-s", "0"],
      ], folder);
      expect(output[0]).toContain(topic);
      expect(output[0]).toContain(hanging.messageId);
      expect(output[0]).toContain("CONSUME_PASSIVELY");
      release();
      await waitFor("all messages again", ARRIVED_MS_MAX, () => seen.length >= 41);
      expect(seen.filter((text) => text === "4").length).toBe(8);
    });
  });
}

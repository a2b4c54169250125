// Settings of clients that change how they reach a broker, what things are called and what travels together: Java's client
// and ours with the same settings, meeting at Roquet's broker and at Apache's.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  Producer,
  type ProducerOptions,
  PullConsumer,
  PushConsumer,
  type ReceivedMessage,
} from "../core/client/mod.ts";
import { type Cluster, type Make, startCluster } from "./support/cluster.ts";
import { runJavaMain } from "./support/java_main.ts";
import { waitFor } from "./support/processes.ts";

const MAKES: readonly Make[] = ["roquet", "apache"];

for (const make of MAKES) {
  describe(`client settings at ${make}'s broker`, () => {
    let cluster: Cluster;

    beforeAll(async () => {
      cluster = await startCluster({ namesrv: make, broker: make });
    }, 120_000);

    afterAll(async () => {
      cluster?.broker.process.kill("SIGKILL");
      await cluster?.[Symbol.asyncDispose]();
    });

    const common = () => ({ nameServers: cluster.namesrv.address });
    const open = (options: ProducerOptions) =>
      Producer.open({ ...common(), group: "G_ts", sendTimeoutMs: 10_000, ...options });

    async function java(feature: string, topic: string): Promise<string[]> {
      const args = [feature, cluster.namesrv.address, topic];
      const output = await runJavaMain("Features", args, cluster.folder);
      return output.split("\n").filter((line) => /^(SENT|SEEN|IDS) /.test(line));
    }

    /** What a consumer of ours gets of a topic, once there are so many. */
    async function consume(topic: string, count: number, options: { namespace?: string } = {}) {
      const messages: ReceivedMessage[] = [];
      await using _ = await PushConsumer.open(
        {
          ...common(),
          group: `C_ts_${topic}`,
          consumeFrom: "first",
          subscriptions: { [topic]: "*" },
          ...options,
        },
        (message) => void messages.push(message),
      );
      await waitFor(`${count} messages of ${topic}`, 60_000, () => messages.length >= count);
      return messages;
    }

    test("over the fast port, Java's client and ours are served alike", async () => {
      await using producer = await open({ vipChannel: true });
      await producer.send({ topic: "T_vip", body: "ts" });
      expect(await java("vip", "T_vip")).toEqual([
        "SENT SEND_OK",
        "SEEN T_vip:java",
        "SEEN T_vip:ts",
      ]);
      const bodies = (await consume("T_vip", 2)).map((message) => message.text());
      expect(bodies.sort()).toEqual(["java", "ts"]);
    });

    test("in a namespace, Java's client and ours meet under its names", async () => {
      await using producer = await open({ namespace: "shop" });
      await producer.send({ topic: "T_ns", body: "ts" });
      expect(await java("namespace", "T_ns")).toEqual([
        "SENT SEND_OK",
        "SEEN T_ns:java",
        "SEEN T_ns:ts",
      ]);
      const messages = await consume("T_ns", 2, { namespace: "shop" });
      expect(messages.map(({ topic }) => topic)).toEqual(["T_ns", "T_ns"]);
      expect(messages.map((message) => message.text()).sort()).toEqual(["java", "ts"]);
      for (const { properties, queue } of messages) {
        expect(properties.get("INSTANCE_ID")).toBe("shop");
        expect(queue.topic).toBe("shop%T_ns");
      }
    });

    test("automatic batches of Java's client and ours are single messages to consumers", async () => {
      expect(await java("autoBatch", "T_batch")).toEqual(["IDS 100"]);
      await using producer = await open({ autoBatch: true });
      const numbers = Array.from({ length: 100 }, (_, n) => n);
      const results = await Promise.all(
        numbers.map((n) =>
          producer.send({ topic: "T_batch", body: `ours ${n}`, tags: "TagA", keys: `key${n}` })
        ),
      );
      expect(new Set(results.map(({ messageId }) => messageId)).size).toBe(100);
      const messages = await consume("T_batch", 201);
      const batched = messages.filter(({ tags }) => tags === "TagA");
      expect(new Set(batched.map((message) => message.text())).size).toBe(200);
      for (const { messageId, queueOffset, queue } of results) {
        const found = batched.find((message) => message.messageId === messageId);
        expect([found?.queueOffset, found?.queue.queueId]).toEqual([queueOffset, queue.queueId]);
      }
    });

    test("a broker that is asked to check signs of nobody takes signed requests too", async () => {
      const credentials = { accessKey: "ann", secretKey: "hush" };
      await using producer = await open({ credentials, namespaceV2: "v2" });
      await producer.send({ topic: "T_signed", body: "x".repeat(100_000) });
      await producer.sendBatch(["a", "b"].map((body) => ({ topic: "T_signed", body })));
      await using consumer = await PullConsumer.open({ ...common(), group: "C_s", credentials });
      const bodies: number[] = [];
      for (const queue of await consumer.queues("T_signed")) {
        for await (const message of consumer.read(queue, { untilEnd: true })) {
          bodies.push(message.body.length);
        }
      }
      expect(bodies.sort((a, b) => a - b)).toEqual([1, 1, 100_000]);
    });
  });
}

// Request-reply between Java's client and ours in both directions, by Roquet's broker and by Apache's.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Producer, PushConsumer } from "../core/client/mod.ts";
import { type Cluster, type Make, startCluster } from "./support/cluster.ts";
import { runJavaMain, startJavaMain } from "./support/java_main.ts";
import { type RunningProcess, waitFor } from "./support/processes.ts";

const MAKES: readonly Make[] = ["roquet", "apache"];
const TIMEOUT_MS = 30_000;
/** What every reply has by the time that it is here; a Java asker doesn't see less of ours. */
const REPLY_PROPERTIES = [
  "ARRIVE_TIME",
  "CORRELATION_ID",
  "MSG_REGION",
  "MSG_TYPE",
  "PUSH_REPLY_TIME",
  "REPLY_TO_CLIENT",
  "TRACE_ON",
  "TTL",
  "UNIQ_KEY",
  "from",
];
const ASKED = ["sync", "queue", "selector", "async"];

for (const make of MAKES) {
  describe(`request-reply by ${make}'s broker`, () => {
    let cluster: Cluster;
    let producer: Producer;
    let replier: RunningProcess;
    let ours: PushConsumer;

    beforeAll(async () => {
      cluster = await startCluster({ namesrv: make, broker: make });
      const nameServers = cluster.namesrv.address;
      producer = await Producer.open({ nameServers, group: "G_ts", sendTimeoutMs: 10_000 });
      for (const topic of ["T_java", "T_ts"]) {
        await producer.send({ topic, body: "makes the topic" });
      }
      ours = await PushConsumer.open(
        { nameServers, group: "G_ts_replier", consumeFrom: "first", subscriptions: { T_ts: "*" } },
        async (message) => {
          if (message.properties.get("REPLY_TO_CLIENT") === undefined) return;
          const body = `re:${message.text()}`;
          await producer.reply(message, { body, properties: { from: "ts" } });
        },
      );
      replier = await startJavaMain(
        "RequestReply",
        ["reply", nameServers, "T_java"],
        cluster.folder,
      );
      await waitFor("the Java replier", TIMEOUT_MS, () => replier.output().includes("READY"));
    }, 120_000);

    afterAll(async () => {
      await ours?.close();
      await producer?.close();
      replier?.kill("SIGKILL");
      cluster?.broker.process.kill("SIGKILL");
      await cluster?.[Symbol.asyncDispose]();
    });

    /** What a Java asker printed, by the way in which it asked. */
    async function askByJava(topic: string): Promise<Map<string, string[]>> {
      const args = ["ask", cluster.namesrv.address, topic];
      const output = await runJavaMain("RequestReply", args, cluster.folder);
      const lines = output.split("\n").filter((line) => line.includes("|"));
      return new Map(lines.map((line) => {
        const [way, ...rest] = line.split("|");
        return [way!, rest];
      }));
    }

    function expectReplies(replies: Map<string, string[]>, from: string): void {
      for (const way of ASKED) {
        expect(replies.get(way)).toEqual([`re:${way}`, from, REPLY_PROPERTIES.join(" ")]);
      }
      expect(replies.get("large")).toEqual(["true"]);
      expect(replies.get("silent")).toEqual(["timeout"]);
    }

    test("a Java producer asks our consumer", async () => {
      expectReplies(await askByJava("T_ts"), "ts");
    });

    test("a Java producer asks a Java consumer", async () => {
      expectReplies(await askByJava("T_java"), "java");
    });

    test("our producer asks a Java consumer, and ours", async () => {
      for (const [topic, from] of [["T_java", "java"], ["T_ts", "ts"]]) {
        const bodies = ["one", "two", "large ".repeat(2_000)];
        const replies = await Promise.all(
          bodies.map((body) =>
            producer.request({ topic: topic!, body }, { timeoutMs: TIMEOUT_MS })
          ),
        );
        expect(replies.map((reply) => reply.text())).toEqual(bodies.map((body) => `re:${body}`));
        for (const { properties } of replies) {
          expect(properties.get("from")).toBe(from);
          expect([...properties.keys()].sort()).toEqual(REPLY_PROPERTIES);
        }
      }
    });
  });
}

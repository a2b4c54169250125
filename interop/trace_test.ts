// Message traces of Java's clients and ours, by Roquet's broker and by Apache's: what each wrote, mqadmin and the inspector
// show alike.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { processEnvironment, runInspector } from "../cmd/inspector/main.ts";
import { Producer, PushConsumer } from "../core/client/mod.ts";
import { type Cluster, type Make, startCluster } from "./support/cluster.ts";
import { runJavaMain } from "./support/java_main.ts";
import { mqadmin } from "./support/mqadmin.ts";
import { waitFor } from "./support/processes.ts";

const MAKES: readonly Make[] = ["roquet", "apache"];
const COUNT = 3;

for (const make of MAKES) {
  describe(`message traces by ${make}'s broker`, () => {
    let cluster: Cluster;
    let ours: string[];
    let paid: string;
    let java: string[];
    let recalled: { ours: string; java: string };

    beforeAll(async () => {
      cluster = await startCluster({ namesrv: make, broker: make }, {
        traceTopicEnable: true,
        recallMessageEnable: true,
      });
      const traced = await traceOurs(cluster.namesrv.address);
      [paid, ...ours] = traced.ids;
      const output = await runJavaMain(
        "Traced",
        [cluster.namesrv.address, "T_java"],
        cluster.folder,
      );
      java = [...output.matchAll(/^ID (\S+)$/gm)].map((match) => match[1]!);
      recalled = { ours: traced.recalled, java: output.match(/^RECALLED (\S+)$/m)![1]! };
    }, 180_000);

    afterAll(async () => {
      cluster?.broker.process.kill("SIGKILL");
      await cluster?.[Symbol.asyncDispose]();
    });

    async function inspect(id: string, ...words: string[]) {
      const out: string[] = [];
      const environment = processEnvironment({
        print: (text) => void out.push(text),
        complain: () => {},
      });
      const code = await runInspector(["queryMsgTraceById", "-i", id, ...words], {
        ...environment,
        isTerminal: false,
        variables: { NAMESRV_ADDR: cluster.namesrv.address },
      });
      return { code, text: out.join("\n") };
    }

    /** Waits until both ends of every message are there to be shown. */
    async function traced(id: string) {
      return await waitFor(`the traces of ${id}`, 60_000, async () => {
        const { code, text } = await inspect(id, "--json");
        if (code !== 0) return undefined;
        const records = JSON.parse(text) as { kind: string }[];
        return records.length === (id === paid ? 4 : 3) ? records : undefined;
      });
    }

    test("every message has its send, the beginning and the end of its consumption", async () => {
      expect([ours.length, java.length]).toEqual([COUNT, COUNT]);
      for (
        const [ids, group, consumers, topic] of [
          [ours, "G_ts_traced", "C_ts_traced", "T_ts"],
          [java, "G_java_traced", "C_java_traced", "T_java"],
        ] as const
      ) {
        for (const [n, id] of ids.entries()) {
          const byKind = Object.fromEntries(
            (await traced(id)).map((record) => [record.kind, record]),
          );
          expect(byKind.Pub).toMatchObject({
            group,
            topic,
            tags: "TagA",
            keys: `key${n}`,
            storeHost: cluster.broker.address,
            bodyBytes: 6,
            success: true,
            messageType: 0,
          });
          expect(byKind.SubBefore).toMatchObject({ group: consumers, retryTimes: 0 });
          expect(byKind.SubAfter).toMatchObject({
            group: consumers,
            success: true,
            returnType: 0,
          });
        }
      }
    });

    test("a transaction's message has its end, too", async () => {
      const byKind = new Map(
        (await traced(paid)).map((record): [string, unknown] => [record.kind, record]),
      );
      expect([...byKind.keys()].sort()).toEqual(["EndTransaction", "Pub", "SubAfter", "SubBefore"]);
      expect(byKind.get("Pub")).toMatchObject({ messageType: 1, keys: "paid" });
      expect(byKind.get("EndTransaction")).toMatchObject({
        group: "G_ts_traced",
        topic: "T_ts",
        messageType: 2,
        state: "COMMIT_MESSAGE",
        fromCheck: false,
        storeHost: cluster.broker.address,
      });
    });

    test("a message that was taken back has its recall, from either client alike", async () => {
      const [own, javas] = await Promise.all(
        [recalled.ours, recalled.java].map((id) =>
          waitFor(`the recall of ${id}`, 60_000, async () => {
            const { code, text } = await inspect(id, "--json");
            if (code !== 0) return undefined;
            return (JSON.parse(text) as { kind: string }[]).find(({ kind }) => kind === "Recall");
          })
        ),
      );
      const recall = { kind: "Recall", region: "DefaultRegion", success: true };
      expect(javas).toMatchObject({ ...recall, group: "G_java_traced", topic: "T_java" });
      expect(own).toMatchObject({ ...recall, group: "G_ts_traced", topic: "T_ts" });
      expect(Object.keys(own!)).toEqual(Object.keys(javas!));
    });

    test("mqadmin shows our traces and its own as the inspector does", async () => {
      for (const id of [paid, ...ours, ...java]) await traced(id);
      const ids = [paid, ours[0]!, java[0]!];
      // A JVM that starts on a busy machine may give up its first requests: it is asked again.
      const shown = await waitFor("mqadmin's traces", 180_000, async () => {
        const outputs = await mqadmin(
          cluster.namesrv.address,
          ids.map((id) => ["queryMsgTraceById", "-i", id]),
          `${cluster.folder}/mqadmin`,
        );
        return outputs.every((output) => output.includes("#ConsumerGroup")) ? outputs : undefined;
      });
      for (const [index, id] of ids.entries()) {
        const { code, text } = await inspect(id);
        expect(code).toBe(0);
        // The JVM's logging says how it was set up in between.
        const lines = shown[index]!.split("\n").filter((line) => !/ \|-(INFO|WARN) in /.test(line));
        expect(text.trim()).toBe(lines.join("\n").trim());
        expect(text).toContain("#ProducerGroup");
        expect(text).toContain("#ConsumerGroup");
      }
    });
  });
}

/**
 * Sends and consumes with traces on; gives the messages' ids, first the one of a transaction, and that of a message that was
 * taken back.
 */
async function traceOurs(
  nameServers: string,
): Promise<{ ids: [string, ...string[]]; recalled: string }> {
  const options = { nameServers, trace: true };
  const ids: string[] = [];
  await using producer = await Producer.open({
    ...options,
    group: "G_ts_traced",
    sendTimeoutMs: 10_000,
    checkTransaction: () => "commit",
  });
  const message = { topic: "T_ts", body: "paid", keys: "paid" };
  const { messageId } = await producer.sendInTransaction(message, () => "commit");
  for (let n = 0; n < COUNT; n++) {
    const message = { topic: "T_ts", body: `body ${n}`, tags: "TagA", keys: `key${n}` };
    ids.push((await producer.send(message)).messageId);
  }
  const later = await producer.send({ topic: "T_ts", body: "later", delayMs: 600_000 });
  const recalled = await producer.recall(later.recallHandle!);
  const consumed = new Set<string>();
  await using _ = await PushConsumer.open(
    { ...options, group: "C_ts_traced", consumeFrom: "first", subscriptions: { T_ts: "*" } },
    ({ messageId }) => void consumed.add(messageId),
  );
  await waitFor("our messages", 60_000, () => consumed.size === COUNT + 1);
  return { ids: [messageId, ...ids], recalled };
}

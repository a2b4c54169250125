// The Go client and the Node client (ali-ons) against Roquet's name server and broker.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Cluster, startCluster } from "./support/cluster.ts";
import { goDriver } from "./support/go.ts";
import { mqadmin } from "./support/mqadmin.ts";
import { QUICK_CHECKS } from "./support/quick_checks.ts";
import { nodeClientFolder } from "./support/node_client.ts";
import { runToEnd } from "./support/processes.ts";
import { type ScenarioResult, scenarioResults } from "./support/scenario_lines.ts";

interface Client {
  name: string;
  scenarios: readonly string[];
  /** Topics that must be there before: not every client lets the broker make them. */
  topics: readonly string[];
  run: (cluster: Cluster) => Promise<{ code: number; stdout: string; stderr: string }>;
}

const RUN_ID = `r${process.pid}`;

const CLIENTS: readonly Client[] = [
  {
    name: "Go client",
    scenarios: [
      "goSendSync",
      "goSendBatch",
      "goSendAsyncAndOneway",
      "goConsume",
      "goConsumeRetry",
      "goTransactions",
      "goBroadcast",
      "goOrderly",
      "goMembers",
      "goDelayed",
      "goSql",
      "goAdmin",
      "goNamespace",
      "goPull",
    ],
    topics: [],
    run: async ({ folder, namesrv, broker }) =>
      await runToEnd(await goDriver(), [namesrv.address, RUN_ID, broker.address], {
        env: { "rocketmq.client.localOffsetStoreDir": `${folder}/go-offsets` },
        timeoutMs: 350_000,
      }),
  },
  {
    name: "Node client (ali-ons)",
    scenarios: ["nodeSend", "nodeConsume", "nodeRetry", "nodeBroadcast", "nodeSql"],
    topics: ["Send", "Consume", "Retry", "Broadcast", "Sql"].map((name) => `Node${name}_${RUN_ID}`),
    run: async ({ folder, namesrv }) =>
      await runToEnd("node", ["driver.cjs", namesrv.address, RUN_ID], {
        cwd: await nodeClientFolder(),
        // Broadcasting consumers keep their offsets there.
        env: { HOME: folder },
        timeoutMs: 350_000,
      }),
  },
];

async function createTopics(cluster: Cluster, topics: readonly string[]): Promise<void> {
  if (topics.length === 0) return;
  const commands = topics.map((
    topic,
  ) => ["updateTopic", "-b", cluster.broker.address, "-t", topic, "-r", "4", "-w", "4"]);
  await mqadmin(cluster.namesrv.address, commands, `${cluster.folder}/mqadmin`);
}

for (const { name, run, scenarios, topics } of CLIENTS) {
  describe(`${name} against Roquet`, () => {
    let cluster: Cluster;
    let results: Map<string, ScenarioResult>;

    beforeAll(async () => {
      const conf = { ...QUICK_CHECKS, enablePropertyFilter: true };
      cluster = await startCluster({ namesrv: "roquet", broker: "roquet" }, conf);
      await createTopics(cluster, topics);
      results = scenarioResults(scenarios, await run(cluster));
    }, 400_000);

    afterAll(async () => await cluster?.[Symbol.asyncDispose]());

    for (const scenario of scenarios) {
      test(scenario, () => expect(results.get(scenario)?.problem ?? null).toBeNull());
    }
  });
}

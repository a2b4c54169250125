// Apache's Java clients against Roquet's servers, and against clusters of which one server is Apache's.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Cluster, type Make, startCluster } from "./support/cluster.ts";
import { runScenarios, type Serialization } from "./support/driver.ts";
import type { ScenarioResult } from "./support/scenario_lines.ts";
import type { ClientVersion } from "./support/java.ts";

const SQL = ["consumeSql", "consumeSqlRetry", "consumeSqlRefused"];
const PLAIN = [
  "sendSync",
  "sendAsync",
  "sendOneway",
  "sendBatch",
  "sendLargeCompressed",
  "sendTooLarge",
  "sendSelector",
  "sendDelayLevel",
  "sendRefused",
  "queryMessages",
  "queryOffsets",
  "consumeClustering",
  "consumeBroadcasting",
  "consumeOrderly",
  "consumeRetryToDlq",
  "consumeDelayed",
  "pullConsumer",
  "litePullSubscribe",
  "litePullAssign",
  ...SQL,
];
const ACROSS = [
  "sendSync",
  "sendBatch",
  "queryMessages",
  "consumeClustering",
  "pullConsumer",
  ...SQL,
];

interface Case {
  namesrv: Make;
  broker: Make;
  version: ClientVersion;
  serialization: Serialization;
  scenarios: readonly string[];
}

const CASES: readonly Case[] = [
  {
    namesrv: "roquet",
    broker: "roquet",
    version: "5.4.0",
    serialization: "JSON",
    scenarios: PLAIN,
  },
  {
    namesrv: "roquet",
    broker: "roquet",
    version: "5.4.0",
    serialization: "ROCKETMQ",
    scenarios: PLAIN,
  },
  {
    namesrv: "roquet",
    broker: "roquet",
    version: "4.9.8",
    serialization: "JSON",
    scenarios: PLAIN,
  },
  {
    namesrv: "roquet",
    broker: "roquet",
    version: "4.9.8",
    serialization: "ROCKETMQ",
    scenarios: PLAIN,
  },
  {
    namesrv: "apache",
    broker: "roquet",
    version: "5.4.0",
    serialization: "JSON",
    scenarios: ACROSS,
  },
  {
    namesrv: "roquet",
    broker: "apache",
    version: "5.4.0",
    serialization: "JSON",
    scenarios: ACROSS,
  },
];

for (const { namesrv, broker, version, serialization, scenarios } of CASES) {
  describe(`Java client ${version} (${serialization}), ${namesrv} name server, ${broker} broker`, () => {
    let cluster: Cluster;
    let results: Map<string, ScenarioResult>;

    beforeAll(async () => {
      cluster = await startCluster({ namesrv, broker }, { enablePropertyFilter: true });
      results = await runScenarios({
        version,
        serialization,
        namesrvAddress: cluster.namesrv.address,
        folder: cluster.folder,
        scenarios,
      });
    }, 300_000);

    afterAll(async () => await cluster?.[Symbol.asyncDispose]());

    for (const scenario of scenarios) {
      test(scenario, () => expect(results.get(scenario)?.problem ?? null).toBeNull());
    }
  });
}

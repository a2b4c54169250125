// Java clients that pop: push consumers whose queues the broker assigns, and raw requests in both serializations.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Cluster, startCluster } from "./support/cluster.ts";
import { runScenarios, type Serialization } from "./support/driver.ts";
import type { ScenarioResult } from "./support/scenario_lines.ts";

const SCENARIOS = ["popPush", "popRetry", "popMembers", "popRaw", "popOrderly"];

for (const serialization of ["JSON", "ROCKETMQ"] satisfies Serialization[]) {
  describe(`Java client 5.4.0 (${serialization}) pops from Roquet's broker`, () => {
    let cluster: Cluster;
    let results: Map<string, ScenarioResult>;

    beforeAll(async () => {
      cluster = await startCluster({ namesrv: "roquet", broker: "roquet" });
      results = await runScenarios({
        version: "5.4.0",
        serialization,
        namesrvAddress: cluster.namesrv.address,
        folder: cluster.folder,
        scenarios: SCENARIOS,
      });
    }, 300_000);

    afterAll(async () => await cluster?.[Symbol.asyncDispose]());

    for (const scenario of SCENARIOS) {
      test(scenario, () => expect(results.get(scenario)?.problem ?? null).toBeNull());
    }
  });
}

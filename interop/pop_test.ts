// Java clients that pop: push consumers whose queues the broker assigns, and raw requests; with JSON headers, and with binary
// ones, whose request codes arrive cut.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Cluster, startCluster } from "./support/cluster.ts";
import { runScenarios, type Serialization } from "./support/driver.ts";
import type { ScenarioResult } from "./support/scenario_lines.ts";

const SCENARIOS: Record<Serialization, readonly string[]> = {
  JSON: ["popPush", "popRetry", "popMembers", "popRaw", "popOrderly", "popAssignedPull"],
  ROCKETMQ: ["popPush", "popRaw"],
};
const SERIALIZATIONS: readonly Serialization[] = ["JSON", "ROCKETMQ"];

describe("Java clients 5.4.0 pop from Roquet's broker", () => {
  const clusters: Cluster[] = [];
  const results = new Map<Serialization, Map<string, ScenarioResult>>();

  beforeAll(async () => {
    // Mostly waiting for times that pass: side by side.
    await Promise.all(SERIALIZATIONS.map(async (serialization) => {
      const cluster = await startCluster({ namesrv: "roquet", broker: "roquet" });
      clusters.push(cluster);
      const run = await runScenarios({
        version: "5.4.0",
        serialization,
        namesrvAddress: cluster.namesrv.address,
        folder: cluster.folder,
        scenarios: SCENARIOS[serialization],
      });
      results.set(serialization, run);
    }));
  }, 300_000);

  afterAll(async () => {
    for (const cluster of clusters) await cluster[Symbol.asyncDispose]();
  });

  for (const serialization of SERIALIZATIONS) {
    for (const scenario of SCENARIOS[serialization]) {
      test(`${scenario} (${serialization})`, () => {
        expect(results.get(serialization)?.get(scenario)?.problem ?? null).toBeNull();
        expect(results.get(serialization)?.has(scenario)).toBe(true);
      });
    }
  }
});

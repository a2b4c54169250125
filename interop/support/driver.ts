// Runs scenarios of the Java driver (interop/java/src) against a cluster and gives each one's result.
import { type ClientVersion, driverClassPath, jvmOptions } from "./java.ts";
import { runToEnd } from "./processes.ts";
import { type ScenarioResult, scenarioResults } from "./scenario_lines.ts";

export type Serialization = "JSON" | "ROCKETMQ";

let runs = 0;

/** One JVM runs all of the scenarios. */
export async function runScenarios(options: {
  version: ClientVersion;
  serialization: Serialization;
  namesrvAddress: string;
  folder: string;
  scenarios: readonly string[];
  timeoutMs?: number;
}): Promise<Map<string, ScenarioResult>> {
  const classPath = await driverClassPath(options.version);
  const runId = `${process.pid}x${runs++}`;
  const run = await runToEnd("java", [
    ...jvmOptions(`${options.folder}/home-${runId}`),
    `-Drocketmq.serialize.type=${options.serialization}`,
    "-cp",
    classPath,
    "Driver",
    options.namesrvAddress,
    runId,
    ...options.scenarios,
  ], { timeoutMs: options.timeoutMs ?? 280_000 });
  return scenarioResults(options.scenarios, run);
}

// Runs scenarios of the Java driver (interop/java/src) against a cluster and gives each one's result.
import { type ClientVersion, driverClassPath, jvmOptions } from "./java.ts";
import { runToEnd } from "./processes.ts";

export interface ScenarioResult {
  scenario: string;
  ok: boolean;
  elapsedMs: number;
  problem: string | null;
}

export type Serialization = "JSON" | "ROCKETMQ";

let runs = 0;

/** One JVM runs all of the scenarios; a scenario that never reported is a failed one. */
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
  const { stdout, stderr, code } = await runToEnd("java", [
    ...jvmOptions(`${options.folder}/home-${runId}`),
    `-Drocketmq.serialize.type=${options.serialization}`,
    "-cp",
    classPath,
    "Driver",
    options.namesrvAddress,
    runId,
    ...options.scenarios,
  ], { timeoutMs: options.timeoutMs ?? 240_000 });
  const results = new Map<string, ScenarioResult>();
  for (const [, json] of stdout.matchAll(/^RESULT (\{.*\})$/gm)) {
    const result = JSON.parse(json!) as ScenarioResult;
    results.set(result.scenario, result);
  }
  for (const scenario of options.scenarios) {
    if (results.has(scenario)) continue;
    const problem = `never reported; the driver ended with ${code}\n${stderr.slice(-2000)}`;
    results.set(scenario, { scenario, ok: false, elapsedMs: 0, problem });
  }
  return results;
}

// The RESULT lines that every driver prints, whichever language it is in.

export interface ScenarioResult {
  scenario: string;
  ok: boolean;
  elapsedMs: number;
  problem: string | null;
}

/** Results by scenario; one that never reported is a failed one, with what the driver said at its end. */
export function scenarioResults(
  scenarios: readonly string[],
  run: { code: number; stdout: string; stderr: string },
): Map<string, ScenarioResult> {
  const results = new Map<string, ScenarioResult>();
  for (const [, json] of run.stdout.matchAll(/^RESULT (\{.*\})$/gm)) {
    const result = JSON.parse(json!) as ScenarioResult;
    results.set(result.scenario, result);
  }
  for (const scenario of scenarios) {
    if (results.has(scenario)) continue;
    const problem = `never reported; the driver ended with ${run.code}\n${run.stderr.slice(-2000)}`;
    results.set(scenario, { scenario, ok: false, elapsedMs: 0, problem });
  }
  return results;
}

// A topic to another one through a pipe: `inspector subscribe --json | inspector publish --input json`, all four processes
// on this machine.
import { startCluster } from "../../interop/support/cluster.ts";
import { runToEnd } from "../../interop/support/processes.ts";
import { roquetCommand } from "../../interop/support/roquet.ts";
import { type ComparisonResult, ownResult } from "../compare.ts";
import { atLeast } from "../scale/goals.ts";
import { printTable, short } from "../support/figures.ts";

const PER_SECOND_MIN = 50_000;

export async function pipes(count: number): Promise<ComparisonResult> {
  await using cluster = await startCluster({ namesrv: "roquet", broker: "roquet" });
  const { command, args } = roquetCommand();
  const roquet = [command, ...args].map((word) => `'${word}'`).join(" ");
  const shell = async (line: string) => {
    const script = `set -eo pipefail; ${line.replaceAll("roquet ", `${roquet} `)}`;
    const env = { NAMESRV_ADDR: cluster.namesrv.address };
    const beganMs = performance.now();
    const { code, stderr } = await runToEnd("bash", ["-c", script], { env, timeoutMs: 600_000 });
    if (code !== 0) throw new Error(`a pipe ended with ${code}: ${stderr}`);
    return count / ((performance.now() - beganMs) / 1000);
  };
  await shell(`roquet producer-bench -t PipeFrom -y true -k true -l 3 -q ${count} >&2`);
  const from = "roquet inspector subscribe -t PipeFrom --from first --until end";
  const json = await shell(
    `${from} -g G_json --json | roquet inspector publish -t PipeJson --input json`,
  );
  const lines = await shell(`${from} -g G_lines | roquet inspector publish -t PipeLines`);
  console.log(
    `\npipes of ${short(count)} messages of 128 B, start and end of the processes included`,
  );
  printTable([["", "messages a second"], ["JSON lines", short(json)], ["lines", short(lines)]]);
  return ownResult("pipes", [atLeast("JSON lines a second", json, PER_SECOND_MIN)]);
}

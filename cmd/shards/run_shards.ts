// roquet broker --shards N: from its options to running shards, and what the one ready line says of them.
import { ConfigError } from "../../core/config/load.ts";
import type { ServerConfig } from "../../core/config/servers.ts";
import type { BrokerConfig } from "../../core/config/tables.ts";
import type { Logger } from "../../core/log.ts";
import { systemClock } from "../../core/time/system_clock.ts";
import { type Console, standardErrorOutput } from "../console.ts";
import type { BrokerCommand } from "../parser.ts";
import { elapsedMs } from "../platform.ts";
import { runServer } from "../server_process.ts";
import { planShards, type Shard, SHARD_PORT_STRIDE } from "./shard_plan.ts";
import { Shards } from "./shards.ts";

/** Resolves with the exit code. Throws ConfigError when there are no ports for so many. */
export async function runShards(
  count: number,
  options: BrokerCommand,
  config: ServerConfig<BrokerConfig>,
  log: Logger,
  console: Console,
): Promise<number> {
  const shards = planShards(count, options, config);
  if (shards === null) {
    const { listenPort } = config.values;
    throw new ConfigError([
      `--shards ${count}: with listenPort=${listenPort} and ${SHARD_PORT_STRIDE} ports a shard the last one has none`,
    ]);
  }
  const output = standardErrorOutput();
  const say = ({ name }: Shard, line: string) => output.write(`${labelled(name, line)}\n`);
  const code = await runServer({
    open: () => Shards.open({ shards, clock: systemClock, log: log.named("shards"), say }),
    describe: ({ ready }) => ({
      role: "shards",
      cluster: config.values.brokerClusterName,
      portStride: SHARD_PORT_STRIDE,
      shards: ready.map(({ addresses, name, pid, port, storePath }) => {
        return { name, port, addresses, storePath, pid };
      }),
      ms: elapsedMs(),
    }),
    console,
    log,
    debug: options.debug,
  });
  await output.close();
  return code;
}

/** A log line that says whose it is, as text or as one more field of a JSON line. */
function labelled(name: string, line: string): string {
  return line.startsWith("{")
    ? `{"shard":${JSON.stringify(name)},${line.slice(1)}`
    : `${name} ${line}`;
}

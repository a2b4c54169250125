// What each shard of `broker --shards N` is called with: a name, ports, paths and a log file of its own, everything else
// as the parent was told. Pure.
import { extname } from "node:path";
import type { ServerConfig } from "../../core/config/servers.ts";
import type { BrokerConfig } from "../../core/config/tables.ts";
import type { BrokerCommand } from "../parser.ts";

/** Between the ports of one shard and the next: room for the main, the fast and the replication port. */
export const SHARD_PORT_STRIDE = 10;
export const SHARDS_MAX = 64;
const PORT_MAX = 65_535;

export interface Shard {
  /** The broker's name: brokerName-0, brokerName-1, … */
  readonly name: string;
  /** Arguments of the binary. */
  readonly args: readonly string[];
}

/** A free port (0) stays one for every shard. Null when the last shard's ports would be above 65535. */
export function planShards(
  count: number,
  options: BrokerCommand,
  config: Pick<ServerConfig<BrokerConfig>, "values" | "given">,
): Shard[] | null {
  const { brokerName, haListenPort, listenPort } = config.values;
  const last = (count - 1) * SHARD_PORT_STRIDE;
  if (Math.max(listenPort, haListenPort) + last > PORT_MAX) return null;
  return Array.from({ length: count }, (_, index) => {
    const name = `${brokerName}-${index}`;
    return { name, args: ["broker", ...common(options, index), ...own(name, index, config)] };
  });
}

function common(options: BrokerCommand, index: number): string[] {
  const { configFile, debug, logFile, logJson, logLevel, namesrvAddr, settings, strict } = options;
  return [
    ...(configFile === undefined ? [] : ["-c", configFile]),
    ...(namesrvAddr === undefined ? [] : ["-n", namesrvAddr]),
    ...settings.flatMap((setting) => ["--set", setting]),
    ...(strict ? ["--strict"] : []),
    ...["--log-level", logLevel],
    ...(logJson ? ["--log-json"] : []),
    ...(logFile === undefined ? [] : ["--log-file", numbered(logFile, index)]),
    ...(debug ? ["--debug"] : []),
  ];
}

/** These come last, so they beat the file and the parent's own --set. */
function own(
  name: string,
  index: number,
  { given, values }: Pick<ServerConfig<BrokerConfig>, "values" | "given">,
): string[] {
  const { haListenPort, listenPort, storePathCommitLog, storePathRootDir } = values;
  const port = (base: number) => base === 0 ? 0 : base + index * SHARD_PORT_STRIDE;
  const settings: Record<string, string | number> = {
    brokerName: name,
    listenPort: port(listenPort),
    storePathRootDir: `${storePathRootDir}/${name}`,
    ...(given.has("haListenPort") && { haListenPort: port(haListenPort) }),
    ...(given.has("storePathCommitLog") && { storePathCommitLog: `${storePathCommitLog}/${name}` }),
  };
  return Object.entries(settings).flatMap(([key, value]) => ["--set", `${key}=${value}`]);
}

/** broker.log → broker-0.log. */
function numbered(file: string, index: number): string {
  const extension = extname(file);
  return `${file.slice(0, file.length - extension.length)}-${index}${extension}`;
}

// roquet broker: from its options to a running broker and back.
import { loadBrokerConfig, type ServerConfig } from "../core/config/servers.ts";
import { type BrokerConfig, brokerKeys } from "../core/config/tables.ts";
import type { Logger } from "../core/log.ts";
import { Broker } from "../cluster/broker/broker.ts";
import { type Console, systemConsole } from "./console.ts";
import { openLog } from "./logging.ts";
import { thisMachine } from "./machine.ts";
import type { BrokerCommand } from "./parser.ts";
import { elapsedMs, thisPlatform } from "./platform.ts";
import { printConfig, readServerConfig, reportConfig } from "./server_config.ts";
import { EXIT_DONE, processSignals, runServer } from "./server_process.ts";
import { withParent } from "./shards/parent_watch.ts";
import { runShards } from "./shards/run_shards.ts";

/** Resolves with the exit code. Throws ConfigError before anything is opened. */
export async function runBroker(
  options: BrokerCommand,
  console: Console = systemConsole,
): Promise<number> {
  const { namesrvAddr, printAll, printImportant, debug } = options;
  const flags = namesrvAddr === undefined
    ? []
    : [{ flag: "-n", name: "namesrvAddr", value: namesrvAddr }];
  const config = readServerConfig(options, flags, thisMachine(), loadBrokerConfig);
  if (printAll || printImportant) {
    for (const warning of config.warnings) console.complain(warning);
    printConfig(config, brokerKeys, !printAll, console);
    return EXIT_DONE;
  }
  await using sink = openLog(options);
  const log = sink.logger;
  reportConfig(config, log);
  const { values } = config;
  if (options.shards !== undefined) {
    return await runShards(options.shards, options, config, log, console);
  }
  return await runServer({
    open: () => openBroker(config, log),
    describe: (broker) => describeBroker(broker, values),
    console,
    log,
    debug,
    signals: withParent(processSignals),
  });
}

export async function openBroker(
  config: ServerConfig<BrokerConfig>,
  log: Logger,
): Promise<Broker> {
  const platform = thisPlatform();
  return await Broker.open({ ...platform, config: config.live, log: log.named("broker") });
}

/** The ready line's fields. */
function describeBroker(broker: Broker, config: BrokerConfig): Record<string, unknown> {
  const { addresses } = broker;
  return {
    role: "broker",
    name: config.brokerName,
    cluster: config.brokerClusterName,
    port: addresses[0]?.port,
    addresses: addresses.map(({ host, port }, index) => ({ use: USES[index], host, port })),
    storePath: config.storePathRootDir,
    ms: elapsedMs(),
  };
}

/** What each of a broker's addresses is for, in their order. */
const USES = ["main", "fast", "ha"];

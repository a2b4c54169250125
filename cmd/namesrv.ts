// roquet namesrv: from its options to a running name server and back.
import { loadNamesrvConfig, type ServerConfig } from "../core/config/servers.ts";
import { type NamesrvConfig, namesrvKeys } from "../core/config/tables.ts";
import type { Logger } from "../core/log.ts";
import { NameServer } from "../cluster/namesrv/name_server.ts";
import { type Console, systemConsole } from "./console.ts";
import { openLog } from "./logging.ts";
import { thisMachine } from "./machine.ts";
import type { NamesrvCommand } from "./parser.ts";
import { elapsedMs, thisPlatform } from "./platform.ts";
import { printConfig, readServerConfig, reportConfig } from "./server_config.ts";
import { EXIT_DONE, runServer } from "./server_process.ts";

/** Resolves with the exit code. Throws ConfigError before anything is opened. */
export async function runNamesrv(
  options: NamesrvCommand,
  console: Console = systemConsole,
): Promise<number> {
  const config = readServerConfig(options, [], thisMachine(), loadNamesrvConfig);
  if (options.printAll) {
    for (const warning of config.warnings) console.complain(warning);
    printConfig(config, namesrvKeys, false, console);
    return EXIT_DONE;
  }
  await using sink = openLog(options);
  const log = sink.logger;
  reportConfig(config, log);
  return await runServer({
    open: () => openNameServer(config, log),
    describe: describeNameServer,
    console,
    log,
    debug: options.debug,
  });
}

export async function openNameServer(
  config: ServerConfig<NamesrvConfig>,
  log: Logger,
): Promise<NameServer> {
  const platform = thisPlatform();
  return await NameServer.open({ ...platform, config: config.live, log: log.named("namesrv") });
}

/** The ready line's fields. */
function describeNameServer(server: NameServer): Record<string, unknown> {
  const { addresses } = server;
  return {
    role: "namesrv",
    port: addresses[0]?.port,
    addresses: addresses.map(({ host, port }) => ({ use: "main", host, port })),
    ms: elapsedMs(),
  };
}

// Roquet's own servers as a user starts them: a child process of the checkout (or of the compiled binary when
// ROQUET_BINARY names it), ready when it prints its ready line.
import type { Server } from "./apache.ts";
import { GivenUp, type RunningProcess, startProcess, waitFor } from "./processes.ts";
import {
  brokerConf,
  type BrokerStartOptions,
  type Conf,
  namesrvConf,
  type ServerConf,
} from "./server_conf.ts";

const projectRoot = new URL("../..", import.meta.url).pathname;

/** The command that runs Roquet: the compiled binary, or the sources under Bun. */
export function roquetCommand(): { command: string; args: string[] } {
  const binary = process.env.ROQUET_BINARY;
  return binary ? { command: binary, args: [] } : {
    command: `${projectRoot}node_modules/.bin/bun`,
    args: ["run", `${projectRoot}cmd/main.ts`],
  };
}

export interface RoquetServer extends Server {
  /** The ready line's object. */
  readonly ready: Record<string, unknown>;
}

export async function startRoquetNamesrv(folder: string, conf: Conf = {}): Promise<RoquetServer> {
  return await start(folder, "namesrv", await namesrvConf(folder, conf));
}

export async function startRoquetBroker(
  folder: string,
  namesrvAddress: string,
  options: BrokerStartOptions & {
    /** Command and arguments that run the command behind them (nsenter …). */
    through?: readonly string[];
  } = {},
): Promise<RoquetServer> {
  const conf = await brokerConf(folder, namesrvAddress, options);
  return await start(folder, "broker", conf, options.through);
}

async function start(
  folder: string,
  role: "namesrv" | "broker",
  { file, port, storePath }: ServerConf,
  through: readonly string[] = [],
): Promise<RoquetServer> {
  const { command, args } = roquetCommand();
  const [program, ...rest] = [...through, command, ...args, role, "-c", file];
  const process = startProcess({
    command: program!,
    args: rest,
    logPath: `${folder}/stdout.log`,
    // As the Apache servers have it: it is one of the settings that are listed.
    env: { ROCKETMQ_HOME: folder },
  });
  const ready = await readyLine(process);
  return {
    address: `127.0.0.1:${port}`,
    port,
    process,
    storePath,
    ready,
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
}

async function readyLine(process: RunningProcess): Promise<Record<string, unknown>> {
  let ended = false;
  process.exited.then(() => ended = true, () => ended = true);
  try {
    const line = await waitFor("ready line", 120_000, () => {
      const found = process.output().match(/^ready (\{.*\})$/m);
      if (!found && ended) throw new GivenUp("it ended");
      return found?.[1];
    });
    return JSON.parse(line) as Record<string, unknown>;
  } catch (error) {
    await process[Symbol.asyncDispose]();
    throw new Error(`${error}\n${process.output()}`);
  }
}

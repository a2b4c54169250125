// Roquet's own servers as a user starts them: a child process of the checkout (or of the compiled binary when
// ROQUET_BINARY names it), ready when it prints its ready line.
import { mkdirSync } from "node:fs";
import { type Server, writeConf } from "./apache.ts";
import {
  freeBrokerPort,
  GivenUp,
  type RunningProcess,
  startProcess,
  waitFor,
} from "./processes.ts";

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

export async function startRoquetNamesrv(
  folder: string,
  conf: Record<string, string | number | boolean> = {},
): Promise<RoquetServer> {
  mkdirSync(folder, { recursive: true });
  const port = await freeBrokerPort();
  const file = writeConf(`${folder}/namesrv.conf`, {
    listenPort: port,
    bindAddress: "127.0.0.1",
    kvConfigPath: `${folder}/kvConfig.json`,
    configStorePath: `${folder}/namesrv.properties`,
    ...conf,
  });
  return await start(folder, ["namesrv", "-c", file], port, "");
}

export async function startRoquetBroker(
  folder: string,
  namesrvAddress: string,
  options: {
    conf?: Record<string, string | number | boolean>;
    port?: number;
    storePath?: string;
  } = {},
): Promise<RoquetServer> {
  mkdirSync(folder, { recursive: true });
  const port = options.port ?? await freeBrokerPort();
  const storePath = options.storePath ?? `${folder}/store`;
  const file = writeConf(`${folder}/broker.conf`, {
    brokerClusterName: "InteropCluster",
    brokerName: "broker-a",
    brokerId: 0,
    brokerIP1: "127.0.0.1",
    bindAddress: "127.0.0.1",
    listenPort: port,
    haListenPort: port + 1,
    namesrvAddr: namesrvAddress,
    storePathRootDir: storePath,
    storePathCommitLog: `${storePath}/commitlog`,
    ...options.conf,
  });
  return await start(folder, ["broker", "-c", file], port, storePath);
}

async function start(
  folder: string,
  args: string[],
  port: number,
  storePath: string,
): Promise<RoquetServer> {
  const { command, args: prefix } = roquetCommand();
  const process = startProcess({
    command,
    args: [...prefix, ...args],
    logPath: `${folder}/stdout.log`,
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
    const line = await waitFor("ready line", 30_000, () => {
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

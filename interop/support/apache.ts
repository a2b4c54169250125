// Apache RocketMQ's own servers and mqadmin, run from the jars on loopback with every file in a temporary folder.
import { mkdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { jars, jvmOptions } from "./java.ts";
import {
  freeBrokerPort,
  GivenUp,
  type RunningProcess,
  startProcess,
  waitFor,
} from "./processes.ts";

export interface Server extends AsyncDisposable {
  readonly address: string;
  readonly port: number;
  readonly process: RunningProcess;
  readonly storePath: string;
}

/** Writes a properties file. */
export function writeConf(path: string, values: Record<string, string | number | boolean>): string {
  writeFileSync(
    path,
    Object.entries(values).map(([key, value]) => `${key}=${value}\n`).join(""),
  );
  return path;
}

export async function startApacheNamesrv(
  folder: string,
  options: { jvm?: string[]; conf?: Record<string, string | number | boolean> } = {},
): Promise<Server> {
  mkdirSync(folder, { recursive: true });
  const port = await freeBrokerPort();
  const conf = writeConf(`${folder}/namesrv.conf`, {
    listenPort: port,
    bindAddress: "127.0.0.1",
    kvConfigPath: `${folder}/kvConfig.json`,
    configStorePath: `${folder}/namesrv.properties`,
    ...options.conf,
  });
  return await startServer(
    folder,
    "org.apache.rocketmq.namesrv.NamesrvStartup",
    conf,
    port,
    "",
    options.jvm,
  );
}

export async function startApacheBroker(
  folder: string,
  namesrvAddress: string,
  options: {
    jvm?: string[];
    conf?: Record<string, string | number | boolean>;
    port?: number;
    storePath?: string;
  } = {},
): Promise<Server> {
  mkdirSync(folder, { recursive: true });
  const port = options.port ?? await freeBrokerPort();
  const storePath = options.storePath ?? `${folder}/store`;
  const conf = writeConf(`${folder}/broker.conf`, {
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
  return await startServer(
    folder,
    "org.apache.rocketmq.broker.BrokerStartup",
    conf,
    port,
    storePath,
    options.jvm,
  );
}

async function startServer(
  folder: string,
  mainClass: string,
  conf: string,
  port: number,
  storePath: string,
  jvm: string[] = jvmOptions(folder, 1024),
): Promise<Server> {
  const lib = await jars("5.4.0");
  const process = startProcess({
    command: "java",
    args: [
      ...jvm,
      "--add-exports=java.base/jdk.internal.ref=ALL-UNNAMED",
      "-cp",
      `${lib}/*`,
      mainClass,
      "-c",
      conf,
    ],
    logPath: `${folder}/stdout.log`,
    env: { ROCKETMQ_HOME: folder },
  });
  await waitForBoot(process, port);
  return {
    address: `127.0.0.1:${port}`,
    port,
    process,
    storePath,
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
}

/** Waits until the port answers, or fails with what the process printed when it ended first. */
async function waitForBoot(process: RunningProcess, port: number): Promise<void> {
  let ended = false;
  process.exited.then(() => ended = true, () => ended = true);
  try {
    await waitFor(`server on port ${port}`, 60_000, () => {
      if (ended) throw new GivenUp("it ended");
      return /boot success/.test(process.output()) && canConnect(port);
    });
  } catch (error) {
    await process[Symbol.asyncDispose]();
    throw new Error(`${error}\n${process.output()}`);
  }
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

// Apache RocketMQ's own servers and mqadmin, run from the jars on loopback with every file in a temporary folder.
import { mkdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import {
  brokerConf,
  type BrokerStartOptions,
  type Conf,
  namesrvConf,
  type ServerConf,
} from "./server_conf.ts";
import { jars, jvmOptions, type ServerVersion } from "./java.ts";
import { GivenUp, type RunningProcess, startProcess, waitFor } from "./processes.ts";

export interface Server extends AsyncDisposable {
  readonly address: string;
  readonly port: number;
  readonly process: RunningProcess;
  readonly storePath: string;
}

export interface ApacheOptions {
  jvm?: string[];
  /** Default: 5.4.0. */
  version?: ServerVersion;
}

export async function startApacheNamesrv(
  folder: string,
  options: ApacheOptions & { conf?: Conf } = {},
): Promise<Server> {
  const conf = await namesrvConf(folder, options.conf);
  return await startServer(folder, "org.apache.rocketmq.namesrv.NamesrvStartup", conf, options);
}

export async function startApacheBroker(
  folder: string,
  namesrvAddress: string,
  options: BrokerStartOptions & ApacheOptions = {},
): Promise<Server> {
  const conf = await brokerConf(folder, namesrvAddress, options);
  return await startServer(folder, "org.apache.rocketmq.broker.BrokerStartup", conf, options);
}

async function startServer(
  folder: string,
  mainClass: string,
  { file, port, storePath }: ServerConf,
  { jvm = jvmOptions(folder, 1024), version = "5.4.0" }: ApacheOptions,
): Promise<Server> {
  const lib = await jars(version);
  if (version === "4.9.7") writeLogbackFiles(folder);
  const process = startProcess({
    command: "java",
    args: [
      ...jvm,
      "--add-exports=java.base/jdk.internal.ref=ALL-UNNAMED",
      ...(version === "4.9.7" ? OPENED_TO_4_9 : []),
      "-cp",
      `${lib}/*`,
      mainClass,
      "-c",
      file,
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

/** 4.9 was made for Java 8: it reaches into the buffers that it maps. */
const OPENED_TO_4_9 = ["java.base/java.nio", "java.base/sun.nio.ch"]
  .map((name) => `--add-opens=${name}=ALL-UNNAMED`);

/** 4.9 ends when they are missing. */
function writeLogbackFiles(home: string): void {
  mkdirSync(`${home}/conf`, { recursive: true });
  for (const role of ["namesrv", "broker"]) {
    writeFileSync(`${home}/conf/logback_${role}.xml`, "<configuration/>\n");
  }
}

/** Waits until the port answers, or fails with what the process printed when it ended first. */
async function waitForBoot(process: RunningProcess, port: number): Promise<void> {
  let ended = false;
  process.exited.then(() => ended = true, () => ended = true);
  try {
    await waitFor(`server on port ${port}`, 180_000, () => {
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

// The configuration files that the suites give to a name server and a broker, Apache's or Roquet's: on loopback, with
// every file in one folder.
import { mkdirSync, writeFileSync } from "node:fs";
import { freeBrokerPort } from "./processes.ts";

export type Conf = Record<string, string | number | boolean>;

export interface BrokerStartOptions {
  conf?: Conf;
  port?: number;
  storePath?: string;
}

/** A written configuration and what was chosen in it. */
export interface ServerConf {
  file: string;
  port: number;
  storePath: string;
}

/** Writes a properties file. */
export function writeConf(path: string, values: Conf): string {
  writeFileSync(
    path,
    Object.entries(values).map(([key, value]) => `${key}=${value}\n`).join(""),
  );
  return path;
}

export async function namesrvConf(folder: string, conf: Conf = {}): Promise<ServerConf> {
  mkdirSync(folder, { recursive: true });
  const port = Number(conf.listenPort ?? await freeBrokerPort());
  const file = writeConf(`${folder}/namesrv.conf`, {
    listenPort: port,
    bindAddress: "127.0.0.1",
    kvConfigPath: `${folder}/kvConfig.json`,
    configStorePath: `${folder}/namesrv.properties`,
    ...conf,
  });
  return { file, port, storePath: "" };
}

export async function brokerConf(
  folder: string,
  namesrvAddress: string,
  options: BrokerStartOptions,
): Promise<ServerConf> {
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
  return { file, port, storePath };
}

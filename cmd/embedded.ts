// A whole cluster inside this process, for tests and demonstrations: a name server and a broker on loopback and free
// ports, over a store in a temporary folder that goes when the cluster is disposed.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ConfigSource } from "../core/config/load.ts";
import { loadBrokerConfig, loadNamesrvConfig } from "../core/config/servers.ts";
import { type Logger, silentLogger } from "../core/log.ts";
import { openBroker } from "./broker.ts";
import { thisMachine } from "./machine.ts";
import { openNameServer } from "./namesrv.ts";

const HOST = "127.0.0.1";

export interface EmbeddedOptions {
  /** Keys of broker.conf, by Apache's names. */
  broker?: Readonly<Record<string, string | number | boolean>>;
  /** Keys of namesrv.conf. */
  nameServer?: Readonly<Record<string, string | number | boolean>>;
  /** Where the store is kept; it then stays. Default: a temporary folder. */
  folder?: string;
  /** Default: silent. */
  log?: Logger;
}

/** A running cluster; disposing it stops both servers and removes the temporary folder. */
export interface EmbeddedCluster extends AsyncDisposable {
  /** HOST:PORT, what clients take as `nameServers`. */
  readonly nameServer: string;
  readonly broker: string;
  readonly folder: string;
}

/**
 * Starts a name server and a broker in this process. Throws ConfigError for settings that are wrong, OperationError
 * when the store can't be opened.
 *
 * @example
 * ```ts
 * await using mq = await startRoquet();
 * await using producer = await Producer.open({ nameServers: mq.nameServer });
 * await producer.send({ topic: "Orders", body: "hello" });
 * ```
 */
export async function startRoquet(options: EmbeddedOptions = {}): Promise<EmbeddedCluster> {
  const { log = silentLogger } = options;
  await using stack = new AsyncDisposableStack();
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), "roquet-"));
  if (options.folder === undefined) {
    stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  }
  const machine = { ...thisMachine(), namesrvAddr: null };
  const namesrvConfig = loadNamesrvConfig(
    settings({ kvConfigPath: `${folder}/kvConfig.json`, ...options.nameServer }),
    machine,
  );
  const nameServer = stack.use(await openNameServer(namesrvConfig, log));
  const nameServerAddress = `${HOST}:${nameServer.addresses[0]!.port}`;
  const brokerConfig = loadBrokerConfig(
    settings({
      brokerIP1: HOST,
      brokerIP2: HOST,
      brokerName: "embedded",
      namesrvAddr: nameServerAddress,
      storePathRootDir: `${folder}/store`,
      ...options.broker,
    }),
    machine,
  );
  const broker = stack.use(await openBroker(brokerConfig, log));
  const opened = stack.move();
  return {
    nameServer: nameServerAddress,
    broker: `${HOST}:${broker.addresses[0]!.port}`,
    folder,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** Loopback, a free port, and these. */
function settings(values: Readonly<Record<string, string | number | boolean>>): ConfigSource {
  const all = { bindAddress: HOST, listenPort: 0, ...values };
  return { overrides: Object.entries(all).map(([name, value]) => `${name}=${value}`) };
}

// What the inspector's tests share: a name server and a broker in this process, in memory, on free ports of loopback,
// and a way to run a command on them. Used by tests alone.
import { loadBrokerConfig, loadNamesrvConfig } from "../../core/config/servers.ts";
import { soleOwner } from "../../core/disk/file_lock.ts";
import { MemoryDisk } from "../../core/disk/memory_disk.ts";
import { silentLogger } from "../../core/log.ts";
import { seededRandom } from "../../core/random.ts";
import { createNodeTransport } from "../../core/remoting/transport_node.ts";
import { systemClock } from "../../core/time/system_clock.ts";
import { Broker } from "../../cluster/broker/broker.ts";
import { NameServer } from "../../cluster/namesrv/name_server.ts";
import { runInspector } from "./main.ts";

const HOST = "127.0.0.1";
const MACHINE = {
  processors: 2,
  hostName: "test",
  localAddress: HOST,
  homeDirectory: "/home/test",
  currentDirectory: "/home/test",
  rocketmqHome: null,
  namesrvAddr: null,
};

export interface Ran {
  code: number;
  out: string;
  err: string;
}

export interface RunOptions {
  variables?: Record<string, string>;
  isTerminal?: boolean;
  /** Lines after which the reader goes away. */
  linesMax?: number;
}

/** Runs one command with NAMESRV_ADDR set. */
export async function inspect(
  nameServer: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Ran> {
  const out: string[] = [];
  const err: string[] = [];
  const code = await runInspector(args, {
    output: {
      print: (text) => void out.push(text),
      complain: (text) => void err.push(text),
      isReaderGone: () => out.length >= (options.linesMax ?? Infinity),
    },
    variables: { NAMESRV_ADDR: nameServer, ...options.variables },
    isTerminal: options.isTerminal ?? false,
    clock: systemClock,
    transport: createNodeTransport(systemClock),
    program: "roquet inspector",
  });
  return { code, out: out.join("\n"), err: err.join("\n") };
}

export interface TestCluster extends AsyncDisposable {
  nameServer: string;
  broker: string;
  /** Runs a command; the words are separated by blanks. */
  run(line: string, options?: RunOptions): Promise<Ran>;
  /** The document that a command prints with --json; fails unless it ends with 0. */
  json(line: string): Promise<unknown>;
}

export async function openNameServer(): Promise<NameServer> {
  const { live } = loadNamesrvConfig({
    overrides: [`bindAddress=${HOST}`, "listenPort=0", "kvConfigPath=/data/kvConfig.json"],
  }, MACHINE);
  return await NameServer.open({
    config: live,
    clock: systemClock,
    disk: new MemoryDisk(seededRandom(1)),
    random: seededRandom(1),
    log: silentLogger,
    transport: createNodeTransport(systemClock),
  });
}

async function openBroker(nameServer: string, settings: readonly string[]): Promise<Broker> {
  const { live } = loadBrokerConfig({
    overrides: [
      `bindAddress=${HOST}`,
      `brokerIP1=${HOST}`,
      "listenPort=0",
      "brokerName=broker-t",
      "brokerClusterName=TestCluster",
      `namesrvAddr=${nameServer}`,
      "storePathRootDir=/store",
      "storePathCommitLog=/store/commitlog",
      "mappedFileSizeCommitLog=8388608",
      "maxHashSlotNum=500",
      "maxIndexNum=2000",
      ...settings,
    ],
  }, MACHINE);
  return await Broker.open({
    config: live,
    clock: systemClock,
    disk: new MemoryDisk(seededRandom(2)),
    locks: soleOwner,
    random: seededRandom(3),
    log: silentLogger,
    transport: createNodeTransport(systemClock),
  });
}

/** `settings` are keys of broker.conf over the test's own. */
export async function openTestCluster(settings: readonly string[] = []): Promise<TestCluster> {
  await using stack = new AsyncDisposableStack();
  const namesrv = stack.use(await openNameServer());
  const nameServer = `${HOST}:${namesrv.addresses[0]!.port}`;
  const server = stack.use(await openBroker(nameServer, settings));
  const opened = stack.move();
  const run = (line: string, options?: RunOptions) => inspect(nameServer, line.split(" "), options);
  return {
    nameServer,
    broker: `${HOST}:${server.addresses[0]!.port}`,
    run,
    async json(line) {
      const { code, err, out } = await run(`${line} --json`);
      if (code !== 0) throw new Error(`${line} ended with ${code}: ${err}`);
      return JSON.parse(out);
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

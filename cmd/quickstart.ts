// roquet quickstart: a name server and a broker in this process, messages through both, and what came out.
// Listens on loopback only, on free ports, over a store in a temporary folder that is removed again.
import { Buffer } from "node:buffer";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { type ConfigSource } from "../core/config/load.ts";
import { loadBrokerConfig, loadNamesrvConfig } from "../core/config/servers.ts";
import { OperationError } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";
import type { ClientMessage } from "../core/message/client_message.ts";
import { RemotingClient } from "../core/remoting/client.ts";
import { openBroker } from "./broker.ts";
import { type Console, systemConsole } from "./console.ts";
import { openLog } from "./logging.ts";
import { thisMachine } from "./machine.ts";
import { openNameServer } from "./namesrv.ts";
import type { QuickstartCommand } from "./parser.ts";
import { thisPlatform } from "./platform.ts";
import { findRoute, pullAll, type Route, send } from "./quickstart_client.ts";
import { EXIT_DONE, EXIT_FAILED, processSignals, runServer } from "./server_process.ts";

const TOPIC = "QuickstartTopic";
const GREETINGS = 5;
const LOAD_MESSAGES = 20_000;
const LOAD_BODY = Buffer.alloc(128, "x");
const LOAD_IN_FLIGHT = 256;
const HOST = "127.0.0.1";

interface Servers extends AsyncDisposable {
  readonly nameServer: string;
  readonly broker: string;
}

/** Resolves with the exit code: 0 when every message came out as it went in. */
export async function runQuickstart(
  options: QuickstartCommand,
  console: Console = systemConsole,
): Promise<number> {
  const { keep, debug } = options;
  await using sink = openLog({
    logLevel: "warn",
    logJson: false,
    logFile: undefined,
    debug,
  });
  const log = sink.logger;
  const folder = mkdtempSync(join(tmpdir(), "roquet-quickstart-"));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const open = async () => {
    const servers = await openServers(folder, log);
    console.print(`name server  ${servers.nameServer}`);
    console.print(`broker       ${servers.broker}, its store in ${folder}`);
    return servers;
  };
  try {
    if (keep) {
      const openAndShow = async () => {
        const servers = await open();
        await show(servers, console, log);
        return servers;
      };
      const describe = ({ nameServer, broker }: Servers) => ({
        role: "quickstart",
        nameServer,
        broker,
      });
      return await runServer({ open: openAndShow, describe, console, log, debug });
    }
    using _ = processSignals.listen(() => {
      remove();
      process.exit(EXIT_FAILED);
    });
    await using servers = await open();
    await show(servers, console, log);
    return EXIT_DONE;
  } finally {
    remove();
  }
}

async function openServers(folder: string, log: Logger): Promise<Servers> {
  await using stack = new AsyncDisposableStack();
  const machine = { ...thisMachine(), namesrvAddr: null };
  const namesrvConfig = loadNamesrvConfig(
    settings({ kvConfigPath: `${folder}/kvConfig.json` }),
    machine,
  );
  const nameServer = stack.use(await openNameServer(namesrvConfig, log));
  const nameServerAddress = `${HOST}:${nameServer.addresses[0]!.port}`;
  const brokerConfig = loadBrokerConfig(
    settings({
      brokerIP1: HOST,
      brokerIP2: HOST,
      brokerName: "quickstart",
      namesrvAddr: nameServerAddress,
      storePathRootDir: `${folder}/store`,
    }),
    machine,
  );
  const broker = stack.use(await openBroker(brokerConfig, log));
  const opened = stack.move();
  return {
    nameServer: nameServerAddress,
    broker: `${HOST}:${broker.addresses[0]!.port}`,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** Loopback, a free port, and these. */
function settings(values: Record<string, string>): ConfigSource {
  const all = { bindAddress: HOST, listenPort: "0", ...values };
  return { overrides: Object.entries(all).map(([name, value]) => `${name}=${value}`) };
}

/** Sends, consumes, compares, and says so. Throws OperationError when something is missing or wrong. */
async function show(servers: Servers, console: Console, log: Logger): Promise<void> {
  const { clock, transport } = thisPlatform();
  await using client = new RemotingClient({ transport, clock, log: log.named("client") });
  for (let number = 0; number < GREETINGS; number++) {
    const body = Buffer.from(greeting(number), "utf8");
    const sent = await send(client, servers.broker, TOPIC, number % 4, body);
    const place = `queue ${sent.queueId} offset ${sent.queueOffset}`;
    console.print(`sent         ${greeting(number)} → ${place}, id ${sent.messageId}`);
  }
  const route = await findRoute(client, servers.nameServer, TOPIC);
  if (route === null) throw new OperationError(`the name server doesn't know ${TOPIC}`);
  console.print(`route        ${TOPIC}: ${route.queueCount} queues on ${route.brokerName}`);
  for (const message of await consume(client, route)) {
    const place = `queue ${message.queueId} offset ${message.queueOffset}`;
    console.print(`consumed     ${Buffer.from(message.body).toString("utf8")} ← ${place}`);
  }
  await showLoad(client, route, console);
}

async function showLoad(client: RemotingClient, route: Route, console: Console): Promise<void> {
  const { clock } = client;
  const startedMs = clock.monotonicMs();
  await sendMany(client, route);
  const sentMs = clock.monotonicMs();
  const messages = await consume(client, route);
  const consumedMs = clock.monotonicMs();
  const expected = GREETINGS + LOAD_MESSAGES;
  if (messages.length !== expected) {
    throw new OperationError(`${messages.length} messages came out, ${expected} went in`);
  }
  const rate = (milliseconds: number) =>
    `${Math.round(LOAD_MESSAGES / Math.max(1, milliseconds))} 000 a second`;
  console.print(
    `${LOAD_MESSAGES} messages of ${LOAD_BODY.length} bytes more: sent at ${
      rate(sentMs - startedMs)
    }, consumed at ${rate(consumedMs - sentMs)}, client included`,
  );
}

async function sendMany(client: RemotingClient, route: Route): Promise<void> {
  let next = 0;
  const sender = async () => {
    while (next < LOAD_MESSAGES) {
      await send(client, route.address, TOPIC, next++ % route.queueCount, LOAD_BODY);
    }
  };
  await Promise.all(Array.from({ length: LOAD_IN_FLIGHT }, sender));
}

async function consume(client: RemotingClient, route: Route): Promise<ClientMessage[]> {
  const messages: ClientMessage[] = [];
  for (let queueId = 0; queueId < route.queueCount; queueId++) {
    messages.push(...await pullAll(client, route.address, TOPIC, queueId, 0));
  }
  return messages;
}

function greeting(number: number): string {
  return `"Hello ${number + 1}"`;
}

// roquet quickstart: a name server and a broker in this process, messages through both, and what came out.
// Listens on loopback only, on free ports, over a store in a temporary folder that is removed again.
import { Buffer } from "node:buffer";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { type MessageQueue, Producer, PullConsumer } from "../core/client/mod.ts";
import { OperationError } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";
import { type Console, systemConsole } from "./console.ts";
import { type EmbeddedCluster, startRoquet } from "./embedded.ts";
import { openLog } from "./logging.ts";
import type { QuickstartCommand } from "./parser.ts";
import { thisPlatform } from "./platform.ts";
import { EXIT_DONE, EXIT_FAILED, processSignals, runServer } from "./server_process.ts";

const TOPIC = "QuickstartTopic";
const GROUP = "quickstart";
const GREETINGS = 5;
const LOAD_MESSAGES = 20_000;
const LOAD_BODY = Buffer.alloc(128, "x");

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
  try {
    if (keep) {
      const describe = ({ nameServer, broker }: EmbeddedCluster) => ({
        role: "quickstart",
        nameServer,
        broker,
      });
      const open = () => openAndShow(folder, console, log);
      return await runServer({ open, describe, console, log, debug });
    }
    using _ = processSignals.listen(() => {
      remove();
      process.exit(EXIT_FAILED);
    });
    await using _cluster = await openAndShow(folder, console, log);
    return EXIT_DONE;
  } finally {
    remove();
  }
}

async function openAndShow(
  folder: string,
  console: Console,
  log: Logger,
): Promise<EmbeddedCluster> {
  await using stack = new AsyncDisposableStack();
  const cluster = stack.use(
    await startRoquet({ folder, log, broker: { brokerName: "quickstart" } }),
  );
  console.print(`name server  ${cluster.nameServer}`);
  console.print(`broker       ${cluster.broker}, its store in ${folder}`);
  await show(cluster, console);
  const owned = stack.move();
  return { ...cluster, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Sends, consumes, compares, and says so. Throws OperationError when something is missing or wrong. */
async function show(cluster: EmbeddedCluster, console: Console): Promise<void> {
  const nameServers = cluster.nameServer;
  await using producer = await Producer.open({ nameServers, group: GROUP });
  await using consumer = await PullConsumer.open({ nameServers, group: GROUP });
  for (let number = 0; number < GREETINGS; number++) {
    const body = `Hello ${number + 1}`;
    const { queue, queueOffset, messageId } = await producer.send({ topic: TOPIC, body });
    const place = `queue ${queue.queueId} offset ${queueOffset}`;
    console.print(`sent         "${body}" → ${place}, id ${messageId}`);
  }
  const queues = await consumer.queues(TOPIC);
  console.print(`route        ${TOPIC}: ${queues.length} queues on ${queues[0]?.brokerName}`);
  await consume(consumer, queues, (queueId, queueOffset, body) => {
    const place = `queue ${queueId} offset ${queueOffset}`;
    console.print(`consumed     "${Buffer.from(body).toString("utf8")}" ← ${place}`);
  });
  await showLoad(producer, consumer, queues, console);
}

async function showLoad(
  producer: Producer,
  consumer: PullConsumer,
  queues: readonly MessageQueue[],
  console: Console,
): Promise<void> {
  const { clock } = thisPlatform();
  const startedMs = clock.monotonicMs();
  const source = Array.from({ length: LOAD_MESSAGES }, () => ({ topic: TOPIC, body: LOAD_BODY }));
  let stored = 0;
  for await (const { status } of producer.sendAll(source)) if (status === "ok") stored++;
  const sentMs = clock.monotonicMs();
  const count = await consume(consumer, queues, () => {});
  const consumedMs = clock.monotonicMs();
  const expected = GREETINGS + LOAD_MESSAGES;
  if (stored !== LOAD_MESSAGES || count !== expected) {
    throw new OperationError(`${count} messages came out, ${expected} went in`);
  }
  const rate = (milliseconds: number) =>
    `${Math.round(LOAD_MESSAGES / Math.max(1, milliseconds))} 000 a second`;
  console.print(
    `${LOAD_MESSAGES} messages of ${LOAD_BODY.length} bytes more: sent at ${
      rate(sentMs - startedMs)
    }, consumed at ${rate(consumedMs - sentMs)}, client included`,
  );
}

/** Reads every queue from its first message to its end; gives how many there were. */
async function consume(
  consumer: PullConsumer,
  queues: readonly MessageQueue[],
  each: (queueId: number, queueOffset: number, body: Uint8Array) => void,
): Promise<number> {
  let count = 0;
  for (const queue of queues) {
    for await (const message of consumer.read(queue, { from: "first", untilEnd: true })) {
      each(queue.queueId, message.queueOffset, message.body);
      count++;
    }
  }
  return count;
}

// Sending: sendMessage, checkMsgSendRT, clusterRT. The producer is loaded by those alone.
import type { Message, MessageQueue, Producer, SendOptions } from "../../core/client/mod.ts";
import { OperationError, UsageError } from "../../core/errors.ts";
import type { ClientMessage } from "../../core/message/client_message.ts";
import { AUTO_CREATE_TOPIC } from "../../core/message/topic_names.ts";
import { PROPERTY } from "../../core/message/property_names.ts";
import type { Cluster } from "./cluster.ts";
import { defineCommand, type RunContext } from "./command.ts";
import { dayAndTime } from "./java_text.ts";
import * as option from "./option.ts";
import { printf } from "./printf.ts";
import type { Layout } from "./report.ts";

/** Properties that a producer or broker writes by itself. */
const OWN_PROPERTIES: ReadonlySet<string> = new Set([
  PROPERTY.uniqueKey,
  PROPERTY.tags,
  PROPERTY.keys,
  PROPERTY.waitStoreOk,
  PROPERTY.region,
  PROPERTY.traceSwitch,
  PROPERTY.cluster,
  PROPERTY.minOffset,
  PROPERTY.maxOffset,
]);

interface Sent {
  brokerName: string;
  queueId: number;
  queueOffset: number;
  /** As Java's SendStatus. */
  status: string;
  messageId: string;
  offsetMessageId: string;
}

async function openProducer(cluster: Cluster): Promise<Producer> {
  const { Producer } = await import("../../core/client/mod.ts");
  const { clock, nameServers, transport } = cluster;
  return await Producer.open({
    nameServers,
    group: `${clock.nowMs()}`,
  }, { clock, transport });
}

/** Throws OperationError with the cause. */
async function send(
  producer: Producer,
  message: Message,
  options?: SendOptions,
): Promise<Sent> {
  const { ClientError } = await import("../../core/client/mod.ts");
  try {
    const result = await producer.send(message, options);
    const { brokerName, queueId } = result.queue;
    const { messageId, offsetMessageId, queueOffset, status } = result;
    return {
      brokerName,
      queueId,
      queueOffset,
      status: status === "ok" ? "SEND_OK" : status.toUpperCase(),
      messageId,
      offsetMessageId,
    };
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    throw new OperationError(error.message, { cause: error });
  }
}

/** A topic that doesn't exist must be made by its first message: throws when no broker does that. */
async function checkTopic(cluster: Cluster, topic: string): Promise<void> {
  if (await cluster.findRoute(topic) !== null) return;
  if (await cluster.findRoute(AUTO_CREATE_TOPIC) !== null) return;
  await cluster.failMissingTopic(
    topic,
    "; no broker makes topics by itself (autoCreateTopicEnable=false): make it with updateTopic",
  );
}

/** Sends a message again as a new one. */
export async function resend(cluster: Cluster, message: ClientMessage): Promise<Sent> {
  await using producer = await openProducer(cluster);
  const { body, properties, topic } = message;
  const tags = properties.get(PROPERTY.tags);
  const keys = properties.get(PROPERTY.keys);
  const others = [...properties].filter(([name]) => !OWN_PROPERTIES.has(name));
  return await send(producer, {
    topic,
    body,
    properties: Object.fromEntries(others),
    ...(tags !== undefined && { tags }),
    ...(keys !== undefined && { keys }),
  });
}

const SENT: Layout<Sent> = {
  titles: ["#Broker Name", "#QID", "#Send Result", "#MsgId"],
  head: "%-32s  %-4s  %-20s    %s",
  cells: (row) => [row.brokerName, row.queueId, row.status, row.messageId],
};

const sendMessage = defineCommand({
  name: "sendMessage",
  summary: "Send a message",
  options: {
    topic: option.required("t", "topic", option.topicName, "topic name"),
    body: option.required("p", "body", option.text, "the body, as UTF-8"),
    keys: option.optional("k", "key", option.text, "keys, separated by blanks"),
    tags: option.optional("c", "tags", option.text, "tag"),
    broker: option.optional("b", "broker", option.brokerName, "broker to send to, by its name"),
    queueId: option.optional("i", "qid", option.queueNumber, "queue to send to, with -b"),
    trace: option.defaulted("m", "msgTraceEnable", option.bool, false, "send a trace too"),
  },
  changes: true,
  example: "-n 127.0.0.1:9876 -t Orders -p 'hello' -k order-1 -c created",
  async run({ cluster, options, report }) {
    const { body, broker, keys, queueId, tags, topic, trace } = options;
    if (queueId !== undefined && broker === undefined) {
      throw new UsageError("-i (--qid) needs -b (--broker)");
    }
    if (trace) throw new UsageError("-m (--msgTraceEnable): traces aren't sent yet");
    await checkTopic(cluster, topic);
    if (broker !== undefined) await cluster.brokerByName(broker);
    await using producer = await openProducer(cluster);
    const message = {
      topic,
      body,
      ...(tags !== undefined && { tags }),
      ...(keys !== undefined && { keys }),
    };
    const result = await send(producer, message, queueChoice(topic, broker, queueId));
    report.table(SENT, [result]);
    report.json({ ...result });
    if (result.status !== "SEND_OK") report.fail(`stored, but not as asked: ${result.status}`);
  },
});

function queueChoice(
  topic: string,
  brokerName: string | undefined,
  queueId: number | undefined,
): SendOptions {
  if (brokerName === undefined) return {};
  if (queueId !== undefined) return { queue: { topic, brokerName, queueId } };
  return {
    select(queues: readonly MessageQueue[]): MessageQueue {
      const [first] = queues.filter((queue) => queue.brokerName === brokerName);
      if (first === undefined) {
        throw new OperationError(`broker '${brokerName}' has no queue of '${topic}' to write to`);
      }
      return first;
    },
  };
}

interface Probe {
  brokerName: string;
  queueId: number;
  isSent: boolean;
  rtMs: number;
}

const PROBE: Layout<Probe> = {
  titles: ["#Broker Name", "#QID", "#Send Result", "#RT"],
  head: "%-32s  %-4s  %-20s    %s",
  cells: (row) => [row.brokerName, row.queueId, row.isSent, Math.round(row.rtMs)],
};

const AMOUNT = option.defaulted("a", "amount", option.count, 100, "messages");
const SIZE = option.defaulted("s", "size", option.int, 128, "bytes of a message");

/** The mean of all but the first, which also makes the connection. */
function meanRtMs(probes: readonly Probe[]): number {
  const rest = probes.slice(1);
  return rest.length === 0 ? 0 : rest.reduce((sum, { rtMs }) => sum + rtMs, 0) / rest.length;
}

const checkMsgSendRT = defineCommand({
  name: "checkMsgSendRT",
  summary: "Send messages one after the other and tell how long each took",
  options: {
    topic: option.required("t", "topic", option.topicName, "topic name"),
    amount: AMOUNT,
    size: SIZE,
  },
  changes: true,
  example: "-n 127.0.0.1:9876 -t Orders -a 10",
  async run({ clock, cluster, options, report }) {
    const { amount, size, topic } = options;
    await checkTopic(cluster, topic);
    await using producer = await openProducer(cluster);
    const body = new Uint8Array(Math.max(1, size)).fill(97);
    const probes: Probe[] = [];
    report.heading(PROBE);
    for (let index = 0; index < amount; index++) {
      let queue: MessageQueue = { topic, brokerName: "", queueId: 0 };
      const startedMs = clock.monotonicMs();
      const select = (queues: readonly MessageQueue[]) => queue = queues[index % queues.length]!;
      const isSent = await send(producer, { topic, body }, { select }).then(
        () => true,
        (error: Error) => {
          report.fail(error.message);
          return false;
        },
      );
      const { brokerName, queueId } = queue;
      const probe = { brokerName, queueId, isSent, rtMs: clock.monotonicMs() - startedMs };
      probes.push(probe);
      report.row(PROBE, probe);
    }
    const meanMs = meanRtMs(probes);
    report.printf("Avg RT: %.2f", meanMs);
    report.json({ topic, meanRtMs: meanMs, sends: probes.map((probe) => ({ ...probe })) });
  },
});

interface BrokerRt {
  clusterName: string;
  brokerName: string;
  meanRtMs: number;
  successCount: number;
  failCount: number;
}

const BROKER_RT: Layout<BrokerRt> = {
  titles: ["#Cluster Name", "#Broker Name", "#RT", "#successCount", "#failCount"],
  head: "%-24s  %-24s  %-4s  %-8s  %-8s",
  row: "%-24s  %-24s  %-8s  %-16s  %-16s",
  cells: (row) => [
    row.clusterName,
    row.brokerName,
    printf("%.2f", row.meanRtMs),
    row.successCount,
    row.failCount,
  ],
};

/** One round to one broker, by the topic that has the broker's name. */
async function probeBroker(
  { clock }: RunContext,
  producer: Producer,
  place: { clusterName: string; brokerName: string },
  load: { amount: number; size: number },
): Promise<BrokerRt> {
  const body = new Uint8Array(Math.max(1, load.size)).fill(97);
  const { brokerName } = place;
  const probes: Probe[] = [];
  for (let index = 0; index < load.amount; index++) {
    const startedMs = clock.monotonicMs();
    const isSent = await send(producer, { topic: brokerName, body })
      .then(() => true, () => false);
    probes.push({ brokerName, queueId: 0, isSent, rtMs: clock.monotonicMs() - startedMs });
  }
  const successCount = probes.filter(({ isSent }) => isSent).length;
  const failCount = probes.length - successCount;
  return { ...place, meanRtMs: meanRtMs(probes), successCount, failCount };
}

const clusterRT = defineCommand({
  name: "clusterRT",
  summary: "Send messages to every broker again and again and tell how long they took",
  options: {
    amount: AMOUNT,
    size: SIZE,
    cluster: option.optional("c", "cluster", option.clusterName, "only this cluster"),
    asLog: option.defaulted("p", "print log", option.bool, false, "print lines for a log"),
    room: option.defaulted("m", "machine room", option.text, "noname", "machine room in these"),
    interval: option.defaulted("i", "interval", option.count, 10, "seconds between rounds"),
    rounds: option.optional(null, "rounds", option.count, "end after so many; else never"),
  },
  changes: true,
  example: "-n 127.0.0.1:9876 -a 10 --rounds 1",
  async run(context) {
    const { clock, cluster, options, report } = context;
    const { asLog, interval, room, rounds = Infinity } = options;
    const { clusters } = await cluster.info();
    const names = options.cluster === undefined ? [...clusters.keys()] : [options.cluster];
    const places = (await Promise.all(names.map(async (clusterName) =>
      (await cluster.brokersOfCluster(clusterName)).map(({ brokerName }) => ({
        clusterName,
        brokerName,
      }))
    ))).flat();
    if (places.length === 0) {
      throw new OperationError("no broker is registered");
    }
    await using producer = await openProducer(cluster);
    if (!asLog) {
      report.heading(BROKER_RT);
    }
    for (let round = 1;; round++) {
      for (const place of places) {
        const result = await probeBroker(context, producer, place, options);
        const { brokerName, clusterName } = place;
        const meanMs = Math.round(result.meanRtMs);
        const time = dayAndTime(clock.nowMs());
        if (asLog) {
          report.line([time, room, clusterName, brokerName, meanMs].join("|"));
        } else report.row(BROKER_RT, result);
        report.jsonLine({ ...result });
        if (result.failCount > 0) {
          report.fail(`${result.failCount} sends to ${brokerName} failed`);
        }
      }
      if (round >= rounds) {
        return;
      }
      await context.sleep(interval * 1000);
    }
  },
});

export const sendCommands = [sendMessage, checkMsgSendRT, clusterRT];

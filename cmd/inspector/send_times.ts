// How long sends take: checkMsgSendRT, clusterRT.
import type { MessageQueue, Producer } from "../../core/client/mod.ts";
import { OperationError } from "../../core/errors.ts";
import { defineCommand, type RunContext } from "./command.ts";
import { dayAndTime } from "./java_text.ts";
import * as option from "./option.ts";
import { printf } from "./printf.ts";
import type { Layout } from "./report.ts";
import { checkTopic, openProducer, send } from "./sending.ts";

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

export const sendTimeCommands = [checkMsgSendRT, clusterRT];

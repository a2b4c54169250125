// What each kind of message costs beside Apache's, by the Java client: batches, bodies that it compresses, traced and
// multi-dispatched sends; consumers in order, with a filter, and of messages that fail once.
import type { Comparison, Goal } from "./compare.ts";
import type { EndToEndOptions } from "./end_to_end.ts";
import { javaLoad, type Side } from "./support/side.ts";

type FeatureOptions = Omit<EndToEndOptions, "timers">;

/** As long as a consumer may take for a backlog, on a machine that does other things too. */
const PATIENCE_SECONDS = 240;
/** The client's default threshold is 4 KB. */
const COMPRESSED_BYTES = 8192;
/** What three in ten of a backlog's messages are (see Load fill). */
export const FILTER = "part IS NOT NULL AND part BETWEEN 0 AND 2";
export const FILTERED_SHARE = 0.3;
/** A message that fails costs a request of its own. */
const RETRIED_SHARE = 0.05;
const RETRIED_MAX = 50_000;

const TPS: Goal = { figure: "tps", of: "ratio", atLeast: 1 };
const CPU: Goal = { figure: "cpuUs", of: "ratio", atMost: 1 / 3 };
/** Of what doesn't go the hot way. */
const GENERAL_CPU: Goal = { ...CPU, atMost: 1 / 2 };

export function features(options: FeatureOptions): Comparison[] {
  return [...sends(options), ...consumers(options)];
}

function sends({ folder, seconds }: FeatureOptions): Comparison[] {
  const sending = (kind: string, threads: number, size: number, perSecond = 0) => (side: Side) =>
    javaLoad(side, folder, [kind, `Topic_${kind}`, threads, size, seconds, perSecond]);
  const brokers = "features of sends";
  return [
    {
      name: "Batches of 32, Java client, 16 threads, 128 B a message",
      run: sending("batch", 16, 128),
      goals: [TPS, CPU],
    },
    {
      name: "Compressed bodies of 8 KB, Java client, 64 threads",
      run: sending("compress", 64, COMPRESSED_BYTES),
      goals: [TPS, CPU],
    },
    {
      // More would be thrown away by the client: its dispatcher has one thread and a bounded queue.
      name: "Message trace on, Java client, 64 threads, 3 000 msg/s, 128 B",
      run: sending("trace", 64, 128, 3_000),
      goals: [CPU],
    },
    {
      name: "Messages of four priorities, Java client, 64 threads, 128 B",
      run: sending("priority", 64, 128),
      goals: [TPS, GENERAL_CPU],
    },
    {
      name: "Multi-dispatch into two light queues, Java client, 64 threads, 128 B",
      run: sending("dispatch", 64, 128),
      goals: [TPS, GENERAL_CPU],
    },
  ].map((comparison) => ({
    ...comparison,
    brokers,
    conf: { enableLmq: true, enableMultiDispatch: true },
  }));
}

function consumers({ backlog, folder }: FeatureOptions): Comparison[] {
  const topic = "Backlog";
  const retriedCount = Math.min(RETRIED_MAX, Math.round(backlog * RETRIED_SHARE));
  const filled = new WeakSet<Side>();
  const fill = (side: Side, topic: string, count: number) =>
    javaLoad(side, folder, ["fill", topic, count]);
  const prepare = async (side: Side) => {
    if (!filled.has(side)) await fill(side, topic, backlog);
    filled.add(side);
  };
  const consuming = (kind: string, count: number, ...more: string[]) => (side: Side) =>
    javaLoad(side, folder, [kind, topic, count, PATIENCE_SECONDS, ...more]);
  return [
    {
      name: `Java consumer in order on a backlog of ${backlog}`,
      prepare,
      run: consuming("consume-orderly", backlog),
      goals: [TPS, CPU],
    },
    {
      name: `Java consumer with a SQL92 filter that three tenths of a backlog of ${backlog} pass`,
      prepare,
      run: consuming("consume-filtered", Math.floor(backlog * FILTERED_SHARE), FILTER),
      goals: [TPS, CPU],
    },
    {
      name: `Java consumer that sends ${retriedCount} messages back once, delay level of 1 s`,
      prepare: (side: Side) => fill(side, "Retried", retriedCount).then(() => {}),
      run: (side: Side) =>
        javaLoad(side, folder, ["consume-retried", "Retried", retriedCount, PATIENCE_SECONDS]),
      goals: [TPS, GENERAL_CPU],
    },
  ].map((comparison) => ({
    ...comparison,
    brokers: "features of consumers",
    conf: { enablePropertyFilter: true },
  }));
}

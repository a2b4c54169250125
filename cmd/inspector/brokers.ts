// Brokers by themselves: brokerStatus, getBrokerConfig, updateBrokerConfig, brokerConsumeStats, and what makes them clean up.
import { suggestion } from "../../core/config/suggestion.ts";
import { OperationError } from "../../core/errors.ts";
import {
  CLEAN_EXPIRED_CONSUMEQUEUE,
  CLEAN_UNUSED_TOPIC,
  DELETE_EXPIRED_COMMITLOG,
  GET_BROKER_CONFIG,
  UPDATE_BROKER_CONFIG,
} from "../../core/remoting/codes/admin.ts";
import type { CodeRow } from "../../core/remoting/code_row.ts";
import { GET_BROKER_CONSUME_STATS } from "../../core/remoting/codes/groups.ts";
import { bodyObject, compareTexts, entries, list, number, propertyLines } from "./bodies.ts";
import type { Cluster } from "./cluster.ts";
import { runtimeOf } from "./clusters.ts";
import { type CommandRow, defineCommand, type RunContext } from "./command.ts";
import { groupProgressOf, type QueueProgress } from "./consume_stats.ts";
import { dayAndTime, front } from "./java_text.ts";
import {
  address,
  bool,
  clusterName,
  defaulted,
  int,
  long,
  optional,
  required,
  text,
} from "./option.ts";
import type { Layout } from "./report.ts";
import { masterOf } from "./routes.ts";

const brokerStatus = defineCommand({
  name: "brokerStatus",
  summary: "Show the runtime figures of brokers",
  options: {
    broker: optional("b", "brokerAddr", address, "this broker"),
    cluster: optional("c", "clusterName", clusterName, "all brokers of this cluster"),
  },
  oneOf: ["broker", "cluster"],
  example: "-b 127.0.0.1:10911",
  async run({ cluster, options, report }) {
    const addresses = await cluster.targets(options, "all");
    const tables = await Promise.all(addresses.map(async (broker) => {
      const figures = [...await runtimeOf(cluster, broker)];
      return { broker, figures: figures.sort(([one], [other]) => compareTexts(one, other)) };
    }));
    for (const { broker, figures } of tables) {
      for (const [name, value] of figures) {
        if (options.broker !== undefined) report.printf("%-32s: %s", name, value);
        else report.printf("%-24s %-32s: %s", broker, name, value);
      }
    }
    report.json(tables.map(({ broker, figures }) => ({
      address: broker,
      figures: Object.fromEntries(figures),
    })));
  },
});

async function configOf(cluster: Cluster, broker: string): Promise<[string, string][]> {
  return propertyLines((await cluster.ask(GET_BROKER_CONFIG, broker, {})).body);
}

interface ConfigTarget {
  title: string;
  address: string;
}

/** The brokers of a cluster, each master before its slaves. */
async function configTargets(cluster: Cluster, name: string): Promise<ConfigTarget[]> {
  return (await cluster.brokersOfCluster(name)).flatMap((broker) => {
    const master = masterOf(broker);
    const slaves = [...broker.addresses.values()].filter((each) => each !== master);
    const slaveOf = (slave: string) => `My Master: ${master ?? "NO_MASTER"}=====Slave: ${slave}`;
    return [
      ...(master === undefined ? [] : [{ title: `Master: ${master}`, address: master }]),
      ...slaves.map((slave) => ({ title: slaveOf(slave), address: slave })),
    ];
  });
}

const getBrokerConfig = defineCommand({
  name: "getBrokerConfig",
  summary: "Show the configuration of brokers",
  options: {
    broker: optional("b", "brokerAddr", address, "this broker"),
    cluster: optional("c", "clusterName", clusterName, "all brokers of this cluster"),
  },
  oneOf: ["broker", "cluster"],
  example: "-b 127.0.0.1:10911",
  async run({ cluster, options, report }) {
    const targets = options.broker === undefined
      ? await configTargets(cluster, options.cluster ?? "")
      : [{ title: options.broker, address: options.broker }];
    const configs = await Promise.all(
      targets.map(async (target) => ({
        ...target,
        lines: await configOf(cluster, target.address),
      })),
    );
    for (const { lines, title } of configs) {
      report.line(`============${title}============`);
      for (const [key, value] of lines) report.printf("%-50s=  %s", key, value);
      report.line();
    }
    report.json(configs.map((each) => ({
      address: each.address,
      config: Object.fromEntries(each.lines),
    })));
  },
});

const updateBrokerConfig = defineCommand({
  name: "updateBrokerConfig",
  summary: "Change a key of brokers' configuration while they run",
  options: {
    broker: optional("b", "brokerAddr", address, "this broker"),
    cluster: optional("c", "clusterName", clusterName, "the masters of this cluster"),
    all: defaulted("a", "updateAllBroker", bool, false, "the cluster's slaves too"),
    key: required("k", "key", text, "configuration key"),
    value: required("v", "value", text, "its value"),
  },
  oneOf: ["broker", "cluster"],
  changes: true,
  example: "-b 127.0.0.1:10911 -k flushDiskType -v SYNC_FLUSH",
  async run({ cluster, options, report }) {
    const { key, value } = options;
    const addresses = await cluster.targets(options, options.all ? "all" : "masters");
    const body = new TextEncoder().encode(`${key}=${value}\n`);
    const changed: string[] = [];
    for (const broker of addresses) {
      // Brokers say that all went well for keys that they don't know.
      const known = (await configOf(cluster, broker)).map(([name]) => name);
      if (!known.includes(key)) {
        throw new OperationError(`${broker} has no key '${key}'${suggestion(key, known)}`);
      }
      await cluster.ask(UPDATE_BROKER_CONFIG, broker, {}, { body });
      report.line(`update broker config success, ${broker}`);
      changed.push(broker);
    }
    report.json({ key, value, brokers: changed });
  },
});

interface ConsumeLine extends QueueProgress {
  group: string;
  diff: number;
}

const CONSUME: Layout<ConsumeLine> = {
  titles: [
    "#Topic",
    "#Group",
    "#Broker Name",
    "#QID",
    "#Broker Offset",
    "#Consumer Offset",
    "#Diff",
    "#LastTime",
  ],
  head: "%-64s  %-64s  %-32s  %-4s  %-20s  %-20s  %-20s  %s",
  row: "%-64s  %-64s  %-32s  %-4d  %-20d  %-20d  %-20d  %s",
  cells: (row) => [
    front(row.topic, 64),
    row.group,
    front(row.brokerName, 32),
    row.queueId,
    row.brokerOffset,
    row.consumerOffset,
    row.diff,
    dayAndTime(row.lastTimestamp),
  ],
};

const brokerConsumeStats = defineCommand({
  name: "brokerConsumeStats",
  summary: "Show how far all groups of a broker are behind",
  options: {
    broker: required("b", "brokerAddr", address, "broker address"),
    timeoutMs: defaulted("t", "timeoutMillis", int, 50_000, "how long to wait, in ms"),
    level: defaulted("l", "level", long, 0, "only queues that are so far behind"),
    order: defaulted("o", "order", bool, false, "only ordered groups"),
  },
  example: "-b 127.0.0.1:10911 -l 1000",
  async run({ cluster, options, report }) {
    const { broker, level, order, timeoutMs } = options;
    const row = GET_BROKER_CONSUME_STATS;
    const { body } = await cluster.ask(row, broker, { isOrder: order }, { timeoutMs });
    const answer = bodyObject(body, broker);
    const lines: ConsumeLine[] = list(answer["consumeStatsList"]).flatMap((groups) =>
      entries(groups).flatMap(([group, parts]) =>
        list(parts).flatMap((part) => groupProgressOf(part).queues).map((queue) => ({
          group,
          ...queue,
          diff: queue.brokerOffset - queue.consumerOffset,
        }))
      )
    ).filter(({ diff, lastTimestamp }) => diff >= level && lastTimestamp > 0);
    const totalDiff = number(answer["totalDiff"]);
    report.table(CONSUME, lines);
    report.line();
    report.line(`Diff Total: ${totalDiff}`);
    report.json({ totalDiff, queues: lines.map((line) => ({ ...line })) });
  },
});

/** A command that makes brokers do something now: one, a cluster's, or all. */
function upkeepCommand(name: string, summary: string, row: CodeRow, example: string): CommandRow {
  return defineCommand({
    name,
    summary,
    options: {
      broker: optional("b", "brokerAddr", address, "this broker; else all"),
      cluster: optional("c", "cluster", clusterName, "all brokers of this cluster"),
    },
    changes: true,
    example,
    run: (context) => upkeep(context, row, context.options),
  });
}

async function upkeep(
  { cluster, report }: RunContext,
  row: CodeRow,
  options: { broker: string | undefined; cluster: string | undefined },
): Promise<void> {
  const isAll = options.broker === undefined && options.cluster === undefined;
  const clusters = isAll ? [...(await cluster.info()).clusters.keys()] : [options.cluster];
  const { broker } = options;
  const addresses = (await Promise.all(
    clusters.map((name) => cluster.targets({ broker, cluster: name }, "all")),
  )).flat();
  if (addresses.length === 0) throw new OperationError("no broker is registered");
  await Promise.all(addresses.map((each) => cluster.ask(row, each, {})));
  report.line("success");
  report.json({ brokers: addresses });
}

export const brokerCommands: readonly CommandRow[] = [
  brokerStatus,
  getBrokerConfig,
  updateBrokerConfig,
  brokerConsumeStats,
  upkeepCommand(
    "cleanExpiredCQ",
    "Delete expired consume queue files now",
    CLEAN_EXPIRED_CONSUMEQUEUE,
    "-b 127.0.0.1:10911",
  ),
  upkeepCommand(
    "cleanUnusedTopic",
    "Delete the queues of topics that don't exist any more",
    CLEAN_UNUSED_TOPIC,
    "-b 127.0.0.1:10911",
  ),
  upkeepCommand(
    "deleteExpiredCommitLog",
    "Delete expired commit log files now",
    DELETE_EXPIRED_COMMITLOG,
    "-b 127.0.0.1:10911",
  ),
];

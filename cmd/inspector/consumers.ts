// Consumers of groups: consumerProgress, consumerConnection. What clients tell of themselves is in consumer_status.ts.
import { compareQueues } from "../../core/client/rebalance.ts";
import { OperationError } from "../../core/errors.ts";
import { groupOfRetryTopic, isRetryTopic, retryTopicOf } from "../../core/message/topic_names.ts";
import { queueKey } from "../../core/client/message.ts";
import type { Cluster } from "./cluster.ts";
import { defineCommand, type RunContext } from "./command.ts";
import {
  type ClientConnection,
  consumersOfGroup,
  findConsumers,
  type Subscription,
} from "./connections.ts";
import { lagOf, progressAt, progressOf, type QueueProgress } from "./consume_stats.ts";
import { runningInfoOf } from "./consumer_status.ts";
import { dayAndTime, front } from "./java_text.ts";
import {
  address,
  bool,
  clusterName,
  defaulted,
  groupName,
  optional,
  required,
  topicName,
} from "./option.ts";
import { mapAtOnce } from "./parallel.ts";
import { printf } from "./printf.ts";
import type { Layout } from "./report.ts";
import { addressesOf } from "./routes.ts";

interface ProgressLine extends QueueProgress {
  diff: number;
  inflight: number;
  clientIp: string | null;
}

const progressCells = (row: ProgressLine) => [
  front(row.topic, 64),
  front(row.brokerName, 32),
  row.queueId,
  row.brokerOffset,
  row.consumerOffset,
];
const lastTimeOf = ({ lastTimestamp }: ProgressLine) =>
  lastTimestamp === 0 ? "N/A" : dayAndTime(lastTimestamp);
const PROGRESS_TITLES = ["#Topic", "#Broker Name", "#QID", "#Broker Offset", "#Consumer Offset"];

const PROGRESS: Layout<ProgressLine> = {
  titles: [...PROGRESS_TITLES, "#Diff", "#Inflight", "#LastTime"],
  head: "%-64s  %-32s  %-4s  %-20s  %-20s  %-20s %-20s%s",
  row: "%-64s  %-32s  %-4d  %-20d  %-20d  %-20d %-20d %s",
  cells: (row) => [...progressCells(row), row.diff, row.inflight, lastTimeOf(row)],
};

const PROGRESS_WITH_CLIENTS: Layout<ProgressLine> = {
  titles: [...PROGRESS_TITLES, "#Client IP", "#Diff", "#Inflight", "#LastTime"],
  head: "%-64s  %-32s  %-4s  %-20s  %-20s  %-20s %-20s %-20s%s",
  row: "%-64s  %-32s  %-4d  %-20d  %-20d  %-20s %-20d %-20d %s",
  cells: (row) => [
    ...progressCells(row),
    row.clientIp ?? "N/A",
    row.diff,
    row.inflight,
    lastTimeOf(row),
  ],
};

/** The client's address by queue, as the members tell it. */
async function clientIps(cluster: Cluster, group: string): Promise<Map<string, string>> {
  const consumers = await findConsumers(cluster, group);
  const ips = new Map<string, string>();
  await mapAtOnce(consumers?.connections ?? [], async ({ clientId }) => {
    const info = await runningInfoOf(cluster, group, clientId, false);
    for (const { queue } of info?.queues ?? []) {
      ips.set(queueKey(queue), clientId.split("@")[0]!);
    }
  });
  return ips;
}

interface ProgressOptions {
  group: string | undefined;
  topic: string | undefined;
  showClientIp: boolean;
  cluster: string | undefined;
}

/** The brokers to ask about a group: those of its retry topic, else of the topic, else of the cluster. */
async function brokersOfProgress(
  cluster: Cluster,
  group: string,
  { cluster: routeName, topic }: ProgressOptions,
): Promise<string[]> {
  const route = await cluster.findRoute(retryTopicOf(group)) ??
    (topic === undefined ? null : await cluster.findRoute(topic)) ??
    (routeName === undefined ? null : await cluster.findRoute(routeName));
  if (route !== null) return addressesOf(route.brokers);
  return await cluster.failMissingGroup(group);
}

async function groupProgress(
  { cluster, report }: RunContext,
  group: string,
  options: ProgressOptions,
): Promise<void> {
  const addresses = await brokersOfProgress(cluster, group, options);
  const progress = await progressAt(cluster, addresses, group, options.topic);
  if (progress.queues.length === 0) await checkHasBegun(cluster, group);
  const ips = options.showClientIp ? await clientIps(cluster, group) : null;
  const lines = progress.queues.sort(compareQueues).map((queue) => ({
    ...queue,
    diff: queue.brokerOffset - queue.consumerOffset,
    inflight: queue.pullOffset - queue.consumerOffset,
    clientIp: ips?.get(queueKey(queue)) ?? null,
  }));
  const diffTotal = lines.reduce((sum, { diff }) => sum + diff, 0);
  const inflightTotal = lines.reduce((sum, { inflight }) => sum + inflight, 0);
  report.table(options.showClientIp ? PROGRESS_WITH_CLIENTS : PROGRESS, lines);
  report.line();
  report.printf("Consume TPS: %.2f", progress.consumeTps);
  report.line(`Consume Diff Total: ${diffTotal}`);
  report.line(`Consume Inflight Total: ${inflightTotal}`);
  const { consumeTps } = progress;
  report.json({
    group,
    consumeTps,
    diffTotal,
    inflightTotal,
    queues: lines.map((line) => ({ ...line })),
  });
}

/** A group without offsets may just have begun; throws an OperationError for any other reason. */
async function checkHasBegun(cluster: Cluster, group: string): Promise<void> {
  const consumers = await findConsumers(cluster, group);
  if (consumers === null) await cluster.failMissingGroup(group);
  if (consumers?.messageModel === "BROADCASTING") {
    throw new OperationError(`group '${group}' broadcasts: its offsets are kept by its members`);
  }
}

interface GroupLine {
  group: string;
  count: number;
  version: string;
  consumeType: string;
  messageModel: string;
  consumeTps: number;
  diffTotal: number;
}

const GROUPS: Layout<GroupLine> = {
  titles: ["#Group", "#Count", "#Version", "#Type", "#Model", "#TPS", "#Diff Total"],
  head: "%-64s  %-6s  %-24s %-5s  %-14s  %-7s  %s",
  row: "%-64s  %-6d  %-24s %-5s  %-14s  %-7d  %d",
  cells: (row) => [
    front(row.group, 64),
    row.count,
    row.version,
    row.consumeType,
    row.messageModel,
    row.consumeTps,
    row.diffTotal,
  ],
};

/** One group of the listing; what a broker won't tell counts as nothing. */
async function groupLine(context: RunContext, group: string): Promise<GroupLine> {
  const { cluster, report } = context;
  const orFail = <R>(problem: unknown): R | null => {
    report.fail(`group '${group}': ${(problem as Error).message}`);
    return null;
  };
  const [progress, consumers] = await Promise.all([
    progressOf(cluster, group).catch((problem) => orFail<never>(problem)),
    findConsumers(cluster, group).catch((problem) => orFail<never>(problem)),
  ]);
  const members = consumers?.connections ?? [];
  const oldest = members.reduce<ClientConnection | null>(
    (least, each) => least === null || each.version < least.version ? each : least,
    null,
  );
  const isPush = consumers?.consumeType === "CONSUME_PASSIVELY";
  return {
    group,
    count: members.length,
    version: oldest?.versionDesc ?? "OFFLINE",
    consumeType: oldest === null
      ? ""
      : consumers?.consumeType === "CONSUME_ACTIVELY"
      ? "PULL"
      : "PUSH",
    messageModel: isPush ? consumers.messageModel : "",
    consumeTps: Math.trunc(progress?.consumeTps ?? 0),
    diffTotal: progress === null ? 0 : lagOf(progress),
  };
}

const consumerProgress = defineCommand({
  name: "consumerProgress",
  summary: "Show how far groups are behind, or the queues of one group",
  options: {
    group: optional("g", "groupName", groupName, "the queues of this group"),
    topic: optional("t", "topicName", topicName, "only this topic"),
    showClientIp: defaulted("s", "showClientIP", bool, false, "with the client of each queue"),
    cluster: optional("c", "cluster", clusterName, "cluster whose brokers are asked"),
  },
  example: "-n 127.0.0.1:9876 -g order_service",
  async run(context) {
    const { cluster, options, report } = context;
    if (options.group !== undefined) return await groupProgress(context, options.group, options);
    const groups = (await cluster.topicNames()).filter(isRetryTopic).map(groupOfRetryTopic);
    const lines = await mapAtOnce(groups, (group) => groupLine(context, group));
    report.table(GROUPS, lines);
    report.json(lines.map((line) => ({ ...line })));
  },
});

const CONNECTIONS: Layout<ClientConnection> = {
  titles: ["#ClientId", "#ClientAddr", "#Language", "#Version"],
  head: "%-36s %-22s %-10s %s",
  cells: (row) => [row.clientId, row.clientAddr, row.language, row.versionDesc],
};

const SUBSCRIPTIONS: Layout<Subscription> = {
  titles: ["#Topic", "#SubExpression"],
  head: "%-20s %s",
  cells: (row) => [row.topic, row.subString],
};

const consumerConnection = defineCommand({
  name: "consumerConnection",
  summary: "Show the connected members of a consumer group and what they subscribe to",
  options: {
    group: required("g", "consumerGroup", groupName, "consumer group name"),
    broker: optional("b", "brokerAddr", address, "ask this broker alone"),
  },
  example: "-n 127.0.0.1:9876 -g order_service",
  async run({ cluster, options, report }) {
    const consumers = await consumersOfGroup(cluster, options.group, options.broker);
    const { connections, consumeFromWhere, consumeType, messageModel, subscriptions } = consumers;
    report.table(CONNECTIONS, connections);
    report.line(printf("\nBelow is subscription:"));
    report.table(SUBSCRIPTIONS, subscriptions);
    report.line();
    report.line(`ConsumeType: ${consumeType}`);
    report.line(`MessageModel: ${messageModel}`);
    report.line(`ConsumeFromWhere: ${consumeFromWhere}`);
    report.json({
      group: options.group,
      consumeType,
      messageModel,
      consumeFromWhere,
      connections: connections.map((each) => ({ ...each })),
      subscriptions: subscriptions.map((each) => ({ ...each })),
    });
  },
});

export const consumerCommands = [consumerProgress, consumerConnection];

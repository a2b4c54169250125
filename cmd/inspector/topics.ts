// Looking at topics: topicList, topicRoute, topicStatus, topicClusterList, allocateMQ. Changes are in topic_changes.ts.
import { average } from "../../core/client/allocation.ts";
import { compareQueues, queuesOfMember } from "../../core/client/rebalance.ts";
import type { MessageQueue } from "../../core/client/message.ts";
import { OperationError } from "../../core/errors.ts";
import { LenientMap } from "../../core/json/json_value.ts";
import { isDlqTopic, isRetryTopic } from "../../core/message/topic_names.ts";
import { QUERY_TOPIC_CONSUME_BY_WHO } from "../../core/remoting/codes/groups.ts";
import { GET_TOPIC_STATS_INFO } from "../../core/remoting/codes/topics.ts";
import { asObject, bodyObject, entries, list, number, queueEntries, texts } from "./bodies.ts";
import type { Cluster } from "./cluster.ts";
import { defineCommand } from "./command.ts";
import { fastjsonLine, fastjsonText } from "./fastjson_text.ts";
import { dayAndTimeMs, front, javaDouble } from "./java_text.ts";
import { clusterName, flag, optional, required, text, topicName } from "./option.ts";
import { mapAtOnce } from "./parallel.ts";
import type { Layout } from "./report.ts";
import { addressesOf, type BrokerData, type Route } from "./routes.ts";

/** The groups that consume a topic, by all of its brokers. */
export async function groupsOfTopic(cluster: Cluster, topic: string): Promise<string[]> {
  const route = await cluster.route(topic);
  const lists = await Promise.all(
    addressesOf(route.brokers).map(async (address) => {
      const { body } = await cluster.ask(QUERY_TOPIC_CONSUME_BY_WHO, address, { topic });
      return texts(bodyObject(body, address)["groupList"]);
    }),
  );
  return [...new Set(lists.flat())].sort();
}

interface ListedTopic {
  clusterName: string;
  topic: string;
  consumerGroup: string;
}

const TOPIC_LIST: Layout<ListedTopic> = {
  titles: ["#Cluster Name", "#Topic", "#Consumer Group"],
  head: "%-20s  %-48s  %-48s",
  row: "%-20s  %-64s  %-64s",
  cells: (row) => [
    front(row.clusterName, 20),
    front(row.topic, 64),
    front(row.consumerGroup, 64),
  ],
};

/** A line for each group; one with no group for a topic that none consumes. */
async function listedOf(cluster: Cluster, topic: string): Promise<ListedTopic[]> {
  const route = await cluster.findRoute(topic);
  if (route === null) return [{ clusterName: "", topic, consumerGroup: "" }];
  const clusterName = route.brokers[0]?.cluster ?? "";
  const groups = await groupsOfTopic(cluster, topic);
  return (groups.length === 0 ? [""] : groups)
    .map((consumerGroup) => ({ clusterName, topic, consumerGroup }));
}

const topicList = defineCommand({
  name: "topicList",
  summary: "List the topics that the name server knows",
  options: {
    clusterModel: flag("c", "clusterModel", "with cluster and consuming groups of each"),
  },
  example: "-n 127.0.0.1:9876",
  async run({ cluster, options, report }) {
    const topics = await cluster.topicNames();
    if (!options.clusterModel) {
      for (const topic of topics) report.line(topic);
      report.json(topics.map((topic) => ({ topic })));
      return;
    }
    const plain = topics.filter((topic) => !isRetryTopic(topic) && !isDlqTopic(topic));
    const rows = (await mapAtOnce(plain, (topic) => listedOf(cluster, topic))).flat();
    report.table(TOPIC_LIST, rows);
    report.json(rows.map((row) => ({ ...row })));
  },
});

interface RouteLine {
  broker: BrokerData;
  readQueueNums: number;
  writeQueueNums: number;
  perm: number;
}

const ROUTE_FORMAT = "%-45s %-32s %-50s %-10s %-11s %-5s";
const ROUTE_LIST: Layout<RouteLine> = {
  titles: ["#ClusterName", "#BrokerName", "#BrokerAddrs", "#ReadQueue", "#WriteQueue", "#Perm"],
  head: ROUTE_FORMAT,
  cells: ({ broker, perm, readQueueNums, writeQueueNums }) => [
    broker.cluster,
    broker.brokerName,
    `{${[...broker.addresses].map(([id, address]) => `${id}=${address}`).join(", ")}}`,
    readQueueNums,
    writeQueueNums,
    perm,
  ],
};
const ROUTE_RULE = "-".repeat(158);

function routeLines({ brokers, queues }: Route): RouteLine[] {
  return brokers.map((broker) => {
    const queue = queues.find(({ brokerName }) => brokerName === broker.brokerName);
    const { perm = 0, readQueueNums = 0, writeQueueNums = 0 } = queue ?? {};
    return { broker, readQueueNums, writeQueueNums, perm };
  });
}

/** The route as Apache's tool shows it: broker ids are bare numbers. */
function routeText({ body }: Route): string {
  const brokerDatas = list(body["brokerDatas"]).map((value) => {
    const broker = asObject(value);
    const addresses = entries(broker["brokerAddrs"])
      .map(([id, address]): [number, typeof address] => [Number(id), address]);
    return { ...broker, brokerAddrs: new LenientMap(addresses) };
  });
  return fastjsonText({ ...body, brokerDatas });
}

const topicRoute = defineCommand({
  name: "topicRoute",
  summary: "Show the brokers and queues of a topic",
  options: {
    topic: required("t", "topic", topicName, "topic name"),
    list: flag("l", "list", "as a table"),
  },
  example: "-n 127.0.0.1:9876 -t Orders",
  async run({ cluster, options, report }) {
    const route = await cluster.route(options.topic);
    report.json(route.body);
    if (!options.list) return report.line(routeText(route));
    const lines = routeLines(route);
    const sum = (of: (line: RouteLine) => number) =>
      lines.reduce((total, line) => total + of(line), 0);
    report.table(ROUTE_LIST, lines);
    report.line(ROUTE_RULE);
    const [reads, writes] = [sum((line) => line.readQueueNums), sum((line) => line.writeQueueNums)];
    report.printf(ROUTE_FORMAT, "Total:", lines.length, "", reads, writes, "");
  },
});

export interface QueueStatus extends MessageQueue {
  minOffset: number;
  maxOffset: number;
  lastUpdateTimestamp: number;
}

const QUEUES: Layout<QueueStatus> = {
  titles: ["#Broker Name", "#QID", "#Min Offset", "#Max Offset", "#Last Updated"],
  head: "%-32s  %-4s  %-20s  %-20s    %s",
  row: "%-32s  %-4d  %-20d  %-20d    %s",
  cells: (row) => [
    front(row.brokerName, 32),
    row.queueId,
    row.minOffset,
    row.maxOffset,
    row.lastUpdateTimestamp > 0 ? dayAndTimeMs(row.lastUpdateTimestamp) : "",
  ],
};

/** The queues of a topic on one broker, and how many messages a second it takes. */
export async function topicStatusOf(
  cluster: Cluster,
  address: string,
  topic: string,
): Promise<{ queues: QueueStatus[]; putTps: number }> {
  const { body } = await cluster.ask(GET_TOPIC_STATS_INFO, address, { topic });
  const table = bodyObject(body, address);
  const queues = queueEntries(table["offsetTable"]).map(([queue, value]) => {
    const offsets = asObject(value);
    return {
      ...queue,
      minOffset: number(offsets["minOffset"]),
      maxOffset: number(offsets["maxOffset"]),
      lastUpdateTimestamp: number(offsets["lastUpdateTimestamp"]),
    };
  });
  return { queues, putTps: number(table["topicPutTps"]) };
}

const topicStatus = defineCommand({
  name: "topicStatus",
  summary: "Show the offsets and last times of a topic's queues",
  options: {
    topic: required("t", "topic", topicName, "topic name"),
    cluster: optional("c", "cluster", clusterName, "cluster to ask instead of the topic's route"),
  },
  example: "-n 127.0.0.1:9876 -t Orders",
  async run({ cluster, options, report }) {
    const { topic } = options;
    const addresses = options.cluster === undefined
      ? await cluster.addressesOfTopic(topic)
      : addressesOf(await cluster.brokersOfCluster(options.cluster));
    const parts = await Promise.all(
      addresses.map((address) => topicStatusOf(cluster, address, topic)),
    );
    const queues = parts.flatMap((part) => part.queues).sort(compareQueues);
    if (queues.length === 0) throw new OperationError(`topic '${topic}' has no queues`);
    const putTps = parts.reduce((sum, part) => sum + part.putTps, 0);
    report.table(QUEUES, queues);
    report.line();
    report.line(`Topic Put TPS: ${javaDouble(putTps)}`);
    report.json({ topic, putTps, queues: queues.map((queue) => ({ ...queue })) });
  },
});

const topicClusterList = defineCommand({
  name: "topicClusterList",
  summary: "List the clusters that have a topic",
  options: { topic: required("t", "topic", topicName, "topic name") },
  example: "-n 127.0.0.1:9876 -t Orders",
  async run({ cluster, options, report }) {
    const { brokers } = await cluster.route(options.topic);
    const names = [...new Set(brokers.map((broker) => broker.cluster))].sort();
    for (const name of names) report.line(name);
    report.json(names.map((clusterName) => ({ clusterName })));
  },
});

/** The queues that consumers of a topic share, as a route gives them. */
export function readableQueues(topic: string, { brokers, queues }: Route): MessageQueue[] {
  const names = new Set(brokers.map((broker) => broker.brokerName));
  return queues
    .filter(({ brokerName, perm }) => names.has(brokerName) && (perm & 4) !== 0)
    .flatMap(({ brokerName, readQueueNums }) =>
      Array.from({ length: readQueueNums }, (_, queueId) => ({ topic, brokerName, queueId }))
    ).sort(compareQueues);
}

const allocateMQ = defineCommand({
  name: "allocateMQ",
  summary: "Show which queues each of some clients would consume",
  options: {
    topic: required("t", "topic", topicName, "topic name"),
    clients: required("i", "ipList", { ...text, metavar: "IP,IP" }, "clients, comma-separated"),
  },
  example: "-n 127.0.0.1:9876 -t Orders -i 10.0.0.1,10.0.0.2",
  async run({ cluster, options, report }) {
    const { topic } = options;
    const queues = readableQueues(topic, await cluster.route(topic));
    const clients = options.clients.split(",");
    const result = Object.fromEntries(clients.map((client) => {
      const input = { group: "", clientId: client, queues, members: clients };
      const share = queuesOfMember(average, input) ?? [];
      return [client, share.map((queue) => ({ ...queue }))];
    }));
    report.line(fastjsonLine({ result }));
    report.json({ result });
  },
});

export const topicCommands = [topicList, topicRoute, topicStatus, topicClusterList, allocateMQ];

// Making, changing and deleting topics: updateTopic, updateTopicPerm, deleteTopic.
import { parseAttributeChange } from "../../cluster/broker/topics/attributes.ts";
import { OperationError } from "../../core/errors.ts";
import { AUTO_CREATE_TOPIC } from "../../core/message/topic_names.ts";
import {
  DELETE_TOPIC_IN_NAMESRV,
  GET_KV_CONFIG,
  PUT_KV_CONFIG,
} from "../../core/remoting/codes/namesrv.ts";
import {
  DELETE_TOPIC_IN_BROKER,
  GET_TOPIC_CONFIG,
  UPDATE_AND_CREATE_TOPIC,
} from "../../core/remoting/codes/topics.ts";
import { ResponseCode } from "../../core/remoting/response_codes.ts";
import { asObject, bodyObject, entries, number, text } from "./bodies.ts";
import type { Cluster } from "./cluster.ts";
import { defineCommand } from "./command.ts";
import { inHashMapOrder, mapText, permText } from "./java_text.ts";
import * as option from "./option.ts";
import type { QueueData } from "./routes.ts";

/** Namespace of the name server's KV configuration with the queues of ordered topics. */
const ORDER_TOPIC_CONFIG = "ORDER_TOPIC_CONFIG";
const HASH_MAP_CAPACITY = 16;

interface TopicConfig {
  topicName: string;
  readQueueNums: number;
  writeQueueNums: number;
  perm: number;
  topicSysFlag: number;
  order: boolean;
  attributes: Record<string, string>;
}

/** As TopicConfig.toString. */
function configText(config: TopicConfig): string {
  const attributes = inHashMapOrder(Object.entries(config.attributes), HASH_MAP_CAPACITY);
  const fields = [
    `topicName=${config.topicName}`,
    `readQueueNums=${config.readQueueNums}`,
    `writeQueueNums=${config.writeQueueNums}`,
    `perm=${permText(config.perm)}`,
    "topicFilterType=SINGLE_TAG",
    `topicSysFlag=${config.topicSysFlag}`,
    `order=${config.order}`,
    `attributes=${mapText(attributes)}`,
  ];
  return `TopicConfig [${fields.join(", ")}]`;
}

async function putTopic(
  cluster: Cluster,
  address: string,
  config: TopicConfig,
  attributeChange?: string,
): Promise<void> {
  const { order, perm, readQueueNums, topicName, topicSysFlag, writeQueueNums } = config;
  await cluster.ask(UPDATE_AND_CREATE_TOPIC, address, {
    topic: topicName,
    defaultTopic: AUTO_CREATE_TOPIC,
    readQueueNums,
    writeQueueNums,
    perm,
    topicFilterType: "SINGLE_TAG",
    topicSysFlag,
    order,
    ...(attributeChange !== undefined && { attributes: attributeChange }),
  });
}

/** The name of the broker at an address. */
async function brokerNameAt(cluster: Cluster, address: string): Promise<string> {
  const { brokers } = await cluster.info();
  for (const broker of brokers.values()) {
    if ([...broker.addresses.values()].includes(address)) return broker.brokerName;
  }
  throw new OperationError(`no broker is registered with the address ${address}`);
}

/** Tells the name servers how many queues of an ordered topic each broker has. */
async function putOrder(cluster: Cluster, topic: string, conf: string): Promise<void> {
  await Promise.all(cluster.nameServers.map((address) =>
    cluster.ask(PUT_KV_CONFIG, address, {
      namespace: ORDER_TOPIC_CONFIG,
      key: topic,
      value: conf,
    })
  ));
}

/** The order of a topic with one broker's part replaced: "a:4;b:8". */
async function withBroker(cluster: Cluster, topic: string, part: string): Promise<string> {
  const fields = { namespace: ORDER_TOPIC_CONFIG, key: topic };
  const { code, fields: answer } = await cluster.askNameServer(GET_KV_CONFIG, fields);
  const known = code === ResponseCode.SUCCESS ? answer.value ?? "" : "";
  const parts = known.split(";").filter((each) => each !== "");
  const byBroker = new Map(parts.map((each) => [each.split(":")[0]!, each]));
  byBroker.set(part.split(":")[0]!, part);
  return [...byBroker.values()].join(";");
}

const updateTopic = defineCommand({
  name: "updateTopic",
  summary: "Make a topic, or change it",
  options: {
    broker: option.optional("b", "brokerAddr", option.address, "broker to make it on"),
    cluster: option.optional("c", "clusterName", option.clusterName, "cluster to make it on"),
    attributes: option.optional("a", "attributes", option.text, "attributes: +a=b,+c=d,-e"),
    topic: option.required("t", "topic", option.topicName, "topic name"),
    readQueueNums: option.defaulted("r", "readQueueNums", option.int, 8, "queues to read"),
    writeQueueNums: option.defaulted("w", "writeQueueNums", option.int, 8, "queues to write"),
    perm: option.defaulted("p", "perm", option.int, 6, "permission: 2 write, 4 read, 6 both"),
    order: option.defaulted("o", "order", option.bool, false, "whether it is ordered"),
    unit: option.defaulted("u", "unit", option.bool, false, "whether it is a unit topic"),
    hasUnitSub: option.defaulted("s", "hasUnitSub", option.bool, false, "has a unit subscription"),
  },
  oneOf: ["broker", "cluster"],
  changes: true,
  example: "-n 127.0.0.1:9876 -c DefaultCluster -t Orders -r 8 -w 8",
  async run({ cluster, options, report }) {
    const { attributes, order, perm, readQueueNums, topic, writeQueueNums } = options;
    const config: TopicConfig = {
      topicName: topic,
      readQueueNums,
      writeQueueNums,
      perm,
      topicSysFlag: (options.unit ? 1 : 0) | (options.hasUnitSub ? 2 : 0),
      order,
      attributes: attributes === undefined ? {} : parseAttributeChange(attributes),
    };
    const addresses = await cluster.targets(options);
    for (const address of addresses) {
      await putTopic(cluster, address, config, attributes);
      if (options.broker === undefined) report.line(`create topic to ${address} success.`);
    }
    if (options.broker !== undefined) {
      if (order) {
        const part = `${await brokerNameAt(cluster, options.broker)}:${writeQueueNums}`;
        await putOrder(cluster, topic, await withBroker(cluster, topic, part));
        report.line(`set broker orderConf. isOrder=true, orderConf=[${part}]`);
      }
      report.line(`create topic to ${options.broker} success.`);
    } else if (order) {
      const brokers = await cluster.brokersOfCluster(options.cluster ?? "");
      const conf = brokers.map(({ brokerName }) => `${brokerName}:${writeQueueNums}`).join(";");
      await putOrder(cluster, topic, conf);
      report.line(`set cluster orderConf. isOrder=true, orderConf=[${conf}]`);
    }
    report.line(configText(config));
    report.json({ ...config, brokers: addresses });
  },
});

/** A topic as the broker has it, or as its route tells when the broker is too old to say. */
async function configOf(
  cluster: Cluster,
  address: string,
  topic: string,
  queues: QueueData,
): Promise<TopicConfig> {
  const { body, code } = await cluster.askAny(GET_TOPIC_CONFIG, address, { topic });
  const { perm, readQueueNums, topicSysFlag, writeQueueNums } = queues;
  const known = code === ResponseCode.SUCCESS ? bodyObject(body, address) : {};
  if (code !== ResponseCode.SUCCESS) {
    const facts = { readQueueNums, writeQueueNums, perm, topicSysFlag };
    return { topicName: topic, ...facts, order: false, attributes: {} };
  }
  const attributes = entries(known["attributes"]).map(([key, value]) => [key, text(value)]);
  return {
    topicName: topic,
    readQueueNums: number(known["readQueueNums"]),
    writeQueueNums: number(known["writeQueueNums"]),
    perm: number(known["perm"]),
    topicSysFlag: number(known["topicSysFlag"]),
    order: known["order"] === true,
    attributes: Object.fromEntries(attributes) as Record<string, string>,
  };
}

const updateTopicPerm = defineCommand({
  name: "updateTopicPerm",
  summary: "Change the permission of a topic",
  options: {
    broker: option.optional("b", "brokerAddr", option.address, "on this master"),
    cluster: option.optional("c", "clusterName", option.clusterName, "on this cluster's masters"),
    topic: option.required("t", "topic", option.topicName, "topic name"),
    perm: option.required("p", "perm", option.int, "permission: 2 write, 4 read, 6 both"),
  },
  oneOf: ["broker", "cluster"],
  changes: true,
  example: "-n 127.0.0.1:9876 -c DefaultCluster -t Orders -p 4",
  async run({ cluster, options, report }) {
    const { perm, topic } = options;
    const { brokers, queues } = await cluster.route(topic);
    const changed: { broker: string; oldPerm: number; perm: number }[] = [];
    for (const address of await cluster.targets(options)) {
      const broker = brokers.find(({ addresses }) => addresses.get(0) === address);
      const queue = queues.find(({ brokerName }) => brokerName === broker?.brokerName);
      if (queue === undefined) {
        throw new OperationError(`${address} isn't a master that has the topic '${topic}'`);
      }
      if (queue.perm === perm) {
        report.line("new perm equals to the old one!");
        continue;
      }
      const config = { ...await configOf(cluster, address, topic, queue), perm };
      await putTopic(cluster, address, config);
      report.line(`update topic perm from ${queue.perm} to ${perm} in ${address} success.`);
      if (options.broker !== undefined) report.line(`${configText(config)}.`);
      changed.push({ broker: address, oldPerm: queue.perm, perm });
    }
    report.json({ topic, changed });
  },
});

/** Deletes a topic on masters, then from the name servers (also for what goes with a group). */
export async function deleteTopicIn(
  cluster: Cluster,
  clusterName: string,
  masters: readonly string[],
  topic: string,
): Promise<void> {
  await Promise.all(
    masters.map((address) => cluster.ask(DELETE_TOPIC_IN_BROKER, address, { topic })),
  );
  await Promise.all(
    cluster.nameServers.map((address) =>
      cluster.ask(DELETE_TOPIC_IN_NAMESRV, address, { topic, clusterName })
    ),
  );
}

const deleteTopic = defineCommand({
  name: "deleteTopic",
  summary: "Delete a topic and its messages from a cluster",
  options: {
    topic: option.required("t", "topic", option.topicName, "topic name"),
    cluster: option.required("c", "clusterName", option.clusterName, "cluster to delete it from"),
  },
  changes: true,
  example: "-n 127.0.0.1:9876 -c DefaultCluster -t Orders",
  async run({ cluster, options, report }) {
    const { topic } = options;
    const masters = await cluster.mastersOfCluster(options.cluster);
    if (await cluster.findRoute(topic) === null) await failUnlessStored(cluster, masters, topic);
    await deleteTopicIn(cluster, options.cluster, masters, topic);
    report.line(`delete topic [${topic}] from cluster [${options.cluster}] success.`);
    report.line(`delete topic [${topic}] from NameServer success.`);
    report.json({ topic, clusterName: options.cluster, brokers: masters });
  },
});

/** A topic without a route may still be on a broker. */
async function failUnlessStored(
  cluster: Cluster,
  masters: readonly string[],
  topic: string,
): Promise<void> {
  const codes = await Promise.all(masters.map(async (address) => {
    const { body, code } = await cluster.askAny(GET_TOPIC_CONFIG, address, { topic });
    if (code !== ResponseCode.SUCCESS) return false;
    return asObject(bodyObject(body, address))["topicName"] === topic;
  }));
  if (!codes.includes(true)) await cluster.failMissingTopic(topic);
}

export const topicChangeCommands = [updateTopic, updateTopicPerm, deleteTopic];

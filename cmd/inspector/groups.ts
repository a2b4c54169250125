// The settings of consumer groups: updateSubGroup, deleteSubGroup, getConsumerConfig.
import { parseAttributeChange } from "../../cluster/broker/topics/attributes.ts";
import { suggestion } from "../../core/config/suggestion.ts";
import { DecodeError, OperationError, UsageError } from "../../core/errors.ts";
import type { JsonObject, JsonValue } from "../../core/json/json_value.ts";
import { parseLenientJson } from "../../core/json/lenient_reader.ts";
import { dlqTopicOf, retryTopicOf } from "../../core/message/topic_names.ts";
import {
  DELETE_SUBSCRIPTIONGROUP,
  UPDATE_AND_CREATE_SUBSCRIPTIONGROUP,
} from "../../core/remoting/codes/groups.ts";
import { asObject, entries, list, text } from "./bodies.ts";
import { groupTable } from "./broker_tables.ts";
import type { Cluster } from "./cluster.ts";
import { defineCommand } from "./command.ts";
import { fastjsonLine } from "./fastjson_text.ts";
import { inHashMapOrder, mapText } from "./java_text.ts";
import * as option from "./option.ts";
import { addressOf } from "./routes.ts";
import { deleteTopicIn } from "./topic_changes.ts";

const HASH_MAP_CAPACITY = 16;

/** The fields of SubscriptionGroupConfig in the order in which Apache's tool shows them. */
const GROUP_FIELDS = [
  "groupName",
  "consumeEnable",
  "consumeFromMinEnable",
  "consumeBroadcastEnable",
  "consumeMessageOrderly",
  "retryQueueNums",
  "retryMaxTimes",
  "groupRetryPolicy",
  "brokerId",
  "whichBrokerWhenConsumeSlowly",
  "notifyConsumerIdsChangedEnable",
  "groupSysFlag",
  "consumeTimeoutMinute",
  "subscriptionDataSet",
  "attributes",
];

/** "Name{a=1, b=null}", as Guava's toString helper. */
function helperText(name: string, fields: readonly (readonly [string, string])[]): string {
  return `${name}${mapText(fields)}`;
}

function retryPolicyText(value: JsonValue | undefined): string {
  const { customizedRetryPolicy, exponentialRetryPolicy, type } = asObject(value);
  const { initial, max, multiplier } = asObject(exponentialRetryPolicy);
  const exponential = exponentialRetryPolicy
    ? helperText("ExponentialRetryPolicy", [
      ["initial", text(initial)],
      ["max", text(max)],
      ["multiplier", text(multiplier)],
    ])
    : "null";
  const next = list(asObject(customizedRetryPolicy)["next"]).map(text).join(", ");
  const customized = customizedRetryPolicy
    ? helperText("CustomizedRetryPolicy", [["next", `[${next}]`]])
    : "null";
  return helperText("GroupRetryPolicy", [
    ["type", text(type) || "CUSTOMIZED"],
    ["exponentialRetryPolicy", exponential],
    ["customizedRetryPolicy", customized],
  ]);
}

function subscriptionsText(value: JsonValue | undefined): string | null {
  if (value === undefined || value === null) return null;
  const parts = list(value).map((item) => {
    const fields = ["topic", "expressionType", "expression", "version"]
      .map((name) => [name, text(asObject(item)[name]) || "null"] as const);
    return helperText("SimpleSubscriptionData", fields);
  });
  return `[${parts.join(", ")}]`;
}

/** One field as Java prints it; null where Java has null. */
function fieldText(config: JsonObject, name: string): string | null {
  const value = config[name];
  if (name === "groupRetryPolicy") return retryPolicyText(value);
  if (name === "subscriptionDataSet") return subscriptionsText(value);
  if (name !== "attributes") return text(value);
  const attributes = entries(value).map(([key, item]): [string, string] => [key, text(item)]);
  return mapText(inHashMapOrder(attributes, HASH_MAP_CAPACITY));
}

function groupText(config: JsonObject): string {
  const fields = GROUP_FIELDS.map((name) => [name, fieldText(config, name) ?? "null"] as const);
  return helperText("SubscriptionGroupConfig", fields);
}

/** A JSON object given as an option's value. */
const retryPolicy: option.ValueKind<JsonObject> = {
  metavar: "JSON",
  parse(value) {
    try {
      const policy = asObject(parseLenientJson(value));
      if (policy["type"] === "EXPONENTIAL" || policy["type"] === "CUSTOMIZED") return policy;
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
    }
    throw new UsageError(`'${value}' isn't a JSON object with type EXPONENTIAL or CUSTOMIZED`);
  },
};

const updateSubGroup = defineCommand({
  name: "updateSubGroup",
  summary: "Make a consumer group's settings, or change them",
  options: {
    broker: option.optional("b", "brokerAddr", option.address, "broker to make it on"),
    cluster: option.optional("c", "clusterName", option.clusterName, "cluster to make it on"),
    group: option.required("g", "groupName", option.groupName, "consumer group name"),
    consumeEnable: option.defaulted("s", "consumeEnable", option.bool, true, "may consume"),
    fromMin: option.defaulted("m", "consumeFromMinEnable", option.bool, false, "from min offset"),
    broadcast: option.defaulted("d", "consumeBroadcastEnable", option.bool, false, "may broadcast"),
    orderly: option.defaulted(
      "o",
      "consumeMessageOrderly",
      option.bool,
      false,
      "consumes in order",
    ),
    retryQueueNums: option.defaulted("q", "retryQueueNums", option.int, 1, "retry queues"),
    retryMaxTimes: option.defaulted("r", "retryMaxTimes", option.int, 16, "retries before the DLQ"),
    retryPolicy: option.optional(
      "p",
      "groupRetryPolicy",
      retryPolicy,
      'retry policy, as {"type":"CUSTOMIZED","customizedRetryPolicy":{"next":[1000,5000]}}',
    ),
    brokerId: option.defaulted("i", "brokerId", option.long, 0, "id of the broker to consume from"),
    slowBroker: option.defaulted(
      "w",
      "whichBrokerWhenConsumeSlowly",
      option.long,
      1,
      "id of the broker to consume from when it is behind",
    ),
    notify: option.defaulted(
      "a",
      "notifyConsumerIdsChanged",
      option.bool,
      true,
      "tell members when others come or go",
    ),
    attributes: option.optional(null, "attributes", option.text, "attributes: +a=b,+c=d,-e"),
  },
  oneOf: ["broker", "cluster"],
  changes: true,
  example: "-n 127.0.0.1:9876 -c DefaultCluster -g order_service",
  async run({ cluster, options, report }) {
    const { attributes } = options;
    const config: JsonObject = {
      attributes: attributes === undefined ? {} : parseAttributeChange(attributes),
      brokerId: options.brokerId,
      consumeBroadcastEnable: options.broadcast,
      consumeEnable: options.consumeEnable,
      consumeFromMinEnable: options.fromMin,
      consumeMessageOrderly: options.orderly,
      consumeTimeoutMinute: 15,
      groupName: options.group,
      groupRetryPolicy: options.retryPolicy ?? { type: "CUSTOMIZED" },
      groupSysFlag: 0,
      notifyConsumerIdsChangedEnable: options.notify,
      retryMaxTimes: options.retryMaxTimes,
      retryQueueNums: options.retryQueueNums,
      whichBrokerWhenConsumeSlowly: options.slowBroker,
    };
    const body = new TextEncoder().encode(fastjsonLine(config));
    const brokers = await cluster.targets(options);
    for (const address of brokers) {
      await cluster.ask(UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, address, {}, { body });
      report.line(`create subscription group to ${address} success.`);
    }
    report.line(groupText(config));
    report.json({ ...config, brokers });
  },
});

/** Null when the broker has no settings of the group. */
async function findGroup(
  cluster: Cluster,
  address: string,
  group: string,
): Promise<JsonObject | null> {
  const config = (await groupTable(cluster, address))[group];
  return config === undefined ? null : asObject(config);
}

/** Throws an OperationError. */
async function failWithoutConfig(cluster: Cluster, group: string, where: string): Promise<never> {
  const names = (await cluster.groupNames()).filter((name) => name !== group);
  throw new OperationError(
    `group '${group}' doesn't exist on ${where}${suggestion(group, names)}`,
  );
}

const deleteSubGroup = defineCommand({
  name: "deleteSubGroup",
  summary: "Delete a consumer group",
  options: {
    broker: option.optional("b", "brokerAddr", option.address, "broker to delete it from"),
    cluster: option.optional("c", "clusterName", option.clusterName, "cluster to delete it from"),
    group: option.required("g", "groupName", option.groupName, "consumer group name"),
    removeOffset: option.defaulted("r", "removeOffset", option.bool, false, "also its offsets"),
  },
  oneOf: ["broker", "cluster"],
  changes: true,
  example: "-n 127.0.0.1:9876 -c DefaultCluster -g order_service",
  async run({ cluster, options, report }) {
    const { group, removeOffset } = options;
    const brokers = await cluster.targets(options);
    const known = await Promise.all(brokers.map((address) => findGroup(cluster, address, group)));
    if (!known.some((config) => config !== null)) {
      await failWithoutConfig(cluster, group, options.broker ?? `cluster '${options.cluster}'`);
    }
    for (const address of brokers) {
      const fields = { groupName: group, cleanOffset: removeOffset };
      await cluster.ask(DELETE_SUBSCRIPTIONGROUP, address, fields);
      const where = options.cluster === undefined ? "" : ` in cluster [${options.cluster}]`;
      report.line(`delete subscription group [${group}] from broker [${address}]${where} success.`);
    }
    if (options.cluster !== undefined) {
      for (const topic of [retryTopicOf(group), dlqTopicOf(group)]) {
        await deleteTopicIn(cluster, options.cluster, brokers, topic);
      }
    }
    report.json({ group, brokers });
  },
});

const getConsumerConfig = defineCommand({
  name: "getConsumerConfig",
  summary: "Show a consumer group's settings on each broker",
  options: { group: option.required("g", "groupName", option.groupName, "consumer group name") },
  example: "-n 127.0.0.1:9876 -g order_service",
  async run({ cluster, options, report }) {
    const { brokers } = await cluster.info();
    const found = await Promise.all([...brokers.values()].map(async (broker) => {
      const address = addressOf(broker);
      const config = address === undefined
        ? null
        : await findGroup(cluster, address, options.group);
      return config === null ? null : { broker, config };
    }));
    const configs = found.filter((each) => each !== null);
    if (configs.length === 0) await failWithoutConfig(cluster, options.group, "any broker");
    const rule = "=============================";
    for (const { broker, config } of configs) {
      report.line(`${rule}${broker.cluster}:${broker.brokerName}${rule}`);
      for (const name of GROUP_FIELDS) {
        report.printf("%-40s=  %s", name, fieldText(config, name) ?? "");
      }
    }
    report.json(configs.map(({ broker, config }) => ({
      clusterName: broker.cluster,
      brokerName: broker.brokerName,
      config,
    })));
  },
});

export const groupCommands = [updateSubGroup, deleteSubGroup, getConsumerConfig];

// Saving the topics and groups of a cluster to a file: exportMetadata.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { OperationError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json/json_value.ts";
import {
  isDlqTopic,
  isPredefinedGroup,
  isRetryTopic,
  isSystemConsumerGroup,
  isSystemTopic,
} from "../../core/message/topic_names.ts";
import { GET_SYSTEM_TOPIC_LIST_FROM_BROKER } from "../../core/remoting/codes/topics.ts";
import { asObject, bodyObject, entries, number, texts } from "./bodies.ts";
import { groupTable, topicTable } from "./broker_tables.ts";
import type { Cluster } from "./cluster.ts";
import { defineCommand } from "./command.ts";
import { fastjsonText } from "./fastjson_text.ts";
import * as option from "./option.ts";

const DEFAULT_FOLDER = "/tmp/rocketmq/export";

/** Topics that users made. */
async function userTopics(
  cluster: Cluster,
  address: string,
  withSpecial: boolean,
): Promise<JsonObject> {
  const [table, answer] = await Promise.all([
    topicTable(cluster, address),
    cluster.ask(GET_SYSTEM_TOPIC_LIST_FROM_BROKER, address, {}),
  ]);
  const own = new Set(texts(bodyObject(answer.body, address)["topicList"]));
  return Object.fromEntries(
    entries(table).filter(([topic, config]) => {
      const perm = number(asObject(config)["perm"]);
      const isSpecial = isRetryTopic(topic) || isDlqTopic(topic);
      return !own.has(topic) && !isSystemTopic(topic) && (withSpecial || !isSpecial) && perm > 0 &&
        perm <= 7;
    }),
  );
}

async function userGroups(cluster: Cluster, address: string): Promise<JsonObject> {
  const table = await groupTable(cluster, address);
  return Object.fromEntries(
    entries(table).filter(([group]) => !isSystemConsumerGroup(group) && !isPredefinedGroup(group)),
  );
}

/** Tables of several brokers as one; what each broker has of a queue count is added up. */
function merged(tables: readonly JsonObject[], added: readonly string[]): JsonObject {
  const all: JsonObject = {};
  for (const table of tables) {
    for (const [name, value] of entries(table)) {
      const config = { ...asObject(value) };
      const before = all[name];
      if (before !== undefined) {
        for (const field of added) {
          config[field] = number(config[field]) + number(asObject(before)[field]);
        }
      }
      all[name] = config;
    }
  }
  return all;
}

const exportMetadata = defineCommand({
  name: "exportMetadata",
  summary: "Save the topics and groups that users made to a file",
  options: {
    cluster: option.optional("c", "clusterName", option.clusterName, "of this cluster's masters"),
    broker: option.optional("b", "brokerAddr", option.address, "of this broker"),
    folder: option.defaulted("f", "filePath", option.file, DEFAULT_FOLDER, "folder to write to"),
    topics: option.flag("t", "topic", "only topics"),
    groups: option.flag("g", "subscriptionGroup", "only groups"),
    special: option.flag("s", "specialTopic", "also retry and DLQ topics"),
  },
  oneOf: ["cluster", "broker"],
  example: "-n 127.0.0.1:9876 -c DefaultCluster -f /tmp/export",
  async run({ clock, cluster, options, report }) {
    const addresses = await cluster.targets(options);
    const withTopics = options.topics || !options.groups;
    const withGroups = !options.topics;
    const topicTables = withTopics
      ? await Promise.all(addresses.map((each) => userTopics(cluster, each, options.special)))
      : [];
    const groupTables = withGroups
      ? await Promise.all(addresses.map((each) => userGroups(cluster, each)))
      : [];
    const result: JsonObject = { exportTime: clock.nowMs() };
    if (withTopics) {
      result["topicConfigTable"] = merged(topicTables, ["readQueueNums", "writeQueueNums"]);
    }
    if (withGroups) result["subscriptionGroupTable"] = merged(groupTables, ["retryQueueNums"]);
    const name = !withGroups ? "topic" : !withTopics ? "subscriptionGroup" : "metadata";
    const path = `${options.folder}/${name}.json`;
    write(path, fastjsonText(result));
    report.line(`export ${path} success`);
    report.json({ path, ...result });
  },
});

function write(path: string, content: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  } catch (error) {
    throw new OperationError(`${path} can't be written: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

export const exportCommands = [exportMetadata];

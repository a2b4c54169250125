// Name servers: their configuration, KV configuration, and brokers' permission to be written to.
import { suggestion } from "../../core/config/suggestion.ts";
import { OperationError } from "../../core/errors.ts";
import {
  ADD_WRITE_PERM_OF_BROKER,
  DELETE_KV_CONFIG,
  GET_NAMESRV_CONFIG,
  PUT_KV_CONFIG,
  UPDATE_NAMESRV_CONFIG,
  WIPE_WRITE_PERM_OF_BROKER,
} from "../../core/remoting/codes/namesrv.ts";
import { propertyLines } from "./bodies.ts";
import type { Cluster } from "./cluster.ts";
import { defineCommand, type RunContext } from "./command.ts";
import { brokerName, required, text } from "./option.ts";

async function configOf(cluster: Cluster, address: string): Promise<[string, string][]> {
  return propertyLines((await cluster.ask(GET_NAMESRV_CONFIG, address, {})).body);
}

const getNamesrvConfig = defineCommand({
  name: "getNamesrvConfig",
  summary: "Show the configuration of name servers",
  options: {},
  example: "-n 127.0.0.1:9876",
  async run({ cluster, report }) {
    const configs = await Promise.all(
      cluster.nameServers.map(async (address) => ({
        address,
        lines: await configOf(cluster, address),
      })),
    );
    for (const { address, lines } of configs) {
      report.line(`============${address}============`);
      for (const [key, value] of lines) report.printf("%-50s=  %s", key, value);
    }
    report.json(configs.map(({ address, lines }) => ({
      address,
      config: Object.fromEntries(lines),
    })));
  },
});

const updateNamesrvConfig = defineCommand({
  name: "updateNamesrvConfig",
  summary: "Change a key of name servers' configuration while they run",
  options: {
    key: required("k", "key", text, "configuration key"),
    value: required("v", "value", text, "its value"),
  },
  changes: true,
  example: "-n 127.0.0.1:9876 -k orderMessageEnable -v true",
  async run({ cluster, options, report }) {
    const { key, value } = options;
    const { nameServers } = cluster;
    const body = new TextEncoder().encode(`${key}=${value}\n`);
    for (const address of nameServers) {
      const known = (await configOf(cluster, address)).map(([name]) => name);
      if (!known.includes(key)) {
        throw new OperationError(`${address} has no key '${key}'${suggestion(key, known)}`);
      }
      await cluster.ask(UPDATE_NAMESRV_CONFIG, address, {}, { body });
    }
    report.line(`update name server config success![${nameServers.join(", ")}]`);
    report.line(`${key} : ${value}`);
    report.json({ key, value, nameServers });
  },
});

const updateKvConfig = defineCommand({
  name: "updateKvConfig",
  summary: "Set a key of the name servers' KV configuration",
  options: {
    namespace: required("s", "namespace", text, "namespace"),
    key: required("k", "key", text, "key"),
    value: required("v", "value", text, "value"),
  },
  changes: true,
  example: "-n 127.0.0.1:9876 -s ORDER_TOPIC_CONFIG -k Orders -v broker-a:4",
  async run({ cluster, options, report }) {
    const { key, namespace, value } = options;
    const { nameServers } = cluster;
    await Promise.all(
      nameServers.map((each) => cluster.ask(PUT_KV_CONFIG, each, { namespace, key, value })),
    );
    report.line("create or update kv config to namespace success.");
    report.json({ namespace, key, value, nameServers });
  },
});

const deleteKvConfig = defineCommand({
  name: "deleteKvConfig",
  summary: "Delete a key of the name servers' KV configuration",
  options: {
    namespace: required("s", "namespace", text, "namespace"),
    key: required("k", "key", text, "key"),
  },
  changes: true,
  example: "-n 127.0.0.1:9876 -s ORDER_TOPIC_CONFIG -k Orders",
  async run({ cluster, options, report }) {
    const { key, namespace } = options;
    const { nameServers } = cluster;
    await Promise.all(
      nameServers.map((each) => cluster.ask(DELETE_KV_CONFIG, each, { namespace, key })),
    );
    report.line("delete kv config from namespace success.");
    report.json({ namespace, key, nameServers });
  },
});

/** On every name server; those that fail are told and don't keep the others from it. */
async function changeWritePerm(
  { cluster, report }: RunContext,
  verb: "wipe" | "add",
  broker: string,
  change: (nameServer: string) => Promise<number | undefined>,
): Promise<void> {
  await cluster.brokerByName(broker);
  const topicCounts: Record<string, number> = {};
  for (const nameServer of cluster.nameServers) {
    const what = `${verb} write perm of broker[${broker}] in name server[${nameServer}]`;
    try {
      topicCounts[nameServer] = await change(nameServer) ?? 0;
      report.line(`${what} OK, ${topicCounts[nameServer]}`);
    } catch (error) {
      report.line(`${what} Failed`);
      report.fail((error as Error).message);
    }
  }
  report.json({ brokerName: broker, topicCounts });
}

const wipeWritePerm = defineCommand({
  name: "wipeWritePerm",
  summary: "Take a broker out of writing: its topics lose the permission on all name servers",
  options: { broker: required("b", "brokerName", brokerName, "broker name") },
  changes: true,
  example: "-n 127.0.0.1:9876 -b broker-a",
  run: (context) => {
    const { cluster, options } = context;
    return changeWritePerm(context, "wipe", options.broker, async (nameServer) => {
      const fields = { brokerName: options.broker };
      return (await cluster.ask(WIPE_WRITE_PERM_OF_BROKER, nameServer, fields)).fields
        .wipeTopicCount;
    });
  },
});

const addWritePerm = defineCommand({
  name: "addWritePerm",
  summary: "Give a broker's topics the permission to be written to on all name servers",
  options: { broker: required("b", "brokerName", brokerName, "broker name") },
  changes: true,
  example: "-n 127.0.0.1:9876 -b broker-a",
  run: (context) => {
    const { cluster, options } = context;
    return changeWritePerm(context, "add", options.broker, async (nameServer) => {
      const fields = { brokerName: options.broker };
      return (await cluster.ask(ADD_WRITE_PERM_OF_BROKER, nameServer, fields)).fields.addTopicCount;
    });
  },
});

export const nameServerCommands = [
  getNamesrvConfig,
  updateNamesrvConfig,
  updateKvConfig,
  deleteKvConfig,
  wipeWritePerm,
  addWritePerm,
];

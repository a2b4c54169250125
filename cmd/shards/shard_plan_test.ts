import { expect, test } from "bun:test";
import { loadBrokerConfig } from "../../core/config/servers.ts";
import { thisMachine } from "../machine.ts";
import type { BrokerCommand } from "../parser.ts";
import { planShards } from "./shard_plan.ts";

const plain: BrokerCommand = {
  command: "broker",
  configFile: undefined,
  namesrvAddr: undefined,
  settings: [],
  shards: 2,
  strict: false,
  printAll: false,
  printImportant: false,
  logLevel: "info",
  logJson: false,
  logFile: undefined,
  debug: false,
};

function plan(count: number, options: Partial<BrokerCommand>) {
  const command = { ...plain, ...options };
  const config = loadBrokerConfig({ overrides: command.settings }, thisMachine());
  return planShards(count, command, config);
}

/** What the shard itself makes of its arguments. */
function configOf(args: readonly string[]) {
  const overrides = args.filter((_, index) => args[index - 1] === "--set");
  return loadBrokerConfig({ overrides }, thisMachine()).values;
}

test("each shard has its name, its ports and its store, and the parent's other settings", () => {
  const settings = ["brokerName=b", "listenPort=10911", "storePathRootDir=/s", "maxMessageSize=9"];
  const shards = plan(3, { settings, namesrvAddr: "ns:9876" })!;
  expect(shards.map(({ name }) => name)).toEqual(["b-0", "b-1", "b-2"]);
  expect(
    shards.map(({ args }) => configOf(args)).map((values) => ({
      name: values.brokerName,
      ports: [values.listenPort, values.haListenPort],
      paths: [values.storePathRootDir, values.storePathCommitLog],
      size: values.maxMessageSize,
    })),
  ).toEqual([0, 1, 2].map((index) => ({
    name: `b-${index}`,
    ports: [10911 + index * 10, 10912 + index * 10],
    paths: [`/s/b-${index}`, `/s/b-${index}/commitlog`],
    size: 9,
  })));
  expect(shards[1]!.args.slice(0, 3)).toEqual(["broker", "-n", "ns:9876"]);
});

test("a log elsewhere and a replication port of its own are divided too, and so is the log file", () => {
  const settings = ["brokerName=b", "haListenPort=20000", "storePathCommitLog=/fast"];
  const [, second] = plan(2, { settings, logFile: "/var/log/broker.log" })!;
  const { haListenPort, storePathCommitLog } = configOf(second!.args);
  expect([haListenPort, storePathCommitLog]).toEqual([20010, "/fast/b-1"]);
  expect(second!.args).toContain("/var/log/broker-1.log");
});

test("free ports stay free ones, and ports that would not exist are refused", () => {
  const [, second] = plan(2, { settings: ["listenPort=0"] })!;
  expect(configOf(second!.args).listenPort).toBe(0);
  expect(plan(64, { settings: ["listenPort=65000"] })).toBeNull();
});

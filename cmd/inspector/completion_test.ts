import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { silentLogger } from "../../core/log.ts";
import { RemotingClient } from "../../core/remoting/client.ts";
import { createNodeTransport } from "../../core/remoting/transport_node.ts";
import { systemClock } from "../../core/time/system_clock.ts";
import { Cluster } from "./cluster.ts";
import { commands } from "./commands.ts";
import { complete } from "./completion.ts";
import { openTestCluster, type TestCluster } from "./testing.ts";

const transport = createNodeTransport(systemClock);
let cluster: TestCluster;
let client: RemotingClient;

beforeAll(async () => {
  cluster = await openTestCluster();
  client = new RemotingClient({ transport, clock: systemClock, log: silentLogger });
  await cluster.json("updateTopic -c TestCluster -t Orders");
});

afterAll(async () => {
  await client[Symbol.asyncDispose]();
  await cluster[Symbol.asyncDispose]();
});

async function completed(line: string, nameServer = cluster.nameServer): Promise<string[]> {
  const clusterAt = (given: string | undefined) =>
    new Cluster({ client, clock: systemClock, transport, nameServers: given ?? nameServer });
  return (await complete(commands, line.split(" "), clusterAt)).map(({ text }) => text);
}

describe("completion", () => {
  test("of commands", async () => {
    expect(await completed("topicR")).toEqual(["topicRoute"]);
    const words = new Set(commands.map(({ name }) => name.split(" ")[0]));
    expect(await completed("")).toHaveLength(words.size);
    expect(await completed("store ")).toEqual(["check", "repair", "dump"]);
    expect(await completed("store dump --wh")).toEqual(["--what"]);
  });

  test("of a command's options, with those of all commands", async () => {
    const options = await completed("topicRoute -");
    expect(options).toEqual(expect.arrayContaining(["-t", "--topic", "--list", "--json", "-n"]));
    expect(await completed("topicRoute --to")).toEqual(["--topic"]);
  });

  test("of names that the cluster knows", async () => {
    expect(await completed("topicRoute -t Ord")).toEqual(["Orders"]);
    expect(await completed("clusterList -c ")).toEqual(["TestCluster"]);
    expect(await completed("queryMsgByOffset -b ")).toEqual(["broker-t"]);
    expect(await completed("brokerStatus -b ")).toEqual([cluster.broker]);
    expect(await completed("updateTopic -o ")).toEqual(["true", "false"]);
    expect(await completed("consumerProgress -g TOOLS")).toEqual(["TOOLS_CONSUMER"]);
  });

  test("of nothing when no name server answers or the command is unknown", async () => {
    expect(await completed("topicRoute -t O", "127.0.0.1:1")).toEqual([]);
    expect(await completed(`topicRoute -n 127.0.0.1:1 -t O`)).toEqual([]);
    expect(await completed("nonsense -t O")).toEqual([]);
  });
});

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect, openNameServer, openTestCluster, type TestCluster } from "./testing.ts";

let cluster: TestCluster;

beforeAll(async () => {
  cluster = await openTestCluster();
  for (const topic of ["Orders", "Payments"]) {
    await cluster.json(`updateTopic -c TestCluster -t ${topic} -r 2 -w 2`);
  }
  for (const number of [0, 1, 2, 3]) {
    const place = `-b broker-t -i ${number % 2}`;
    await cluster.json(`sendMessage -t Orders -p body-${number} -k key-${number} -c TagA ${place}`);
  }
});

afterAll(() => cluster[Symbol.asyncDispose]());

interface SentMessage {
  messageId: string;
  offsetMessageId: string;
}

describe("looking at a cluster", () => {
  test("clusterList shows each broker in Apache's columns", async () => {
    const { code, out } = await cluster.run("clusterList");
    expect(code).toBe(0);
    const [head, row] = out.split("\n");
    expect(head).toStartWith("#Cluster Name           #Broker Name            #BID  #Addr ");
    expect(row).toStartWith("TestCluster             broker-t                0     127.0.0.1:");
    expect(head).toEndWith("#ACTIVATED");
  });

  test("with --json a listing is one document with names that stay", async () => {
    const [broker] = await cluster.json("clusterList") as Record<string, unknown>[];
    expect(broker).toMatchObject({
      clusterName: "TestCluster",
      brokerName: "broker-t",
      brokerId: 0,
      address: cluster.broker,
      version: "V5_4_0",
      sendQueueSize: 0,
      isActive: true,
    });
  });

  test("topicRoute prints Apache's JSON, with bare numbers as keys", async () => {
    const { out } = await cluster.run("topicRoute -t Orders");
    expect(out).toContain(`\t\t\t"brokerAddrs":{\n\t\t\t\t0:"${cluster.broker}"\n\t\t\t},`);
    expect(out).toContain(`"filterServerTable":{\n\t\t\n\t},`);
    expect(await cluster.json("topicRoute -t Orders")).toMatchObject({
      brokerDatas: [{ brokerAddrs: { 0: cluster.broker } }],
    });
  });

  test("topicStatus shows the offsets of each queue", async () => {
    const { queues } = await cluster.json("topicStatus -t Orders") as { queues: unknown[] };
    expect(queues).toMatchObject([
      { brokerName: "broker-t", queueId: 0, minOffset: 0, maxOffset: 2 },
      { brokerName: "broker-t", queueId: 1, minOffset: 0, maxOffset: 2 },
    ]);
  });

  test("allocateMQ shares the queues as consumers do", async () => {
    const { out } = await cluster.run("allocateMQ -t Orders -i b,a");
    expect(JSON.parse(out)).toEqual({
      result: {
        a: [{ brokerName: "broker-t", queueId: 0, topic: "Orders" }],
        b: [{ brokerName: "broker-t", queueId: 1, topic: "Orders" }],
      },
    });
  });

  test("every read without further options answers", async () => {
    for (const name of ["clusterList -m", "topicList", "topicList -c", "consumerProgress"]) {
      expect(await cluster.run(name)).toMatchObject({ code: 0, err: "" });
    }
    for (const name of ["statsAll", "getNamesrvConfig", "topicClusterList -t Orders"]) {
      expect(await cluster.run(name)).toMatchObject({ code: 0, err: "" });
    }
    for (const name of ["brokerStatus", "getBrokerConfig", "producer", "brokerConsumeStats"]) {
      const { code, err } = await cluster.run(`${name} -b ${cluster.broker}`);
      expect({ name, code, err }).toEqual({ name, code: 0, err: "" });
    }
  });
});

describe("messages", () => {
  test("a message is found by id, by unique key, by key and by offset", async () => {
    const sent = await cluster.json("sendMessage -t Payments -p paid -k receipt") as SentMessage;
    const { messageId, offsetMessageId } = sent;
    const found = { messageId, offsetMessageId, body: "paid", keys: "receipt", topic: "Payments" };
    expect(await cluster.json(`queryMsgById -t Payments -i ${offsetMessageId}`))
      .toMatchObject(found);
    expect(await cluster.json(`queryMsgById -t Payments -i ${messageId}`)).toMatchObject(found);
    expect(await cluster.json(`queryMsgByUniqueKey -t Payments -i ${messageId}`))
      .toMatchObject(found);
    expect(await cluster.json("queryMsgByKey -t Payments -k receipt")).toMatchObject([found]);
    const { queueId, queueOffset } = await cluster.json(
      `queryMsgById -t Payments -i ${messageId}`,
    ) as { queueId: number; queueOffset: number };
    const place = `-b broker-t -i ${queueId} -o ${queueOffset}`;
    expect(await cluster.json(`queryMsgByOffset -t Payments ${place}`)).toMatchObject(found);
  });

  test("printMsg goes through the queues in order, and as JSON a message a line", async () => {
    const { out } = await cluster.run("printMsg -t Orders");
    expect(out.match(/BODY: body-\d/g)).toEqual([
      "BODY: body-0",
      "BODY: body-2",
      "BODY: body-1",
      "BODY: body-3",
    ]);
    const lines = (await cluster.run("printMsg -t Orders --json")).out.split("\n");
    expect(lines.map((line) => (JSON.parse(line) as { body: string }).body))
      .toEqual(["body-0", "body-2", "body-1", "body-3"]);
  });

  test("printMsgByQueue counts by tag", async () => {
    const { out } = await cluster.run("printMsgByQueue -t Orders -a broker-t -i 0 -f true");
    expect(out).toBe(`Tag: ${"TagA".padEnd(30)} Count: 2`);
  });

  test("consumeMessage gives no more than asked for", async () => {
    const { out } = await cluster.run("consumeMessage -t Orders -b broker-t -i 0 -c 1");
    expect(out).toStartWith("The oldler 1 message will be provided\nConsume ok\nMSGID: ");
    expect(out.match(/MSGID/g)).toHaveLength(1);
  });

  test("queryCq shows the entries of a queue", async () => {
    expect(await cluster.json("queryCq -t Orders -q 1 -i 1")).toMatchObject({
      minIndex: 0,
      maxIndex: 2,
      entries: [{ index: 1 }],
    });
  });

  test("checkMsgSendRT and clusterRT send as many as asked for", async () => {
    const { sends } = await cluster.json("checkMsgSendRT -t Payments -a 3") as { sends: unknown[] };
    expect(sends).toHaveLength(3);
    expect(await cluster.json("clusterRT -a 2 --rounds 1"))
      .toMatchObject({ brokerName: "broker-t", successCount: 2, failCount: 0 });
  });

  test("a listing ends when its reader goes away, and that is no failure", async () => {
    const { code, err, out } = await cluster.run("printMsg -t Orders", { linesMax: 1 });
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).not.toContain("queueId=1]");
  });
});

describe("changing a cluster", () => {
  test("a topic is made, its permission changed, and deleted", async () => {
    const { broker, run } = cluster;
    expect((await run(`updateTopic -b ${broker} -t Made -r 3 -w 3 -o true`)).out).toBe(
      [
        "set broker orderConf. isOrder=true, orderConf=[broker-t:3]",
        `create topic to ${broker} success.`,
        "TopicConfig [topicName=Made, readQueueNums=3, writeQueueNums=3, perm=RW-, " +
        "topicFilterType=SINGLE_TAG, topicSysFlag=0, order=true, attributes={}]",
      ].join("\n"),
    );
    expect((await run(`updateTopicPerm -b ${broker} -t Made -p 4`)).out)
      .toStartWith(`update topic perm from 6 to 4 in ${broker} success.`);
    expect((await run(`updateTopicPerm -b ${broker} -t Made -p 4`)).out)
      .toBe("new perm equals to the old one!");
    expect(await cluster.json("topicRoute -t Made")).toMatchObject({ queueDatas: [{ perm: 4 }] });
    expect((await run("deleteTopic -c TestCluster -t Made")).code).toBe(0);
    expect((await run("topicRoute -t Made")).code).toBe(1);
  });

  test("changing a permission keeps a topic ordered", async () => {
    await cluster.json("updateTopic -c TestCluster -t Ordered -o true");
    const { out } = await cluster.run(`updateTopicPerm -b ${cluster.broker} -t Ordered -p 4`);
    expect(out).toContain("order=true");
  });

  test("a group is made, shown and deleted", async () => {
    const { code, out } = await cluster.run("updateSubGroup -c TestCluster -g Made_group -r 3");
    expect(code).toBe(0);
    expect(out).toContain("SubscriptionGroupConfig{groupName=Made_group, consumeEnable=true, ");
    const shown = (await cluster.run("getConsumerConfig -g Made_group")).out;
    expect(shown).toContain(`${"retryMaxTimes".padEnd(40)}=  3`);
    expect((await cluster.run("deleteSubGroup -c TestCluster -g Made_group")).code).toBe(0);
    expect((await cluster.run("getConsumerConfig -g Made_group")).code).toBe(1);
  });

  test("asking for a group's settings doesn't make the group", async () => {
    expect((await cluster.run("getConsumerConfig -g Asked")).code).toBe(1);
    expect((await cluster.run("getConsumerConfig -g Asked")).code).toBe(1);
  });

  test("offsets are reset and cloned", async () => {
    await cluster.json("updateSubGroup -c TestCluster -g Source");
    await cluster.json("updateSubGroup -c TestCluster -g Target");
    const reset = await cluster.json("resetOffsetByTime -g Source -t Orders -s -1");
    expect(reset).toMatchObject({ queues: [{ offset: 2 }, { offset: 2 }] });
    const one = `resetOffsetByTime -g Source -t Orders -s now -b ${cluster.broker} -q 0 -o 1`;
    expect((await cluster.run(one)).out).toEndWith("reset consumer offset to 1");
    expect(await cluster.json("cloneGroupOffset -s Source -d Target -t Orders"))
      .toMatchObject({ srcGroup: "Source", queues: [{ queueId: 0, offset: 1 }, { queueId: 1 }] });
    expect(await cluster.run("cloneGroupOffset -s Source -d Nobody -t Orders")).toMatchObject({
      code: 1,
      err: expect.stringContaining("group 'Nobody' doesn't exist"),
    });
  });

  test("configuration of brokers and name servers changes, and unknown keys are refused", async () => {
    const { broker, nameServer } = cluster;
    const update = `updateBrokerConfig -b ${broker} -v 31 -k`;
    expect((await cluster.run(`${update} maxTransferCountOnMessageInMemory`)).out)
      .toBe(`update broker config success, ${broker}`);
    expect(await cluster.run(`${update} maxTransferCountOnMessageInMemry`)).toMatchObject({
      code: 1,
      err: expect.stringContaining("did you mean 'maxTransferCountOnMessageInMemory'?"),
    });
    expect(await cluster.run(`updateNamesrvConfig -n ${nameServer} -k orderMessageEnabl -v true`))
      .toMatchObject({ code: 1, err: expect.stringContaining("'orderMessageEnable'") });
  });

  test("KV configuration is set and deleted; write permission is taken and given", async () => {
    expect((await cluster.run("updateKvConfig -s ns -k k -v v")).code).toBe(0);
    expect((await cluster.run("deleteKvConfig -s ns -k k")).code).toBe(0);
    expect((await cluster.run("wipeWritePerm -b broker-t")).out)
      .toMatch(/^wipe write perm of broker\[broker-t\] in name server\[.*\] OK, \d+$/);
    expect(await cluster.json("topicRoute -t Orders")).toMatchObject({ queueDatas: [{ perm: 4 }] });
    expect((await cluster.run("addWritePerm -b broker-t")).code).toBe(0);
  });

  test("upkeep reaches the broker", async () => {
    for (const name of ["cleanExpiredCQ", "cleanUnusedTopic", "deleteExpiredCommitLog"]) {
      expect(await cluster.run(name)).toMatchObject({ code: 0, out: "success" });
      expect(await cluster.run(`${name} -b ${cluster.broker}`)).toMatchObject({ out: "success" });
    }
  });

  test("exportMetadata writes what users made", async () => {
    const folder = mkdtempSync(join(tmpdir(), "roquet-inspector-"));
    try {
      const { code, out } = await cluster.run(`exportMetadata -c TestCluster -f ${folder}`);
      expect({ code, out }).toEqual({ code: 0, out: `export ${folder}/metadata.json success` });
      const text = readFileSync(`${folder}/metadata.json`, "utf8");
      const { topicConfigTable } = JSON.parse(text) as { topicConfigTable: object };
      expect(Object.keys(topicConfigTable)).toContain("Orders");
      expect(Object.keys(topicConfigTable)).not.toContain("TBW102");
      await cluster.run(`exportMetadata -b ${cluster.broker} -t -f ${folder}`);
      expect(existsSync(`${folder}/topic.json`)).toBe(true);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("errors name the cause, and the exit code tells", () => {
  const cases: [line: string, code: number, err: RegExp][] = [
    ["topicRoute -t Order", 1, /topic 'Order' doesn't exist, did you mean 'Orders'\?/],
    [
      "clusterList -c TestClustr",
      1,
      /cluster 'TestClustr' doesn't exist, did you mean 'TestCluster'\?/,
    ],
    ["deleteTopic -c TestCluster -t Ordes", 1, /did you mean 'Orders'\?/],
    ["queryMsgByOffset -t Orders -b broker-x -i 0 -o 0", 1, /did you mean 'broker-t'\?/],
    ["queryMsgByOffset -t Orders -b broker-t -i 0 -o 9", 1, /has the offsets from 0 to below 2/],
    ["queryMsgByKey -t Orders -k nothing", 1, /no message with the key 'nothing'/],
    ["printMsgByQueue -t Orders -a broker-t -i 7", 1, /has the queues 0 to 1/],
    ["consumerConnection -g Nobody", 1, /group 'Nobody' doesn't exist/],
    ["consumerProgress -g Nobody", 1, /group 'Nobody' doesn't exist/],
    ["producerConnection -g Nobody -t Orders", 1, /no producer of group 'Nobody'/],
    ["topicRoute -n 127.0.0.1:1 -t Orders", 1, /no name server answers: 127.0.0.1:1: /],
    ["topicRoute -n nonsense -t Orders", 2, /name server 'nonsense' isn't HOST:PORT/],
    ["brokerStatus -b 127.0.0.1:1", 1, /no answer from 127.0.0.1:1: /],
    ["printMsg -t Orders -s ||", 2, /'\|\|' names no tag/],
    ["topicRoute", 2, /-t \(--topic\) is missing/],
    ["topicRout -t Orders", 2, /unknown command 'topicRout', did you mean 'topicRoute'\?/],
  ];
  for (const [line, code, err] of cases) {
    test(line, async () => {
      const ran = await cluster.run(line);
      expect(ran.err).toMatch(err);
      expect(ran.code).toBe(code);
    });
  }

  test("a broker's address where a name server's belongs", async () => {
    expect(await cluster.run(`topicList -n ${cluster.broker}`))
      .toMatchObject({ code: 1, err: expect.stringContaining("isn't a name server") });
  });

  test("no name server at all is wrong usage", async () => {
    expect(await inspect("", ["topicList"]))
      .toMatchObject({ code: 2, err: expect.stringContaining("set NAMESRV_ADDR") });
  });

  test("ROCKETMQ_NAMESRV_ADDR serves where NAMESRV_ADDR is missing, and a second one where the first is down", async () => {
    const variables = { ROCKETMQ_NAMESRV_ADDR: `127.0.0.1:1;${cluster.nameServer}` };
    expect((await inspect("", ["topicList"], { variables })).code).toBe(0);
  });

  test("a name server without brokers is told apart from a missing topic or group", async () => {
    await using empty = await openNameServer();
    const address = `127.0.0.1:${empty.addresses[0]!.port}`;
    for (const command of ["topicRoute -t Orders", "consumerProgress -g billing"]) {
      expect(await inspect(address, command.split(" "))).toMatchObject({
        code: 1,
        err: expect.stringContaining(`no broker is registered with ${address}`),
      });
    }
  });

  test("sending to a missing topic says that brokers don't make topics", async () => {
    await using strict = await openTestCluster(["autoCreateTopicEnable=false"]);
    expect(await strict.run("sendMessage -t Absent -p x")).toMatchObject({
      code: 1,
      err: expect.stringContaining("autoCreateTopicEnable=false"),
    });
  });
});

describe("help and colour", () => {
  test("every command explains itself with an example", async () => {
    const { code, out } = await cluster.run("topicStatus --help");
    expect(code).toBe(0);
    expect(out).toContain("Usage: roquet inspector topicStatus -t TOPIC [-c CLUSTER]");
    expect(out).toContain("Example: roquet inspector topicStatus -n 127.0.0.1:9876 -t Orders");
    expect((await cluster.run("help topicStatus")).out).toBe(out);
  });

  test("a family of commands lists its own", async () => {
    const { code, out } = await inspect("", ["store", "--help"]);
    expect(code).toBe(0);
    for (const name of ["store check", "store dump", "store repair"]) expect(out).toContain(name);
    expect(out).not.toContain("  topicList ");
  });

  test("without a command all are listed and the usage is wrong", async () => {
    const { code, err } = await inspect("", []);
    expect(code).toBe(2);
    expect(err).toContain("  resetOffsetByTime ");
    expect(await inspect("", ["help"])).toMatchObject({ code: 0, err: "" });
  });

  test("headings are bold on a terminal alone, and not with NO_COLOR", async () => {
    const bold = "\x1b[1m";
    expect((await cluster.run("clusterList", { isTerminal: true })).out).toStartWith(bold);
    expect((await cluster.run("clusterList")).out).not.toContain(bold);
    const variables = { NO_COLOR: "1" };
    expect((await cluster.run("clusterList", { isTerminal: true, variables })).out)
      .not.toContain(bold);
  });
});

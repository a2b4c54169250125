import { describe, expect, test } from "bun:test";
import { silentLogger } from "../../../core/log.ts";
import { VirtualClock } from "../../../core/time/virtual_clock.ts";
import { fixtureArchive } from "../../../testdata/fixtures.ts";
import { memoryTableFile } from "../table_file.ts";
import { newTopicConfig, type TopicConfig } from "./topic_config.ts";
import { TopicTable } from "./topic_table.ts";

const settings = {
  brokerName: "broker-fx",
  brokerClusterName: "FixtureCluster",
  autoCreateTopicEnable: true,
  defaultTopicQueueNums: 8,
  clusterTopicEnable: true,
  brokerTopicEnable: true,
  traceTopicEnable: true,
  msgTraceTopicName: "RMQ_SYS_TRACE_TOPIC",
  reviveQueueNum: 8,
  timerWheelEnable: true,
};

function openTable(text: string | null = null, overrides: Partial<typeof settings> = {}) {
  const file = memoryTableFile(text);
  const clock = new VirtualClock();
  const table = new TopicTable({
    settings: { ...settings, ...overrides },
    file,
    clock,
    log: silentLogger,
  });
  return { table, file, clock };
}

const recorded = fixtureArchive("store/store.tar.gz").get("config/topics.json")!.toString("utf8");

describe("the topics of a broker", () => {
  test("at boot are those that Apache 5.4.0 makes, with its queues and permissions", () => {
    const { table } = openTable();
    const expected = JSON.parse(recorded).topicConfigTable as Record<string, TopicConfig>;
    for (const [name, topic] of table.all()) {
      expect({ ...topic }).toEqual(expected[name]!);
    }
    const made = Object.keys(expected).filter((name) =>
      !/^(Topic|%RETRY%|%DLQ%|TRANS_CHECK)/.test(name)
    );
    expect([...table.all().keys()].sort()).toEqual(made.sort());
  });

  test("are restored with as many queues as hold messages, and none of them loses queues", async () => {
    const { table, file } = openTable();
    table.createIfAbsent(newTopicConfig("Grown", { readQueueNums: 4, writeQueueNums: 4, perm: 4 }));
    table.createIfAbsent(newTopicConfig("Wide", { readQueueNums: 8 }));
    expect(table.restore(new Map([["Lost", 3], ["Grown", 6], ["Wide", 2]]))).toBe(2);
    expect(table.get("Lost")).toMatchObject({ readQueueNums: 3, writeQueueNums: 3, perm: 6 });
    expect(table.get("Grown")).toMatchObject({ readQueueNums: 6, writeQueueNums: 4, perm: 4 });
    expect(table.get("Wide")).toMatchObject({ readQueueNums: 8 });
    await table.saved();
    expect(file.text).toContain("Lost");
    expect(table.restore(new Map([["Lost", 3]]))).toBe(0);
  });

  test("read Apache's topics.json and write all of it back", async () => {
    const { table, file } = openTable(recorded);
    await table.save();
    expect(JSON.parse(file.text!)).toEqual(JSON.parse(recorded));
  });

  test("keep fields that only a newer Apache knows", async () => {
    const text = JSON.stringify({
      dataVersion: { counter: 1, stateVersion: 2, timestamp: 3 },
      topicConfigTable: { T: { topicName: "T", perm: 6, colour: "red" } },
    });
    const { table, file } = openTable(text);
    await table.save();
    expect(JSON.parse(file.text!).topicConfigTable.T.colour).toBe("red");
    expect(table.dataVersion).toEqual({ counter: 1, stateVersion: 2, timestamp: 3 });
  });

  test("are made for a producer after TBW102, saved and registered before the send goes on", async () => {
    const { table, file } = openTable();
    const order: string[] = [];
    table.onChange((changed) => {
      const saved = JSON.parse(file.text!).topicConfigTable;
      order.push(`registered ${changed[0]!.topicName}, saved ${"New" in saved}`);
      return Promise.resolve();
    });
    const topic = await table.createForSend("New", "TBW102", "127.0.0.1:1", 4, 0);
    order.push("sent");
    expect(topic).toMatchObject({ readQueueNums: 4, writeQueueNums: 4, perm: 6 });
    expect(order).toEqual(["registered New, saved true", "sent"]);
    expect(table.dataVersion.counter).toBe(1);
  });

  test("get no more queues than TBW102 has", async () => {
    const { table } = openTable();
    const topic = await table.createForSend("New", "TBW102", "", 100, 0);
    expect(topic!.writeQueueNums).toBe(8);
  });

  test("aren't made when autoCreateTopicEnable is off", async () => {
    const { table } = openTable(recorded, { autoCreateTopicEnable: false });
    expect(await table.createForSend("New", "TBW102", "", 4, 0)).toBeNull();
    expect(table.has("New")).toBeFalse();
  });

  test("aren't made after a topic that may not be inherited from, or doesn't exist", async () => {
    const { table } = openTable(recorded);
    expect(await table.createForSend("New", "TopicMix", "", 4, 0)).toBeNull();
    expect(await table.createForSend("New", "NoSuchTopic", "", 4, 0)).toBeNull();
  });

  test("take attributes when they are made, and keep those that are fixed then", async () => {
    const { table } = openTable();
    await table.update([newTopicConfig("T", { attributes: { "+queue.type": "BatchCQ" } })]);
    expect(table.get("T")!.attributes).toEqual({ "queue.type": "BatchCQ" });
    await expect(
      table.update([newTopicConfig("T", { attributes: { "+queue.type": "SimpleCQ" } })]),
    ).rejects.toThrow("attempt to update an unchangeable attribute. key: queue.type");
    await table.update([newTopicConfig("T", { attributes: { "+message.type": "FIFO" } })]);
    expect(table.get("T")!.attributes).toEqual({ "queue.type": "BatchCQ", "message.type": "FIFO" });
    await table.update([newTopicConfig("T", { attributes: { "-message.type": "" } })]);
    expect(table.get("T")!.attributes).toEqual({ "queue.type": "BatchCQ" });
  });

  test.each([
    [{ "+colour": "red" }, "unsupported key: colour"],
    [
      { "-message.type": "" },
      "only add attribute is supported while creating topic. key: message.type",
    ],
    [{ "+queue.type": "Fast" }, "value is not in set: [SimpleCQ, BatchCQ]"],
    [{ "+reserve.time": "-2" }, "value is not in range(-1, 9223372036854775807)"],
    [{ "+reserve.time": "soon" }, 'For input string: "soon"'],
    [{ "+a+b": "c" }, "kv string format wrong."],
  ])("refuse the attributes %p and change nothing", async (attributes, text) => {
    const { table } = openTable();
    const { counter } = table.dataVersion;
    await expect(
      table.update([newTopicConfig("Good"), newTopicConfig("Bad", { attributes })]),
    ).rejects.toThrow(text);
    expect(table.has("Good")).toBeFalse();
    expect(table.dataVersion.counter).toBe(counter);
  });

  test("become ordered when the name servers say so", () => {
    const { table } = openTable(recorded);
    const { counter } = table.dataVersion;
    table.markOrdered(["TopicMix", "TopicFifo", "NoSuchTopic"]);
    expect(table.isOrder("TopicMix")).toBeTrue();
    expect(table.dataVersion.counter).toBe(counter + 1);
    table.markOrdered(["TopicMix"]);
    expect(table.dataVersion.counter).toBe(counter + 1);
  });

  test("are saved a few times when many are made at once", async () => {
    const { table, file } = openTable();
    let saves = 0;
    const { saveInBackground } = file;
    file.saveInBackground = (text) => {
      saves++;
      return saveInBackground.call(file, text);
    };
    for (let topic = 0; topic < 1000; topic++) table.createIfAbsent(newTopicConfig(`T${topic}`));
    await table.saved();
    expect(saves).toBe(2);
    expect(Object.keys(JSON.parse(file.text!).topicConfigTable)).toContain("T999");
  });

  test("count the broker's and the cluster's own topics as the system's", () => {
    const { table } = openTable();
    for (const name of ["broker-fx", "FixtureCluster", "TBW102", "rmq_sys_x"]) {
      expect(table.isSystem(name)).toBeTrue();
    }
    expect(table.isSystem("TopicMix")).toBeFalse();
  });
});

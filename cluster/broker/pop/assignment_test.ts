// Which queues members get from the broker, and Apache's own file of request modes.
import { describe, expect, test } from "bun:test";
import { silentLogger } from "../../../core/log.ts";
import { fixtureArchive } from "../../../testdata/fixtures.ts";
import { memoryTableFile } from "../table_file.ts";
import { assignQueues } from "./assignment.ts";
import { RequestModes } from "./request_modes.ts";

const queues = Array.from({ length: 8 }, (_, index) => ({
  topic: "T",
  brokerName: index < 4 ? "a" : "b",
  queueId: index % 4,
}));
const members = ["c3", "c1", "c2", "c4"];

function assigned(clientId: string, mode: "PULL" | "POP", share: number, strategyName = "AVG") {
  const member = { group: "G", clientId, strategyName };
  return assignQueues(member, queues, members, mode, share)?.map((queue) =>
    `${queue.brokerName}${queue.queueId}`
  );
}

describe("a member", () => {
  test("that pulls gets its share of all brokers' queues", () => {
    expect(assigned("c1", "PULL", 0)).toEqual(["a0", "a1"]);
    expect(assigned("c4", "PULL", 0)).toEqual(["b2", "b3"]);
    expect(assigned("c2", "PULL", 0, "AVG_BY_CIRCLE")).toEqual(["a1", "b1"]);
  });

  test("that pops gets any queue of each broker when all share", () => {
    expect(assigned("c1", "POP", -1)).toEqual(["a-1", "b-1"]);
    expect(assigned("c1", "POP", 3)).toEqual(["a-1", "b-1"]);
  });

  test("that pops shares its queues with those of the members after it", () => {
    expect(assigned("c1", "POP", 1)).toEqual(["a0", "a1", "a2", "a3"]);
    expect(assigned("c4", "POP", 1)).toEqual(["b2", "b3", "a0", "a1"]);
  });

  test("that pops gets one queue when there are more members than queues", () => {
    const few = queues.slice(0, 2);
    const of = (clientId: string) =>
      assignQueues({ group: "G", clientId, strategyName: "AVG" }, few, members, "POP", 1);
    expect(of("c3")).toEqual([few[0]!]);
    expect(of("c4")).toEqual([few[1]!]);
  });

  test("that the group doesn't know gets none, and with an unknown strategy keeps what it has", () => {
    expect(assigned("stranger", "PULL", 0)).toEqual([]);
    expect(assigned("c1", "PULL", 0, "MINE")).toBeUndefined();
  });
});

test("Apache's messageRequestMode.json is read, and written with the same content", async () => {
  const text = fixtureArchive("store/store.tar.gz").get("config/messageRequestMode.json")!
    .toString();
  const file = memoryTableFile(text);
  const modes = new RequestModes({ file, log: silentLogger });
  const mode = modes.get("TopicPopPush", "GID_poppush")!;
  expect(mode).toEqual({
    consumerGroup: "GID_poppush",
    mode: "POP",
    popShareQueueNum: 8,
    topic: "TopicPopPush",
  });
  await modes.set(mode);
  expect(JSON.parse(file.text!)).toEqual(JSON.parse(text));
});

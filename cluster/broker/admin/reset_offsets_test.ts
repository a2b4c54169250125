// Resetting offsets, on the broker and by its clients.
import { describe, expect, test } from "bun:test";
import type { LenientMap } from "../../../core/json/json_value.ts";
import { parseLenientJsonBytes } from "../../../core/json/lenient_reader.ts";
import { INVOKE_BROKER_TO_RESET_OFFSET } from "../../../core/remoting/codes/offsets.ts";
import {
  type AskedAnswer,
  connectConsumer,
  openTestAdmin,
  storeMessages,
} from "./testing_admin.ts";

const RESET = INVOKE_BROKER_TO_RESET_OFFSET;
const TO_END = { topic: "TopicMix", group: "G", timestamp: "-1", isForce: "true" };
const BY_CLIENTS = ["useServerSideResetOffset=false"];

/** Queue id → offset. */
function offsetsIn(body: Uint8Array): Record<number, number> {
  const { offsetTable } = parseLenientJsonBytes(body) as { offsetTable: LenientMap };
  return Object.fromEntries(
    offsetTable.entries.map(([queue, offset]) => [
      (queue as { queueId: number }).queueId,
      offset as number,
    ]),
  );
}

function refusalOf({ code, remark }: AskedAnswer) {
  return { code, remark };
}

describe("a reset on the broker", () => {
  test("moves every queue to its end, and the group's offsets with it", async () => {
    await using admin = await openTestAdmin();
    await storeMessages(admin, "TopicMix", 4, 5);
    admin.groups.find("G");
    const answer = await admin.server.ask(RESET, { ...TO_END, queueId: "-1", offset: "-1" });
    expect(offsetsIn(answer.body)).toEqual({ 0: 5, 1: 5, 2: 5, 3: 5 });
    expect(admin.offsets.query("TopicMix", "G", 2)).toBe(5);
    expect(admin.offsets.hasReset("TopicMix", "G", 2)).toBe(true);
  });

  test("goes to a time, which before the first message is the beginning", async () => {
    await using admin = await openTestAdmin();
    await storeMessages(admin, "TopicMix", 4, 5);
    admin.groups.find("G");
    const answer = await admin.server.ask(RESET, { ...TO_END, timestamp: "1000" });
    expect(offsetsIn(answer.body)).toEqual({ 0: 0, 1: 0, 2: 0, 3: 0 });
  });

  test("goes to an offset in one queue, which must be within it", async () => {
    await using admin = await openTestAdmin();
    await storeMessages(admin, "TopicMix", 4, 5);
    admin.groups.find("G");
    const one = { topic: "TopicMix", group: "G", queueId: "1" };
    const answer = await admin.server.ask(RESET, { ...one, offset: "3" });
    expect(offsetsIn(answer.body)).toEqual({ 1: 3 });
    const refused = await admin.server.ask(RESET, { ...one, offset: "7" });
    expect(refusalOf(refused)).toEqual({
      code: 1,
      remark: "Target offset 7 not in consume queue range [0-5]",
    });
    expect(admin.offsets.query("TopicMix", "G", 1)).toBe(3);
  });

  test("is refused for a topic or group that doesn't exist", async () => {
    await using admin = await openTestAdmin();
    const noGroup = await admin.server.ask(RESET, TO_END);
    expect(refusalOf(noGroup)).toEqual({ code: 26, remark: "Group G does not exist" });
    const noTopic = await admin.server.ask(RESET, { ...TO_END, topic: "T" });
    expect(refusalOf(noTopic)).toEqual({ code: 17, remark: "Topic T does not exist" });
  });
});

describe("a reset by the clients", () => {
  test("tells each member of the group, and leaves the broker's offsets alone", async () => {
    await using admin = await openTestAdmin(BY_CLIENTS);
    await storeMessages(admin, "TopicMix", 4, 5);
    for (let queueId = 0; queueId < 4; queueId++) admin.offsets.commit("TopicMix", "G", queueId, 2);
    connectConsumer(admin, "G", "one");
    connectConsumer(admin, "G", "two");
    const answer = await admin.server.ask(RESET, TO_END);
    expect(offsetsIn(answer.body)).toEqual({ 0: 5, 1: 5, 2: 5, 3: 5 });
    expect(admin.server.sent.map(({ code }) => code)).toEqual([220, 220]);
    expect(admin.server.sent[0]!.extFields.get("topic")).toBe("TopicMix");
    expect(offsetsIn(admin.server.sent[0]!.body)).toEqual({ 0: 5, 1: 5, 2: 5, 3: 5 });
    expect(admin.offsets.query("TopicMix", "G", 0)).toBe(2);
  });

  test("never moves forward unless forced", async () => {
    await using admin = await openTestAdmin(BY_CLIENTS);
    await storeMessages(admin, "TopicMix", 4, 5);
    for (let queueId = 0; queueId < 4; queueId++) admin.offsets.commit("TopicMix", "G", queueId, 2);
    connectConsumer(admin, "G", "one");
    const answer = await admin.server.ask(RESET, { ...TO_END, isForce: "false" });
    expect(offsetsIn(answer.body)).toEqual({ 0: 2, 1: 2, 2: 2, 3: 2 });
  });

  test("is refused when nobody is connected or the group never consumed", async () => {
    await using admin = await openTestAdmin(BY_CLIENTS);
    const never = await admin.server.ask(RESET, TO_END);
    expect(refusalOf(never)).toEqual({ code: 1, remark: "THe consumer group <G> not exist" });
    for (let queueId = 0; queueId < 4; queueId++) admin.offsets.commit("TopicMix", "G", queueId, 0);
    const offline = await admin.server.ask(RESET, TO_END);
    expect(refusalOf(offline)).toEqual({
      code: 206,
      remark:
        "Consumer not online, so can not reset offset, Group: G Topic: TopicMix Timestamp: -1",
    });
  });
});

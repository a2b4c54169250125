// Popping as consumers see it: what is given out, what comes back and when, what waits. On a store in memory.
import { describe, expect, test } from "bun:test";
import { ResponseCode } from "../../../core/remoting/response_codes.ts";
import { bodies, PopWorld, TOPIC } from "./testing_pop.ts";

describe("a pop", () => {
  test("gives messages of all queues once, with the numbers that clients build handles from", async () => {
    await using world = await PopWorld.open();
    await world.send(["a", "b"]);
    await world.send(["c"], { queueId: 1 });
    const first = await world.pop();
    expect(first.code).toBe(ResponseCode.SUCCESS);
    expect(first.remark).toBe("FOUND");
    expect(bodies(first.messages)).toEqual(["a", "b", "c"]);
    const offsets = first.fields.get("msgOffsetInfo")!.split(";").sort();
    expect(offsets).toEqual(["0 0 0,1", "0 1 0"]);
    expect(first.fields.get("restNum")).toBe("0");
    const second = await world.pop();
    expect(second.code).toBe(ResponseCode.POLLING_TIMEOUT);
    expect(second.remark).toBe("NO_MESSAGE_IN_QUEUE");
    expect(second.fields.get("startOffsetInfo")).toBe("");
  });

  test("says how many messages are left", async () => {
    await using world = await PopWorld.open();
    await world.send(["a", "b", "c"]);
    const answer = await world.pop({ queueId: 0, maxMsgNums: 2 });
    expect(bodies(answer.messages)).toEqual(["a", "b"]);
    expect(answer.fields.get("restNum")).toBe("1");
  });

  test("brings a message back that isn't acknowledged in time, counted, under its own topic", async () => {
    await using world = await PopWorld.open();
    await world.send(["a"], { tag: "T", flag: 7 });
    const [message] = (await world.pop()).messages;
    expect(message!.reconsumeTimes).toBe(0);
    await world.pass(10_000);
    expect((await world.pop()).messages).toEqual([]);
    await world.pass(6_000);
    const [again] = (await world.pop()).messages;
    expect(again!.body).toBe("a");
    expect(again!.topic).toBe(TOPIC);
    expect(again!.reconsumeTimes).toBe(1);
    expect(again!.flag).toBe(7);
    expect(again!.properties.get("TAGS")).toBe("T");
    expect(again!.properties.get("ORIGIN_GROUP")).toBe("Billing");
    expect(again!.properties.get("1ST_POP_TIME")).toBe(message!.handle.split(" ")[1]!);
    expect(await world.ack(again!)).toBe(ResponseCode.SUCCESS);
    await world.pass(30_000);
    expect((await world.pop()).messages).toEqual([]);
  });

  test("never gives an acknowledged message again", async () => {
    await using world = await PopWorld.open();
    await world.send(["a", "b", "c"]);
    const { messages } = await world.pop({ queueId: 0 });
    expect(await world.ack(messages[0]!)).toBe(ResponseCode.SUCCESS);
    expect(await world.batchAck([messages[1]!, messages[2]!])).toBe(ResponseCode.SUCCESS);
    await world.pass(30_000);
    expect((await world.pop()).messages).toEqual([]);
    expect(world.offset()).toBe(3);
  });

  test("gives a message whose time was changed when that time is up", async () => {
    await using world = await PopWorld.open();
    await world.send(["a"]);
    const [message] = (await world.pop({ invisibleTime: 5_000 })).messages;
    const handle = await world.changeInvisible(message!, 20_000);
    await world.pass(15_000);
    expect((await world.pop()).messages).toEqual([]);
    // Its new handle acknowledges it.
    expect(await world.ack({ handle })).toBe(ResponseCode.SUCCESS);
    await world.pass(30_000);
    expect((await world.pop()).messages).toEqual([]);
  });

  test("filters by tags and passes over what isn't wanted", async () => {
    await using world = await PopWorld.open();
    await world.send(["a"], { tag: "Red" });
    await world.send(["b", "c"], { tag: "Blue" });
    const answer = await world.pop({ exp: "Red", expType: "TAG" });
    expect(bodies(answer.messages)).toEqual(["a"]);
    expect((await world.pop({ exp: "Red", expType: "TAG" })).messages).toEqual([]);
    await world.pass(100);
    expect(world.offset()).toBe(3);
  });

  test("takes messages of any of the tags that it names", async () => {
    await using world = await PopWorld.open();
    for (let index = 0; index < 8; index++) {
      await world.send([`m${index}`], { tag: index % 2 === 0 ? "Even" : "Odd" });
    }
    const answer = await world.pop({ exp: "Even || Odd", expType: "TAG", maxMsgNums: 8 });
    expect(answer.messages.length).toBe(8);
  });

  test("filters by SQL92", async () => {
    await using world = await PopWorld.open();
    await world.send(["cheap"], { properties: "price\x015\x02" });
    await world.send(["dear"], { properties: "price\x0150\x02" });
    const answer = await world.pop({ exp: "price > 10", expType: "SQL92" });
    expect(bodies(answer.messages)).toEqual(["dear"]);
    const wrong = await world.pop({ exp: "price >", expType: "SQL92" });
    expect(wrong.code).toBe(ResponseCode.SUBSCRIPTION_PARSE_FAILED);
  });

  test("starts a new group at the last message when it asks so and the first isn't in memory", async () => {
    await using world = await PopWorld.open({ settings: { initPopOffsetByCheckMsgInMem: false } });
    await world.send(["a", "b", "c"]);
    expect(bodies((await world.pop({ queueId: 0, initMode: 1 })).messages)).toEqual(["c"]);
  });

  test("goes where an administrator reset the group's offset to", async () => {
    await using world = await PopWorld.open();
    await world.send(["a", "b", "c"]);
    expect((await world.pop({ queueId: 0 })).messages.length).toBe(3);
    world.offsets.reset(TOPIC, "Billing", 0, 1);
    expect(bodies((await world.pop({ queueId: 0 })).messages)).toEqual(["b", "c"]);
  });

  test("is refused with the answer's numbers at 0", async () => {
    await using world = await PopWorld.open();
    const tooMany = await world.pop({ maxMsgNums: 33 });
    expect(tooMany.code).toBe(ResponseCode.INVALID_PARAMETER);
    expect(tooMany.remark).toContain("pop message's num is greater than 32");
    expect([...tooMany.fields.keys()].sort()).toEqual([
      "invisibleTime",
      "popTime",
      "restNum",
      "reviveQid",
    ]);
    expect((await world.pop({ topic: "Nowhere" })).code).toBe(ResponseCode.TOPIC_NOT_EXIST);
    expect((await world.pop({ queueId: 2 })).code).toBe(ResponseCode.INVALID_PARAMETER);
    const late = await world.pop({ bornTime: world.clock.nowMs() - 2_000, pollTime: 1_000 });
    expect(late.code).toBe(ResponseCode.POLLING_TIMEOUT);
    const longest = 4 * 24 * 3600 * 1000;
    expect((await world.pop({ invisibleTime: longest })).code).toBe(ResponseCode.INVALID_PARAMETER);
  });

  test("reads retries of both namings when they are named in the new way", async () => {
    await using world = await PopWorld.open({ settings: { enableRetryTopicV2: true } });
    world.makeTopic("%RETRY%Billing_Orders", 1);
    world.makeTopic("%RETRY%Billing+Orders", 1);
    await world.send(["old"], { topic: "%RETRY%Billing_Orders" });
    await world.send(["new"], { topic: "%RETRY%Billing+Orders" });
    const seen = new Set<string>();
    for (let round = 0; seen.size < 2 && round < 100; round++) {
      for (const message of (await world.pop()).messages) {
        seen.add(`${message.body} ${message.handle.split(" ")[4]}`);
      }
    }
    expect([...seen].sort()).toEqual(["new 2", "old 1"]);
  });

  test("takes queues by their priority", async () => {
    await using world = await PopWorld.open();
    world.makeTopic("Urgent", 3, { "message.type": "PRIORITY" });
    for (const queueId of [0, 1, 2]) {
      await world.send([`p${queueId}`], { topic: "Urgent", queueId });
    }
    const { messages } = await world.pop({ topic: "Urgent", maxMsgNums: 2 });
    expect(messages.map(({ body }) => body)).toEqual(["p2", "p1"]);
  });

  test("stops at the threshold of messages that are out, and goes on when some are acknowledged", async () => {
    await using world = await PopWorld.open({
      settings: { enablePopMessageThreshold: true, popInflightMessageThreshold: 1 },
    });
    await world.send(["a", "b", "c"]);
    const { messages } = await world.pop({ queueId: 0, maxMsgNums: 2 });
    expect((await world.pop({ queueId: 0 })).messages).toEqual([]);
    await world.ack(messages[0]!);
    expect(bodies((await world.pop({ queueId: 0 })).messages)).toEqual(["c"]);
  });
});

describe("a pop that waits", () => {
  test("is answered by a message that it wants", async () => {
    await using world = await PopWorld.open();
    const waiting = world.popLater({ pollTime: 15_000, exp: "Red" });
    await world.pass(1_000);
    await world.send(["other"], { tag: "Blue" });
    expect(world.opened.pops.held.count).toBe(1);
    await world.send(["mine"], { tag: "Red" });
    expect(bodies((await waiting).messages)).toEqual(["mine"]);
  });

  test("is answered shortly before its time is up", async () => {
    await using world = await PopWorld.open();
    let answered = false;
    const waiting = world.popLater({ pollTime: 2_000 });
    waiting.then(() => answered = true);
    await world.pass(1_900);
    expect(answered).toBe(false);
    await world.pass(90);
    expect((await waiting).code).toBe(ResponseCode.POLLING_TIMEOUT);
  });

  test("is answered by a message that comes back", async () => {
    await using world = await PopWorld.open();
    await world.send(["a"]);
    await world.pop({ invisibleTime: 3_000 });
    const waiting = world.popLater({ pollTime: 30_000 });
    await world.pass(10_000);
    expect(bodies((await waiting).messages)).toEqual(["a"]);
  });

  test("leaves what it doesn't take to the next that waits", async () => {
    await using world = await PopWorld.open();
    const one = world.popLater({ pollTime: 15_000, maxMsgNums: 1 });
    const other = world.popLater({ pollTime: 15_000, maxMsgNums: 1 });
    await world.pass(100);
    await world.send(["a", "b"]);
    const both = await Promise.all([one, other]);
    expect(bodies(both.flatMap(({ messages }) => messages))).toEqual(["a", "b"]);
  });

  test("is refused when too many wait", async () => {
    await using world = await PopWorld.open({ settings: { maxPopPollingSize: 1 } });
    const waiting = world.popLater({ pollTime: 1_000 });
    await world.pass(100);
    expect((await world.pop({ pollTime: 1_000 })).code).toBe(ResponseCode.POLLING_FULL);
    await world.pass(1_000);
    await waiting;
  });
});

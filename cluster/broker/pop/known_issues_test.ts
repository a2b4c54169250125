// Losses and duplicates that apache/rocketmq's issues tell of, each tried here. The number is the issue's.
import { expect, test } from "bun:test";
import { newMemoryDisk } from "../../../store/testing_store.ts";
import { ResponseCode } from "../../../core/remoting/response_codes.ts";
import { VirtualClock } from "../../../core/time/virtual_clock.ts";
import { bodies, GROUP, PopWorld, REVIVE_TOPIC, TOPIC } from "./testing_pop.ts";

test("7914, 7724: each unacknowledged message comes back once, and no other in its stead", async () => {
  await using world = await PopWorld.open();
  const sent = Array.from({ length: 20 }, (_, index) => `m${String(index).padStart(2, "0")}`);
  await world.send(sent);
  const { messages } = await world.pop({ queueId: 0 });
  for (const [index, message] of messages.entries()) if (index % 3 === 0) await world.ack(message);
  await world.pass(16_000);
  const back = (await world.pop()).messages;
  expect(bodies(back)).toEqual(sent.filter((_, index) => index % 3 !== 0));
});

test("5408, 3443: the revive topic is done with although there are more acknowledgements than checkpoints", async () => {
  await using world = await PopWorld.open({ settings: { reviveQueueNum: 1 } });
  await world.send(["a"]);
  const [message] = (await world.pop()).messages;
  for (let time = 0; time < 3; time++) await world.ack(message!);
  await world.pass(20_000);
  const records = world.store.queueBounds(REVIVE_TOPIC, 0)!.maxOffset;
  expect(records).toBe(4);
  expect(world.reviveOffset(0)).toBe(records - 1);
});

test("3787: an acknowledgement after the checkpoint left memory counts", async () => {
  await using world = await PopWorld.open({ settings: { enablePopBufferMerge: true } });
  await world.send(["a", "b"]);
  const { messages } = await world.pop({ invisibleTime: 30_000, queueId: 0 });
  await world.ack(messages[0]!);
  await world.pass(12_000);
  expect(world.written.get("ck")).toBe(1);
  await world.ack(messages[1]!);
  await world.pass(60_000);
  expect((await world.pop()).messages).toEqual([]);
});

test("7412: a checkpoint that is written again because its message couldn't be stored brings it back", async () => {
  await using world = await PopWorld.open();
  await world.send(["a"]);
  await world.pop();
  const put = world.store.put.bind(world.store);
  let failures = 1;
  world.store.put = (messages) =>
    messages[0]!.topic.startsWith("%RETRY%") && failures-- > 0
      ? Promise.resolve([{ ...NOT_STORED }])
      : put(messages);
  await world.pass(16_000);
  expect((await world.pop()).messages).toEqual([]);
  await world.pass(16_000);
  expect(bodies((await world.pop()).messages)).toEqual(["a"]);
});

test("8479: checkpoints of a topic that was deleted and made again hold nothing up", async () => {
  await using world = await PopWorld.open({ settings: { reviveQueueNum: 1 } });
  await world.send(["a", "b"]);
  await world.pop({ queueId: 0 });
  await world.settled(world.store.deleteTopic(TOPIC));
  world.offsets.removeTopic(TOPIC);
  world.makeTopic("Others", 1);
  await world.send(["other"], { topic: "Others" });
  expect((await world.pop({ topic: "Others" })).messages.length).toBe(1);
  await world.pass(16_000);
  expect(bodies((await world.pop({ topic: "Others" })).messages)).toEqual(["other"]);
});

test("9318: a quiet queue's checkpoint in memory is kept for as long as it takes", async () => {
  await using world = await PopWorld.open({
    settings: { enablePopBufferMerge: true, popCkStayBufferTime: 3_600_000 },
  });
  await world.send(["a"]);
  await world.pop({ invisibleTime: 3_000_000, queueId: 0 });
  for (let minute = 0; minute < 8; minute++) await world.clock.advance(60_000);
  expect(world.offset()).toBe(0);
  expect((await world.pop({ queueId: 0 })).messages).toEqual([]);
});

test("a handle that was replaced by a changed time acknowledges nothing any more", async () => {
  await using world = await PopWorld.open();
  await world.send(["a"]);
  const [message] = (await world.pop()).messages;
  await world.changeInvisible(message!, 10_000);
  await world.ack(message!);
  await world.pass(20_000);
  expect(bodies((await world.pop()).messages)).toEqual(["a"]);
});

test("messages between which others were filtered out are acknowledged by their own offsets", async () => {
  await using world = await PopWorld.open();
  for (let index = 0; index < 12; index++) {
    await world.send([`m${index}`], { tag: index % 5 === 0 ? "Red" : "Blue" });
  }
  const { messages } = await world.pop({ queueId: 0, exp: "Red" });
  expect(bodies(messages)).toEqual(["m0", "m10", "m5"]);
  await world.batchAck([messages[0]!, messages[2]!]);
  await world.pass(16_000);
  expect(bodies((await world.pop({ exp: "Red" })).messages)).toEqual(["m5"]);
});

test("an acknowledgement that can't be stored is refused", async () => {
  await using world = await PopWorld.open();
  await world.send(["a"]);
  const [message] = (await world.pop()).messages;
  world.refusesRecords = true;
  expect(await world.ack(message!)).toBe(ResponseCode.SYSTEM_ERROR);
});

test("the group's offset stays before messages whose checkpoint isn't stored", async () => {
  await using world = await PopWorld.open();
  await world.send(["a"]);
  world.refusesRecords = true;
  expect((await world.pop({ queueId: 0 })).messages.length).toBe(1);
  await world.pass(3_000);
  expect(world.offset()).toBe(0);
  world.refusesRecords = false;
  await world.pass(3_000);
  expect(world.offset()).toBe(1);
});

for (const buffered of [false, true]) {
  const kind = buffered ? "in memory" : "stored";
  test(`after a kill nothing unacknowledged is lost, its checkpoint being ${kind}`, async () => {
    const disk = newMemoryDisk();
    const clock = new VirtualClock();
    const settings = { enablePopBufferMerge: buffered };
    const world = await PopWorld.open({ disk, clock, settings });
    await world.send(["a", "b", "c"]);
    const { messages } = await world.pop({ queueId: 0, maxMsgNums: 2 });
    await world.ack(messages[0]!);
    await world.offsets.saveWhenDirty();
    const offsets = world.offsetFile.text;
    const isStored = world.offset() === 2;
    expect(isStored).toBe(!buffered);
    disk.crash("process");
    await using after = await PopWorld.open({ disk, clock, settings, offsets });
    const got = bodies((await after.pop({ queueId: 0 })).messages);
    // The stand-in timer forgot the checkpoint; the real one doesn't (interop). What was only in memory comes again.
    expect(got).toEqual(buffered ? ["a", "b", "c"] : ["c"]);
  });
}

test("a deleted group's checkpoints are dropped and the others go on", async () => {
  await using world = await PopWorld.open({
    settings: { reviveQueueNum: 1, autoCreateSubscriptionGroup: true },
  });
  await world.send(["a"]);
  await world.pop({ consumerGroup: "Gone" });
  await world.pop();
  world.topics.delete("%RETRY%Gone_Orders");
  world.groups.delete("Gone");
  await world.pass(16_000);
  expect(bodies((await world.pop()).messages)).toEqual(["a"]);
  expect(world.groups.has(GROUP)).toBe(true);
});

const NOT_STORED = {
  status: "disk_full",
  detail: "as the test wants",
  physicalOffset: -1,
  queueOffset: -1,
  size: 0,
  storeTimestampMs: 0,
} as const;

test("8835: acknowledgements in memory and one after the checkpoint was written bring nothing back", async () => {
  await using world = await PopWorld.open({ settings: { enablePopBufferMerge: true } });
  await world.send(["a", "b", "c", "d"]);
  const { messages } = await world.pop({ invisibleTime: 30_000, queueId: 0 });
  await world.batchAck(messages.slice(0, 3));
  await world.pass(12_000);
  await world.ack(messages[3]!);
  await world.pass(60_000);
  expect((await world.pop()).messages).toEqual([]);
});

test("4153: an acknowledgement just before the time is up counts", async () => {
  await using world = await PopWorld.open();
  await world.send(["a"]);
  const [message] = (await world.pop({ invisibleTime: 30_000 })).messages;
  await world.pass(29_000);
  await world.ack(message!);
  await world.pass(30_000);
  expect((await world.pop()).messages).toEqual([]);
});

test("10276: a message whose changed time ends when its first one would have comes back", async () => {
  await using world = await PopWorld.open();
  await world.send(["a"]);
  const [message] = (await world.pop({ queueId: 0, invisibleTime: 10_000 })).messages;
  const popTimeMs = Number(message!.handle.split(" ")[1]);
  await world.pass(3_000);
  await world.changeInvisible(message!, popTimeMs + 10_000 - world.clock.nowMs());
  await world.pass(16_000);
  expect(bodies((await world.pop()).messages)).toEqual(["a"]);
});

test("8268: an orderly pop passes over what it doesn't want at once, and for good", async () => {
  await using world = await PopWorld.open();
  await world.send(["blue1", "blue2"], { tag: "Blue" });
  const ordered = { order: true, queueId: 0, exp: "Red" };
  expect((await world.pop(ordered)).messages).toEqual([]);
  expect(world.offset()).toBe(2);
  await world.send(["red"], { tag: "Red" });
  expect(bodies((await world.pop(ordered)).messages)).toEqual(["red"]);
});

test("9025, 9369: a reset offset ends the block of an orderly pop that is out, and holds", async () => {
  await using world = await PopWorld.open();
  await world.send(["a", "b", "c"]);
  const ordered = { order: true, queueId: 0, maxMsgNums: 2, invisibleTime: 60_000 };
  const { messages } = await world.pop(ordered);
  for (const message of messages) await world.ack(message);
  await world.pop(ordered);
  world.offsets.reset(TOPIC, GROUP, 0, 1);
  const again = await world.pop(ordered);
  expect(bodies(again.messages)).toEqual(["b", "c"]);
  await world.ack(again.messages[0]!);
  expect(world.offset()).toBe(2);
});

test("6681: a message that comes back is given at once to a pop that waits for another queue", async () => {
  await using world = await PopWorld.open();
  await world.send(["a"]);
  await world.pop({ queueId: 0, invisibleTime: 3_000 });
  const waiting = world.popLater({ queueId: 1, pollTime: 30_000 });
  await world.pass(10_000);
  expect(bodies((await waiting).messages)).toEqual(["a"]);
});

test("8472: a pop that waits finds the one wanted message among thousands that aren't", async () => {
  await using world = await PopWorld.open();
  const unwanted = Array.from({ length: 3_000 }, (_, index) => `blue${index}`);
  await world.send(unwanted, { tag: "Blue" });
  await world.send(["red"], { tag: "Red" });
  const { messages } = await world.pop({ queueId: 0, exp: "Red", pollTime: 15_000 });
  expect(bodies(messages)).toEqual(["red"]);
});

test("3503: after a restart a group goes on where it was, its messages having left the memory", async () => {
  const disk = newMemoryDisk();
  const clock = new VirtualClock();
  const before = await PopWorld.open({ disk, clock });
  await before.send(["a", "b", "c"]);
  for (const message of (await before.pop({ queueId: 0, maxMsgNums: 2 })).messages) {
    await before.ack(message);
  }
  await before.offsets.saveWhenDirty();
  const offsets = before.offsetFile.text;
  await before[Symbol.asyncDispose]();
  await using after = await PopWorld.open({ disk, clock, offsets });
  expect(bodies((await after.pop({ queueId: 0, initMode: 1 })).messages)).toEqual(["c"]);
});

for (const attempts of [["other", "first"], ["first", "other"]]) {
  test(`10827: an attempt that asks again while its batch is read gets it at once, asking as ${attempts}`, async () => {
    await using world = await PopWorld.open();
    await world.send(["a", "b"]);
    const pop = (attemptId: string) =>
      world.popLater({
        order: true,
        queueId: 0,
        invisibleTime: 60_000,
        pollTime: 30_000,
        attemptId,
      });
    // The messages aren't in memory, so that the first pop waits for the disk and closes the queue to others.
    world.store.readHot = () => null;
    const queue = () => world.opened.queues.get(`${TOPIC}@${GROUP}`, 0);
    const beganMs = world.clock.nowMs();
    const first = pop("first");
    for (let turn = 0; turn < 100 && queue()?.isBusy !== true; turn++) await Promise.resolve();
    expect(queue()?.isBusy).toBe(true);
    const answers = new Map(attempts.map((attemptId) => [attemptId, pop(attemptId)]));
    expect(bodies((await world.settled(first)).messages)).toEqual(["a", "b"]);
    expect(bodies((await world.settled(answers.get("first")!)).messages)).toEqual(["a", "b"]);
    expect(world.clock.nowMs() - beganMs).toBeLessThan(1_000);
  });
}

for (const order of [false, true]) {
  const kind = order ? "orderly " : "";
  test(`9105: ${kind}pops of a light queue give each message once, though nobody made the queue or its group`, async () => {
    await using world = await PopWorld.open({
      settings: { enableLmq: true, enablePopBufferMerge: true, popCkStayBufferTime: 3_600_000 },
    });
    const light = { topic: "%LMQ%device", consumerGroup: "%LMQ%device", order, queueId: 0 };
    await world.send(["a", "b"], { topic: light.topic });
    const pop = () => world.pop({ ...light, invisibleTime: 3_000_000 });
    expect(bodies((await pop()).messages)).toEqual(["a", "b"]);
    // What is kept of topics and groups that are gone is thrown away meanwhile.
    for (let minute = 0; minute < 12; minute++) await world.clock.advance(60_000);
    await world.orders.saveWhenChanged();
    expect((await pop()).messages).toEqual([]);
  });
}

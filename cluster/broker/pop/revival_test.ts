// What checkpoints and acknowledgements find each other by, and what must be safe before a message goes to its retry topic:
// losses and duplicates that simulated histories found.
import { expect, test } from "bun:test";
import { ResponseCode } from "../../../core/remoting/response_codes.ts";
import { ENTRIES_AS_THEY_ARE } from "../../../store/testing_store.ts";
import { newMemoryDisk } from "../../../store/testing_store.ts";
import { ReviveQueue } from "./revive_queue.ts";
import { bodies, GROUP, PopWorld, REVIVE_TOPIC, TOPIC } from "./testing_pop.ts";

test("queues whose numbers and offsets read alike together don't take each other's acknowledgements", async () => {
  await using world = await PopWorld.open();
  world.makeTopic("Wide", 12);
  for (let index = 0; index < 12; index++) {
    await world.send([`one${index}`], { topic: "Wide", queueId: 1 });
    await world.send([`eleven${index}`], { topic: "Wide", queueId: 11 });
  }
  world.offsets.commit("Wide", GROUP, 1, 11);
  world.offsets.commit("Wide", GROUP, 11, 1);
  const { messages } = await world.pop({ topic: "Wide", invisibleTime: 5_000 });
  const one = messages.find(({ body }) => body === "one11")!;
  expect(messages.length).toBe(12);
  await world.ack(one, { topic: "Wide" });
  await world.pass(12_000);
  const back = bodies((await world.pop({ topic: "Wide" })).messages);
  expect(back).toEqual(bodies(messages.filter((message) => message !== one)));
});

test("a message whose time is changed in the millisecond of its pop stays acknowledged", async () => {
  await using world = await PopWorld.open();
  await world.send(["a"]);
  const { messages } = await world.popLater({ queueId: 0, invisibleTime: 4_500 });
  const changed = await world.changeInvisible(messages[0]!, 3_000);
  await world.ack({ handle: changed });
  await world.pass(20_000);
  expect((await world.pop()).messages).toEqual([]);
});

test("changes of one message within a millisecond have pop times of their own", async () => {
  await using world = await PopWorld.open();
  await world.send(["a"]);
  const { messages } = await world.popLater({ queueId: 0 });
  const handles = [messages[0]!.handle];
  for (let change = 0; change < 3; change++) {
    handles.push(await world.changeInvisible({ handle: handles.at(-1)! }, 3_000));
  }
  const popTimes = handles.map((handle) => handle.split(" ")[1]!);
  expect(new Set(popTimes).size).toBe(popTimes.length);
});

test("records that the timer delivers twice bring nothing back that was acknowledged", async () => {
  await using world = await PopWorld.open();
  await world.send(["a", "b"]);
  world.recordCopies = 2;
  const { messages } = await world.pop({ queueId: 0 });
  await world.ack(messages[0]!);
  await world.pass(20_000);
  expect(bodies((await world.pop()).messages)).toEqual(["b"]);
});

test("a retry topic is saved before a message goes to it: a kill would leave it where nobody looks", async () => {
  await using world = await PopWorld.open();
  await world.send(["a"]);
  await world.pop();
  let save = () => {};
  world.topicFile.saveInBackground = () => new Promise<void>((resolve) => save = resolve);
  await world.pass(16_000);
  const retryTopic = `%RETRY%${GROUP}_${TOPIC}`;
  expect(world.topics.has(retryTopic)).toBe(true);
  expect(world.store.queueBounds(retryTopic, 0)?.maxOffset ?? 0).toBe(0);
  save();
  await world.pass(2_000);
  // It is itself though other bytes stand where its record was shown: the tests' stores spoil views.
  expect(bodies((await world.pop()).messages)).toEqual(["a"]);
});

test("a lower reviveQueueNum leaves no checkpoint behind", async () => {
  const disk = newMemoryDisk();
  const before = await PopWorld.open({ disk, settings: { reviveQueueNum: 4 } });
  await before.send(["a", "b", "c", "d"]);
  for (let pop = 0; pop < 4; pop++) await before.pop({ queueId: 0, maxMsgNums: 1 });
  await before.pass(12_000);
  const { offsetFile, clock } = before;
  await before.offsets.saveWhenDirty();
  disk.crash("process");
  await using world = await PopWorld.open({
    disk,
    clock,
    offsets: offsetFile.text,
    settings: { reviveQueueNum: 1 },
  });
  await world.pass(10_000);
  expect(bodies((await world.pop()).messages)).toEqual(["a", "b", "c", "d"]);
});

test("a handle that names a revive queue which isn't there is refused, and makes none", async () => {
  await using world = await PopWorld.open();
  await world.send(["a"]);
  const { messages } = await world.pop({ queueId: 0 });
  const parts = messages[0]!.handle.split(" ");
  parts[3] = "123456";
  const code = await world.ack({ handle: parts.join(" ") });
  expect(code).toBe(ResponseCode.SYSTEM_ERROR);
  await world.pass(20_000);
  expect(world.store.queueBounds(REVIVE_TOPIC, 123456)).toBeNull();
});

test("records that can't be read yet are left for a later round: nothing else would get its turn", async () => {
  await using world = await PopWorld.open();
  const queue = new ReviveQueue(0, {
    store: {
      queueBounds: () => ({ minOffset: 0, maxOffset: 3 }),
      openCursor: () => null,
      readHot: () => null,
      entries: ENTRIES_AS_THEY_ARE,
    },
    offsets: world.offsets,
    clock: world.clock,
    topic: REVIVE_TOPIC,
    brokerName: "b",
    isTimerBehind: () => false,
    revive: () => Promise.resolve(),
  });
  expect(queue.isIdle).toBe(false);
  expect(await queue.step()).toBe("idle");
});

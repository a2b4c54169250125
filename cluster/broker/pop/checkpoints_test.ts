// Checkpoints kept in memory for a while (enablePopBufferMerge): what is written, when, and how the group's offset moves.
import { expect, test } from "bun:test";
import { bodies, PopWorld } from "./testing_pop.ts";

const MERGED = { settings: { enablePopBufferMerge: true } };

test("a pop whose messages are all acknowledged soon writes nothing", async () => {
  await using world = await PopWorld.open(MERGED);
  await world.send(["a", "b"]);
  const { messages } = await world.pop({ queueId: 0, invisibleTime: 30_000 });
  expect(world.offset()).toBe(0);
  for (const message of messages) await world.ack(message);
  expect(world.offset()).toBe(2);
  await world.pass(40_000);
  expect([...world.written]).toEqual([]);
  expect((await world.pop()).messages).toEqual([]);
});

test("what isn't acknowledged in time is written with the acknowledgements that came, and comes back", async () => {
  await using world = await PopWorld.open(MERGED);
  await world.send(["a", "b", "c"]);
  const { messages } = await world.pop({ queueId: 0, invisibleTime: 30_000 });
  await world.ack(messages[1]!);
  await world.pass(11_000);
  expect([...world.written].sort()).toEqual([["ack", 1], ["ck", 1]]);
  expect(world.offset()).toBe(3);
  await world.pass(30_000);
  expect(bodies((await world.pop()).messages)).toEqual(["a", "c"]);
});

test("several acknowledgements are written as one when it is configured so", async () => {
  await using world = await PopWorld.open({
    settings: { enablePopBufferMerge: true, enablePopBatchAck: true },
  });
  await world.send(["a", "b", "c"]);
  const { messages } = await world.pop({ queueId: 0, invisibleTime: 30_000 });
  await world.batchAck([messages[0]!, messages[2]!]);
  await world.pass(11_000);
  expect([...world.written].sort()).toEqual([["bAck", 1], ["ck", 1]]);
  await world.pass(30_000);
  expect(bodies((await world.pop()).messages)).toEqual(["b"]);
});

test("a pop for a short time is written at once", async () => {
  await using world = await PopWorld.open(MERGED);
  await world.send(["a"]);
  await world.pop({ queueId: 0, invisibleTime: 4_000 });
  expect(world.written.get("ck")).toBe(1);
  expect(world.offset()).toBe(1);
});

test("the offset waits for earlier pops of the queue", async () => {
  await using world = await PopWorld.open(MERGED);
  await world.send(["a", "b"]);
  const first = await world.pop({ queueId: 0, maxMsgNums: 1, invisibleTime: 30_000 });
  const second = await world.pop({ queueId: 0, maxMsgNums: 1, invisibleTime: 30_000 });
  await world.ack(second.messages[0]!);
  expect(world.offset()).toBe(0);
  await world.ack(first.messages[0]!);
  expect(world.offset()).toBe(2);
});

test("keeping them in memory begins and ends while the broker runs: what is there by then is written out", async () => {
  await using world = await PopWorld.open();
  await world.send(["a", "b", "c"]);
  const popOne = () => world.pop({ queueId: 0, maxMsgNums: 1, invisibleTime: 30_000 });
  await popOne();
  expect(world.written.get("ck")).toBe(1);
  Object.assign(world.settings, { enablePopBufferMerge: true });
  const kept = await popOne();
  await popOne();
  await world.ack(kept.messages[0]!);
  expect([...world.written]).toEqual([["ck", 1]]);
  Object.assign(world.settings, { enablePopBufferMerge: false });
  await world.pass(1000);
  expect([...world.written].sort()).toEqual([["ck", 2]]);
  expect(world.offset()).toBe(3);
  await world.pass(40_000);
  expect(bodies((await world.pop()).messages)).toEqual(["a", "c"]);
});

test("a clean stop writes what is in memory", async () => {
  const world = await PopWorld.open(MERGED);
  await world.send(["a", "b"]);
  const { messages } = await world.pop({ queueId: 0, invisibleTime: 30_000 });
  await world.ack(messages[0]!);
  await world[Symbol.asyncDispose]();
  expect([...world.written].sort()).toEqual([["ack", 1], ["ck", 1]]);
  expect(world.offset()).toBe(2);
});

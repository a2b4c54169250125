// Orderly pops as consumers see them, and Apache's own file of them.
import { expect, test } from "bun:test";
import { ResponseCode } from "../../../core/remoting/response_codes.ts";
import { fixtureArchive } from "../../../testdata/fixtures.ts";
import { decodeOrderInfos, encodeOrderInfos } from "./order_file.ts";
import { newMemoryDisk } from "../../../store/testing_store.ts";
import { bodies, PopWorld } from "./testing_pop.ts";

const ordered = (attemptId: string, given = {}) => ({
  order: true,
  queueId: 0,
  maxMsgNums: 2,
  attemptId,
  ...given,
});

test("a queue gives nothing more until all of a batch is acknowledged", async () => {
  await using world = await PopWorld.open();
  await world.send(["a", "b", "c"]);
  const first = await world.pop(ordered("1"));
  expect(bodies(first.messages)).toEqual(["a", "b"]);
  expect(first.fields.get("reviveQid")).toBe("999");
  expect(first.fields.get("orderCountInfo")).toBe("0 0 0");
  expect((await world.pop(ordered("2"))).messages).toEqual([]);
  await world.ack(first.messages[0]!);
  expect(world.offset()).toBe(1);
  expect((await world.pop(ordered("2"))).messages).toEqual([]);
  await world.ack(first.messages[1]!);
  expect(world.offset()).toBe(2);
  expect(bodies((await world.pop(ordered("2"))).messages)).toEqual(["c"]);
  expect([...world.written]).toEqual([]);
});

test("the same attempt gets its batch again, another when the time is up, counted", async () => {
  await using world = await PopWorld.open();
  await world.send(["a", "b"]);
  await world.pop(ordered("1", { invisibleTime: 5_000 }));
  const again = await world.pop(ordered("1", { invisibleTime: 5_000 }));
  expect(again.messages.map(({ reconsumeTimes }) => reconsumeTimes)).toEqual([0, 0]);
  await world.pass(6_000);
  const later = await world.pop(ordered("2"));
  expect(later.messages.map(({ reconsumeTimes }) => reconsumeTimes)).toEqual([1, 1]);
});

test("a waiting pop is answered when the queue is free: by acknowledgements, or by time", async () => {
  await using world = await PopWorld.open();
  await world.send(["a", "b", "c", "d"]);
  const first = await world.pop(ordered("1"));
  const waiting = world.popLater(ordered("2", { pollTime: 30_000, invisibleTime: 5_000 }));
  await world.pass(500);
  await world.batchAck(first.messages);
  expect(bodies((await waiting).messages)).toEqual(["c", "d"]);
  const next = world.popLater(ordered("3", { pollTime: 30_000 }));
  await world.pass(6_000);
  expect(bodies((await next).messages)).toEqual(["c", "d"]);
});

test("a changed time holds the queue for longer", async () => {
  await using world = await PopWorld.open();
  await world.send(["a"]);
  const { messages } = await world.pop(ordered("1", { invisibleTime: 2_000 }));
  await world.changeInvisible(messages[0]!, 10_000);
  await world.pass(5_000);
  expect((await world.pop(ordered("2"))).messages).toEqual([]);
  await world.pass(6_000);
  expect((await world.pop(ordered("2"))).messages.length).toBe(1);
});

test("an acknowledgement of an earlier pop changes nothing, one of a message that isn't out is refused", async () => {
  await using world = await PopWorld.open();
  await world.send(["a", "b", "c"]);
  const { messages: before } = await world.pop(ordered("1", { invisibleTime: 1_000 }));
  await world.pass(2_000);
  const { messages } = await world.pop(ordered("2"));
  expect(await world.ack(before[0]!)).toBe(ResponseCode.SUCCESS);
  expect(world.offset()).toBe(0);
  const handle = messages[0]!.handle.replace(/ 0$/, " 2");
  expect(await world.ack({ handle })).toBe(ResponseCode.MESSAGE_ILLEGAL);
});

test("a restart keeps a queue blocked", async () => {
  const world = await PopWorld.open();
  await world.send(["a"]);
  await world.pop(ordered("1", { invisibleTime: 60_000 }));
  await world.orders.saveWhenChanged();
  await using after = await PopWorld.open({ clock: world.clock, orders: world.orderFile.text });
  await after.send(["a"]);
  expect((await after.pop(ordered("2"))).messages).toEqual([]);
  expect((await after.pop(ordered("1"))).messages.length).toBe(1);
  await world[Symbol.asyncDispose]();
});

test("Apache's consumerOrderInfo.json is read and written with the same content", () => {
  const text = fixtureArchive("store/store.tar.gz").get("config/consumerOrderInfo.json")!
    .toString();
  const infos = decodeOrderInfos(text);
  const info = infos.get("TopicPopOrder@GID_poporder")!.get(0)!;
  expect(info.offsets).toEqual([0, 1]);
  expect([...info.acked]).toEqual([0]);
  expect(info.attemptId).toBe("attempt-1");
  const bare = (json: string) => json.replace(/\s/g, "");
  expect(bare(encodeOrderInfos(infos))).toBe(bare(text));
});

test("an acknowledgement after a kill that forgot its pop doesn't carry off what stands before it", async () => {
  const disk = newMemoryDisk();
  const first = await PopWorld.open({ disk });
  await first.send(["a", "b", "c"]);
  const { messages } = await first.pop({ queueId: 0, order: true });
  await first.pass(1000);
  disk.crash("process");
  // Neither the offset nor the order was saved in time.
  await using world = await PopWorld.open({ disk, clock: first.clock });
  await world.ack(messages[2]!);
  expect(bodies((await world.pop({ queueId: 0, order: true })).messages)).toEqual(["a", "b", "c"]);
});

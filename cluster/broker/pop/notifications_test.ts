// Requests that wait to hear of messages without taking any: which of them hears of one, and when.
import { expect, test } from "bun:test";
import { NOTIFICATION } from "../../../core/remoting/codes/pop.ts";
import { GROUP, PopWorld, TOPIC } from "./testing_pop.ts";

/** Answers, in the order of the requests; null while one waits. */
function notify(
  world: PopWorld,
  count: number,
  given: { order?: boolean; attemptId?: string } = {},
) {
  const heard: (boolean | null)[] = Array(count).fill(null);
  for (let index = 0; index < count; index++) {
    const fields = {
      consumerGroup: GROUP,
      topic: TOPIC,
      queueId: -1,
      pollTime: 500,
      bornTime: world.clock.nowMs(),
      order: false,
      ...given,
    };
    world.call(NOTIFICATION, fields).then(({ extFields }) => {
      heard[index] = extFields.get("hasMsg") === "true";
    });
  }
  return heard;
}

test("a message is told to one waiter, the newest, and the others hear what is left when their time is up", async () => {
  await using world = await PopWorld.open();
  const heard = notify(world, 2);
  await world.send(["a"]);
  await world.pass(10);
  expect(heard).toEqual([null, true]);
  expect((await world.pop()).messages.length).toBe(1);
  await world.pass(1000);
  expect(heard).toEqual([false, true]);
});

test("those who ask while there are messages hear at once", async () => {
  await using world = await PopWorld.open();
  await world.send(["a"]);
  const heard = notify(world, 2);
  await world.pass(1);
  expect(heard).toEqual([true, true]);
});

test("a queue whose orderly pop is out has messages for its own attempt alone", async () => {
  await using world = await PopWorld.open();
  await world.send(["a"]);
  await world.pop({ order: true, attemptId: "one" });
  const own = notify(world, 1, { order: true, attemptId: "one" });
  const other = notify(world, 1, { order: true, attemptId: "two" });
  await world.pass(1000);
  expect([own, other]).toEqual([[true], [false]]);
});

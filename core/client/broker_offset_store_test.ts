// Commits of a group's offsets: in which order a broker gets them.
import { expect, test } from "bun:test";
import { BrokerOffsetStore } from "./broker_offset_store.ts";
import type { QueueOffset } from "./offsets.ts";

const offsets = (topic: string): QueueOffset[] =>
  [0, 1, 2].map((queueId) => ({ queue: { topic, brokerName: "b", queueId }, offset: 9 }));

test("a topic's first commit goes ahead; what fails is named and doesn't stop the others", async () => {
  const events: string[] = [];
  let refused = "A0";
  const store = new BrokerOffsetStore({
    committedOffset: () => Promise.resolve(null),
    async commitOffset(_group, { topic, queueId }) {
      events.push(`> ${topic}${queueId}`);
      await Promise.resolve();
      if (refused === `${topic}${queueId}`) throw new Error("refused");
      events.push(`< ${topic}${queueId}`);
    },
  }, "g");
  const first = await store.write([...offsets("A"), ...offsets("B")]);
  expect(first.failure).toEqual(new Error("refused"));
  expect(first.taken.length).toBe(5);
  expect(events.slice(0, 3)).toEqual(["> A0", "> B0", "< B0"]);
  events.length = 0;
  refused = "";
  expect(await store.write(offsets("A"))).toEqual({ taken: offsets("A"), failure: null });
  expect(events.slice(0, 3)).toEqual(["> A0", "> A1", "> A2"]);
});

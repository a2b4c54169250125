// Which queue is next: round and round, around brokers that failed or are slow, but never none.
import { expect, test } from "bun:test";
import { VirtualClock } from "../time/virtual_clock.ts";
import { FaultTracker } from "./fault_tracker.ts";
import { PublishQueues } from "./publish_queues.ts";
import { atRandom, byKey, inMachineRoom } from "./selectors.ts";
import { seededRandom } from "../random.ts";

const queues = ["a", "a", "b", "b"].map((brokerName, index) => ({
  topic: "T",
  brokerName,
  queueId: index % 2,
}));

function brokers(count: number, select: () => { brokerName: string } | null): string {
  return Array.from({ length: count }, () => select()?.brokerName).join("");
}

test("queues take turns", () => {
  const publish = new PublishQueues(queues, 1);
  expect(brokers(8, () => publish.select(null, null))).toBe("abbaabba");
});

test("the broker that failed last is passed over, unless there is no other", () => {
  const publish = new PublishQueues(queues);
  expect(brokers(4, () => publish.select("a", null))).toBe("bbbb");
  const alone = new PublishQueues(queues.slice(0, 2));
  expect(brokers(2, () => alone.select("a", null))).toBe("aa");
});

test("slow brokers are passed over for a while; when all are, any will do", async () => {
  const clock = new VirtualClock();
  const faults = new FaultTracker(clock);
  const publish = new PublishQueues(queues);
  const select = () => publish.select(null, faults);
  faults.answered("a", 549);
  expect(brokers(4, select)).toBe("aabb");
  faults.answered("a", 550);
  expect(brokers(4, select)).toBe("bbbb");
  faults.failed("b");
  expect(brokers(4, select)).toMatch(/[ab]{4}/);
  await clock.advance(2_000);
  expect(brokers(2, select)).toBe("aa");
  await clock.advance(8_000);
  expect([...brokers(4, select)].toSorted().join("")).toBe("aabb");
});

test("without queues there is none", () => {
  expect(new PublishQueues([]).select(null, null)).toBeNull();
  expect(new PublishQueues([]).select("a", new FaultTracker(new VirtualClock()))).toBeNull();
});

test("a key's queue is that of Apache's selector by hash", () => {
  // "polygenelubricants".hashCode() is Integer.MIN_VALUE; % 3 of it is -2.
  expect(byKey("polygenelubricants")(queues.slice(0, 3))).toBe(queues[2]!);
  expect(byKey("a")(queues)).toBe(queues[97 % 4]!);
});

test("the other selectors choose among the queues they are given", () => {
  const random = seededRandom(3);
  expect(queues).toContain(atRandom(random)(queues));
  const rooms = queues.map((queue) => ({ ...queue, brokerName: `r1@${queue.brokerName}` }));
  const near = inMachineRoom(["r1"], (each) => each[0]!);
  expect(near([...queues, ...rooms])).toBe(rooms[0]!);
  expect(near(queues)).toBe(queues[0]!);
});

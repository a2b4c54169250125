// The cut of queues among members: complete, fair, and the one that every other client computes.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { type MessageQueue, queueKey } from "./message.ts";
import { average } from "./allocation.ts";
import { changeOf, compareQueues, queuesOfMember } from "./rebalance.ts";

function queues(count: number, topic = "T"): MessageQueue[] {
  return Array.from({ length: count }, (_, index) => ({
    topic,
    brokerName: `b${index % 3}`,
    queueId: Math.floor(index / 3),
  }));
}

/** One member's share by the default strategy. */
function shareOf(all: readonly MessageQueue[], clientIds: readonly string[], clientId: string) {
  return queuesOfMember(average, { group: "g", clientId, queues: all, members: clientIds });
}

const members = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 4 }), { minLength: 1 });

test("every queue has exactly one member, and no member two more than another", () => {
  fc.assert(fc.property(members, fc.integer({ min: 0, max: 64 }), (clientIds, count) => {
    const all = queues(count);
    const shares = clientIds.map((id) => shareOf(all, clientIds, id)!);
    expect(shares.flat().map(queueKey).toSorted()).toEqual(all.map(queueKey).toSorted());
    const sizes = shares.map(({ length }) => length);
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
  }));
});

test("the order in which a broker lists members or queues changes nothing", () => {
  fc.assert(fc.property(members, fc.integer({ min: 1, max: 32 }), (clientIds, count) => {
    const all = queues(count);
    for (const id of clientIds) {
      expect(shareOf(all.toReversed(), clientIds.toReversed(), id))
        .toEqual(shareOf(all, clientIds, id));
    }
  }));
});

test("the cut is that of AllocateMessageQueueAveragely", () => {
  fc.assert(fc.property(members, fc.integer({ min: 1, max: 64 }), (clientIds, count) => {
    const all = queues(count).sort(compareQueues);
    const sorted = clientIds.toSorted((a, b) => a < b ? -1 : 1);
    for (const [index, id] of sorted.entries()) {
      // Its figures: the rest of the division goes to the first members.
      const rest = count % sorted.length;
      const isLonger = rest > 0 && index < rest;
      const size = count <= sorted.length
        ? 1
        : Math.floor(count / sorted.length) + (isLonger ? 1 : 0);
      const start = isLonger ? index * size : index * size + rest;
      const end = start + Math.min(size, count - start);
      expect(shareOf(all, clientIds, id)).toEqual(
        end > start ? all.slice(start, end) : [],
      );
    }
  }));
});

test("a member that the broker doesn't know yet has no share to be computed", () => {
  expect(shareOf(queues(4), ["a"], "b")).toBeNull();
});

test("a change names what begins and what ends", () => {
  const [one, two, three] = queues(3);
  const { added, removed } = changeOf([one!, two!], [{ ...two! }, three!]);
  expect(added).toEqual([three!]);
  expect(removed).toEqual([one!]);
});

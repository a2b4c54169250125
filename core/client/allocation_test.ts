// The allocation strategies against what Apache's Java classes gave (testdata/apache-5.4.0/allocation).
import { expect, test } from "bun:test";
import { fixtureJson } from "../../testdata/fixtures.ts";
import {
  type AllocationStrategy,
  average,
  averageByCircle,
  consistentHash,
  fixedQueues,
  machineRooms,
  nearMachineRoom,
} from "./allocation.ts";
import type { MessageQueue } from "./message.ts";

interface Vector {
  strategy: string;
  virtualNodes: number;
  queues: string[];
  members: string[];
  /** One a member. */
  shares: string[][];
}

const vectors = fixtureJson<Vector[]>("allocation/vectors.json");

function queueOf(text: string): MessageQueue {
  const [brokerName, queueId] = text.split("/");
  return { topic: "T", brokerName: brokerName!, queueId: Number(queueId) };
}

const rooms = {
  ofQueue: ({ brokerName }: MessageQueue) => brokerName.split("@")[0]!,
  ofMember: (clientId: string) => clientId.split("-")[0]!,
};

function strategyOf({ strategy, virtualNodes, queues }: Vector): AllocationStrategy {
  const all: AllocationStrategy[] = [
    average,
    averageByCircle,
    fixedQueues([queueOf(queues[0]!)]),
    machineRooms(["hz", "gz"]),
    consistentHash({ virtualNodes }),
    nearMachineRoom(average, rooms),
    nearMachineRoom(averageByCircle, rooms),
  ];
  return all.find(({ name }) => name === strategy)!;
}

test("every member's share is Apache's, by each of its strategies", () => {
  expect(new Set(vectors.map(({ strategy }) => strategy)).size).toBe(7);
  for (const vector of vectors) {
    const { members } = vector;
    const strategy = strategyOf(vector);
    const queues = vector.queues.map(queueOf);
    const shares = members.map((clientId) =>
      strategy.allocate({ group: "G", clientId, queues, members })
        .map(({ brokerName, queueId }) => `${brokerName}/${queueId}`)
    );
    expect(shares).toEqual(vector.shares);
  }
});

test("a member that the group doesn't have gets nothing, except by configuration", () => {
  const queues = ["hz@a/0", "hz@a/1"].map(queueOf);
  for (const strategy of [average, averageByCircle, machineRooms(["hz"]), consistentHash()]) {
    expect(strategy.allocate({ group: "G", clientId: "x", queues, members: ["y"] })).toEqual([]);
  }
});

test("near rooms can't be told when a room isn't known", () => {
  const strategy = nearMachineRoom(average, { ...rooms, ofMember: () => "" });
  const input = { group: "G", clientId: "y", queues: [queueOf("hz@a/0")], members: ["y"] };
  expect(() => strategy.allocate(input)).toThrow(RangeError);
});

test("a hash of one's own places members and queues", () => {
  const strategy = consistentHash({ virtualNodes: 1, hash: (text) => text.includes("y") ? 1 : 2 });
  const input = { group: "G", queues: [queueOf("hz@a/0")], members: ["x", "z"] };
  expect(strategy.allocate({ ...input, clientId: "z" }).length).toBe(1);
  expect(strategy.allocate({ ...input, clientId: "x" }).length).toBe(0);
});

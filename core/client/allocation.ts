// Who of a group consumes which queues: Apache's strategies, with its exact results, so that members
// of both kinds make the same cut. Pure. (org.apache.rocketmq.client.consumer.rebalance)
import { createHash } from "node:crypto";
import type { MessageQueue } from "./message.ts";

export interface AllocationInput {
  group: string;
  /** The member whose queues are wanted. */
  clientId: string;
  /** All queues of one topic, sorted by topic, broker name and queue id; never empty. */
  queues: readonly MessageQueue[];
  /** Client ids of the group, sorted; an id that a broker lists twice counts twice. */
  members: readonly string[];
}

export interface AllocationStrategy {
  /** As heartbeats and logs call it: AVG, AVG_BY_CIRCLE … */
  readonly name: string;
  /** The member's queues. Throws when it can't tell; nothing changes then. */
  allocate(input: AllocationInput): readonly MessageQueue[];
}

/** Runs as equal as can be, the first members having one more (AllocateMessageQueueAveragely). */
export const average: AllocationStrategy = {
  name: "AVG",
  allocate({ clientId, queues, members }) {
    const index = members.indexOf(clientId);
    if (index < 0) return [];
    const share = Math.floor(queues.length / members.length);
    const rest = queues.length % members.length;
    const start = index * share + Math.min(index, rest);
    return queues.slice(start, start + share + (index < rest ? 1 : 0));
  },
};

/** Dealt out like cards (AllocateMessageQueueAveragelyByCircle). */
export const averageByCircle: AllocationStrategy = {
  name: "AVG_BY_CIRCLE",
  allocate({ clientId, queues, members }) {
    const index = members.indexOf(clientId);
    return index < 0 ? [] : queues.filter((_, at) => at % members.length === index);
  },
};

/** Always these, whoever else there is (AllocateMessageQueueByConfig). */
export function fixedQueues(queues: readonly MessageQueue[]): AllocationStrategy {
  return { name: "CONFIG", allocate: () => queues };
}

/** Queues of brokers "room@name" in these rooms alone (AllocateMessageQueueByMachineRoom). */
export function machineRooms(rooms: Iterable<string>): AllocationStrategy {
  const wanted = new Set(rooms);
  return {
    name: "MACHINE_ROOM",
    allocate({ clientId, queues, members }) {
      const index = members.indexOf(clientId);
      if (index < 0) return [];
      const near = queues.filter(({ brokerName }) => {
        const [room = "", name = "", more] = brokerName.split("@");
        return name !== "" && isBlankFrom(more) && wanted.has(room);
      });
      const share = Math.floor(near.length / members.length);
      const own = near.slice(index * share, index * share + share);
      const left = near[share * members.length + index];
      return left === undefined ? own : [...own, left];
    },
  };
}

/** Java's split drops empty parts at the end, so that "room@name@" is still two parts. */
function isBlankFrom(part: string | undefined): boolean {
  return part === undefined || part === "";
}

export interface ConsistentHashOptions {
  /** Points of each member on the ring. */
  virtualNodes?: number;
  /** Of a text to a place on the ring. Default: the first four bytes of its MD5. */
  hash?: (text: string) => number;
}

/** A member that comes or goes moves few queues (AllocateMessageQueueConsistentHash). */
export function consistentHash(options: ConsistentHashOptions = {}): AllocationStrategy {
  const { virtualNodes = 10, hash = md5Hash } = options;
  return {
    name: "CONSISTENT_HASH",
    allocate({ clientId, queues, members }) {
      if (!members.includes(clientId)) return [];
      const ring = hashRing(members, virtualNodes, hash);
      const places = [...ring.keys()].sort((a, b) => a - b);
      return queues.filter((queue) => {
        const at = hash(queueText(queue));
        const place = places.find((each) => each >= at) ?? places[0];
        return place !== undefined && ring.get(place) === clientId;
      });
    },
  };
}

/** ConsistentHashRouter: an id listed twice gets further points. */
function hashRing(
  members: readonly string[],
  virtualNodes: number,
  hash: (text: string) => number,
): Map<number, string> {
  const ring = new Map<number, string>();
  for (const member of members) {
    const before = [...ring.values()].filter((each) => each === member).length;
    for (let node = 0; node < virtualNodes; node++) {
      ring.set(hash(`${member}-${before + node}`), member);
    }
  }
  return ring;
}

function md5Hash(text: string): number {
  return createHash("md5").update(text, "utf8").digest().readUInt32BE(0);
}

/** MessageQueue.toString, which is what is hashed. */
function queueText({ topic, brokerName, queueId }: MessageQueue): string {
  return `MessageQueue [topic=${topic}, brokerName=${brokerName}, queueId=${queueId}]`;
}

export interface MachineRoomResolver {
  /** The room of a queue's broker; never empty. */
  ofQueue(queue: MessageQueue): string;
  /** The room of a member; never empty. */
  ofMember(clientId: string): string;
}

/**
 * Queues of a room go to members in it; those of rooms without a member to all
 * (AllocateMachineRoomNearby). Throws RangeError when a room isn't known.
 */
export function nearMachineRoom(
  inner: AllocationStrategy,
  resolver: MachineRoomResolver,
): AllocationStrategy {
  return {
    name: `MACHINE_ROOM_NEARBY-${inner.name}`,
    allocate(input) {
      const { clientId, queues, members } = input;
      if (!members.includes(clientId)) return [];
      const queuesByRoom = groupByRoom(queues, (queue) => resolver.ofQueue(queue));
      const membersByRoom = groupByRoom(members, (member) => resolver.ofMember(member));
      const room = resolver.ofMember(clientId);
      const own = queuesByRoom.get(room);
      const result = own === undefined
        ? []
        : [...inner.allocate({ ...input, queues: own, members: membersByRoom.get(room)! })];
      for (const [other, theirs] of queuesByRoom) {
        if (other === room || membersByRoom.has(other)) continue;
        result.push(...inner.allocate({ ...input, queues: theirs }));
      }
      return result;
    },
  };
}

/** In the order of the rooms' names. */
function groupByRoom<T>(items: readonly T[], roomOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const room = roomOf(item);
    if (!room) throw new RangeError("a queue or member has no machine room");
    const group = groups.get(room);
    if (group === undefined) groups.set(room, [item]);
    else group.push(item);
  }
  return new Map([...groups].sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0));
}

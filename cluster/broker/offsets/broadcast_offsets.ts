// How far the members of broadcasting groups have pulled, remembered so that a member that moves between a direct
// connection and a proxy goes on where it was (Java: BroadcastOffsetManager). Saved as topic@group@broadcast offsets.
import type { Clock } from "../../../core/time/clock.ts";
import { OffsetTable } from "./offset_table.ts";

/** Configuration keys by Apache's names, in seconds. */
export interface BroadcastOffsetSettings {
  broadcastOffsetExpireSecond: number;
  broadcastOffsetExpireMaxSecond: number;
}

/** How often what members have pulled is folded into the offset table. */
export const BROADCAST_SCAN_INTERVAL_MS = 5_000;

interface MemberOffsets {
  updatedMs: number;
  fromProxy: boolean;
  queues: Map<number, number>;
}

interface GroupMembers {
  topic: string;
  group: string;
  members: Map<string, MemberOffsets>;
}

/** Where a queue without any offset begins: 0 while its first message is in memory, else its end. */
export type InitialOffset = (topic: string, queueId: number) => number;

export class BroadcastOffsets {
  private readonly groups = new Map<string, GroupMembers>();

  constructor(
    private readonly offsets: OffsetTable,
    private readonly clock: Clock,
    private readonly settings: BroadcastOffsetSettings,
    private readonly initialOffset: InitialOffset,
  ) {}

  /** Notes a member's pull; offsets only grow. */
  pulled(
    topic: string,
    group: string,
    queueId: number,
    offset: number,
    clientId: string,
    fromProxy: boolean,
  ): void {
    const key = OffsetTable.key(topic, group);
    const known: GroupMembers = this.groups.get(key) ?? { topic, group, members: new Map() };
    this.groups.set(key, known);
    const member = this.memberOf(known, clientId, fromProxy);
    member.updatedMs = this.clock.nowMs();
    member.fromProxy = fromProxy;
    member.queues.set(queueId, Math.max(offset, member.queues.get(queueId) ?? offset));
  }

  /** Where a member must go on instead of the offset that it asks for; -1 when it may have what it asks for. */
  initial(
    topic: string,
    group: string,
    queueId: number,
    clientId: string,
    requestedOffset: number,
    fromProxy: boolean,
  ): number {
    const known = this.groups.get(OffsetTable.key(topic, group));
    if (known === undefined) {
      return fromProxy && requestedOffset < 0 ? this.stored(null, topic, group, queueId) : -1;
    }
    const member = this.memberOf(known, clientId, fromProxy);
    const moved = member.fromProxy !== fromProxy;
    const asks = member.fromProxy && requestedOffset < 0;
    return moved || asks ? this.stored(member, topic, group, queueId) : -1;
  }

  /** Saves the smallest offset of each queue among members, and forgets members that are gone or too old. */
  scan(isOnline: (group: string, clientId: string) => boolean): void {
    const nowMs = this.clock.nowMs();
    for (const [key, known] of this.groups) {
      const smallest = new Map<number, number>();
      for (const [clientId, member] of known.members) {
        const idleMs = nowMs - member.updatedMs;
        const online = isOnline(known.group, clientId);
        const expired = idleMs >= this.settings.broadcastOffsetExpireSecond * 1000;
        if (online || !expired) mergeSmallest(smallest, member.queues);
        const tooOld = idleMs >= this.settings.broadcastOffsetExpireMaxSecond * 1000;
        if (online ? tooOld : expired) known.members.delete(clientId);
      }
      if (known.members.size === 0) this.groups.delete(key);
      for (const [queueId, offset] of smallest) {
        this.offsets.commit(known.topic, broadcastGroup(known.group), queueId, offset);
      }
    }
  }

  private memberOf(known: GroupMembers, clientId: string, fromProxy: boolean): MemberOffsets {
    const member = known.members.get(clientId);
    if (member !== undefined) return member;
    const created = { updatedMs: this.clock.nowMs(), fromProxy, queues: new Map() };
    known.members.set(clientId, created);
    return created;
  }

  private stored(
    member: MemberOffsets | null,
    topic: string,
    group: string,
    queueId: number,
  ): number {
    const pulled = member?.queues.get(queueId);
    if (pulled !== undefined) return pulled;
    const saved = this.offsets.query(topic, broadcastGroup(group), queueId);
    return saved >= 0 ? saved : this.initialOffset(topic, queueId);
  }
}

function broadcastGroup(group: string): string {
  return `${group}@broadcast`;
}

function mergeSmallest(into: Map<number, number>, queues: ReadonlyMap<number, number>): void {
  for (const [queueId, offset] of queues) {
    into.set(queueId, Math.min(offset, into.get(queueId) ?? offset));
  }
}

// What the broker keeps in memory of each queue that a group pops from: whether a pop is reading it, which checkpoints
// wait before its offset may be committed, how many messages are out. Never reads or stores anything.
import type { Checkpoint } from "../../../store/pop/revive_records.ts";

/** A checkpoint on its way to the disk, or in memory until its acknowledgements are all there. */
export interface PendingCheckpoint {
  /** Null where messages were only passed over: there is nothing to store, but the offset moves. */
  readonly checkpoint: Checkpoint | null;
  readonly queue: PopQueue;
  readonly reviveQueueId: number;
  /** Where the queue goes on after it. */
  readonly nextOffset: number;
  /** Kept in memory for its acknowledgements (enablePopBufferMerge). */
  readonly isBuffered: boolean;
  state: "new" | "storing" | "stored";
  /** Acknowledged in memory; and which of those are stored. */
  bits: number;
  storedBits: number;
}

/** One queue of a topic, for one group. */
export class PopQueue {
  /** A pop is reading it, and waits for the disk. */
  isBusy = false;
  /** Messages that are out. */
  inFlightCount = 0;
  usedMs = 0;
  private pending: PendingCheckpoint[] = [];

  constructor(
    readonly topic: string,
    readonly group: string,
    readonly queueId: number,
  ) {}

  get pendingCount(): number {
    return this.pending.length;
  }

  /** Where the next pop begins when checkpoints wait; -1 when none do. */
  get latestOffset(): number {
    return this.pending.at(-1)?.nextOffset ?? -1;
  }

  add(pending: PendingCheckpoint): void {
    this.pending.push(pending);
  }

  /** Takes away the first checkpoints that `isDone`; gives the offset after them, -1 when there are none. */
  takeDone(isDone: (pending: PendingCheckpoint) => boolean): number {
    let count = 0;
    while (count < this.pending.length && isDone(this.pending[count]!)) count++;
    if (count === 0) return -1;
    const { nextOffset } = this.pending[count - 1]!;
    this.pending = this.pending.slice(count);
    return nextOffset;
  }

  /** Forgets what waits: the group's offset was reset. */
  clear(): void {
    this.pending = [];
  }
}

/** Queues that nobody popped from for this long, and that have nothing waiting, are forgotten. */
const IDLE_MS_MAX = 5 * 60_000;

export class PopQueues {
  /** Topic@group → queue. */
  private readonly groups = new Map<string, Map<number, PopQueue>>();

  get(key: string, queueId: number): PopQueue | undefined {
    return this.groups.get(key)?.get(queueId);
  }

  of(key: string, topic: string, group: string, queueId: number): PopQueue {
    let queues = this.groups.get(key);
    if (queues === undefined) this.groups.set(key, queues = new Map());
    let queue = queues.get(queueId);
    if (queue === undefined) queues.set(queueId, queue = new PopQueue(topic, group, queueId));
    return queue;
  }

  /** Counts messages that came back; gives the queue when it is known. */
  returned(key: string, queueId: number, messageCount: number): PopQueue | undefined {
    const queue = this.get(key, queueId);
    if (queue !== undefined) queue.inFlightCount = Math.max(0, queue.inFlightCount - messageCount);
    return queue;
  }

  forgetIdle(nowMs: number, exists: (topic: string, group: string) => boolean): void {
    for (const [key, queues] of this.groups) {
      for (const [queueId, queue] of queues) {
        const isIdle = nowMs - queue.usedMs > IDLE_MS_MAX && queue.pendingCount === 0;
        if ((isIdle && !queue.isBusy) || !exists(queue.topic, queue.group)) queues.delete(queueId);
      }
      if (queues.size === 0) this.groups.delete(key);
    }
  }
}

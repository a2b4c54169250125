// Keeps the consumer's queues what they should be: looks at routes and members every 20 s and when
// told to, computes the cut, and reports what begins and what ends. Pulls nothing.
import type { Logger } from "../log.ts";
import type { Clock, Timer } from "../time/clock.ts";
import { LOCK_RETRY_MS, REBALANCE_RETRY_MS } from "./limits.ts";
import { type MessageQueue, queueKey } from "./message.ts";
import type { AllocationStrategy } from "./allocation.ts";
import { changeOf, queuesOfMember } from "./rebalance.ts";

/** Whether a queue was begun; if not, when to try again: a lock is given back soon. */
export type Begun = "begun" | "soon" | "later";

export interface RebalancerOptions {
  clock: Clock;
  log: Logger;
  group: string;
  clientId: string;
  intervalMs: number;
  /** True while this member consumes all queues that it is told of, alone. */
  takesAll: () => boolean;
  topics: () => Iterable<string>;
  /** Queues of a topic to read; null while nobody knows its route. */
  queuesOf: (topic: string) => Promise<readonly MessageQueue[] | null>;
  /** Client ids of the group's members. */
  members: (topic: string) => Promise<readonly string[]>;
  strategy: AllocationStrategy;
  /** A topic's queues, or this member's, have changed. */
  changed: (topic: string, all: readonly MessageQueue[], own: readonly MessageQueue[]) => void;
  /** Begins a queue. */
  add: (queue: MessageQueue) => Promise<Begun>;
  /** Ends a queue: commits and forgets it. */
  remove: (queue: MessageQueue) => Promise<void>;
}

export class Rebalancer {
  private readonly owned = new Map<string, MessageQueue>();
  private running: Promise<void> | null = null;
  private again = false;
  private stopped = false;
  private timer: Timer | null = null;
  private retryMs = REBALANCE_RETRY_MS / 2;
  /** A queue wasn't begun in this round, but can be soon. */
  private soon = false;

  constructor(private readonly options: RebalancerOptions) {}

  get queues(): MessageQueue[] {
    return [...this.owned.values()];
  }

  /** Rebalances now; during a round, once more after it. */
  trigger(): Promise<void> {
    this.again = true;
    this.running ??= this.rounds().finally(() => this.running = null);
    return this.running;
  }

  /** Ends a queue that will be begun anew by the next round (offset resets). */
  async release(queue: MessageQueue): Promise<void> {
    if (!this.owned.delete(queueKey(queue))) return;
    await this.options.remove(queue);
  }

  /** Ends all queues; no further round begins. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.timer?.cancel();
    await this.running;
    await Promise.all(this.queues.map((queue) => this.options.remove(queue)));
    this.owned.clear();
  }

  private async rounds(): Promise<void> {
    this.timer?.cancel();
    let complete = true;
    while (this.again && !this.stopped) {
      this.again = false;
      this.soon = false;
      complete = await this.round();
    }
    if (this.stopped) return;
    const { clock, intervalMs } = this.options;
    this.retryMs = complete ? REBALANCE_RETRY_MS / 2 : Math.min(this.retryMs * 2, intervalMs);
    const delayMs = this.soon
      ? Math.min(LOCK_RETRY_MS, intervalMs)
      : complete
      ? intervalMs
      : this.retryMs;
    this.timer = clock.after(delayMs, () => void this.trigger());
  }

  /** One look at all topics; false when something wasn't known or failed. */
  private async round(): Promise<boolean> {
    const topics = new Set(this.options.topics());
    await Promise.all(
      this.queues.filter(({ topic }) => !topics.has(topic)).map((queue) => this.release(queue)),
    );
    let complete = true;
    for (const topic of topics) {
      try {
        if (!await this.balance(topic)) complete = false;
      } catch (error) {
        complete = false;
        this.options.log.warn("rebalance failed", { topic, error });
      }
    }
    return complete;
  }

  private async balance(topic: string): Promise<boolean> {
    const all = await this.options.queuesOf(topic);
    const wanted = all === null ? null : await this.wantedQueues(topic, all);
    if (all === null || wanted === null || this.stopped) return false;
    const current = this.queues.filter((queue) => queue.topic === topic);
    const { added, removed } = changeOf(current, wanted);
    if (added.length + removed.length === 0) return true;
    const { log, changed } = this.options;
    log.info("queues change", { topic, added: added.length, removed: removed.length });
    await Promise.all(removed.map((queue) => this.release(queue)));
    const begun = await Promise.all(added.map((queue) => this.begin(queue)));
    if (removed.length > 0 || begun.includes("begun")) {
      changed(topic, all, this.queues.filter((queue) => queue.topic === topic));
    }
    if (begun.includes("soon")) this.soon = true;
    return begun.every((each) => each === "begun");
  }

  private async wantedQueues(
    topic: string,
    queues: readonly MessageQueue[],
  ): Promise<readonly MessageQueue[] | null> {
    const { takesAll, clientId, strategy, group } = this.options;
    if (takesAll()) return queues;
    if (queues.length === 0) return [];
    const members = await this.options.members(topic);
    // Null: the broker hasn't seen our heartbeat yet; what we have is kept until it has.
    return queuesOfMember(strategy, { group, clientId, queues, members });
  }

  private async begin(queue: MessageQueue): Promise<Begun> {
    const begun = await this.options.add(queue);
    if (begun === "begun") this.owned.set(queueKey(queue), queue);
    return begun;
  }
}

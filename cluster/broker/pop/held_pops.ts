// Pops and notifications that found nothing and wait: by topic, group and queue, one waked by each burst of arrivals, all
// when their time is up. Whoever is waked and leaves messages behind wakes the next (Java: PopLongPollingService).
import type { Connection } from "../../../core/remoting/handler.ts";
import type { Clock, Timer } from "../../../core/time/clock.ts";
import { matchesTags, type Subscription } from "../clients/subscription.ts";
import type { RecordFilter } from "../filters/record_filter.ts";

/** A request that may wait. */
export interface Waiter {
  readonly topic: string;
  readonly group: string;
  /** The queue that it asks for; -1 for any. */
  readonly queueId: number;
  readonly connection: Connection;
  /** Until when, on the wall clock: the peer names it by its own. */
  readonly deadlineMs: number;
  /** Null: every message wakes it. */
  readonly subscription: Subscription | null;
  readonly filter: RecordFilter | null;
}

export type HoldResult = "held" | "not_polling" | "full" | "timeout";

/** A message that has just arrived; null: wake whatever the filter says. */
export interface Arrival {
  tagsCode: number;
  passes: (filter: RecordFilter) => boolean;
}

export interface HeldSettings {
  /** Waiters of one queue, and in all. */
  popPollingSize: number;
  maxPopPollingSize: number;
}

/** A request is answered so much before its time is up, so that the answer is there in time. */
const DEADLINE_LEAD_MS = 50;
/** Expired requests are looked for at most so often. */
const EXPIRY_SCAN_INTERVAL_MS = 20;

type Queues<W> = Map<number, W[]>;

export class HeldPops<W extends Waiter> implements Disposable {
  /** Topic → group → queue → waiters, the first to expire first. */
  private readonly topics = new Map<string, Map<string, Queues<W>>>();
  private heldCount = 0;
  private ready: W[] = [];
  private timer: Timer | null = null;
  private timerDueMs = Infinity;

  constructor(
    private readonly clock: Clock,
    private readonly settings: HeldSettings,
    private readonly resume: (waiter: W) => void,
    /** Who is waked first: pops by their age, notifications the newest (Java: PopLongPollingService, notifyLast). */
    private readonly wakes: "oldest" | "newest" = "oldest",
  ) {}

  get count(): number {
    return this.heldCount;
  }

  countOf(topic: string, group: string, queueId: number): number {
    return this.topics.get(topic)?.get(group)?.get(queueId)?.length ?? 0;
  }

  /** Groups that wait for a topic. */
  groupsOf(topic: string): Iterable<string> {
    return this.topics.get(topic)?.keys() ?? [];
  }

  hold(waiter: W, pollTimeMs: number): HoldResult {
    if (pollTimeMs <= 0) return "not_polling";
    if (this.heldCount >= this.settings.maxPopPollingSize) return "full";
    if (this.clock.nowMs() > waiter.deadlineMs - DEADLINE_LEAD_MS) return "timeout";
    const { topic, group, queueId } = waiter;
    const groups = this.topics.get(topic) ?? new Map<string, Queues<W>>();
    const queues: Queues<W> = groups.get(group) ?? new Map();
    const waiters = queues.get(queueId) ?? [];
    if (waiters.length > this.settings.popPollingSize) return "full";
    this.topics.set(topic, groups);
    groups.set(group, queues);
    queues.set(queueId, waiters);
    let at = waiters.length;
    while (at > 0 && waiters[at - 1]!.deadlineMs > waiter.deadlineMs) at--;
    waiters.splice(at, 0, waiter);
    this.heldCount++;
    this.scheduleExpiry(waiter.deadlineMs - DEADLINE_LEAD_MS);
    return "held";
  }

  /** A message arrived in a queue: one waiter of each group that wants it runs at the end of this burst. */
  arrived(topic: string, queueId: number, arrival: Arrival | null): void {
    const groups = this.topics.get(topic);
    if (groups === undefined) return;
    for (const group of groups.keys()) {
      this.wake(topic, group, -1, arrival);
      this.wake(topic, group, queueId, arrival);
    }
  }

  /** Wakes one waiter of a group's queue; false when there is none that wants the arrival. */
  wake(topic: string, group: string, queueId: number, arrival: Arrival | null = null): boolean {
    const waiters = this.topics.get(topic)?.get(group)?.get(queueId);
    if (waiters === undefined) return false;
    let at = this.nextOf(waiters);
    while (waiters[at]?.connection.closed) {
      this.take(waiters, at);
      at = this.nextOf(waiters);
    }
    const next = waiters[at];
    if (next === undefined || !wants(next, arrival)) return false;
    // Of one burst one waiter takes what it can hold; if it leaves something, it wakes the next.
    if (this.ready.some((other) => isSameQueue(other, next))) return false;
    this.runLater(this.take(waiters, at));
    return true;
  }

  /** A queue may be popped from again: one who waits for it, or for any queue, looks; false when nobody waits. */
  wakeForQueue(topic: string, group: string, queueId: number): boolean {
    return this.wake(topic, group, -1) || this.wake(topic, group, queueId);
  }

  /**
   * Wakes all waiters of a group's queue and of any of its queues. In order, whoever is woken may be kept from what another
   * one may have: the attempt that asks again.
   */
  wakeAll(topic: string, group: string, queueId: number): void {
    for (const waitedFor of [-1, queueId]) {
      const waiters = this.topics.get(topic)?.get(group)?.get(waitedFor) ?? [];
      while (waiters.length > 0) this.runLater(this.take(waiters, 0));
    }
  }

  /**
   * Wakes one waiter of a group for a message that came back: any of them takes it. Java's wakes none when the group's
   * members share out the queues and that of the retry topic's queue isn't waiting: then it comes when a wait is over.
   */
  wakeForRetry(topic: string, group: string, queueId: number): void {
    if (this.wakeForQueue(topic, group, queueId)) return;
    for (const other of this.topics.get(topic)?.get(group)?.keys() ?? []) {
      if (this.wake(topic, group, other)) return;
    }
  }

  private nextOf(waiters: readonly W[]): number {
    return this.wakes === "oldest" ? 0 : waiters.length - 1;
  }

  [Symbol.dispose](): void {
    this.timer?.cancel();
    this.timer = null;
    this.topics.clear();
    this.heldCount = 0;
    this.ready = [];
  }

  private take(waiters: W[], at: number): W {
    this.heldCount--;
    return waiters.splice(at, 1)[0]!;
  }

  private runLater(waiter: W): void {
    this.ready.push(waiter);
    // A microtask runs once the store has reported its whole burst, so a pop gets all of it.
    if (this.ready.length === 1) queueMicrotask(() => this.runReady());
  }

  private runReady(): void {
    const ready = this.ready;
    this.ready = [];
    for (const waiter of ready) {
      if (!waiter.connection.closed) this.resume(waiter);
    }
  }

  private scheduleExpiry(dueMs: number): void {
    const nowMs = this.clock.nowMs();
    const atMs = Math.max(dueMs, nowMs + EXPIRY_SCAN_INTERVAL_MS);
    if (atMs >= this.timerDueMs) return;
    this.timer?.cancel();
    this.timerDueMs = atMs;
    this.timer = this.clock.after(atMs - nowMs, () => this.expire());
  }

  /** Runs those whose time is up, forgets those whose peer is gone and empty queues. */
  private expire(): void {
    this.timer = null;
    this.timerDueMs = Infinity;
    const dueMs = this.clock.nowMs() + DEADLINE_LEAD_MS;
    let earliestMs = Infinity;
    for (const [topic, groups] of this.topics) {
      for (const [group, queues] of groups) {
        for (const [queueId, waiters] of queues) {
          while (waiters.length > 0) {
            const first = waiters[0]!;
            if (first.deadlineMs >= dueMs && !first.connection.closed) break;
            this.runLater(this.take(waiters, 0));
          }
          if (waiters.length === 0) queues.delete(queueId);
          else earliestMs = Math.min(earliestMs, waiters[0]!.deadlineMs);
        }
        if (queues.size === 0) groups.delete(group);
      }
      if (groups.size === 0) this.topics.delete(topic);
    }
    if (earliestMs < Infinity) this.scheduleExpiry(earliestMs - DEADLINE_LEAD_MS + 1);
  }
}

function wants(waiter: Waiter, arrival: Arrival | null): boolean {
  if (arrival === null || waiter.subscription === null) return true;
  if (!matchesTags(waiter.subscription, arrival.tagsCode)) return false;
  return waiter.filter === null || arrival.passes(waiter.filter);
}

function isSameQueue(one: Waiter, other: Waiter): boolean {
  return one.queueId === other.queueId && one.topic === other.topic && one.group === other.group;
}

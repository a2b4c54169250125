// Pulls that found nothing and wait: by topic and queue, waked in the turn in which a message arrives, or when their
// time is up. Costs one comparison a message while nobody waits. Never answers anything itself.
import { PULLS_HELD_MAX } from "../limits.ts";
import type { Clock, Timer } from "../../../core/time/clock.ts";
import { matchesTags, type Subscription } from "../clients/subscription.ts";
import type { RecordFilter } from "../filters/record_filter.ts";
import type { PullRequest } from "./pull_request.ts";

interface HeldPull {
  request: PullRequest;
  subscription: Subscription;
  /** What looks at the record itself; null when tags decide. */
  filter: RecordFilter | null;
  /** On the monotonic clock. */
  deadlineMs: number;
}

/** Whether a filter lets the message through that has just arrived in a queue. */
export type ArrivalFilter = (
  filter: RecordFilter,
  topic: string,
  queueId: number,
  queueOffset: number,
) => boolean;

type Queues = Map<number, HeldPull[]>;

/** Expired pulls are looked for at most so often. */
const EXPIRY_SCAN_INTERVAL_MS = 100;

export class HeldPulls implements Disposable {
  private readonly topics = new Map<string, Queues>();
  private heldCount = 0;
  private ready: PullRequest[] = [];
  private timer: Timer | null = null;
  private timerDueMs = Infinity;

  /** `resume` runs a pull again that was waked or whose time is up. */
  constructor(
    private readonly clock: Clock,
    private readonly resume: (request: PullRequest) => void,
    private readonly passes: ArrivalFilter = () => true,
  ) {}

  get count(): number {
    return this.heldCount;
  }

  /** Holds a pull for a message at or past its offset; false when too many are held already. */
  hold(
    request: PullRequest,
    subscription: Subscription,
    timeoutMs: number,
    filter: RecordFilter | null = null,
  ): boolean {
    if (this.heldCount >= PULLS_HELD_MAX) return false;
    const deadlineMs = this.clock.monotonicMs() + timeoutMs;
    const { topic, queueId } = request.fields;
    const queues = this.topics.get(topic) ?? new Map<number, HeldPull[]>();
    this.topics.set(topic, queues);
    const held = queues.get(queueId);
    const pull = { request, subscription, filter, deadlineMs };
    if (held === undefined) queues.set(queueId, [pull]);
    else held.push(pull);
    this.heldCount++;
    this.scheduleExpiry(deadlineMs);
    return true;
  }

  /** A message arrived in a queue: pulls that want it run again at the end of this burst of arrivals. */
  arrived(topic: string, queueId: number, queueOffset: number, tagsCode: number): void {
    if (this.heldCount === 0) return;
    const held = this.topics.get(topic)?.get(queueId);
    if (held === undefined || held.length === 0) return;
    this.take(
      held,
      (pull) =>
        queueOffset >= pull.request.fields.queueOffset &&
        matchesTags(pull.subscription, tagsCode) &&
        (pull.filter === null || this.passes(pull.filter, topic, queueId, queueOffset)),
    );
  }

  /** Runs a group's pulls of a queue again whatever there is: its offset was reset. */
  wake(topic: string, queueId: number, group: string): void {
    const held = this.topics.get(topic)?.get(queueId);
    if (held === undefined) return;
    this.take(held, (pull) => pull.request.fields.consumerGroup === group);
  }

  [Symbol.dispose](): void {
    this.timer?.cancel();
    this.timer = null;
    this.topics.clear();
    this.heldCount = 0;
    this.ready = [];
  }

  /** Moves the pulls that `wants` names to those that run next. */
  private take(held: HeldPull[], wants: (pull: HeldPull) => boolean): void {
    let kept = 0;
    for (const pull of held) {
      if (wants(pull)) this.wakeLater(pull.request);
      else held[kept++] = pull;
    }
    this.heldCount -= held.length - kept;
    held.length = kept;
  }

  private wakeLater(request: PullRequest): void {
    this.ready.push(request);
    // A microtask runs once the store has reported its whole burst, so a pull gets all of it.
    if (this.ready.length === 1) queueMicrotask(() => this.runReady());
  }

  private runReady(): void {
    const ready = this.ready;
    this.ready = [];
    for (const request of ready) {
      if (!request.connection.closed) this.resume(request);
    }
  }

  private scheduleExpiry(deadlineMs: number): void {
    const dueMs = Math.max(deadlineMs, this.clock.monotonicMs() + EXPIRY_SCAN_INTERVAL_MS);
    if (dueMs >= this.timerDueMs) return;
    this.timer?.cancel();
    this.timerDueMs = dueMs;
    this.timer = this.clock.after(dueMs - this.clock.monotonicMs(), () => this.expire());
  }

  /** Runs the pulls whose time is up, forgets those whose peer is gone and empty queues. */
  private expire(): void {
    this.timer = null;
    this.timerDueMs = Infinity;
    const nowMs = this.clock.monotonicMs();
    let earliestMs = Infinity;
    for (const [topic, queues] of this.topics) {
      for (const [queueId, held] of queues) {
        this.take(held, (pull) => pull.deadlineMs <= nowMs || pull.request.connection.closed);
        for (const pull of held) earliestMs = Math.min(earliestMs, pull.deadlineMs);
        if (held.length === 0) queues.delete(queueId);
      }
      if (queues.size === 0) this.topics.delete(topic);
    }
    if (earliestMs < Infinity) this.scheduleExpiry(earliestMs);
  }
}

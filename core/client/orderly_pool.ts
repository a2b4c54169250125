// Calls the listener with each queue's messages in order, one call a queue at a time; what fails is
// tried again in place. Knows no broker: locks and what is given up are behind callbacks.
import { AssertionError } from "../errors.ts";
import type { Logger } from "../log.ts";
import type { Clock, Timer } from "../time/clock.ts";
import type { ConsumeStats } from "./consume_stats.ts";
import { CONSUME_BURST, SUSPEND_MS_MAX, SUSPEND_MS_MIN } from "./limits.ts";
import { ABANDONED, type ListenerCall, type ListenerOutcome, verdictOf } from "./listener.ts";
import type { ProcessQueue, QueuedMessage } from "./process_queue.ts";

export interface OrderlyPoolOptions {
  clock: Clock;
  log: Logger;
  stats: ConsumeStats;
  /** Listener calls at a time, each for another queue. */
  concurrency: number;
  /** Messages in a call. */
  batchMax: number;
  /** False: what is consumed counts when the listener says "commit". */
  autoCommit: boolean;
  suspendMs: number;
  maxReconsumeTimes: number;
  listener: ListenerCall;
  /** Whether the queue's lock is held; when it is again, `ready` is called. */
  mayConsume: (of: ProcessQueue) => boolean;
  /** Messages are done with. */
  finish: (entry: QueuedMessage) => void;
  /** Tried too often: to the DLQ. False when that failed. */
  giveUp: (entry: QueuedMessage) => Promise<boolean>;
}

interface QueueState {
  /** Waits for its turn, or its listener runs. */
  busy: boolean;
  /** No further call: the queue goes to another member. */
  leaving: boolean;
  resting: Timer | null;
  idleListeners: (() => void)[];
}

type Outcome = Exclude<ListenerOutcome, typeof ABANDONED>;

export class OrderlyPool {
  private readonly states = new Map<ProcessQueue, QueueState>();
  private ready: ProcessQueue[] = [];
  private running = 0;
  private scheduled = false;
  private stopped = false;
  private readonly idleListeners: (() => void)[] = [];

  constructor(private readonly options: OrderlyPoolOptions) {}

  /** The queue has messages, or may be consumed again. */
  wake(of: ProcessQueue): void {
    const state = this.stateOf(of);
    if (state.busy || state.leaving || state.resting !== null || this.stopped) return;
    state.busy = true;
    this.ready.push(of);
    this.schedule();
  }

  /** No further call for the queue; resolves when its listener doesn't run. */
  leave(of: ProcessQueue): Promise<void> {
    const state = this.stateOf(of);
    state.leaving = true;
    state.resting?.cancel();
    state.resting = null;
    if (!state.busy) return Promise.resolve();
    return new Promise((resolve) => state.idleListeners.push(resolve));
  }

  forget(of: ProcessQueue): void {
    this.states.get(of)?.resting?.cancel();
    this.states.delete(of);
  }

  /** No listener is called any more; resolves when those that run have finished. */
  stop(): Promise<void> {
    this.stopped = true;
    for (const { resting } of this.states.values()) resting?.cancel();
    for (const of of this.ready.splice(0)) this.leaveTurn(of);
    if (this.running === 0) return Promise.resolve();
    return new Promise((resolve) => this.idleListeners.push(resolve));
  }

  private stateOf(of: ProcessQueue): QueueState {
    let state = this.states.get(of);
    if (state === undefined) {
      state = { busy: false, leaving: false, resting: null, idleListeners: [] };
      this.states.set(of, state);
    }
    return state;
  }

  private schedule(): void {
    if (this.scheduled || this.stopped) return;
    this.scheduled = true;
    this.options.clock.endOfTurn(() => {
      this.scheduled = false;
      this.run();
    });
  }

  private run(): void {
    const { concurrency, batchMax, mayConsume } = this.options;
    for (let calls = 0; this.running < concurrency && !this.stopped; calls++) {
      if (calls === CONSUME_BURST) return this.schedule();
      const of = this.ready.shift();
      if (of === undefined) return;
      const state = this.states.get(of);
      if (state === undefined) continue;
      const canGoOn = !of.dropped && !state.leaving && mayConsume(of);
      const entries = canGoOn ? of.take(batchMax) : [];
      if (entries.length === 0) this.leaveTurn(of);
      else this.call(of, entries);
    }
  }

  private leaveTurn(of: ProcessQueue): void {
    const state = this.states.get(of);
    if (state === undefined) return;
    state.busy = false;
    for (const listener of state.idleListeners.splice(0)) listener();
  }

  private call(of: ProcessQueue, entries: readonly QueuedMessage[]): void {
    const startedMs = this.options.clock.monotonicMs();
    for (const entry of entries) entry.startedMs = startedMs;
    let outcome: ListenerOutcome | Promise<ListenerOutcome>;
    try {
      const messages = entries.map(({ message }) => message);
      outcome = this.options.listener(messages, { queue: of.queue });
    } catch (error) {
      outcome = this.failed(entries, error);
    }
    // Nothing that needs waiting for: the next queue's turn comes in the same turn of the loop.
    if (!(outcome instanceof Promise) && this.settleAtOnce(of, entries, outcome)) {
      return this.nextTurn(of);
    }
    this.running++;
    void this.settleLater(of, entries, outcome).finally(() => {
      this.running--;
      this.nextTurn(of);
      if (this.running === 0) { for (const listener of this.idleListeners.splice(0)) listener(); }
      if (this.ready.length > 0) this.schedule();
    });
  }

  private async settleLater(
    of: ProcessQueue,
    entries: readonly QueuedMessage[],
    outcome: ListenerOutcome | Promise<ListenerOutcome>,
  ): Promise<void> {
    let value: ListenerOutcome;
    try {
      value = await outcome;
    } catch (error) {
      value = this.failed(entries, error);
    }
    if (!this.settleAtOnce(of, entries, value)) await this.tryAgain(of, entries, value as Outcome);
  }

  /** Back to the end of the line, unless there is a reason to stay away from it. */
  private nextTurn(of: ProcessQueue): void {
    const state = this.states.get(of);
    if (state === undefined) return;
    if (of.dropped || state.leaving || state.resting !== null || this.stopped) {
      return this.leaveTurn(of);
    }
    this.ready.push(of);
    this.schedule();
  }

  /** False when some of the messages must be tried again. */
  private settleAtOnce(
    of: ProcessQueue,
    entries: readonly QueuedMessage[],
    outcome: ListenerOutcome,
  ): boolean {
    if (outcome === ABANDONED) {
      of.putBack(entries[0]!);
      return true;
    }
    if (of.dropped) return true;
    const { autoCommit } = this.options;
    if (outcome === "rollback" && !autoCommit) {
      of.putBack(of.uncommitted()[0]!);
      this.rest(of, undefined);
      return true;
    }
    // With autoCommit, "rollback" is a mistake, which Apache's client takes for consumed.
    const { consumed } = verdictOf(outcome === "rollback" ? "success" : outcome, entries.length);
    this.count(entries, consumed);
    if (consumed < entries.length) return false;
    if (autoCommit || outcome === "commit") this.commit(of);
    return true;
  }

  private commit(of: ProcessQueue): void {
    for (const entry of of.uncommitted()) this.options.finish(entry);
  }

  private async tryAgain(
    of: ProcessQueue,
    entries: readonly QueuedMessage[],
    outcome: Outcome,
  ): Promise<void> {
    const { maxReconsumeTimes, giveUp, finish, autoCommit } = this.options;
    const { consumed } = verdictOf(outcome, entries.length);
    const failed = entries.slice(consumed);
    if (autoCommit) { for (const entry of entries.slice(0, consumed)) finish(entry); }
    for (const entry of failed) {
      const isTooOften = entry.message.reconsumeTimes >= maxReconsumeTimes;
      if (isTooOften && await giveUp(entry)) finish(entry);
      else entry.message.retriedHere++;
    }
    const again = failed.find(({ isDone }) => !isDone);
    if (again === undefined) return;
    of.putBack(again);
    this.rest(of, typeof outcome === "object" ? outcome.suspendMs : undefined);
  }

  private rest(of: ProcessQueue, givenMs: number | undefined): void {
    const state = this.states.get(of);
    if (state === undefined || state.leaving || of.dropped || this.stopped) return;
    const { clock, suspendMs } = this.options;
    const ms = Math.min(SUSPEND_MS_MAX, Math.max(SUSPEND_MS_MIN, givenMs ?? suspendMs));
    state.resting = clock.after(ms, () => {
      state.resting = null;
      this.wake(of);
    });
  }

  private count(entries: readonly QueuedMessage[], consumed: number): void {
    const { clock, stats } = this.options;
    const tookMs = clock.monotonicMs() - entries[0]!.startedMs;
    for (const [index, { of }] of entries.entries()) {
      stats.consumed(of.queue.topic, index < consumed, tookMs, clock.nowMs());
    }
  }

  private failed(entries: readonly QueuedMessage[], error: unknown): "later" {
    if (error instanceof AssertionError) throw error;
    const { topic, messageId } = entries[0]!.message;
    const { queue } = entries[0]!.of;
    this.options.log.warn("the listener failed; its queue rests", {
      topic,
      messageId,
      queueId: queue.queueId,
      error,
    });
    return "later";
  }
}

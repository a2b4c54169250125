// Calls the listener with pulled messages, a limited number of calls at a time, first come first
// served. Knows no broker: what becomes of a message it tells by a callback.
import { AssertionError } from "../errors.ts";
import type { Clock } from "../time/clock.ts";
import type { Logger } from "../log.ts";
import { CONSUME_BURST } from "./limits.ts";
import {
  ABANDONED,
  DELAY_BY_BROKER,
  type ListenerCall,
  type ListenerOutcome,
  verdictOf,
} from "./listener.ts";
import type { MessageQueue } from "./message.ts";
import type { ReceivedMessage } from "./received_message.ts";

/** A message that waits for its listener, whoever pulled it. */
export interface PooledMessage {
  readonly message: ReceivedMessage;
  /** Where it came from; dropped: it isn't ours any more. */
  readonly of: { readonly dropped: boolean; readonly queue: MessageQueue };
  /** Monotonic ms when its listener was called; 0 before. */
  startedMs: number;
  isDone: boolean;
}

export interface ConsumePoolOptions<E> {
  clock: Clock;
  log: Logger;
  /** Listener calls at a time. */
  concurrency: number;
  /** Messages of one queue in a call. */
  batchMax: number;
  listener: ListenerCall;
  /** What became of a message: null when it is consumed, else the delay level to come again with. */
  onOutcome: (entry: E, delayLevel: number | null) => void;
}

export class ConsumePool<E extends PooledMessage> {
  private waiting: E[] = [];
  private waitingFrom = 0;
  private running = 0;
  private scheduled = false;
  private stopped = false;
  private readonly idleListeners: (() => void)[] = [];

  constructor(private readonly options: ConsumePoolOptions<E>) {}

  submit(entries: readonly E[]): void {
    for (const entry of entries) this.waiting.push(entry);
    this.schedule();
  }

  /** No listener is called any more; resolves when those that run have finished. */
  stop(): Promise<void> {
    this.stopped = true;
    this.waiting = [];
    this.waitingFrom = 0;
    if (this.running === 0) return Promise.resolve();
    return new Promise((resolve) => this.idleListeners.push(resolve));
  }

  /** Listeners are called at the end of the turn, so that other connections are read too. */
  private schedule(): void {
    if (this.scheduled || this.stopped) return;
    this.scheduled = true;
    this.options.clock.endOfTurn(() => {
      this.scheduled = false;
      this.run();
    });
  }

  private run(): void {
    const { concurrency, batchMax } = this.options;
    for (let calls = 0; this.running < concurrency && !this.stopped; calls++) {
      if (calls === CONSUME_BURST) return this.schedule();
      const first = this.take();
      if (first === null) return;
      this.call(batchMax === 1 ? [first] : this.batch(first));
    }
  }

  private take(): E | null {
    while (this.waitingFrom < this.waiting.length) {
      const entry = this.waiting[this.waitingFrom++]!;
      if (!entry.of.dropped && !entry.isDone) return entry;
    }
    this.waiting = [];
    this.waitingFrom = 0;
    return null;
  }

  /** The first one and those of the same queue that wait right behind it. */
  private batch(first: E): E[] {
    const entries = [first];
    while (entries.length < this.options.batchMax) {
      if (this.waiting[this.waitingFrom]?.of !== first.of) break;
      const next = this.waiting[this.waitingFrom++]!;
      if (!next.isDone) entries.push(next);
    }
    return entries;
  }

  private call(entries: readonly E[]): void {
    const startedMs = this.options.clock.monotonicMs();
    for (const entry of entries) entry.startedMs = startedMs;
    let outcome: ListenerOutcome | Promise<ListenerOutcome>;
    try {
      const messages = entries.map(({ message }) => message);
      outcome = this.options.listener(messages, { queue: entries[0]!.of.queue });
    } catch (error) {
      return this.failed(entries, error);
    }
    if (!(outcome instanceof Promise)) return this.finished(entries, outcome);
    this.running++;
    outcome
      .then((value) => this.finished(entries, value), (error) => this.failed(entries, error))
      .finally(() => this.left());
  }

  private left(): void {
    this.running--;
    if (this.running === 0) { for (const listener of this.idleListeners.splice(0)) listener(); }
    if (this.waitingFrom < this.waiting.length) this.schedule();
  }

  private finished(entries: readonly E[], outcome: ListenerOutcome): void {
    if (outcome === ABANDONED) return;
    const { consumed, delayLevel, decided } = verdictOf(outcome, entries.length);
    for (let index = 0; index < decided; index++) {
      this.options.onOutcome(entries[index]!, index < consumed ? null : delayLevel);
    }
  }

  private failed(entries: readonly E[], error: unknown): void {
    if (error instanceof AssertionError) throw error;
    const { topic, messageId } = entries[0]!.message;
    const messages = entries.length;
    const { log, onOutcome } = this.options;
    log.warn("the listener failed; its messages come again", { topic, messageId, messages, error });
    for (const entry of entries) onOutcome(entry, DELAY_BY_BROKER);
  }
}

// Calls the listener with pulled messages, a limited number at a time, first come first served.
// Knows no broker: what becomes of a message it tells by a callback.
import { AssertionError } from "../errors.ts";
import type { Clock } from "../time/clock.ts";
import type { Logger } from "../log.ts";
import { CONSUME_BURST } from "./limits.ts";
import type { QueuedMessage } from "./process_queue.ts";
import type { ReceivedMessage } from "./received_message.ts";

/**
 * What a listener returns: nothing or "success" when the message is consumed, "later" for another
 * delivery after the usual wait, or the delay level to wait for (negative: to the DLQ at once).
 * Throwing is "later".
 */
export type ConsumeOutcome = void | "success" | "later" | { delayLevel: number };

/** The message was neither consumed nor refused: it stays as it was. Not for listeners of users. */
export const ABANDONED = Symbol("abandoned");
export type ListenerOutcome = ConsumeOutcome | typeof ABANDONED;
/** A listener, or the offer of a loop. */
export type ListenerCall = (message: ReceivedMessage) => ListenerOutcome | Promise<ListenerOutcome>;

export type MessageListener = (
  message: ReceivedMessage,
) => ConsumeOutcome | Promise<ConsumeOutcome>;

/** What became of a message: null when it is consumed, else the delay level to come again with. */
export type OutcomeHandler = (entry: QueuedMessage, delayLevel: number | null) => void;

/** The broker chooses the level by the number of deliveries. */
export const DELAY_BY_BROKER = 0;

export class ConsumePool {
  private waiting: QueuedMessage[] = [];
  private waitingFrom = 0;
  private running = 0;
  private scheduled = false;
  private stopped = false;
  private readonly idleListeners: (() => void)[] = [];

  constructor(
    private readonly clock: Clock,
    private readonly log: Logger,
    private readonly concurrency: number,
    private readonly listener: ListenerCall,
    private readonly onOutcome: OutcomeHandler,
  ) {}

  /** Messages whose listener runs. */
  get active(): number {
    return this.running;
  }

  submit(entries: readonly QueuedMessage[]): void {
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
    this.clock.endOfTurn(() => {
      this.scheduled = false;
      this.run();
    });
  }

  private run(): void {
    for (let calls = 0; this.running < this.concurrency && !this.stopped; calls++) {
      if (calls === CONSUME_BURST) return this.schedule();
      const entry = this.take();
      if (entry === null) return;
      this.call(entry);
    }
  }

  private take(): QueuedMessage | null {
    while (this.waitingFrom < this.waiting.length) {
      const entry = this.waiting[this.waitingFrom++]!;
      if (!entry.of.dropped && !entry.isDone) return entry;
    }
    this.waiting = [];
    this.waitingFrom = 0;
    return null;
  }

  private call(entry: QueuedMessage): void {
    entry.startedMs = this.clock.monotonicMs();
    let outcome: ListenerOutcome | Promise<ListenerOutcome>;
    try {
      outcome = this.listener(entry.message);
    } catch (error) {
      return this.failed(entry, error);
    }
    if (!(outcome instanceof Promise)) return this.finished(entry, outcome);
    this.running++;
    outcome
      .then((value) => this.finished(entry, value), (error) => this.failed(entry, error))
      .finally(() => this.left());
  }

  private left(): void {
    this.running--;
    if (this.running === 0) { for (const listener of this.idleListeners.splice(0)) listener(); }
    if (this.waitingFrom < this.waiting.length) this.schedule();
  }

  private finished(entry: QueuedMessage, outcome: ListenerOutcome): void {
    if (outcome === ABANDONED) return;
    if (outcome === undefined || outcome === "success") return this.onOutcome(entry, null);
    this.onOutcome(entry, outcome === "later" ? DELAY_BY_BROKER : outcome.delayLevel);
  }

  private failed(entry: QueuedMessage, error: unknown): void {
    if (error instanceof AssertionError) throw error;
    const { topic, messageId } = entry.message;
    this.log.warn("the listener failed; the message comes again", { topic, messageId, error });
    this.onOutcome(entry, DELAY_BY_BROKER);
  }
}

// Pulled messages that wait to be polled, and polls that wait for messages. What one poll gave counts
// as consumed when the next one is made. Knows no broker.
import type { Clock } from "../time/clock.ts";
import type { ProcessQueue, QueuedMessage } from "./process_queue.ts";
import type { ReceivedMessage } from "./received_message.ts";

export interface PollBufferOptions {
  clock: Clock;
  /** The message is consumed. */
  finish: (entry: QueuedMessage) => void;
  /** Messages that may wait. */
  messagesMax: number;
  /** Whether there are too many has changed. */
  fullnessChanged: (isFull: boolean) => void;
}

export class PollBuffer {
  private waiting: QueuedMessage[][] = [];
  private count = 0;
  /** What the last poll gave. */
  private given: readonly QueuedMessage[] = [];
  private readonly pollers: (() => void)[] = [];
  private closed = false;

  constructor(private readonly options: PollBufferOptions) {}

  /** What one pull found. */
  put(entries: readonly QueuedMessage[]): void {
    if (entries.length === 0) return;
    this.waiting.push([...entries]);
    this.changeCount(entries.length);
    this.pollers.shift()?.();
  }

  /** What one pull found, or nothing after `timeoutMs`, when closed, or when the signal is aborted. */
  async poll(timeoutMs: number, signal?: AbortSignal): Promise<ReceivedMessage[]> {
    this.settle();
    const { clock } = this.options;
    const untilMs = clock.monotonicMs() + timeoutMs;
    for (;;) {
      const batch = this.take();
      if (batch.length > 0) {
        const startedMs = clock.monotonicMs();
        for (const entry of batch) entry.startedMs = startedMs;
        this.given = batch;
        return batch.map(({ message }) => message);
      }
      const restMs = untilMs - clock.monotonicMs();
      if (restMs <= 0 || this.closed || signal?.aborted) return [];
      await this.arrival(restMs, signal);
    }
  }

  /** What the last poll gave is consumed. */
  settle(): void {
    for (const entry of this.given) this.options.finish(entry);
    this.given = [];
  }

  /** Polls end. */
  close(): void {
    this.closed = true;
    for (const wake of this.pollers.splice(0)) wake();
  }

  /** Messages of a queue that isn't ours any more are passed over. */
  forget(of: ProcessQueue): void {
    const kept = this.waiting.filter(([first]) => first!.of !== of);
    const before = this.waiting.reduce((sum, { length }) => sum + length, 0);
    this.waiting = kept;
    this.changeCount(kept.reduce((sum, { length }) => sum + length, 0) - before);
  }

  private take(): QueuedMessage[] {
    for (;;) {
      const batch = this.waiting.shift();
      if (batch === undefined) return [];
      this.changeCount(-batch.length);
      if (!batch[0]!.of.dropped) return batch;
    }
  }

  private changeCount(by: number): void {
    const { messagesMax, fullnessChanged } = this.options;
    const wasFull = this.count > messagesMax;
    this.count += by;
    const isFull = this.count > messagesMax;
    if (isFull !== wasFull) fullnessChanged(isFull);
  }

  private arrival(withinMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        timer.cancel();
        signal?.removeEventListener("abort", done);
        const at = this.pollers.indexOf(done);
        if (at >= 0) this.pollers.splice(at, 1);
        resolve();
      };
      const timer = this.options.clock.after(withinMs, done);
      signal?.addEventListener("abort", done, { once: true });
      this.pollers.push(done);
    });
  }
}

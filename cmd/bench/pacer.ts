// When each message of a load is due: at once, or at a fixed rate that nothing slows down. A message that starts late
// because earlier ones took long counts from when it was due, so that a stall shows in the latencies of all that it held
// up (no coordinated omission).
import type { Clock, Timer } from "../../core/time/clock.ts";

/**
 * How late a timer may be by itself. A sender that was free and waited for its time isn't charged for the timer's
 * lateness up to this; beyond, the process was too busy, and it is.
 */
const TIMER_LATE_MS = 2;

interface Waiting {
  dueMs: number;
  start: (startMs: number | null) => void;
}

export class Pacer {
  private readonly startMs: number;
  private tickets = 0;
  /** By due time, since tickets are given in order. */
  private waiting: Waiting[] = [];
  private timer: Timer | null = null;
  private stopped = false;

  /**
   * `rate` in messages a second; null: as fast as they go. At a rate none starts that is due `lengthMs` after the
   * beginning, or later.
   */
  constructor(
    private readonly clock: Clock,
    private readonly rate: number | null,
    private readonly lengthMs = Infinity,
  ) {
    this.startMs = clock.monotonicMs();
  }

  /** Monotonic ms from when the next message's latency counts, once it may start; null when the load is over. */
  next(): number | null | Promise<number | null> {
    if (this.stopped) return null;
    const nowMs = this.clock.monotonicMs();
    if (this.rate === null) return nowMs;
    const dueMs = this.startMs + this.tickets++ * 1000 / this.rate;
    if (dueMs >= this.startMs + this.lengthMs) return null;
    if (dueMs <= nowMs) return dueMs;
    return new Promise((start) => {
      this.waiting.push({ dueMs, start });
      if (this.timer === null) this.wait();
    });
  }

  /** Nothing starts any more. */
  stop(): void {
    this.stopped = true;
    this.timer?.cancel();
    for (const { start } of this.waiting.splice(0)) start(null);
  }

  private wait(): void {
    const [first] = this.waiting;
    this.timer = null;
    if (first === undefined || this.stopped) return;
    const delayMs = Math.max(0, first.dueMs - this.clock.monotonicMs());
    this.timer = this.clock.after(delayMs, () => this.wake());
  }

  private wake(): void {
    const nowMs = this.clock.monotonicMs();
    const later = this.waiting.findIndex(({ dueMs }) => dueMs > nowMs);
    const due = this.waiting.splice(0, later < 0 ? this.waiting.length : later);
    for (const { dueMs, start } of due) start(nowMs - dueMs <= TIMER_LATE_MS ? nowMs : dueMs);
    this.wait();
  }
}

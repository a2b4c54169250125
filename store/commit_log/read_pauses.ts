// How long the next cold read of the log waits, so that sends find a core: reading, answering and the consumer's own work
// compete for the cores with the broker's event loop and with the senders. Only while messages are stored, and by what
// the system says that the event loop was kept waiting for a core: where there are cores enough nothing pauses.
import type { Clock } from "../../core/time/clock.ts";
import {
  PAUSE_MS_MAX,
  PAUSE_MS_MIN,
  PAUSE_PER_CORE_WAIT,
  UNCACHED_READS_AFTER_PAUSE,
} from "./limits.ts";

export class ReadPauses {
  private waitedMs: number;
  private logEnd: number;
  private owedMs = 0;
  private readsSincePause = Infinity;

  /** On a clock that can't tell how long cores were waited for nothing pauses. */
  constructor(
    private readonly clock: Clock,
    /** End of the written log. */
    private readonly end: () => number,
  ) {
    this.waitedMs = clock.coreWaitMs?.() ?? 0;
    this.logEnd = end();
  }

  /** The pause after a cold read, in ms; 0: none. What was waited and stored since it was asked last counts. */
  next(): number {
    const waitedMs = this.clock.coreWaitMs?.() ?? 0;
    const logEnd = this.end();
    const isSending = logEnd > this.logEnd;
    this.owedMs = isSending ? this.owedMs + (waitedMs - this.waitedMs) * PAUSE_PER_CORE_WAIT : 0;
    this.waitedMs = waitedMs;
    this.logEnd = logEnd;
    this.readsSincePause++;
    if (this.owedMs < PAUSE_MS_MIN) return 0;
    const pauseMs = Math.min(this.owedMs, PAUSE_MS_MAX);
    this.owedMs = 0;
    this.readsSincePause = 0;
    return pauseMs;
  }

  /** Whether sends were kept from a core of late. */
  get isPressed(): boolean {
    return this.readsSincePause < UNCACHED_READS_AFTER_PAUSE;
  }
}

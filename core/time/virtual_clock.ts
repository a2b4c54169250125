// A clock that moves only when a test says so. Timers fire in order of their due time, then of their making.
import type { Clock, Timer } from "./clock.ts";

interface Pending {
  dueMs: number;
  sequence: number;
  callback: () => void;
}

export class VirtualClock implements Clock {
  private elapsedMs = 0;
  private sequence = 0;
  private readonly pending = new Set<Pending>();
  private turnEnd: (() => void)[] = [];

  constructor(private wallMs = 1_700_000_000_000) {}

  /** Whole milliseconds, as a wall clock has them, though timers may fire between them. */
  nowMs(): number {
    return Math.floor(this.wallMs);
  }

  monotonicMs(): number {
    return this.elapsedMs;
  }

  after(delayMs: number, callback: () => void): Timer {
    const entry = {
      dueMs: this.elapsedMs + Math.max(0, delayMs),
      sequence: this.sequence++,
      callback,
    };
    this.pending.add(entry);
    return { cancel: () => void this.pending.delete(entry) };
  }

  endOfTurn(callback: () => void): void {
    this.turnEnd.push(callback);
    if (this.turnEnd.length === 1) queueMicrotask(() => this.runTurnEnd());
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const timer = this.after(delayMs, resolve);
      signal?.addEventListener("abort", () => {
        timer.cancel();
        reject(signal.reason);
      }, { once: true });
    });
  }

  /** Moves the wall clock alone, as an operator or NTP would. */
  jumpWall(byMs: number): void {
    this.wallMs += byMs;
  }

  /** Lets `byMs` pass, firing what comes due on the way and letting promises settle after each. */
  async advance(byMs: number): Promise<void> {
    const untilMs = this.elapsedMs + byMs;
    for (let next = this.earliest(untilMs); next; next = this.earliest(untilMs)) {
      this.pending.delete(next);
      this.move(Math.max(0, next.dueMs - this.elapsedMs));
      next.callback();
      await settle();
    }
    this.move(untilMs - this.elapsedMs);
    await settle();
  }

  private earliest(untilMs: number): Pending | undefined {
    let best: Pending | undefined;
    for (const entry of this.pending) {
      if (entry.dueMs > untilMs) continue;
      if (
        !best || entry.dueMs < best.dueMs ||
        (entry.dueMs === best.dueMs && entry.sequence < best.sequence)
      ) best = entry;
    }
    return best;
  }

  private move(byMs: number): void {
    this.elapsedMs += byMs;
    this.wallMs += byMs;
  }

  private runTurnEnd(): void {
    const callbacks = this.turnEnd;
    this.turnEnd = [];
    for (const callback of callbacks) callback();
  }
}

/** Lets all promises that are ready run. */
async function settle(): Promise<void> {
  for (let round = 0; round < 20; round++) await Promise.resolve();
}

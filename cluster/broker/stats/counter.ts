// One counted thing: a running total, how often it was added to, and its windows (Java: StatsItem).
// Adding is two additions and nothing else; sampling is the background task's.
import { Window } from "./window.ts";

export class Counter {
  value = 0;
  times = 0;
  /** The total at the last look for idle counters, and when it had last moved. */
  private idleValue = 0;
  private idleTimes = 0;
  private movedMs: number;
  readonly minute = new Window();
  readonly hour = new Window();
  readonly day = new Window();

  constructor(nowMs: number) {
    this.movedMs = nowMs;
  }

  add(value: number, times: number): void {
    this.value += value;
    this.times += times;
  }

  /** For how long nothing was added, as far as calls of this method have seen. */
  idleMs(nowMs: number): number {
    if (this.value !== this.idleValue || this.times !== this.idleTimes) {
      this.idleValue = this.value;
      this.idleTimes = this.times;
      this.movedMs = nowMs;
    }
    return nowMs - this.movedMs;
  }
}

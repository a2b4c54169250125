// The counters of one statistic by key: "topic", "topic@group", "topic@queue@group" … (Java: StatsItemSet).
// Knows no statistic in particular.
import { Counter } from "./counter.ts";
import type { Window } from "./window.ts";

export const KEY_SEPARATOR = "@";

export class CounterTable {
  private readonly counters = new Map<string, Counter>();

  get(key: string): Counter | undefined {
    return this.counters.get(key);
  }

  /** The counter of a key, made when there is none. */
  ensure(key: string, nowMs: number): Counter {
    const known = this.counters.get(key);
    if (known !== undefined) return known;
    const made = new Counter(nowMs);
    this.counters.set(key, made);
    return made;
  }

  get size(): number {
    return this.counters.size;
  }

  sample(window: "minute" | "hour" | "day", nowMs: number): void {
    for (const counter of this.counters.values()) {
      const target: Window = counter[window];
      target.sample(nowMs, counter.times, counter.value);
    }
  }

  /** Forgets the keys that have `name` as the part at `position`; a negative one counts from the end. */
  forget(name: string, position: number): void {
    for (const key of this.counters.keys()) {
      if (key.split(KEY_SEPARATOR).at(position) === name) this.counters.delete(key);
    }
  }

  /** Forgets what wasn't added to for so long; returns how many. */
  forgetIdle(nowMs: number, idleMsMax: number): number {
    const before = this.counters.size;
    for (const [key, counter] of this.counters) {
      if (counter.idleMs(nowMs) > idleMsMax) this.counters.delete(key);
    }
    return before - this.counters.size;
  }
}

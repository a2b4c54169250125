// The counters of one statistic by key: "topic", "topic@group", "topic@queue@group" … (Java: StatsItemSet).
// Knows no statistic in particular.
import { Counter } from "./counter.ts";
import type { SampleTimes } from "./window.ts";

export const KEY_SEPARATOR = "@";
/** Keys of one statistic that are counted. Some names come from the wire, so that there must be a limit. */
export const COUNTERS_MAX = 500_000;

export type WindowName = "minute" | "hour" | "day";

export class CounterTable {
  private readonly counters = new Map<string, Counter>();

  get(key: string): Counter | undefined {
    return this.counters.get(key);
  }

  /** The counter of a key, made when there is none. Beyond the limit it's one that nobody reads. */
  ensure(key: string, nowMs: number): Counter {
    const known = this.counters.get(key);
    if (known !== undefined) return known;
    const made = new Counter(nowMs);
    if (this.counters.size < COUNTERS_MAX) this.counters.set(key, made);
    return made;
  }

  get size(): number {
    return this.counters.size;
  }

  sample(window: WindowName, samples: SampleTimes): void {
    for (const counter of this.counters.values()) {
      counter[window].sample(samples, counter.times, counter.value);
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

// Latencies in a histogram of high dynamic range: 1 µs to 5 minutes, three significant digits, a fixed size in memory.
import { build, type Histogram } from "hdr-histogram-js";

const LONGEST_MICROSECONDS = 5 * 60 * 1_000_000;

/** In ms. */
export interface LatencySummary {
  mean: number;
  p50: number;
  p95: number;
  p99: number;
  p999: number;
  max: number;
}

export class Latencies {
  private readonly histogram: Histogram = build({
    bitBucketSize: 32,
    lowestDiscernibleValue: 1,
    highestTrackableValue: LONGEST_MICROSECONDS,
    numberOfSignificantValueDigits: 3,
    autoResize: false,
  });
  totalMs = 0;
  maxMs = 0;

  /** Negative times, from clocks that differ, count as none. */
  add(milliseconds: number): void {
    const counted = milliseconds > 0 ? milliseconds : 0;
    this.totalMs += counted;
    if (counted > this.maxMs) this.maxMs = counted;
    this.histogram.recordValue(
      Math.min(LONGEST_MICROSECONDS, Math.max(1, Math.round(counted * 1000))),
    );
  }

  get count(): number {
    return this.histogram.totalCount;
  }

  percentileMs(percentile: number): number {
    if (this.count === 0) return 0;
    const rounded = this.histogram.getValueAtPercentile(percentile) / 1000;
    // A bucket's upper end may lie above what was ever seen.
    return Math.min(rounded, this.maxMs);
  }

  clear(): void {
    this.histogram.reset();
    this.totalMs = 0;
    this.maxMs = 0;
  }

  summary(): LatencySummary {
    return {
      mean: round(this.count === 0 ? 0 : this.totalMs / this.count),
      p50: round(this.percentileMs(50)),
      p95: round(this.percentileMs(95)),
      p99: round(this.percentileMs(99)),
      p999: round(this.percentileMs(99.9)),
      max: round(this.maxMs),
    };
  }
}

/** To the µs. */
function round(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000;
}

/** "p50 0.512 | p95 1.1 | …", for people. */
export function latencyText({ p50, p95, p99, p999, max }: LatencySummary): string {
  return [["p50", p50], ["p95", p95], ["p99", p99], ["p99.9", p999], ["max", max]]
    .map(([name, value]) => `${name} ${(value as number).toFixed(3)}`).join(" | ");
}

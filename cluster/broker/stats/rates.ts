// Totals sampled every second, and rates over the last 10, 60 and 600 seconds (Java: StoreStatsService).
// Reads no clock; memory is allocated once.

const SAMPLES_MAX = 601;
/** Spans in seconds of which a rate is shown. */
const RATE_SPANS = [10, 60, 600];

export class RateSeries {
  private readonly timesMs = new Float64Array(SAMPLES_MAX);
  private readonly totals = new Float64Array(SAMPLES_MAX);
  private taken = 0;

  sample(nowMs: number, total: number): void {
    const at = this.taken++ % SAMPLES_MAX;
    this.timesMs[at] = nowMs;
    this.totals[at] = total;
  }

  /** A second's rate over the last `seconds` samples; undefined while there are fewer. */
  rate(seconds: number): number | undefined {
    if (this.taken <= seconds) return undefined;
    const last = (this.taken - 1) % SAMPLES_MAX;
    const before = (this.taken - 1 - seconds) % SAMPLES_MAX;
    const spanMs = this.timesMs[last]! - this.timesMs[before]!;
    return spanMs > 0 ? (this.totals[last]! - this.totals[before]!) * 1000 / spanMs : 0;
  }

  /** "1.5 0.8 " as runtime info shows it: a rate that isn't known yet is left empty. */
  text(): string {
    return RATE_SPANS.map((seconds) => {
      const rate = this.rate(seconds);
      return rate === undefined ? "" : javaDouble(rate);
    }).join(" ");
  }
}

/** The sum of two series' rates, unknown ones counting as nothing. */
export function summedRates(left: RateSeries, right: RateSeries): string {
  return RATE_SPANS.map((seconds) =>
    javaDouble((left.rate(seconds) ?? 0) + (right.rate(seconds) ?? 0))
  )
    .join(" ");
}

/** A number with the fraction that Java's doubles always have. */
export function javaDouble(value: number): string {
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

// Counts over the last minute, hour and day: running totals are sampled now and then, and a window is the difference
// between the oldest sample kept and the newest (Java: StatsItem). Reads no clock. All counters are sampled together, so
// the times are kept once, and a counter keeps only the samples in which it had moved: an idle one costs next to nothing.

/** How often a window's total is sampled, and how many samples it spans. */
export interface WindowShape {
  intervalMs: number;
  samplesMax: number;
}

export const MINUTE: WindowShape = { intervalMs: 10_000, samplesMax: 7 };
export const HOUR: WindowShape = { intervalMs: 600_000, samplesMax: 7 };
export const DAY: WindowShape = { intervalMs: 3_600_000, samplesMax: 25 };

/** What a window holds: the sum of values, values a second, and the mean value of an addition. */
export interface WindowFigures {
  sum: number;
  tps: number;
  avgpt: number;
}

const NOTHING: WindowFigures = { sum: 0, tps: 0, avgpt: 0 };

/** When the windows of one shape were sampled last, by the running number of the sample. */
export class SampleTimes {
  private readonly timesMs: Float64Array;
  /** The number of the latest sample; 0 before the first. */
  latest = 0;

  constructor(readonly shape: WindowShape) {
    this.timesMs = new Float64Array(shape.samplesMax);
  }

  /** A new sample begins. */
  begin(nowMs: number): void {
    this.latest++;
    this.timesMs[this.latest % this.shape.samplesMax] = nowMs;
  }

  /** The time of one of the latest samplesMax samples. */
  timeMsOf(sample: number): number {
    return this.timesMs[sample % this.shape.samplesMax]!;
  }
}

/** Numbers of a change: the sample that showed it, additions, sum. */
const CHANGE_NUMBERS = 3;

export class Window {
  private readonly changes: number[] = [];
  /** The sample before this window's own first one; -1 before that. Totals were 0 then. */
  private first = -1;
  private firstMs = 0;

  /** Takes part in the latest sample. The first one stands for the whole interval before it, as in Apache. */
  sample(samples: SampleTimes, times: number, value: number): void {
    if (this.first < 0) {
      this.first = samples.latest - 1;
      this.firstMs = samples.timeMsOf(samples.latest) - samples.shape.intervalMs;
    }
    const { changes } = this;
    const last = changes.length - CHANGE_NUMBERS;
    const hasMoved = last < 0
      ? times !== 0 || value !== 0
      : changes[last + 1] !== times || changes[last + 2] !== value;
    if (hasMoved) changes.push(samples.latest, times, value);
    const oldest = this.oldest(samples);
    while (changes.length > CHANGE_NUMBERS && changes[CHANGE_NUMBERS]! <= oldest) {
      changes.splice(0, CHANGE_NUMBERS);
    }
  }

  figures(samples: SampleTimes): WindowFigures {
    if (this.first < 0) return NOTHING;
    const { changes } = this;
    const oldest = this.oldest(samples);
    const fromMs = oldest === this.first ? this.firstMs : samples.timeMsOf(oldest);
    const spanMs = samples.timeMsOf(samples.latest) - fromMs;
    const before = changes.length > 0 && changes[0]! <= oldest ? 0 : -CHANGE_NUMBERS;
    const last = changes.length - CHANGE_NUMBERS;
    const times = (changes[last + 1] ?? 0) - (changes[before + 1] ?? 0);
    const sum = (changes[last + 2] ?? 0) - (changes[before + 2] ?? 0);
    return {
      sum,
      tps: spanMs > 0 ? sum * 1000 / spanMs : 0,
      avgpt: times > 0 ? sum / times : 0,
    };
  }

  /** The oldest sample that the window spans. */
  private oldest({ latest, shape }: SampleTimes): number {
    return Math.max(this.first, latest - shape.samplesMax + 1);
  }
}

// Counts over the last minute, hour and day: running totals are sampled now and then, and a window is the difference
// between the oldest sample kept and the newest (Java: StatsItem). Reads no clock.

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
/** Numbers of one sample: time, additions, sum. */
const SAMPLE_NUMBERS = 3;

export class Window {
  private readonly samples: number[] = [];

  constructor(private readonly shape: WindowShape) {}

  /** The first sample stands for the whole interval before it, as if counting had begun then. */
  sample(nowMs: number, times: number, value: number): void {
    const { samples, shape } = this;
    if (samples.length === 0) samples.push(nowMs - shape.intervalMs, 0, 0);
    samples.push(nowMs, times, value);
    if (samples.length > shape.samplesMax * SAMPLE_NUMBERS) samples.splice(0, SAMPLE_NUMBERS);
  }

  figures(): WindowFigures {
    const { samples } = this;
    if (samples.length === 0) return NOTHING;
    const last = samples.length - SAMPLE_NUMBERS;
    const spanMs = samples[last]! - samples[0]!;
    const times = samples[last + 1]! - samples[1]!;
    const sum = samples[last + 2]! - samples[2]!;
    return {
      sum,
      tps: spanMs > 0 ? sum * 1000 / spanMs : 0,
      avgpt: times > 0 ? sum / times : 0,
    };
  }
}

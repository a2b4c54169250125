// A window gives what a list of all its samples would give.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { SampleTimes, Window, type WindowShape } from "./window.ts";

/** The obvious way: the last samples, the first of them preceded by one of nothing. */
class NaiveWindow {
  private readonly samples: { ms: number; times: number; value: number }[] = [];

  constructor(private readonly shape: WindowShape) {}

  sample(ms: number, times: number, value: number): void {
    const { samples, shape } = this;
    if (samples.length === 0) samples.push({ ms: ms - shape.intervalMs, times: 0, value: 0 });
    samples.push({ ms, times, value });
    if (samples.length > shape.samplesMax) samples.shift();
  }

  figures() {
    const first = this.samples[0]!;
    const last = this.samples.at(-1)!;
    const sum = last.value - first.value;
    const times = last.times - first.times;
    return {
      sum,
      tps: sum * 1000 / (last.ms - first.ms),
      avgpt: times > 0 ? sum / times : 0,
    };
  }
}

test("a window that keeps changes only equals one that keeps every sample", () => {
  const steps = fc.array(
    fc.record({
      passedMs: fc.integer({ min: 1, max: 20_000 }),
      added: fc.nat(3),
      value: fc.nat(9),
    }),
    { minLength: 1, maxLength: 60 },
  );
  fc.assert(
    fc.property(steps, fc.integer({ min: 2, max: 8 }), fc.nat(20), (all, samplesMax, skipped) => {
      const shape = { intervalMs: 10_000, samplesMax };
      const samples = new SampleTimes(shape);
      const window = new Window();
      const naive = new NaiveWindow(shape);
      let nowMs = 1_700_000_000_000;
      let times = 0;
      let value = 0;
      // Other counters were sampled before this one was made.
      for (let before = 0; before < skipped; before++) samples.begin(nowMs += 10_000);
      for (const step of all) {
        nowMs += step.passedMs;
        times += step.added;
        value += step.added * step.value;
        samples.begin(nowMs);
        window.sample(samples, times, value);
        naive.sample(nowMs, times, value);
        expect(window.figures(samples)).toEqual(naive.figures());
      }
    }),
  );
});

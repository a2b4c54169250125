import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { VirtualClock } from "../../core/time/virtual_clock.ts";
import { Latencies, latencyText } from "./latencies.ts";
import { ProgressBar } from "./progress_bar.ts";
import { Reporter, type Snapshot } from "./reporter.ts";

describe("latencies", () => {
  test("have their percentiles to three digits, their mean and their maximum exactly", () => {
    const latencies = new Latencies();
    for (let ms = 1; ms <= 1000; ms++) latencies.add(ms);
    const { mean, p50, p95, p99, p999, max } = latencies.summary();
    expect(mean).toBe(500.5);
    expect(max).toBe(1000);
    expect(p50).toBeWithin(499, 501);
    expect(p95).toBeWithin(949, 951);
    expect(p99).toBeWithin(989, 991);
    expect(p999).toBeWithin(998, 1000);
  });

  test("are all zero when there are none, and after clearing", () => {
    const latencies = new Latencies();
    const none = { mean: 0, p50: 0, p95: 0, p99: 0, p999: 0, max: 0 };
    expect(latencies.summary()).toEqual(none);
    latencies.add(5);
    latencies.clear();
    expect(latencies.summary()).toEqual(none);
  });

  test("never have a percentile above the maximum, nor below what is there", () => {
    fc.assert(fc.property(
      fc.array(fc.double({ min: 0.001, max: 400_000, noNaN: true }), { minLength: 1 }),
      (all) => {
        const latencies = new Latencies();
        for (const each of all) latencies.add(each);
        const { p50, p999, max } = latencies.summary();
        expect(p50).toBeLessThanOrEqual(p999);
        expect(p999).toBeLessThanOrEqual(max);
      },
    ));
  });

  test("read as a line", () => {
    const latencies = new Latencies();
    latencies.add(1.5);
    expect(latencyText(latencies.summary()))
      .toBe("p50 1.500 | p95 1.500 | p99 1.500 | p99.9 1.500 | max 1.500");
  });
});

describe("the progress bar", () => {
  const draw = (columns: number, done: number | null, text: string) => {
    const written: string[] = [];
    const bar = new ProgressBar({ columns, write: (part) => void written.push(part) });
    bar.draw(done, text);
    bar.erase();
    bar.erase();
    return written;
  };

  test("shows how far it is, and goes away without a trace", () => {
    expect(draw(80, 0.5, "12 sent")).toEqual([
      "\r\x1b[K[############............]  50% 12 sent",
      "\r\x1b[K",
    ]);
  });

  test("shows words alone when there is no end", () => {
    expect(draw(80, null, "12 sent")[0]).toBe("\r\x1b[K12 sent");
  });

  test("never wraps", () => {
    expect(draw(20, 1, "12345 sent")[0]!.replace("\r\x1b[K", "").length).toBe(19);
  });

  test("writes nothing where there is no terminal", () => {
    const bar = new ProgressBar(null);
    bar.draw(0.5, "12 sent");
    bar.erase();
  });
});

describe("the reporter", () => {
  interface Counted extends Snapshot {
    count: number;
  }

  test("reports the rate of the last ten seconds, every so often", async () => {
    const clock = new VirtualClock();
    const printed: string[] = [];
    let count = 0;
    using reporter = new Reporter<Counted>({
      clock,
      console: { print: (text) => void printed.push(text), complain: () => {} },
      bar: new ProgressBar(null),
      reportIntervalMs: 10_000,
      snapshot: (atMs) => ({ atMs, count }),
      report: (first, last) => `${last.count - first.count} in ${last.atMs - first.atMs} ms`,
      progress: () => ({ done: null, text: "" }),
    });
    expect(reporter.window).toBeNull();
    for (let second = 0; second < 20; second++) {
      count += second < 10 ? 5 : 100;
      await clock.advance(1000);
    }
    expect(printed[0]).toBe("45 in 9000 ms");
    expect(printed[1]).toBe("1000 in 10000 ms");
    reporter.restart();
    expect(reporter.window).toBeNull();
  });
});

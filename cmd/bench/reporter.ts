// The rhythm of a benchmark's reports: counters are looked at every second, the last ten looks make a rate, and a report
// is printed every so often, as Apache's benchmarks do. Also draws the progress.
import type { Clock } from "../../core/time/clock.ts";
import type { Console } from "../console.ts";
import type { ProgressBar } from "./progress_bar.ts";

/** Cumulative counters at a time. */
export interface Snapshot {
  atMs: number;
}

const SNAPSHOT_EVERY_MS = 1_000;
const SNAPSHOTS_MAX = 10;
const DRAW_EVERY_MS = 200;

export interface ReporterOptions<S extends Snapshot> {
  clock: Clock;
  console: Console;
  bar: ProgressBar;
  reportIntervalMs: number;
  snapshot: (atMs: number) => S;
  /** The line to print; from the oldest to the newest snapshot that are kept. */
  report: (first: S, last: S) => string;
  /** How far it is, from 0 to 1 or null, and in words. */
  progress: () => { done: number | null; text: string };
}

export class Reporter<S extends Snapshot> implements Disposable {
  private readonly snapshots: S[] = [];
  private readonly stack = new DisposableStack();

  constructor(private readonly options: ReporterOptions<S>) {
    const { bar, reportIntervalMs, progress } = options;
    this.every(SNAPSHOT_EVERY_MS, () => this.look());
    this.every(reportIntervalMs, () => this.report());
    this.every(DRAW_EVERY_MS, () => {
      const { done, text } = progress();
      bar.draw(done, text);
    });
    this.stack.defer(() => bar.erase());
  }

  /** From the oldest snapshot that is kept until now; null in the first second. */
  get window(): { first: S; last: S } | null {
    const [first] = this.snapshots;
    const { clock, snapshot } = this.options;
    return first === undefined ? null : { first, last: snapshot(clock.monotonicMs()) };
  }

  /** Prints a line where the progress is drawn. */
  print(line: string): void {
    this.options.bar.erase();
    this.options.console.print(line);
  }

  /** Forgets the snapshots: the counters begin anew. */
  restart(): void {
    this.snapshots.length = 0;
  }

  [Symbol.dispose](): void {
    this.stack.dispose();
  }

  private look(): void {
    this.snapshots.push(this.options.snapshot(this.options.clock.monotonicMs()));
    if (this.snapshots.length > SNAPSHOTS_MAX) this.snapshots.shift();
  }

  private report(): void {
    const { window } = this;
    // A report that comes with the first snapshot has nothing to tell yet.
    if (window !== null && window.last.atMs > window.first.atMs + SNAPSHOT_EVERY_MS / 2) {
      this.print(this.options.report(window.first, window.last));
    }
  }

  /** At multiples of the interval, however long the work takes. */
  private every(intervalMs: number, work: () => void): void {
    const { clock } = this.options;
    const startMs = clock.monotonicMs();
    let turn = 0;
    const next = () => {
      const elapsedMs = clock.monotonicMs() - startMs;
      turn = Math.max(turn + 1, Math.floor(elapsedMs / intervalMs) + 1);
      return clock.after(startMs + turn * intervalMs - clock.monotonicMs(), () => {
        work();
        timer = next();
      });
    };
    let timer = next();
    this.stack.defer(() => timer.cancel());
  }
}

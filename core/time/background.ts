// Background work, declared once: a name, an interval, a tick that says whether there is more, a time budget.
// A tick that throws is logged and tried again at the next interval; it never ends the process.
import type { Logger } from "../log.ts";
import type { Clock, Timer } from "./clock.ts";

export interface BackgroundTask {
  name: string;
  /** A function is asked before each wait: for settings that change while the broker runs. */
  intervalMs: number | (() => number);
  /** Does a slice of work. "more" asks to be called again in this round while the budget lasts. */
  tick: () => "more" | "idle" | Promise<"more" | "idle">;
  /** How long one round may take before the rest waits for the next one. Default: one tick a round. */
  budgetMs?: number;
  /** Wait before the first round. Default: the interval. */
  initialDelayMs?: number;
}

/** Starts the task; disposing it waits for a tick in progress and then no other begins. */
export function runInBackground(
  task: BackgroundTask,
  clock: Clock,
  log: Logger,
): AsyncDisposable {
  let timer: Timer | null = null;
  let running: Promise<void> | null = null;
  let stopped = false;

  function intervalMs(): number {
    return typeof task.intervalMs === "number" ? task.intervalMs : task.intervalMs();
  }

  async function round(): Promise<void> {
    const startedMs = clock.monotonicMs();
    try {
      while (!stopped) {
        if (await task.tick() === "idle") break;
        if (clock.monotonicMs() - startedMs >= (task.budgetMs ?? 0)) break;
      }
    } catch (error) {
      log.error(`background task ${task.name} failed`, { error });
    }
  }

  function schedule(delayMs: number): void {
    if (stopped) return;
    timer = clock.after(delayMs, () => {
      running = round().finally(() => {
        running = null;
        schedule(intervalMs());
      });
    });
  }

  schedule(task.initialDelayMs ?? intervalMs());
  return {
    async [Symbol.asyncDispose]() {
      stopped = true;
      timer?.cancel();
      await running;
    },
  };
}

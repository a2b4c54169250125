// Puts the broker's statistics together and starts their sampling. The sink is for the hot paths, the rest for admin
// commands and metrics.
import type { Logger } from "../../../core/log.ts";
import { type BackgroundTask, runInBackground } from "../../../core/time/background.ts";
import type { Clock } from "../../../core/time/clock.ts";
import type { StoreStats } from "../../../store/message_store.ts";
import { BrokerStats, type StatsSettings } from "./broker_stats.ts";
import type { WindowName } from "./counter_table.ts";
import { RuntimeFigures } from "./runtime_figures.ts";
import { DAY, HOUR, MINUTE, type WindowShape } from "./window.ts";

export interface StatsOptions {
  clock: Clock;
  log: Logger;
  /** Live configuration values by Apache's names. */
  settings: StatsSettings;
  /** Messages of these topics don't count in the broker's day totals. */
  isSystemTopic: (topic: string) => boolean;
  storeStats: () => StoreStats;
}

export interface Statistics extends AsyncDisposable {
  readonly sink: BrokerStats;
  readonly figures: RuntimeFigures;
}

const RATE_INTERVAL_MS = 1_000;
const IDLE_LOOK_INTERVAL_MS = 600_000;
const MORNING_LOOK_INTERVAL_MS = 60_000;

export function openStats(options: StatsOptions): Statistics {
  const { clock, log } = options;
  const sink = new BrokerStats(options);
  const figures = new RuntimeFigures(sink, options.storeStats, clock.nowMs());
  let day = dayOf(clock.nowMs());
  const windowTask = (name: WindowName, shape: WindowShape): BackgroundTask => ({
    name: `statistics by ${name}`,
    intervalMs: shape.intervalMs,
    initialDelayMs: 0,
    tick: () => done(sink.sample(name)),
  });
  const tasks: BackgroundTask[] = [
    windowTask("minute", MINUTE),
    windowTask("hour", HOUR),
    windowTask("day", DAY),
    {
      name: "broker rates",
      intervalMs: RATE_INTERVAL_MS,
      tick: () => done(figures.sample(clock.nowMs())),
    },
    {
      name: "day totals",
      intervalMs: MORNING_LOOK_INTERVAL_MS,
      tick() {
        const today = dayOf(clock.nowMs());
        if (today !== day) figures.recordMorning();
        day = today;
        return "idle";
      },
    },
    {
      name: "idle statistics",
      intervalMs: IDLE_LOOK_INTERVAL_MS,
      tick: () => done(sink.forgetIdle()),
    },
  ];
  const running = tasks.map((task) => runInBackground(task, clock, log));
  return {
    sink,
    figures,
    async [Symbol.asyncDispose]() {
      await Promise.all(running.map((task) => task[Symbol.asyncDispose]()));
    },
  };
}

/** The local calendar day: totals turn over at the machine's midnight, as Apache's do. */
function dayOf(nowMs: number): string {
  return new Date(nowMs).toDateString();
}

function done(_: void): "idle" {
  return "idle";
}

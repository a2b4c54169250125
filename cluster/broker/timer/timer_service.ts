// The timer of a broker: one loop that takes in what was put and delivers what is due, waked by arrivals and by the next
// tick; and in the background flushes, counts and cleans. Never holds the event loop for longer than a batch.
import { DiskError } from "../../../core/disk/disk.ts";
import type { Logger } from "../../../core/log.ts";
import { TIMER_TOPIC } from "../../../core/message/topic_names.ts";
import { runInBackground } from "../../../core/time/background.ts";
import type { Clock, Timer } from "../../../core/time/clock.ts";
import type { MessageStore } from "../../../store/message_store.ts";
import type { TimerMetrics } from "../../../store/timer/timer_metrics.ts";
import type { TimerStore } from "../../../store/timer/timer_store.ts";
import type { StatsSink } from "../stats_sink.ts";
import { CLEAN_INTERVAL_MS, PREPARE_TICK_SHARE, RETRY_DELAY_MS, SLEEP_MS_MAX } from "./limits.ts";
import { TimerDelivery } from "./timer_delivery.ts";
import { TimerIntake } from "./timer_intake.ts";
import { TimerPuts, TimerStopped } from "./timer_puts.ts";

/** Configuration keys by Apache's names. */
export interface TimerSettings {
  readonly timerPrecisionMs: number;
  readonly timerFlushIntervalMs: number;
  readonly timerStopEnqueue: boolean;
  readonly timerStopDequeue: boolean;
}

export interface TimerServiceParts {
  store: MessageStore;
  timers: TimerStore;
  metrics: TimerMetrics;
  saveMetrics: () => Promise<void>;
  clock: Clock;
  log: Logger;
  stats: StatsSink;
  settings: TimerSettings;
}

export class TimerService implements AsyncDisposable {
  readonly intake: TimerIntake;
  readonly puts: TimerPuts;
  private readonly delivery: TimerDelivery;
  private readonly background = new AsyncDisposableStack();
  private timer: Timer | null = null;
  private running: Promise<void> | null = null;
  private isWaked = false;
  private isStarted = false;
  private isRecovered = false;
  private isStopped = false;
  private lastRates = { enqueued: 0, delivered: 0 };
  private counted = { enqueued: 0, delivered: 0, atMs: 0 };

  constructor(private readonly parts: TimerServiceParts) {
    this.puts = new TimerPuts(parts);
    this.intake = new TimerIntake({ ...parts, puts: this.puts });
    this.delivery = new TimerDelivery({ ...parts, puts: this.puts });
    parts.store.onArrival((topic) => {
      if (topic === TIMER_TOPIC) this.wake();
    });
  }

  /** Goes on where the last run ended: finds the queue's offset, then takes in and delivers. */
  start(): void {
    const { clock, log, settings, store, timers } = this.parts;
    this.isStarted = true;
    this.counted.atMs = clock.monotonicMs();
    const every = (name: string, intervalMs: number, work: () => Promise<void>) => {
      const tick = async () => {
        await work();
        return "idle" as const;
      };
      this.background.use(runInBackground({ name, intervalMs, tick }, clock, log));
    };
    every("flushing timers", settings.timerFlushIntervalMs, () => {
      this.noteRates();
      return this.flush();
    });
    every("cleaning the timer log", CLEAN_INTERVAL_MS, async () => {
      const deleted = await timers.deleteBefore(store.minPhysicalOffset);
      if (deleted > 0) log.info("deleted timer log files", { deleted });
    });
    this.wake();
  }

  /** Ticks that are due and not delivered, in ms. Before the first timer the wheel stands still, and nothing is due. */
  get behindMs(): number {
    if (this.parts.timers.isEmpty) return 0;
    return Math.max(0, this.parts.clock.nowMs() - this.parts.timers.readTimeMs);
  }

  /** Messages a second, between the last two flushes. */
  get rates(): Readonly<{ enqueued: number; delivered: number }> {
    return this.lastRates;
  }

  private noteRates(): void {
    const { enqueued, delivered, atMs } = this.counted;
    const nowMs = this.parts.clock.monotonicMs();
    const seconds = Math.max(1, nowMs - atMs) / 1000;
    this.lastRates = {
      enqueued: (this.intake.total - enqueued) / seconds,
      delivered: (this.puts.total - delivered) / seconds,
    };
    this.counted = { enqueued: this.intake.total, delivered: this.puts.total, atMs: nowMs };
  }

  /** Resolves when the timer's files are as durable as its log. Rejects with DiskError. */
  async flush(): Promise<void> {
    if (!this.isRecovered) return;
    await this.parts.timers.flush(this.parts.clock.nowMs());
    await this.parts.saveMetrics();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.isStopped = true;
    this.puts.isStopped = true;
    this.timer?.cancel();
    await this.running;
    await this.background.disposeAsync();
    if (this.isRecovered) await this.flushAtTheEnd();
    await this.parts.timers.close();
  }

  /** What a failing disk doesn't take costs a replay at the next start, no timer. */
  private async flushAtTheEnd(): Promise<void> {
    try {
      this.parts.timers.noteStop(this.parts.clock.nowMs());
      await this.flush();
      await this.parts.timers.noteSums();
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      this.parts.log.error("the timer's files can't be written at their closing", { error });
    }
  }

  /** Looks at the end of this turn, when all that arrives in it is there. */
  private wake(): void {
    if (this.isWaked || !this.isStarted || this.isStopped) return;
    this.isWaked = true;
    if (this.running === null) this.parts.clock.endOfTurn(() => this.run());
  }

  private run(): void {
    if (this.running !== null || this.isStopped) return;
    this.timer?.cancel();
    this.timer = null;
    // Looking at the wheel for the next time may fail too.
    this.running = this.work().then(() => this.untilNextTickMs()).catch((error: unknown) => {
      if (!(error instanceof TimerStopped)) this.parts.log.error("the timer failed", { error });
      return RETRY_DELAY_MS;
    }).then((waitMs) => {
      this.running = null;
      if (this.isStopped) return;
      if (this.isWaked && waitMs !== RETRY_DELAY_MS) this.parts.clock.endOfTurn(() => this.run());
      else if (waitMs !== Infinity) this.timer = this.parts.clock.after(waitMs, () => this.run());
    });
  }

  /** Takes in and delivers in turns until nothing is left to do now. */
  private async work(): Promise<void> {
    const { settings, timers, clock } = this.parts;
    if (!this.isRecovered) await this.intake.recover();
    this.isRecovered = true;
    for (let hasMore = true; hasMore && !this.isStopped;) {
      this.isWaked = false;
      hasMore = await this.takeInAll();
      timers.moveWriteTime(clock.nowMs());
      while (this.delivery.isDue && !settings.timerStopDequeue && !this.isStopped) {
        this.intake.isSlotOpen = false;
        try {
          await this.delivery.deliver(() => this.takeIn().then(() => {}));
        } finally {
          this.intake.isSlotOpen = true;
        }
        if (await this.takeIn()) hasMore = true;
      }
      if (timers.isFlushUrgent) await timers.flush(clock.nowMs());
    }
    if (clock.nowMs() >= this.prepareAtMs && this.delivery.isWorthPreparing) {
      await this.delivery.prepare();
    }
  }

  /** What is in the queue by now, before anything is delivered: there may be recalls of it. True when there is more. */
  private async takeInAll(): Promise<boolean> {
    for (let left = this.intake.behind; left > 0 && !this.isStopped;) {
      const before = this.parts.timers.queueOffset;
      if (!await this.takeIn()) return false;
      left -= this.parts.timers.queueOffset - before;
    }
    return this.intake.behind > 0;
  }

  private async takeIn(): Promise<boolean> {
    return !this.parts.settings.timerStopEnqueue && await this.intake.next();
  }

  private untilNextTickMs(): number {
    const { clock, settings, timers } = this.parts;
    // With the intake switched off, what waits for it is looked at again.
    if (timers.isEmpty) return this.intake.behind > 0 ? SLEEP_MS_MAX : Infinity;
    const nowMs = clock.nowMs();
    const dueMs = timers.readTimeMs + settings.timerPrecisionMs;
    const atMs = nowMs < this.prepareAtMs && this.delivery.isWorthPreparing
      ? this.prepareAtMs
      : dueMs;
    return Math.min(Math.max(1, atMs - nowMs), SLEEP_MS_MAX);
  }

  /** When the slot at the read time may be read before it is due. */
  private get prepareAtMs(): number {
    const { settings, timers } = this.parts;
    return timers.readTimeMs + Math.floor(settings.timerPrecisionMs * PREPARE_TICK_SHARE);
  }
}

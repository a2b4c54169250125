// Says how far the loading of very many queues is: a line every few seconds, and one when a long one is over.
// Silent for as many queues as most brokers have.
import type { Logger } from "../../core/log.ts";
import type { Clock } from "../../core/time/clock.ts";
import { LOAD_PROGRESS_MS, LOAD_SAID_MS } from "./limits.ts";

/** Queues between two looks at the clock. */
const QUEUES_PER_LOOK = 256;

export class LoadProgress {
  private found = 0;
  private loaded = 0;
  private steps = 0;
  private readonly startedMs: number;
  private saidMs: number;

  constructor(
    private readonly clock: Pick<Clock, "monotonicMs">,
    private readonly log: Logger,
  ) {
    this.startedMs = this.saidMs = clock.monotonicMs();
  }

  foundOne(): void {
    this.found++;
    this.step();
  }

  loadedOne(): void {
    this.loaded++;
    this.step();
  }

  over(): void {
    const tookMs = Math.round(this.clock.monotonicMs() - this.startedMs);
    if (tookMs < LOAD_SAID_MS) return;
    this.log.info("loaded the consume queues", { queues: this.loaded, tookMs });
  }

  private step(): void {
    if (++this.steps % QUEUES_PER_LOOK !== 0) return;
    const nowMs = this.clock.monotonicMs();
    if (nowMs - this.saidMs < LOAD_PROGRESS_MS) return;
    this.saidMs = nowMs;
    const seconds = Math.round((nowMs - this.startedMs) / 1000);
    this.log.info("loading consume queues", { found: this.found, loaded: this.loaded, seconds });
  }
}

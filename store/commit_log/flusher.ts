// When the log is synced: one fdatasync at a time, begun when a turn of the event loop brings nothing more; who asks during
// one is covered by the next. Under ASYNC_FLUSH a background task asks, by Apache's rules. A failed sync is final: what is
// on the device is unknown from then on.
import type { Logger } from "../../core/log.ts";
import type { BackgroundTask } from "../../core/time/background.ts";
import { type Clock, endOfTurn } from "../../core/time/clock.ts";
import { LoopSyncs } from "./loop_syncs.ts";

export const PAGE_BYTES = 4096;

/**
 * Turns of the event loop that a sync waits for at most while each brings more: senders answered together send again
 * together, over several turns, and the first of them would otherwise have a sync to itself.
 */
const GATHERING_TURNS_MAX = 4;

export interface FlushSettings {
  /** flushIntervalCommitLog. */
  readonly flushIntervalMs: number;
  /** flushCommitLogLeastPages: fewer dirty pages wait. */
  readonly flushLeastPages: number;
  /** flushCommitLogThoroughInterval: after this long any dirty byte is synced. */
  readonly flushThoroughIntervalMs: number;
}

export interface FlusherParts {
  clock: Clock;
  log: Logger;
  /** End of the written log. */
  writtenEnd: () => number;
  /** Makes the bytes between two offsets durable. */
  sync: (start: number, end: number) => Promise<void>;
  /**
   * Under SYNC_FLUSH: as `sync`, on the event loop; false, and nothing done, when it can't be done so. `quickSyncsMin`
   * quick ones in a row must have gone before. `waiting` counts the records that wait for a sync.
   */
  onLoop?: {
    quickSyncsMin: number;
    syncNow: (start: number, end: number) => boolean;
    waiting: () => number;
  };
  onFlushed: (end: number) => void;
  /** Called once. */
  onFailed: (error: unknown) => void;
}

export class Flusher {
  private wanted = false;
  private running: Promise<void> | null = null;
  private failed = false;
  private lastThoroughMs: number;
  private readonly loopSyncs: LoopSyncs;

  constructor(private readonly parts: FlusherParts, private end: number) {
    this.loopSyncs = new LoopSyncs(parts.onLoop?.quickSyncsMin ?? Infinity);
    this.lastThoroughMs = parts.clock.monotonicMs();
  }

  /** Up to where the log is on the device. */
  get flushedEnd(): number {
    return this.end;
  }

  /** Asks for a sync of all that is written now. */
  request(): void {
    if (this.failed || this.parts.writtenEnd() <= this.end) return;
    this.wanted = true;
    if (this.running === null) this.running = this.run();
  }

  /** Resolves when all that is written now is on the device; false when it can't be. */
  async flush(): Promise<boolean> {
    const target = this.parts.writtenEnd();
    while (this.end < target && !this.failed) {
      this.request();
      await this.running;
    }
    return this.end >= target;
  }

  /** The background task of ASYNC_FLUSH, by the settings as they are at each of its rounds. */
  task(settings: FlushSettings): BackgroundTask {
    return {
      name: "flush-log",
      get intervalMs() {
        return settings.flushIntervalMs;
      },
      tick: async (): Promise<"idle"> => {
        if (this.isDue(settings)) await this.flush();
        return "idle";
      },
    };
  }

  private isDue(settings: FlushSettings): boolean {
    const nowMs = this.parts.clock.monotonicMs();
    const written = this.parts.writtenEnd();
    if (nowMs - this.lastThoroughMs >= settings.flushThoroughIntervalMs) {
      this.lastThoroughMs = nowMs;
      return written > this.end;
    }
    const pages = Math.floor(written / PAGE_BYTES) - Math.floor(this.end / PAGE_BYTES);
    return written > this.end && pages >= settings.flushLeastPages;
  }

  private get waiting(): number {
    return this.parts.onLoop?.waiting() ?? 0;
  }

  /** Waits while turns of the event loop bring more. */
  private async gather(): Promise<void> {
    const { clock, writtenEnd } = this.parts;
    for (let turn = 0; turn < GATHERING_TURNS_MAX; turn++) {
      const end = writtenEnd();
      const beganMs = clock.monotonicMs();
      await endOfTurn(clock);
      this.loopSyncs.noteTurn(clock.monotonicMs() - beganMs);
      if (writtenEnd() === end) break;
    }
    this.loopSyncs.noteGathered(this.waiting);
  }

  /** Throws DiskError. */
  private async sync(end: number): Promise<void> {
    const { clock, onLoop, sync } = this.parts;
    const beganMs = clock.monotonicMs();
    const isAllowed = this.loopSyncs.allows(end - this.end);
    const isDone = isAllowed && onLoop?.syncNow(this.end, end) === true;
    if (!isDone) await sync(this.end, end);
    this.loopSyncs.noteSync(clock.monotonicMs() - beganMs, isDone);
  }

  private async run(): Promise<void> {
    while (this.wanted && !this.failed) {
      if (!this.loopSyncs.skipsGathering(this.waiting)) await this.gather();
      this.wanted = false;
      const end = this.parts.writtenEnd();
      if (end <= this.end) continue;
      try {
        await this.sync(end);
      } catch (error) {
        this.failed = true;
        this.parts.log.error("the log can't be synced: nothing more is taken", { error });
        this.parts.onFailed(error);
        break;
      }
      this.end = end;
      this.parts.onFlushed(end);
    }
    this.running = null;
  }
}

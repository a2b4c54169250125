// Whether the log's next sync is done on the event loop. The way to a thread of the pool and back takes as long as the
// sync of a quick device, so few senders, who wait for each one, are answered sooner without it. While it lasts nothing
// else is served: only few bytes are synced so, on a device that was quick of late, by a loop that has little else to do.
import {
  LONE_SYNCS_MIN,
  LONE_SYNCS_PER_GATHERED,
  LOOP_SYNC_BYTES_MAX,
  LOOP_SYNC_TURN_MS_MAX,
  QUICK_LOOP_SYNC_MS,
  QUICK_POOL_SYNC_MS,
} from "./limits.ts";

/** A turn's weight in the mean. */
const TURN_WEIGHT = 1 / 16;

export class LoopSyncs {
  private quickInARow = 0;
  private turnMs = 0;
  /** Syncs in a row that gathered and yet were of one record. */
  private loneInARow = 0;
  private sinceGathered = 0;

  constructor(private readonly quickSyncsMin: number) {}

  /** Whether so many bytes may be synced on the event loop now. */
  allows(bytes: number): boolean {
    return bytes <= LOOP_SYNC_BYTES_MAX && this.quickInARow >= this.quickSyncsMin &&
      this.turnMs <= LOOP_SYNC_TURN_MS_MAX;
  }

  /**
   * Whether the next sync may go without waiting for what others bring: of late there was one sender alone, who waits for
   * each. Asked once a sync.
   */
  skipsGathering(records: number): boolean {
    const isLone = records === 1 && this.loneInARow >= LONE_SYNCS_MIN;
    if (isLone && ++this.sinceGathered < LONE_SYNCS_PER_GATHERED) return true;
    this.sinceGathered = 0;
    return false;
  }

  /** Notes how many records a sync that gathered is of. */
  noteGathered(records: number): void {
    this.loneInARow = records === 1 ? this.loneInARow + 1 : 0;
  }

  /** Notes how long a turn of the event loop took. */
  noteTurn(tookMs: number): void {
    this.turnMs += (tookMs - this.turnMs) * TURN_WEIGHT;
  }

  /** Notes how long a sync took, from when it was asked for until its end was known. */
  noteSync(tookMs: number, onLoop: boolean): void {
    const isQuick = tookMs <= (onLoop ? QUICK_LOOP_SYNC_MS : QUICK_POOL_SYNC_MS);
    this.quickInARow = isQuick ? this.quickInARow + 1 : 0;
  }
}

// Lets few long reads of the log be under way at a time, in the order they were asked for: a sync of the log needs a
// thread of the same small pool, and readers of the log's cold end must not have them all. While reads come from the
// device they leave it to the syncs, too: a sync between reads takes several times as long, and appends to the file
// may wait for it; and they leave pauses between them, which leave the cores to the sends. Never looks at bytes.
import type { Clock } from "../../core/time/clock.ts";
import type { ColdSigns } from "./cold_signs.ts";
import type { ReadPauses } from "./read_pauses.ts";

/** On a machine with two cores the pool has two threads. */
const LONG_READS_MAX = 1;
/** A shorter read is soon over and waits for no turn. */
export const LONG_READ_BYTES_MIN = 64 * 1024;

/** Few at a time, the others in the order they came. */
class Gate {
  private inside = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly insideMax: number) {}

  /** Null when there is room at once. */
  enter(): Promise<void> | null {
    if (this.inside < this.insideMax) {
      this.inside++;
      return null;
    }
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  leave(): void {
    const next = this.waiting.shift();
    if (next === undefined) this.inside--;
    else next();
  }
}

export class ReadTurns {
  private readonly reads = new Gate(LONG_READS_MAX);
  /** A cold read is inside until its pause is over; others pass by. */
  private readonly coldReads = new Gate(1);
  /** Resolves when the sync under way has ended, however. */
  private sync: Promise<void> | null = null;

  constructor(
    private readonly signs: Pick<ColdSigns, "isCold">,
    private readonly pauses: Pick<ReadPauses, "next">,
    private readonly clock: Pick<Clock, "after">,
  ) {}

  /** Notes a sync that has begun; cold reads that are asked for before it has ended wait for its end. */
  async during(sync: Promise<void>): Promise<void> {
    const ended = sync.catch(() => {});
    this.sync = ended;
    try {
      await sync;
    } finally {
      if (this.sync === ended) this.sync = null;
    }
  }

  /** Calls `read` when its turn has come: it must look then for what it reads from, which may be gone. */
  async take<T>(read: () => Promise<T>, isUrgent = false): Promise<T> {
    if (isUrgent || !this.signs.isCold) return await this.inTurn(read);
    // For one sync and no more: under SYNC_FLUSH one may follow the other.
    if (this.sync !== null) await this.sync;
    const entering = this.coldReads.enter();
    if (entering !== null) await entering;
    try {
      return await this.inTurn(read);
    } finally {
      this.leaveAfterPause();
    }
  }

  private async inTurn<T>(read: () => Promise<T>): Promise<T> {
    const entering = this.reads.enter();
    if (entering !== null) await entering;
    try {
      return await read();
    } finally {
      this.reads.leave();
    }
  }

  private leaveAfterPause(): void {
    const pauseMs = this.pauses.next();
    if (pauseMs === 0) this.coldReads.leave();
    else this.clock.after(pauseMs, () => this.coldReads.leave());
  }
}

// Lets few long reads of the log be under way at a time, in the order they were asked for: a sync of the log needs a
// thread of the same small pool, and readers of the log's cold end must not have them all. While reads come from the
// device they leave it to the syncs, too: a sync between reads takes several times as long, and appends to the file
// may wait for it. Never looks at bytes.
import type { ColdSigns } from "./cold_signs.ts";

/** On a machine with two cores the pool has two threads. */
const LONG_READS_MAX = 1;
/** A shorter read is soon over and waits for no turn. */
export const LONG_READ_BYTES_MIN = 64 * 1024;

export class ReadTurns {
  private underWay = 0;
  private readonly waiting: (() => void)[] = [];
  /** Resolves when the sync under way has ended, however. */
  private sync: Promise<void> | null = null;

  constructor(private readonly signs: Pick<ColdSigns, "isCold">) {}

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
    // For one sync and no more: under SYNC_FLUSH one may follow the other.
    if (this.sync !== null && !isUrgent && this.signs.isCold) await this.sync;
    if (this.underWay < LONG_READS_MAX) this.underWay++;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
    try {
      return await read();
    } finally {
      const next = this.waiting.shift();
      if (next === undefined) this.underWay--;
      else next();
    }
  }
}

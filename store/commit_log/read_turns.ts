// Lets few long reads of the log be under way at a time, in the order they were asked for: a sync of the log needs a
// thread of the same small pool, and readers of the log's cold end must not have them all. Never looks at bytes.

/** On a machine with two cores the pool has two threads. */
const LONG_READS_MAX = 1;
/** A shorter read is soon over and waits for no turn. */
export const LONG_READ_BYTES_MIN = 64 * 1024;

export class ReadTurns {
  private underWay = 0;
  private readonly waiting: (() => void)[] = [];

  /** Calls `read` when its turn has come: it must look then for what it reads from, which may be gone. */
  async take<T>(read: () => Promise<T>): Promise<T> {
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

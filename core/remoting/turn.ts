// One turn of the event loop over all sockets of a server or client: frames are handled as they come, then burst
// listeners run once, then each connection with something to say is written to once.
import type { Clock } from "../time/clock.ts";

export interface Flushable {
  /** Writes what is queued; called once for each time it was added. */
  flush(): void;
}

export class Turn {
  private queued: Flushable[] = [];
  private flushing: Flushable[] = [];
  private readonly listeners: (() => void)[] = [];
  private scheduled = false;
  private burstBytes = 0;
  private readonly runAtEnd = () => {
    this.scheduled = false;
    this.run();
  };

  constructor(private readonly clock: Clock, private readonly burstBytesMax: number) {}

  /** Called after the frames of a turn were handled and before connections are flushed. */
  onBurst(listener: () => void): void {
    this.listeners.push(listener);
  }

  /** Makes sure that this turn ends with a run. */
  schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    this.clock.endOfTurn(this.runAtEnd);
  }

  /** Queues a flush for the end of the turn. Callers add themselves once until they are flushed. */
  add(flushable: Flushable): void {
    this.queued.push(flushable);
    this.schedule();
  }

  /** Counts bytes of handled frames; a burst that grows too large is run at once. */
  handled(bytes: number): void {
    this.burstBytes += bytes;
    if (this.burstBytes >= this.burstBytesMax) this.run();
  }

  private run(): void {
    this.burstBytes = 0;
    for (const listener of this.listeners) listener();
    const flushing = this.queued;
    this.queued = this.flushing;
    this.flushing = flushing;
    for (const each of flushing) each.flush();
    flushing.length = 0;
  }
}

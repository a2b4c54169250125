// One turn of the event loop over all sockets of a server or client: frames are handled as they
// come, then burst listeners run once, then each connection with something to say is written to
// once.
import type { Clock } from "../time/clock.ts";

export interface EndsTurn {
  /** Called once for each time it was added: writes what is queued. */
  endTurn(): void;
}

export class Turn {
  private queued: EndsTurn[] = [];
  private flushing: EndsTurn[] = [];
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
  add(each: EndsTurn): void {
    this.queued.push(each);
    this.schedule();
  }

  /** Counts bytes of handled frames; a burst that grows too large is run at once. */
  handled(bytes: number): void {
    this.burstBytes += bytes;
    if (this.burstBytes >= this.burstBytesMax) this.run();
  }

  private run(): void {
    this.burstBytes = 0;
    this.callListeners();
    const flushing = this.queued;
    this.queued = this.flushing;
    this.flushing = flushing;
    for (const each of flushing) each.endTurn();
    flushing.length = 0;
  }

  private callListeners(): void {
    const { scheduled } = this;
    // What they queue is written below: it needs no other run.
    this.scheduled = true;
    try {
      for (const listener of this.listeners) listener();
    } finally {
      this.scheduled = scheduled;
    }
  }
}

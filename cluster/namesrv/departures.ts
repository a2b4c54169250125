// Brokers that leave, collected and taken out of the routes together at the end of the turn
// (BatchUnregistrationService): a rack that loses power costs one pass over the topics, not one a
// broker. Owns no clock but the one it is given.
import type { Clock } from "../../core/time/clock.ts";
import type { Unregistration } from "./route_model.ts";

export class Departures {
  private waiting: Unregistration[] = [];
  private stopped = false;

  constructor(
    private readonly clock: Clock,
    private readonly waitingMax: number,
    private readonly take: (batch: readonly Unregistration[]) => void,
  ) {}

  /** False when too many wait already: then the request is refused. */
  submit(unregistration: Unregistration): boolean {
    if (this.stopped || this.waiting.length >= this.waitingMax) return false;
    this.add(unregistration);
    return true;
  }

  /**
   * For brokers that are known to be gone: there are never more than are registered, so they always
   * fit.
   */
  add(unregistration: Unregistration): void {
    if (this.stopped) return;
    this.waiting.push(unregistration);
    if (this.waiting.length === 1) this.clock.endOfTurn(() => this.flush());
  }

  /**
   * Nobody leaves any more: connections that end because the name server stops say nothing about
   * brokers.
   */
  stop(): void {
    this.stopped = true;
    this.waiting = [];
  }

  private flush(): void {
    const batch = this.waiting;
    if (batch.length === 0) return;
    this.waiting = [];
    this.take(batch);
  }
}

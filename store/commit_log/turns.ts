// Counts turns of the event loop, so that a reused buffer is left alone while a view of it may still be in use.
// A view that is handed out stays valid until the end of the next turn; never longer.
import type { Clock } from "../../core/time/clock.ts";

/** Turns that must have begun after a view was handed out before its bytes may be overwritten. */
const TURNS_KEPT = 2;

export class Turns {
  private now = TURNS_KEPT;
  private counting = false;

  constructor(private readonly clock: Clock) {}

  /** The number of this turn, to be remembered with the buffer that is looked at. */
  current(): number {
    if (!this.counting) {
      this.counting = true;
      this.countDown(TURNS_KEPT);
    }
    return this.now;
  }

  /** True when no view from the remembered turn is in use any more. */
  isOver(turn: number): boolean {
    return turn + TURNS_KEPT <= this.now;
  }

  private countDown(turnsLeft: number): void {
    this.clock.endOfTurn(() => {
      this.now++;
      if (turnsLeft > 1) this.countDown(turnsLeft - 1);
      else this.counting = false;
    });
  }
}

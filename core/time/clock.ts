// The clock that every component is given: wall time, monotonic time and timers.
// Real time lives in system_clock.ts, a test's time in virtual_clock.ts; nothing else reads a clock.

/** A pending timer. Cancelling twice, or after it fired, does nothing. */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Wall-clock time in ms since 1970-01-01 UTC; may jump. */
  nowMs(): number;
  /** Time in ms that never goes backwards; only differences mean something. */
  monotonicMs(): number;
  /** Calls back once after at least `delayMs`. A pending timer doesn't keep the process alive. */
  after(delayMs: number, callback: () => void): Timer;
  /** Calls back once at the end of this turn of the event loop, after the I/O of the turn. */
  endOfTurn(callback: () => void): void;
  /** Resolves after `delayMs`; rejects with the signal's reason when it is aborted first. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
  /**
   * How long this thread has been ready to run without getting a core, in ms; only differences mean something. Absent where
   * the system doesn't say.
   */
  coreWaitMs?(): number;
}

/** Resolves at the end of this turn of the event loop: others have had theirs by then. */
export function endOfTurn(clock: Pick<Clock, "endOfTurn">): Promise<void> {
  return new Promise((resolve) => clock.endOfTurn(resolve));
}

// Brokers that were slow or failed, and until when they are better avoided (MQFaultStrategy).
import type { Clock } from "../time/clock.ts";

/** From this latency on, the broker is avoided for so long; both in ms, the slowest first. */
const STEPS: readonly [latencyMs: number, avoidedMs: number][] = [
  [15_000, 30_000],
  [5_000, 10_000],
  [3_000, 6_000],
  [1_800, 5_000],
  [550, 2_000],
];
/** What a failure counts as. */
const FAILURE_LATENCY_MS = 10_000;

export class FaultTracker {
  private readonly avoidedUntilMs = new Map<string, number>();

  constructor(private readonly clock: Clock) {}

  readonly isAvailable = (brokerName: string): boolean => {
    const untilMs = this.avoidedUntilMs.get(brokerName);
    return untilMs === undefined || this.clock.monotonicMs() >= untilMs;
  };

  answered(brokerName: string, latencyMs: number): void {
    const avoidedMs = avoidanceMs(latencyMs);
    if (avoidedMs === 0) this.avoidedUntilMs.delete(brokerName);
    else this.avoidedUntilMs.set(brokerName, this.clock.monotonicMs() + avoidedMs);
  }

  failed(brokerName: string): void {
    this.answered(brokerName, FAILURE_LATENCY_MS);
  }
}

/** How long a broker that took `latencyMs` is avoided. */
export function avoidanceMs(latencyMs: number): number {
  return STEPS.find(([fromMs]) => latencyMs >= fromMs)?.[1] ?? 0;
}

// Brokers that were slow or failed, and until when they are better avoided (MQFaultStrategy,
// LatencyFaultToleranceImpl). Knows no addresses and asks nobody; broker_detector.ts does.
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

interface Fault {
  avoidedUntilMs: number;
  isReachable: boolean;
}

export class FaultTracker {
  private readonly faults = new Map<string, Fault>();

  /** With a detector, a broker that can't be reached is left alone until the detector reaches it. */
  constructor(private readonly clock: Clock, private readonly hasDetector = false) {}

  /** Neither avoided nor out of reach. */
  readonly isAvailable = (brokerName: string): boolean => {
    const fault = this.faults.get(brokerName);
    return fault === undefined ||
      (fault.isReachable && this.clock.monotonicMs() >= fault.avoidedUntilMs);
  };

  /** As far as is known, it answers at all, however slowly. */
  readonly isReachable = (brokerName: string): boolean =>
    this.faults.get(brokerName)?.isReachable ?? true;

  /** Brokers that were last seen out of reach. */
  unreachable(): string[] {
    return [...this.faults].filter(([, fault]) => !fault.isReachable).map(([name]) => name);
  }

  answered(brokerName: string, latencyMs: number): void {
    this.note(brokerName, avoidanceMs(latencyMs), true);
  }

  /** It answered, and refused. */
  refused(brokerName: string): void {
    this.note(brokerName, avoidanceMs(FAILURE_LATENCY_MS), true);
  }

  /** It didn't answer. */
  failed(brokerName: string): void {
    this.note(brokerName, avoidanceMs(FAILURE_LATENCY_MS), !this.hasDetector);
  }

  /** It was reached again; the time that it is avoided for still runs. */
  reached(brokerName: string): void {
    const fault = this.faults.get(brokerName);
    if (fault !== undefined) fault.isReachable = true;
  }

  /** The routes don't have it any more. */
  forget(brokerName: string): void {
    this.faults.delete(brokerName);
  }

  private note(brokerName: string, avoidedMs: number, isReachable: boolean): void {
    if (avoidedMs === 0 && isReachable) {
      this.faults.delete(brokerName);
      return;
    }
    const avoidedUntilMs = this.clock.monotonicMs() + avoidedMs;
    this.faults.set(brokerName, { avoidedUntilMs, isReachable });
  }
}

/** How long a broker that took `latencyMs` is avoided. */
export function avoidanceMs(latencyMs: number): number {
  return STEPS.find(([fromMs]) => latencyMs >= fromMs)?.[1] ?? 0;
}

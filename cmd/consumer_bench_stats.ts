// What consumer-bench counts, and the lines it prints: Apache's to the letter, for scripts that parse them, and further
// ones. Pure.
import { Latencies, latencyText } from "./bench/latencies.ts";
import type { Snapshot } from "./bench/reporter.ts";
import { dayAndTimeMs } from "./inspector/java_text.ts";
import { printf } from "./inspector/printf.ts";

/** Cumulative. Born to consumer (B2C): since the producer made it. Store to consumer (S2C): since the broker stored it. */
export interface ConsumeSnapshot extends Snapshot {
  messages: number;
  bornTotalMs: number;
  storeTotalMs: number;
  failed: number;
}

export class ConsumeStats {
  readonly born = new Latencies();
  readonly store = new Latencies();
  messages = 0;
  /** Those that were asked for again, on purpose. */
  failed = 0;
  /** Since the last report. */
  private bornMaxMs = 0;
  private storeMaxMs = 0;

  consumed(bornMs: number, storeMs: number, isFailure: boolean): void {
    this.messages++;
    if (isFailure) this.failed++;
    this.born.add(bornMs);
    this.store.add(storeMs);
    if (bornMs > this.bornMaxMs) this.bornMaxMs = bornMs;
    if (storeMs > this.storeMaxMs) this.storeMaxMs = storeMs;
  }

  /** The largest since the last call. */
  takeMaxima(): { bornMaxMs: number; storeMaxMs: number } {
    const { bornMaxMs, storeMaxMs } = this;
    this.bornMaxMs = this.storeMaxMs = 0;
    return { bornMaxMs, storeMaxMs };
  }

  snapshot(atMs: number): ConsumeSnapshot {
    const { messages, failed } = this;
    const bornTotalMs = this.born.totalMs;
    return { atMs, messages, bornTotalMs, storeTotalMs: this.store.totalMs, failed };
  }
}

export interface ConsumerBenchHead {
  topic: string;
  threadCount: number;
  group: string;
  suffix: string;
  filterType: string | undefined;
  expressionFile: string | undefined;
  reportInterval: number;
}

/** The line before the load (Consumer.main). */
export function headText(head: ConsumerBenchHead): string {
  return printf(
    "topic: %s, threadCount %d, group: %s, suffix: %s, filterType: %s, expression: %s, " +
      "msgTraceEnable: false, aclEnable: false, reportInterval: %d",
    head.topic,
    head.threadCount,
    head.group,
    head.suffix,
    head.filterType,
    head.expressionFile,
    head.reportInterval,
  );
}

/** Rates between two snapshots. */
export function ratesOf(first: ConsumeSnapshot, last: ConsumeSnapshot) {
  const seconds = (last.atMs - first.atMs) / 1000;
  const messages = last.messages - first.messages;
  const averageOf = (total: number) => messages > 0 ? total / messages : 0;
  return {
    messagesPerSecond: seconds > 0 ? messages / seconds : 0,
    bornAverageMs: averageOf(last.bornTotalMs - first.bornTotalMs),
    storeAverageMs: averageOf(last.storeTotalMs - first.storeTotalMs),
    failed: last.failed - first.failed,
  };
}

/** A line between (Consumer's printStats). */
export function reportText(
  rates: ReturnType<typeof ratesOf>,
  maxima: ReturnType<ConsumeStats["takeMaxima"]>,
  nowMs: number,
): string {
  return `Current Time: ${dayAndTimeMs(nowMs)} | ` + printf(
    "Consume TPS: %d | AVG(B2C) RT(ms): %7.3f | AVG(S2C) RT(ms): %7.3f | " +
      "MAX(B2C) RT(ms): %d | MAX(S2C) RT(ms): %d | Consume Fail: %d",
    rates.messagesPerSecond,
    rates.bornAverageMs,
    rates.storeAverageMs,
    maxima.bornMaxMs,
    maxima.storeMaxMs,
    rates.failed,
  );
}

/** The whole run, for people. */
export function summaryText(
  stats: ConsumeStats,
  seconds: number,
  cpuMicroseconds: number,
): string {
  const { born, failed, messages, store } = stats;
  const rate = seconds > 0 ? Math.trunc(messages / seconds) : 0;
  const cost = messages > 0 ? (cpuMicroseconds / messages).toFixed(1) : "0.0";
  return [
    `[Complete] Consume Total: ${messages} | Consume TPS: ${rate} | Consume Fail: ${failed}`,
    `Messages: ${messages} in ${seconds.toFixed(2)} s | ` +
    `CPU ${(cpuMicroseconds / 1e6).toFixed(2)} s, ${cost} us a message`,
    `B2C(ms): ${latencyText(born.summary())}`,
    `S2C(ms): ${latencyText(store.summary())}`,
  ].join("\n");
}

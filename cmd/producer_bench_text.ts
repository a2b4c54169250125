// What producer-bench prints: Apache's lines to the letter, for scripts that parse them, and further ones. Pure.
import { latencyText } from "./bench/latencies.ts";
import { dayAndTimeMs } from "./inspector/java_text.ts";
import { printf } from "./inspector/printf.ts";
import type { SendSnapshot, SendStats } from "./producer_bench_load.ts";

export interface ProducerBenchHead {
  topic: string;
  threadCount: number;
  messageSize: number;
  batchSize: number | undefined;
  keyEnable: boolean;
  propertySize: number;
  tagCount: number;
  messageQuantity: number;
  delayEnable: boolean;
  delayLevel: number;
  asyncEnable: boolean;
  compressEnable: boolean;
  compressType: string;
  compressLevel: number;
  reportInterval: number;
}

/** The lines before the load (Producer.main, BatchProducer.main). */
export function headText(head: ProducerBenchHead): string {
  const lines = [
    head.batchSize === undefined ? singleHead(head) : batchHead(head),
    printf(
      " compressEnable: %s, reportInterval: %d",
      head.compressEnable,
      head.reportInterval,
    ),
  ];
  if (head.compressEnable) {
    lines.push(
      printf("compressType: %s compressLevel: %s", head.compressType, head.compressLevel),
    );
  }
  return lines.join("\n");
}

function singleHead(head: ProducerBenchHead): string {
  return printf(
    "topic: %s, threadCount: %d, messageSize: %d, keyEnable: %s, propertySize: %d, tagCount: %d, " +
      "traceEnable: false, aclEnable: false, messageQuantity: %d, delayEnable: %s, " +
      "delayLevel: %s, asyncEnable: %s",
    head.topic,
    head.threadCount,
    head.messageSize,
    head.keyEnable,
    head.propertySize,
    head.tagCount,
    head.messageQuantity,
    head.delayEnable,
    head.delayLevel,
    head.asyncEnable,
  );
}

function batchHead(head: ProducerBenchHead): string {
  return printf(
    "topic: %s, threadCount: %d, messageSize: %d, batchSize: %d, keyEnable: %s, " +
      "propertySize: %d, tagCount: %d, traceEnable: false, aclEnable: false",
    head.topic,
    head.threadCount,
    head.messageSize,
    head.batchSize,
    head.keyEnable,
    head.propertySize,
    head.tagCount,
  );
}

/** Rates between two snapshots. */
export function ratesOf(first: SendSnapshot, last: SendSnapshot) {
  const seconds = (last.atMs - first.atMs) / 1000;
  const requests = last.requests - first.requests;
  const messages = last.messages - first.messages;
  const milliseconds = last.totalMs - first.totalMs;
  return {
    requestsPerSecond: seconds > 0 ? requests / seconds : 0,
    messagesPerSecond: seconds > 0 ? messages / seconds : 0,
    averageMs: requests > 0 ? milliseconds / requests : 0,
    averageMessageMs: messages > 0 ? milliseconds / messages : 0,
  };
}

export interface SendReport {
  first: SendSnapshot;
  last: SendSnapshot;
  maxMs: number;
  isBatch: boolean;
}

/** A line between (Producer.doPrintStats, StatsBenchmarkBatchProducer.printStats). */
export function reportText(report: SendReport, nowMs: number): string {
  return `Current Time: ${dayAndTimeMs(nowMs)} | ${figures(report)}`;
}

/** The line at the end; a run of less than two seconds has a shorter one, as Apache's. */
export function completeText(report: SendReport | null, stats: SendStats): string {
  const { requests, sendFailed, responseFailed } = stats;
  const total = requests + sendFailed;
  if (report === null) {
    return printf(
      "[Complete] Send Total: %d Send Failed: %d Response Failed: %d",
      total,
      sendFailed,
      responseFailed,
    );
  }
  return `[Complete] Send Total: ${total} | ${figures(report)}`;
}

function figures({ first, last, maxMs, isBatch }: SendReport): string {
  const rates = ratesOf(first, last);
  if (!isBatch) {
    return printf(
      "Send TPS: %d | Max RT(ms): %d | Average RT(ms): %7.3f | Send Failed: %d | " +
        "Response Failed: %d",
      rates.requestsPerSecond,
      maxMs,
      rates.averageMs,
      last.sendFailed,
      last.responseFailed,
    );
  }
  return printf(
    "Send TPS: %d | Send MPS: %d | Max RT(ms): %d | Average RT(ms): %7.3f | " +
      "Average Message RT(ms): %7.3f | Send Failed: %d | Send Message Failed: %d",
    rates.requestsPerSecond,
    rates.messagesPerSecond,
    maxMs,
    rates.averageMs,
    rates.averageMessageMs,
    last.sendFailed + last.responseFailed,
    last.messagesFailed,
  );
}

/** The whole run, for people: rate, percentiles, statuses, failures by cause, CPU. */
export function summaryText(stats: SendStats, seconds: number, cpuMicroseconds: number): string {
  const { failures, latencies, messages, statuses } = stats;
  const rate = seconds > 0 ? Math.round(messages / seconds) : 0;
  const cost = messages > 0 ? (cpuMicroseconds / messages).toFixed(1) : "0.0";
  const lines = [
    `Messages: ${messages} in ${seconds.toFixed(2)} s | ${rate} a second | ` +
    `CPU ${(cpuMicroseconds / 1e6).toFixed(2)} s, ${cost} us a message`,
    `Latency(ms): ${latencyText(latencies.summary())}`,
    `Status: ${counts(statuses) || "none"}`,
  ];
  if (failures.size > 0) lines.push(`Failed: ${counts(failures)}`);
  return lines.join("\n");
}

function counts(byName: ReadonlyMap<string, number>): string {
  return [...byName].sort(([, a], [, b]) => b - a).map(([name, count]) => `${name} ${count}`)
    .join(" | ");
}

// roquet producer-bench: sends as fast as it goes, or at a fixed rate, and reports as Apache's benchmark does
// (org.apache.rocketmq.example.benchmark.Producer and BatchProducer), with percentiles, statuses and JSON besides.
import type { ProducerOptions } from "../core/client/options.ts";
import { Producer } from "../core/client/producer.ts";
import { UsageError } from "../core/errors.ts";
import { systemRandom } from "../core/random.ts";
import { type BenchContext, defineBench } from "./bench/bench_command.ts";
import {
  amount,
  positive,
  refuseUnserved,
  REPORT_OPTIONS,
  UNSERVED_OPTIONS,
} from "./bench/bench_options.ts";
import { Pacer } from "./bench/pacer.ts";
import { ProgressBar } from "./bench/progress_bar.ts";
import { Reporter } from "./bench/reporter.ts";
import {
  bool,
  count,
  defaulted,
  optional,
  type OptionValues,
  text,
  topicName,
} from "./inspector/option.ts";
import { SendLoad, type SendSnapshot, SendStats } from "./producer_bench_load.ts";
import { messageMaker } from "./producer_bench_messages.ts";
import { completeText, headText, ratesOf, reportText, summaryText } from "./producer_bench_text.ts";

const OPTIONS = {
  topic: defaulted("t", "topic", topicName, "BenchmarkTest", "topic"),
  threadCount: defaulted("w", "threadCount", count, 64, "senders, each awaiting its answer"),
  messageSize: defaulted("s", "messageSize", count, 128, "bytes of a body"),
  batchSize: optional("b", "batchSize", count, "send batches of so many messages"),
  keyEnable: defaulted("k", "keyEnable", bool, false, "give messages a key"),
  propertySize: defaulted("p", "propertySize", amount, 0, "characters of properties"),
  tagCount: defaulted("l", "tagCount", amount, 0, "different tags"),
  messageQuantity: defaulted("q", "messageQuantity", amount, 0, "messages in all; 0: for ever"),
  delayEnable: defaulted("d", "delayEnable", bool, false, "send delayed messages"),
  delayLevel: defaulted("e", "delayLevel", count, 1, "delay level, with -d true"),
  asyncEnable: defaulted("y", "asyncEnable", bool, false, "many sends in flight, instead of -w"),
  compressEnable: defaulted("c", "compressEnable", bool, false, "compress large bodies"),
  compressType: defaulted("ct", "compressType", text, "ZLIB", "ZLIB, LZ4 or ZSTD"),
  compressLevel: defaulted("cl", "compressLevel", count, 5, "level of compression"),
  compressOverHowMuch: defaulted("ch", "compressOverHowMuch", count, 4096, "compress from bytes"),
  ...REPORT_OPTIONS,
  rate: optional(
    null,
    "rate",
    positive,
    "requests a second; latencies count from when each was due",
  ),
  inFlight: defaulted(null, "inFlight", count, 1024, "sends in flight, with -y true"),
  warmup: optional(null, "warmup", positive, "seconds that aren't counted"),
  ...UNSERVED_OPTIONS,
};

type Context = BenchContext<typeof OPTIONS>;
type Options = OptionValues<typeof OPTIONS>;

export const producerBench = defineBench({
  name: "producer-bench",
  summary: "Measure sending, with the options and lines of Apache's benchmark",
  options: OPTIONS,
  example: "-t BenchmarkTest -w 64 -s 128 -q 1000000 -n 127.0.0.1:9876",
  run: runProducerBench,
});

async function runProducerBench(context: Context): Promise<boolean> {
  const { options, environment } = context;
  const choices = clientOptions(context);
  const { topic, delayEnable, delayLevel } = options;
  const { clock } = environment;
  if (!context.asJson) environment.console.print(headText(headOf(options)));
  await using producer = await Producer.open(choices, environment.client);
  // A topic that nobody takes is told at once, with the cause.
  await producer.queues(topic);
  const nextMessage = messageMaker(
    { ...options, delayLevel: delayEnable ? delayLevel : null },
    clock,
    environment.client.random ?? systemRandom,
  );
  const run = new ProducerRun(context);
  await run.load(producer, nextMessage);
  return run.finish();
}

/** Throws UsageError. */
function clientOptions({ options, nameServers }: Context): ProducerOptions {
  refuseUnserved(options);
  const { asyncEnable, batchSize, compressEnable, compressLevel, compressOverHowMuch } = options;
  if (asyncEnable && batchSize !== undefined) {
    throw new UsageError("-y true and -b can't go together: batches are sent by -w senders");
  }
  return {
    nameServers,
    group: batchSize === undefined ? "benchmark_producer" : "benchmark_batch_producer",
    compressFromBytes: compressEnable && compressOverHowMuch,
    compression: compressionOf(options.compressType),
    compressionLevel: compressLevel,
    sendsInFlightMax: Math.max(sendersOf(options), 1),
  };
}

function compressionOf(name: string): "zlib" | "lz4" | "zstd" {
  const lower = name.toLowerCase();
  if (lower === "zlib" || lower === "lz4" || lower === "zstd") return lower;
  throw new UsageError(`-ct: '${name}' isn't ZLIB, LZ4 or ZSTD`);
}

function sendersOf({ asyncEnable, inFlight, threadCount }: Options): number {
  return asyncEnable ? inFlight : threadCount;
}

/** Apache's benchmark says one thread when it sends asynchronously. */
function headOf(options: Options) {
  return { ...options, threadCount: options.asyncEnable ? 1 : options.threadCount };
}

class ProducerRun {
  private readonly stats = new SendStats();
  private readonly reporter: Reporter<SendSnapshot>;
  private readonly pacer: Pacer;
  private readonly over = new AbortController();
  private begin: SendSnapshot;
  private startCpu: number;
  private endMs = 0;
  /** What the last rate is of. */
  private window: Reporter<SendSnapshot>["window"] = null;

  constructor(private readonly context: Context) {
    const { environment, interrupted, options } = context;
    const { clock } = environment;
    const { duration = Infinity, warmup = 0 } = options;
    this.pacer = new Pacer(clock, options.rate ?? null, (warmup + duration) * 1000);
    this.startCpu = environment.cpuMicroseconds();
    this.begin = this.stats.snapshot(clock.monotonicMs());
    this.reporter = new Reporter({
      ...environment,
      bar: new ProgressBar(environment.screen),
      reportIntervalMs: options.reportInterval,
      snapshot: (atMs) => this.stats.snapshot(atMs),
      report: (first, last) => this.report(first, last),
      progress: () => this.progress(),
    });
    if (interrupted.aborted) this.stop();
    else interrupted.addEventListener("abort", () => this.stop(), { once: true });
  }

  /** Sends until it is over, and the last answers have come. */
  async load(
    producer: Producer,
    nextMessage: ReturnType<typeof messageMaker>,
  ): Promise<void> {
    const { environment, options } = this.context;
    const { clock } = environment;
    const { batchSize, duration, messageQuantity, warmup } = options;
    const load = new SendLoad({
      producer,
      clock,
      pacer: this.pacer,
      stats: this.stats,
      nextMessage,
      batchSize: batchSize ?? null,
      quantity: messageQuantity === 0 ? null : messageQuantity,
      stop: this.over.signal,
    });
    const warmupMs = (warmup ?? 0) * 1000;
    if (warmup !== undefined) this.later(warmupMs, () => this.warmedUp());
    if (duration !== undefined) this.later(warmupMs + duration * 1000, () => this.stop());
    await load.run(sendersOf(options));
    this.endMs = clock.monotonicMs();
    this.window = this.reporter.window;
    this.over.abort();
    this.reporter[Symbol.dispose]();
  }

  /** The last report. Whether every message was stored. */
  finish(): boolean {
    const { asJson, environment } = this.context;
    const { console } = environment;
    const cpuMicroseconds = environment.cpuMicroseconds() - this.startCpu;
    const seconds = (this.endMs - this.begin.atMs) / 1000;
    if (asJson) {
      console.print(JSON.stringify(this.result(seconds, cpuMicroseconds)));
    } else {
      const { window } = this;
      const report = window === null ? null : this.reportOf(window.first, window.last);
      console.print(completeText(report, this.stats));
      console.print(summaryText(this.stats, seconds, cpuMicroseconds));
    }
    return this.stats.messagesFailed === 0;
  }

  private stop(): void {
    this.pacer.stop();
    this.over.abort();
  }

  private warmedUp(): void {
    const { clock, cpuMicroseconds } = this.context.environment;
    this.stats.clear();
    this.reporter.restart();
    this.startCpu = cpuMicroseconds();
    this.begin = this.stats.snapshot(clock.monotonicMs());
  }

  private later(delayMs: number, work: () => void): void {
    const timer = this.context.environment.clock.after(delayMs, work);
    this.over.signal.addEventListener("abort", () => timer.cancel(), { once: true });
  }

  private reportOf(first: SendSnapshot, last: SendSnapshot) {
    const { batchSize } = this.context.options;
    const { maxMs } = this.stats.latencies;
    return { first, last, maxMs, isBatch: batchSize !== undefined };
  }

  private report(first: SendSnapshot, last: SendSnapshot): string {
    const { asJson, environment } = this.context;
    const nowMs = environment.clock.nowMs();
    if (!asJson) return reportText(this.reportOf(first, last), nowMs);
    const { messages, messagesFailed } = last;
    const rates = ratesOf(first, last);
    const { maxMs } = this.stats.latencies;
    return JSON.stringify({
      kind: "interval",
      timeMs: nowMs,
      messages,
      messagesFailed,
      ...rates,
      maxMs,
    });
  }

  private progress(): { done: number | null; text: string } {
    const { environment, options } = this.context;
    const { messages, messagesFailed, latencies } = this.stats;
    const elapsedMs = environment.clock.monotonicMs() - this.begin.atMs;
    const rate = elapsedMs > 0 ? Math.round(messages * 1000 / elapsedMs) : 0;
    const failed = messagesFailed > 0 ? `, ${messagesFailed} failed` : "";
    const { duration, messageQuantity } = options;
    const shares = [
      ...(messageQuantity > 0 ? [(messages + messagesFailed) / messageQuantity] : []),
      ...(duration !== undefined ? [elapsedMs / (duration * 1000)] : []),
    ];
    return {
      done: shares.length === 0 ? null : Math.max(...shares),
      text: `${messages} sent, ${rate}/s, p99 ${latencies.percentileMs(99).toFixed(1)} ms${failed}`,
    };
  }

  /** Stable field names; rates of the whole run. */
  private result(seconds: number, cpuMicroseconds: number) {
    const { options, interrupted } = this.context;
    const { failures, latencies, messages, messagesFailed, requests, statuses } = this.stats;
    return {
      kind: "complete",
      topic: options.topic,
      senders: sendersOf(options),
      messageSize: options.messageSize,
      batchSize: options.batchSize ?? null,
      rate: options.rate ?? null,
      interrupted: interrupted.aborted,
      seconds,
      requests,
      messages,
      messagesFailed,
      sendFailed: this.stats.sendFailed,
      responseFailed: this.stats.responseFailed,
      requestsPerSecond: seconds > 0 ? requests / seconds : 0,
      messagesPerSecond: seconds > 0 ? messages / seconds : 0,
      latencyMs: latencies.summary(),
      statuses: Object.fromEntries(statuses),
      failures: Object.fromEntries(failures),
      cpuMicrosecondsPerMessage: messages > 0 ? cpuMicroseconds / messages : 0,
    };
  }
}

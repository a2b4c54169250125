// roquet consumer-bench: consumes as fast as it goes and reports as Apache's benchmark does
// (org.apache.rocketmq.example.benchmark.Consumer), with percentiles and JSON besides.
import { readFileSync } from "node:fs";
import type { ConsumeOutcome } from "../core/client/listener.ts";
import type { PushConsumerOptions } from "../core/client/options.ts";
import { PushConsumer } from "../core/client/push_consumer.ts";
import type { ReceivedMessage } from "../core/client/received_message.ts";
import { OperationError, UsageError } from "../core/errors.ts";
import { systemRandom } from "../core/random.ts";
import { type BenchContext, defineBench } from "./bench/bench_command.ts";
import {
  amount,
  refuseUnserved,
  REPORT_OPTIONS,
  share,
  UNSERVED_OPTIONS,
} from "./bench/bench_options.ts";
import { ProgressBar } from "./bench/progress_bar.ts";
import { Reporter } from "./bench/reporter.ts";
import {
  type ConsumeSnapshot,
  ConsumeStats,
  headText,
  ratesOf,
  reportText,
  summaryText,
} from "./consumer_bench_stats.ts";
import {
  bool,
  count,
  defaulted,
  file,
  groupName,
  optional,
  text,
  topicName,
  type ValueKind,
} from "./inspector/option.ts";

const firstOrLast: ValueKind<"first" | "last"> = {
  metavar: "first|last",
  parse(value) {
    if (value !== "first" && value !== "last") {
      throw new UsageError(`'${value}' isn't first or last`);
    }
    return value;
  },
};

const OPTIONS = {
  topic: defaulted("t", "topic", topicName, "BenchmarkTest", "topic"),
  threadCount: defaulted("w", "threadCount", count, 20, "messages consumed at a time"),
  group: defaulted("g", "group", groupName, "benchmark_consumer", "consumer group"),
  suffix: defaulted("p", "groupSuffix", bool, false, "add a number to the group's name"),
  filterType: optional("f", "filterType", text, "TAG, with -e (SQL92 is not served)"),
  expressionFile: optional("e", "expression", file, "file that holds the filter's expression"),
  failRate: defaulted("r", "failRate", share, 0, "share of messages that fail"),
  ...REPORT_OPTIONS,
  quantity: defaulted("q", "messageQuantity", amount, 0, "messages in all; 0: for ever"),
  from: defaulted(null, "from", firstOrLast, "last", "where a group without offsets begins"),
  ...UNSERVED_OPTIONS,
};

type Context = BenchContext<typeof OPTIONS>;

export const consumerBench = defineBench({
  name: "consumer-bench",
  summary: "Measure consuming, with the options and lines of Apache's benchmark",
  options: OPTIONS,
  example: "-t BenchmarkTest -g benchmark_consumer -n 127.0.0.1:9876",
  run: runConsumerBench,
});

const SUFFIXES = 100;
/** Apache's benchmark reads a file; much more than an expression can have is none. */
const EXPRESSION_CHARACTERS_MAX = 64 * 1024;

async function runConsumerBench(context: Context): Promise<boolean> {
  const { options, environment, asJson } = context;
  const { clock, console } = environment;
  refuseUnserved(options);
  const expression = expressionOf(options.filterType, options.expressionFile);
  const suffix = options.suffix ? `_${clock.nowMs() % SUFFIXES}` : "";
  const group = `${options.group}${suffix}`;
  if (!asJson) {
    console.print(headText({ ...options, group, suffix: String(options.suffix) }));
    if (expression !== "*") console.print(`Expression: ${expression}`);
  }
  const run = new ConsumerRun(context, group);
  const choices: PushConsumerOptions = {
    nameServers: context.nameServers,
    group,
    subscriptions: { [options.topic]: expression },
    concurrency: options.threadCount,
    consumeFrom: options.from,
  };
  const { client } = environment;
  await using consumer = await PushConsumer.open(choices, (each) => run.take(each), client);
  if (!asJson) run.print("Consumer Started.");
  await run.over;
  await consumer.close();
  run.finish();
  return true;
}

/** As in Apache's benchmark, a filter needs both options. Throws UsageError, OperationError. */
function expressionOf(filterType: string | undefined, path: string | undefined): string {
  if (filterType === undefined || path === undefined) return "*";
  if (filterType === "SQL92") {
    throw new UsageError("-f SQL92: this client filters by tags only; use -f TAG");
  }
  if (filterType !== "TAG") throw new UsageError(`-f: '${filterType}' isn't TAG or SQL92`);
  let expression: string;
  try {
    expression = readFileSync(path, "utf8").trim();
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    throw new OperationError(`-e: ${problem}`, { cause: error });
  }
  if (expression === "" || expression.length > EXPRESSION_CHARACTERS_MAX) {
    throw new UsageError(`-e: ${path} holds no expression`);
  }
  return expression;
}

class ConsumerRun {
  /** Resolves when nothing more is to be consumed. */
  readonly over: Promise<void>;
  private readonly stats = new ConsumeStats();
  private readonly reporter: Reporter<ConsumeSnapshot>;
  private readonly end: () => void;
  private readonly startCpu: number;
  private startMs: number;
  private endMs: number | null = null;

  constructor(private readonly context: Context, private readonly group: string) {
    const { environment, interrupted, options } = context;
    const { clock } = environment;
    const over = Promise.withResolvers<void>();
    this.over = over.promise;
    this.end = () => {
      this.endMs ??= clock.monotonicMs();
      over.resolve();
    };
    this.startMs = clock.monotonicMs();
    this.startCpu = environment.cpuMicroseconds();
    this.reporter = new Reporter({
      ...environment,
      bar: new ProgressBar(environment.screen),
      reportIntervalMs: options.reportInterval,
      snapshot: (atMs) => this.stats.snapshot(atMs),
      report: (first, last) => this.report(first, last),
      progress: () => this.progress(),
    });
    if (interrupted.aborted) this.end();
    else interrupted.addEventListener("abort", this.end, { once: true });
    const { duration } = options;
    if (duration === undefined) return;
    const timer = clock.after(duration * 1000, this.end);
    void this.over.then(() => timer.cancel());
  }

  /** The listener. */
  take(message: ReceivedMessage): ConsumeOutcome {
    const { environment, options } = this.context;
    const nowMs = environment.clock.nowMs();
    if (this.stats.messages === 0) this.startMs = environment.clock.monotonicMs();
    const random = environment.client.random ?? systemRandom;
    const isFailure = options.failRate > 0 && random.next() < options.failRate;
    this.stats.consumed(
      nowMs - message.bornTimestampMs,
      nowMs - message.storeTimestampMs,
      isFailure,
    );
    if (this.stats.messages === options.quantity) this.end();
    return isFailure ? "later" : "success";
  }

  /** A line for people, above the progress. */
  print(line: string): void {
    this.reporter.print(line);
  }

  /** The last report. */
  finish(): void {
    const { asJson, environment } = this.context;
    this.reporter[Symbol.dispose]();
    const cpuMicroseconds = environment.cpuMicroseconds() - this.startCpu;
    const endMs = this.endMs ?? environment.clock.monotonicMs();
    const seconds = Math.max(0, endMs - this.startMs) / 1000;
    environment.console.print(
      asJson
        ? JSON.stringify(this.result(seconds, cpuMicroseconds))
        : summaryText(this.stats, seconds, cpuMicroseconds),
    );
  }

  private report(first: ConsumeSnapshot, last: ConsumeSnapshot): string {
    const nowMs = this.context.environment.clock.nowMs();
    const rates = ratesOf(first, last);
    const maxima = this.stats.takeMaxima();
    if (!this.context.asJson) return reportText(rates, maxima, nowMs);
    const { messages } = last;
    return JSON.stringify({ kind: "interval", timeMs: nowMs, messages, ...rates, ...maxima });
  }

  private progress(): { done: number | null; text: string } {
    const { environment, options } = this.context;
    const { messages, store } = this.stats;
    const elapsedMs = environment.clock.monotonicMs() - this.startMs;
    const rate = elapsedMs > 0 ? Math.round(messages * 1000 / elapsedMs) : 0;
    const { duration, quantity } = options;
    const shares = [
      ...(quantity > 0 ? [messages / quantity] : []),
      ...(duration !== undefined ? [elapsedMs / (duration * 1000)] : []),
    ];
    return {
      done: shares.length === 0 ? null : Math.max(...shares),
      text: `${messages} consumed, ${rate}/s, S2C p99 ${store.percentileMs(99).toFixed(1)} ms`,
    };
  }

  /** Stable field names; rates of the whole run, from its first message on. */
  private result(seconds: number, cpuMicroseconds: number) {
    const { context: { interrupted, options }, group } = this;
    const { born, failed, messages, store } = this.stats;
    return {
      kind: "complete",
      topic: options.topic,
      group,
      interrupted: interrupted.aborted,
      seconds,
      messages,
      failed,
      messagesPerSecond: seconds > 0 ? messages / seconds : 0,
      bornLatencyMs: born.summary(),
      storeLatencyMs: store.summary(),
      cpuMicrosecondsPerMessage: messages > 0 ? cpuMicroseconds / messages : 0,
    };
  }
}

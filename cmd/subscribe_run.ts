// What subscribe does: the messages of a topic to standard output, a line each. An offset is committed only after its line
// was written, so that a broken pipe, Ctrl-C or a crash repeats messages rather than losing them.
import type { ConsumeOutcome } from "../core/client/listener.ts";
import { ClientError } from "../core/client/client_error.ts";
import type { PushConsumerOptions } from "../core/client/options.ts";
import { PushConsumer } from "../core/client/push_consumer.ts";
import type { ReceivedMessage } from "../core/client/received_message.ts";
import { OperationError, UsageError } from "../core/errors.ts";
import { MIB } from "../core/limits.ts";
import { processSignals, type SignalSource } from "./server_process.ts";
import type { SubscribeContext } from "./subscribe.ts";
import { type LineFormat, templateFormat } from "./subscribe_format.ts";
import { jsonLinesFormat } from "./subscribe_json.ts";
import { LineOutput, type WriteBytes, writeToStandardOutput } from "./subscribe_output.ts";
import { Until } from "./subscribe_until.ts";

/** The process around the command. */
export interface SubscribeIo {
  write: WriteBytes;
  signals: SignalSource;
}

const EXIT_FAILED = 1;
/** Calls of the listener whose messages are being written, and the messages of one. */
const CONCURRENCY = 1_000;
const TOGETHER_MAX = 64;
const QUEUE_BYTES_MAX = 16 * MIB;
const COMMIT_EVERY_MS = 1_000;
/** How often --until asks how far the group is. */
const UNTIL_CHECK_MS = 50;
/** With --until: how long brokers hold a pull. */
const UNTIL_HOLD_MS = 200;
/** How long what is being written is waited for after Ctrl-C. */
const LAST_WRITE_MS_MAX = 5_000;
/** A reader may be as slow as it likes. */
const CONSUME_TIMEOUT_MS = 24 * 3600_000;

export function processSubscribeIo(): SubscribeIo {
  return { write: writeToStandardOutput, signals: processSignals };
}

/** Throws UsageError or OperationError. */
export async function runSubscribe(
  context: SubscribeContext,
  { write, signals }: SubscribeIo,
): Promise<void> {
  const { cluster, options } = context;
  const { nameServers } = cluster;
  const run = new Subscription(context, write);
  let signalCount = 0;
  using _ = signals.listen(() => {
    if (++signalCount > 1) signals.exitAtOnce(EXIT_FAILED);
    run.end();
  });
  await cluster.route(options.topic);
  try {
    await run.consume(nameServers.join(";"));
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    if (error.code === "invalid_options") throw new UsageError(error.message, { cause: error });
    throw new OperationError(error.message, { cause: error });
  }
}

const NEVER = new Promise<never>(() => {});

class Subscription {
  private readonly output: LineOutput;
  private readonly format: LineFormat;
  private readonly until: Until | null;
  private readonly ended = Promise.withResolvers<void>();
  private isEnded = false;
  private left: number;

  constructor(private readonly context: SubscribeContext, write: WriteBytes) {
    const { cluster, options, report } = context;
    if (report.asJson && options.format !== undefined) {
      throw new UsageError("--json and --format can't go together");
    }
    this.output = new LineOutput(write);
    this.format = report.asJson ? jsonLinesFormat() : templateFormat(options.format ?? "{body}");
    this.left = options.count ?? Infinity;
    const { topic, group } = options;
    this.until = options.until === undefined
      ? null
      : new Until({ cluster, topic, group, until: options.until });
  }

  /** Takes no further message. */
  end(): void {
    this.isEnded = true;
    this.ended.resolve();
  }

  /** Reads until the end; what was written is committed then. */
  async consume(nameServers: string): Promise<void> {
    await this.until?.find();
    if (this.isEnded) return;
    const { clock, transport } = this.context.cluster;
    const consumer = new PushConsumer(
      this.choices(nameServers),
      { onMessages: (messages) => this.take(messages) },
      { clock, transport },
    );
    let failure: unknown = null;
    try {
      await consumer.start();
      const failed = this.output.failed.then((error) => failure = error);
      await Promise.race([this.ended.promise, failed, this.reached(consumer)]);
      this.end();
      await this.lastWrites();
    } finally {
      this.end();
      await consumer.close();
    }
    if (failure !== null && !isReaderGone(failure)) {
      throw new OperationError(`standard output: ${textOf(failure)}`, { cause: failure });
    }
  }

  private choices(nameServers: string): PushConsumerOptions {
    const { expression, from, group, topic } = this.context.options;
    return {
      nameServers,
      group,
      subscriptions: { [topic]: expression },
      consumeFrom: from,
      concurrency: CONCURRENCY,
      consumeBatchMax: TOGETHER_MAX,
      consumeTimeoutMs: CONSUME_TIMEOUT_MS,
      queueBytesMax: QUEUE_BYTES_MAX,
      offsetCommitMs: COMMIT_EVERY_MS,
      // Messages that aren't wanted count as consumed with the answer to the next pull.
      ...(this.until !== null && { pullHoldMs: UNTIL_HOLD_MS }),
      // What is written is settled before; the rest is to come again.
      closeTimeoutMs: 0,
    };
  }

  /** The listener: messages are consumed when their lines are written. */
  private take(messages: readonly ReceivedMessage[]): ConsumeOutcome | Promise<ConsumeOutcome> {
    let consumed = 0;
    for (const message of messages) {
      if (this.isEnded || (this.until !== null && !this.until.wants(message))) break;
      this.format(message, this.output.lines);
      this.output.lines.endLine();
      consumed++;
      if (--this.left === 0) this.end();
    }
    // What isn't to be consumed now is never committed.
    const outcome = consumed === messages.length ? "success" : { consumed, keep: true };
    if (consumed === 0) return outcome;
    const written = this.output.written();
    return outcome === "success" ? written : written.then(() => outcome);
  }

  /** Resolves when all that is wanted is committed; never without --until. */
  private async reached(consumer: PushConsumer): Promise<void> {
    if (this.until === null) return await NEVER;
    const { clock } = this.context;
    while (!this.isEnded) {
      await clock.sleep(UNTIL_CHECK_MS);
      await this.output.drained();
      await consumer.commit();
      if (await this.until.isReached()) return;
    }
  }

  /** What was taken is written, unless the reader stands still. */
  private async lastWrites(): Promise<void> {
    const { clock } = this.context;
    const enough = new AbortController();
    const timeout = clock.sleep(LAST_WRITE_MS_MAX, enough.signal).catch(() => {});
    await Promise.race([this.output.drained(), timeout]);
    enough.abort();
    // Those that waited for the last write hear of it before the consumer looks.
    await new Promise<void>((resolve) => clock.endOfTurn(resolve));
  }
}

function isReaderGone(error: unknown): boolean {
  return (error as { code?: unknown }).code === "EPIPE";
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

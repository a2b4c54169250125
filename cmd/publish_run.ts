// What publish does: standard input to a topic, a message for each line. Reads no faster than brokers store, and succeeds
// only when every line that was read is stored.
import { ClientError } from "../core/client/client_error.ts";
import type { Message, MessageQueue, SendStatus } from "../core/client/message.ts";
import { Producer } from "../core/client/producer.ts";
import { byKey } from "../core/client/selectors.ts";
import { OperationError, UsageError } from "../core/errors.ts";
import { checkTopic } from "./inspector/sending.ts";
import type { PublishContext } from "./publish.ts";
import { type Input, InterruptibleInput, standardInput } from "./publish_input.ts";
import { PublishLanes } from "./publish_lanes.ts";
import {
  jsonLines,
  type LineReader,
  LineSplitter,
  plainLines,
  type PublishedLine,
} from "./publish_lines.ts";
import { processSignals, type SignalSource } from "./server_process.ts";

/** The process around the command. */
export interface PublishIo {
  input: () => Input;
  signals: SignalSource;
}

const EXIT_FAILED = 1;
const PRODUCER_GROUP = "roquet_publish";
/** Between attempts of a line, after the producer's own were used up. */
const RETRY_WAIT_MS = 500;

export function processPublishIo(): PublishIo {
  return { input: standardInput, signals: processSignals };
}

/** Throws UsageError or OperationError. */
export async function runPublish(
  context: PublishContext,
  { input, signals }: PublishIo,
): Promise<void> {
  const { cluster, options } = context;
  if (options.broker !== undefined && options.queueId === undefined) {
    throw new UsageError("-b needs -i: which queue of the broker?");
  }
  const { clock, transport, nameServers } = cluster;
  const reading = new InterruptibleInput(input(), clock);
  let signalCount = 0;
  using _ = signals.listen(() => {
    if (++signalCount > 1) signals.exitAtOnce(EXIT_FAILED);
    reading.interrupt();
  });
  await asOperation(async () => {
    await using producer = await Producer.open({
      nameServers,
      group: PRODUCER_GROUP,
      sendsInFlightMax: Math.max(1, options.inFlight),
    }, { clock, transport });
    // A topic that nobody takes is told before anything is read, with the cause.
    await checkTopic(cluster, options.topic);
    const queues = await producer.queues(options.topic);
    await new Publication(context, producer, queues, reading).run();
  });
}

async function asOperation(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    if (error.code === "invalid_options") throw new UsageError(error.message, { cause: error });
    throw new OperationError(error.message, { cause: error });
  }
}

class Publication {
  private readonly toMessage: LineReader;
  private readonly splitter = new LineSplitter();
  private readonly lanes = new PublishLanes({
    send: (queue, messages) => this.sendTogether(queue, messages),
    stored: (lines, status) => {
      this.stored += lines.length;
      if (status !== "ok") this.notAsSafe += lines.length;
      this.settled(lines.length);
    },
    failed: (lines, error) => {
      this.fail(lines[0]!.number, error);
      this.settled(lines.length);
    },
  });
  private lines = 0;
  private stored = 0;
  private empty = 0;
  private notAsSafe = 0;
  private inFlight = 0;
  /** Why no further line is sent. */
  private failure: unknown = null;
  private wake: (() => void) | null = null;

  constructor(
    private readonly context: PublishContext,
    private readonly producer: Producer,
    private readonly queues: readonly MessageQueue[],
    private readonly input: InterruptibleInput,
  ) {
    const { options } = context;
    this.toMessage = options.input === "json"
      ? jsonLines(options, options.keepQueues)
      : plainLines(options);
  }

  /** Throws OperationError when a line could not be sent, or could not be read. */
  async run(): Promise<void> {
    try {
      for await (const chunk of this.input.chunks()) {
        for (const line of this.splitter.push(chunk)) {
          if (this.inFlight >= this.context.options.inFlight) await this.room();
          if (this.failure !== null) break;
          this.begin(line);
        }
        if (this.failure !== null) break;
      }
      const last = this.splitter.rest();
      if (last.length > 0 && this.failure === null) this.takeLast(last);
    } catch (error) {
      this.fail(this.lines + 1, error);
    }
    while (this.inFlight > 0) await this.room();
    this.tell();
  }

  /** A last line without its end is one when the input ended; when it was cut off, it may be half of one. */
  private takeLast(line: Uint8Array): void {
    if (this.input.end === "end") this.begin(line);
    else this.fail(this.lines + 1, new OperationError("it is not complete"));
  }

  private begin(line: Uint8Array): void {
    const number = ++this.lines;
    if (line.length === 0) {
      this.empty++;
      return;
    }
    let published: PublishedLine;
    let queue: MessageQueue | null;
    try {
      published = this.toMessage(line);
      queue = this.queueOf(published);
    } catch (error) {
      // The lines before it are good.
      this.lanes.flush();
      return this.fail(number, error);
    }
    this.inFlight++;
    // Lines of a queue or a sharding key keep their order; the others go as they come.
    this.lanes.put(queue, { message: published.message, number });
  }

  private sendTogether(
    queue: MessageQueue | null,
    messages: readonly Message[],
  ): Promise<SendStatus> {
    const options = queue === null ? {} : { queue };
    return this.patiently(async () => {
      if (messages.length === 1) return (await this.producer.send(messages[0]!, options)).status;
      const results = await this.producer.sendBatch(messages, options);
      return results.find(({ status }) => status !== "ok")?.status ?? "ok";
    });
  }

  /** Tries for as long as it may help: what was read from a pipe can't be put back. */
  private async patiently(attempt: () => Promise<SendStatus>): Promise<SendStatus> {
    const { clock, options } = this.context;
    const untilMs = clock.monotonicMs() + options.retrySeconds * 1000;
    for (;;) {
      // What comes after a line that failed must not be stored before it, nor instead of it.
      if (this.failure !== null) throw this.failure;
      try {
        return await attempt();
      } catch (error) {
        const mayHelp = error instanceof ClientError && error.retriable;
        if (!mayHelp || this.failure !== null || clock.monotonicMs() > untilMs) throw error;
        await clock.sleep(RETRY_WAIT_MS);
      }
    }
  }

  /** Null: any queue. */
  private queueOf({ queue, shardingKey }: PublishedLine): MessageQueue | null {
    if (queue === null) return shardingKey === null ? null : byKey(shardingKey)(this.queues);
    const found = this.queues.find(({ brokerName, queueId }) =>
      queueId === queue.queueId && (queue.broker === null || brokerName === queue.broker)
    );
    if (found !== undefined) return found;
    const where = queue.broker === null ? "" : ` on broker '${queue.broker}'`;
    throw new OperationError(`the topic has no queue ${queue.queueId}${where}`);
  }

  private settled(count: number): void {
    this.inFlight -= count;
    this.wake?.();
    this.wake = null;
  }

  private room(): Promise<void> {
    return new Promise((resolve) => this.wake = resolve);
  }

  /** The first failure counts. */
  private fail(line: number, error: unknown): void {
    if (this.failure !== null) return;
    const isKnown = error instanceof ClientError || error instanceof OperationError;
    this.failure = isKnown
      ? new OperationError(`line ${line}: ${error.message}`, { cause: error })
      : error;
    this.input.abandon();
  }

  private tell(): void {
    const { context: { options, report }, empty, lines, notAsSafe, stored } = this;
    const { end } = this.input;
    report.json({ topic: options.topic, lines, stored, empty, notAsSafe, inputEnd: end });
    if (!report.asJson) report.note(`${stored} messages stored in ${options.topic}`);
    if (empty > 0) report.note(`${empty} empty lines left out`);
    if (notAsSafe > 0) report.note(`${notAsSafe} were stored, but not flushed or copied in time`);
    if (end === "cut") report.fail("interrupted: more input was coming");
    if (this.failure === null) return;
    const unsent = lines - empty - stored;
    if (unsent > 0) report.note(`not known to be stored: ${unsent} of the lines read`);
    throw this.failure;
  }
}

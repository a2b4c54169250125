// The load of producer-bench: senders that each await their answer, and what became of the messages. Prints nothing.
import type { Message, SendResult, SendStatus } from "../core/client/message.ts";
import { ClientError } from "../core/client/client_error.ts";
import { responseCodeName } from "../core/remoting/response_codes.ts";
import type { Clock } from "../core/time/clock.ts";
import { Latencies } from "./bench/latencies.ts";
import type { Pacer } from "./bench/pacer.ts";
import type { Snapshot } from "./bench/reporter.ts";

/** How long a sender waits after a failure that the broker or the network is the cause of, as Apache's does. */
const FAILURE_WAIT_MS = 3_000;

/** Statuses by the names that Apache gives them. */
const STATUS_NAMES: Record<SendStatus, string> = {
  ok: "SEND_OK",
  flush_disk_timeout: "FLUSH_DISK_TIMEOUT",
  flush_slave_timeout: "FLUSH_SLAVE_TIMEOUT",
  slave_not_available: "SLAVE_NOT_AVAILABLE",
};

/** Cumulative. A request carries one message, or a batch. */
export interface SendSnapshot extends Snapshot {
  requests: number;
  messages: number;
  /** Requests that got no answer, and that were refused. */
  sendFailed: number;
  responseFailed: number;
  messagesFailed: number;
  totalMs: number;
}

export class SendStats {
  readonly latencies = new Latencies();
  /** Messages by status, and failed messages by cause. */
  readonly statuses = new Map<string, number>();
  readonly failures = new Map<string, number>();
  requests = 0;
  messages = 0;
  sendFailed = 0;
  responseFailed = 0;
  messagesFailed = 0;

  sent(status: SendStatus, messages: number, milliseconds: number): void {
    this.requests++;
    this.messages += messages;
    add(this.statuses, STATUS_NAMES[status], messages);
    this.latencies.add(milliseconds);
  }

  /** A refusal counts as a failed response, all else as a failed send. */
  failed(error: unknown, messages: number): void {
    const isRefusal = error instanceof ClientError && error.code === "refused";
    if (isRefusal) this.responseFailed++;
    else this.sendFailed++;
    this.messagesFailed += messages;
    add(this.failures, causeOf(error), messages);
  }

  snapshot(atMs: number): SendSnapshot {
    const { requests, messages, sendFailed, responseFailed, messagesFailed } = this;
    const { totalMs } = this.latencies;
    return { atMs, requests, messages, sendFailed, responseFailed, messagesFailed, totalMs };
  }

  /** Forgets what was counted so far: the warming up is over. */
  clear(): void {
    this.latencies.clear();
    this.statuses.clear();
    this.failures.clear();
    this.requests = this.messages = 0;
    this.sendFailed = this.responseFailed = this.messagesFailed = 0;
  }
}

function add(counts: Map<string, number>, name: string, more: number): void {
  counts.set(name, (counts.get(name) ?? 0) + more);
}

/** "SYSTEM_BUSY (2)" for what a broker answered, else the client's code. */
function causeOf(error: unknown): string {
  if (!(error instanceof ClientError)) return error instanceof Error ? error.name : "unknown";
  const { code, responseCode } = error;
  return responseCode === null ? code : `${responseCodeName(responseCode)} (${responseCode})`;
}

/** What the load asks of a producer. */
export interface Sends {
  send(message: Message): Promise<SendResult>;
  sendBatch(messages: readonly Message[]): Promise<SendResult[]>;
}

export interface SendLoadOptions {
  producer: Sends;
  clock: Clock;
  pacer: Pacer;
  stats: SendStats;
  nextMessage: () => Message;
  /** Messages a request; null: they go one by one. */
  batchSize: number | null;
  /** Messages in all; null: no end. */
  quantity: number | null;
  /** Ends the waiting after failures. */
  stop: AbortSignal;
}

export class SendLoad {
  private left: number;

  constructor(private readonly options: SendLoadOptions) {
    this.left = options.quantity ?? Infinity;
  }

  /** Runs so many senders until the quantity is sent or the pacer is stopped, and the last answers are there. */
  async run(senders: number): Promise<void> {
    await Promise.all(Array.from({ length: senders }, () => this.sender()));
  }

  private async sender(): Promise<void> {
    const { pacer, batchSize, clock, stats } = this.options;
    while (this.left > 0) {
      const count = Math.min(batchSize ?? 1, this.left);
      this.left -= count;
      const next = pacer.next();
      const startMs = typeof next === "number" ? next : await next;
      if (startMs === null) return;
      try {
        const status = await this.send(count);
        stats.sent(status, count, clock.monotonicMs() - startMs);
      } catch (error) {
        stats.failed(error, count);
        await this.waitAfter(error);
      }
    }
  }

  private async send(count: number): Promise<SendStatus> {
    const { batchSize, nextMessage, producer } = this.options;
    if (batchSize === null) return (await producer.send(nextMessage())).status;
    const messages = Array.from({ length: count }, nextMessage);
    const results = await producer.sendBatch(messages);
    return results.find(({ status }) => status !== "ok")?.status ?? "ok";
  }

  private async waitAfter(error: unknown): Promise<void> {
    const isOwn = error instanceof ClientError &&
      (error.code === "invalid_message" || error.code === "too_many_sends");
    if (isOwn) return;
    await this.options.clock.sleep(FAILURE_WAIT_MS, this.options.stop).catch(() => {});
  }
}

// One message on its way: its attempts until a broker stored it or nothing more can be tried. An
// object with callbacks instead of promises, since hundreds of thousands may pass in a second.
import type { RemotingCommand } from "../remoting/command.ts";
import type { RemotingConnection } from "../remoting/connection.ts";
import type { Frame } from "../remoting/frame.ts";
import type { AnswerWaiter } from "../remoting/pending_answers.ts";
import { RemotingError } from "../remoting/remoting_error.ts";
import { ResponseCode } from "../remoting/response_codes.ts";
import { ClientError, refusal } from "./client_error.ts";
import type { MessageQueue, SendResult } from "./message.ts";
import { callError, isPassing } from "./remote_calls.ts";
import { isRetried, scanSendResult, sendResultOf, sendStatusOf } from "./send_answer.ts";
import type { SendFields } from "./send_frame.ts";
import type { Sender } from "./sender.ts";

/** A message made ready: what every attempt sends. */
export interface PreparedSend extends SendFields {
  topic: string;
  body: Uint8Array;
  messageId: string;
  /** The only queue it may go to; null: any. */
  fixedQueue: MessageQueue | null;
  timeoutMs: number;
}

export class PendingSend implements AnswerWaiter {
  deadlineMs = 0;
  timeoutMs = 0;
  /**
   * By the monotonic clock: when no more is tried. Counts from `start`, not from the waiting. 0
   * until the clock was read, which the first attempt on an open connection leaves to
   * PendingAnswers.
   */
  private untilMs = 0;
  /** Whether it has a place among those on their way; else it waits for one. */
  started = false;
  settled = false;
  private attempts = 0;
  private queue: MessageQueue | null = null;
  private failedBroker: string | null = null;
  private lastResult: SendResult | null = null;
  private lastError: unknown = null;

  constructor(
    private readonly sender: Sender,
    readonly prepared: PreparedSend,
    private readonly resolved: (result: SendResult) => void,
    private readonly rejected: (error: unknown) => void,
  ) {}

  /** Begins the first attempt: it has a place among those on their way. */
  start(): void {
    this.started = true;
    this.attempt();
  }

  private attempt(): void {
    const { sender, prepared } = this;
    if (this.settled) return;
    const queue = prepared.fixedQueue ?? sender.select(prepared.topic, this.failedBroker);
    if (queue === null) return this.fail(noQueue(prepared.topic));
    this.queue = queue;
    const address = sender.addressOf(queue.brokerName);
    const connection = address === undefined ? null : sender.remoting.openConnection(address);
    if (connection !== null && this.attempts === 0) {
      this.attempts = 1;
      this.transmit(connection, prepared.timeoutMs);
      if (this.untilMs === 0) this.untilMs = this.deadlineMs;
      return;
    }
    const restMs = this.restMs();
    if (restMs <= 0) return this.fail(this.lastError ?? timedOut(prepared));
    this.attempts++;
    if (address === undefined) return this.again(noBroker(queue));
    if (connection !== null) return this.transmit(connection, restMs);
    sender.remoting.connectTo(address, restMs).then(
      (made) => this.transmit(made, this.restMs()),
      (error) => this.reject(error),
    );
  }

  /** The caller gave up: a later answer is ignored. */
  abort(reason: unknown): void {
    this.fail(new ClientError("aborted", "the send was aborted", { cause: reason }));
  }

  /** A hook of the program's own forbids the request. */
  forbid(error: unknown): void {
    this.fail(error);
  }

  /** For PendingAnswers alone. */
  resolve(answer: RemotingCommand): void {
    const { sender, prepared } = this;
    const queue = this.queue!;
    const status = sendStatusOf(answer.code);
    if (status !== null) {
      if (sender.faults !== null) sender.faults.answered(queue.brokerName, this.attemptMs());
      const result = sendResultOf(answer, status, queue, prepared.messageId);
      if (status === "ok" || !sender.retriesWhenNotStoredAsAsked) return this.succeed(result);
      this.lastResult = result;
      return this.again(null);
    }
    sender.faults?.refused(queue.brokerName);
    if (answer.code === ResponseCode.GO_AWAY) sender.leave(queue.brokerName);
    const retried = isRetried(answer.code);
    const error = refusal(
      queue.brokerName,
      answer.code,
      answer.remark,
      retried || isPassing(answer.code),
    );
    if (retried) this.again(error);
    else this.fail(error);
  }

  /** For PendingAnswers alone: the usual answer, without decoding it. */
  resolveFrame(frame: Frame): boolean {
    const queue = this.queue!;
    const result = scanSendResult(frame, queue, this.prepared.messageId);
    if (result === null) return false;
    this.sender.faults?.answered(queue.brokerName, this.attemptMs());
    this.succeed(result);
    return true;
  }

  /** For PendingAnswers alone. */
  reject(error: RemotingError): void {
    const { brokerName } = this.queue!;
    this.sender.faults?.failed(brokerName);
    this.sender.unreachable(this.prepared.topic);
    this.again(callError(error, brokerName));
  }

  private transmit(connection: RemotingConnection, restMs: number): void {
    if (this.settled) return;
    this.sender.transmit(connection, this, this.queue!, restMs);
  }

  /** What is left of the time-out, in ms. */
  private restMs(): number {
    const nowMs = this.sender.clock.monotonicMs();
    if (this.untilMs === 0) this.untilMs = nowMs + this.prepared.timeoutMs;
    return this.untilMs - nowMs;
  }

  /** Tries again if there is anything left to try. */
  private again(error: unknown): void {
    this.lastError = error;
    if (this.attempts > this.sender.retriesMax) {
      return this.lastResult !== null ? this.succeed(this.lastResult) : this.fail(error);
    }
    this.failedBroker = this.queue!.brokerName;
    this.attempt();
  }

  private attemptMs(): number {
    return this.sender.clock.monotonicMs() - (this.deadlineMs - this.timeoutMs);
  }

  private succeed(result: SendResult): void {
    if (this.settled) return;
    this.settled = true;
    this.sender.done(this);
    this.resolved(result);
  }

  private fail(error: unknown): void {
    if (this.lastResult !== null) return this.succeed(this.lastResult);
    if (this.settled) return;
    this.settled = true;
    this.sender.done(this);
    this.rejected(error);
  }
}

function noQueue(topic: string): ClientError {
  return new ClientError("no_route", `no broker takes messages of the topic ${topic} now`, {
    retriable: true,
  });
}

function noBroker({ brokerName }: MessageQueue): ClientError {
  return new ClientError("no_broker", `the routes have no master for ${brokerName}`, {
    brokerName,
    retriable: true,
  });
}

function timedOut({ timeoutMs, topic }: PreparedSend): ClientError {
  return new ClientError("timeout", `a message to ${topic} wasn't sent within ${timeoutMs} ms`, {
    retriable: true,
  });
}

// Requests of a producer that wait for their replies, by correlation id. A request ends with its
// reply, its time-out, its caller's signal, or the failure of its send, whichever comes first.
import { type Random, randomUuid } from "../random.ts";
import { PUSH_REPLY_MESSAGE_TO_CLIENT } from "../remoting/codes/client_bound.ts";
import type { HandlerRegistry } from "../remoting/handler.ts";
import { replyTopicOf } from "../message/topic_names.ts";
import { PROPERTY } from "../message/property_names.ts";
import type { Timer } from "../time/clock.ts";
import type { ClientCore } from "./client_core.ts";
import { ClientError } from "./client_error.ts";
import type { Introductions } from "./introductions.ts";
import type { Message } from "./message.ts";
import type { Publisher, SendOptions } from "./publisher.ts";
import { Reply, requestMarks } from "./reply.ts";

interface Waiting {
  timer: Timer;
  resolve(reply: Reply): void;
  reject(error: unknown): void;
}

export class Requests {
  private readonly waiting = new Map<string, Waiting>();
  private readonly random: Random;

  constructor(
    private readonly core: ClientCore,
    private readonly publisher: Publisher,
    private readonly introductions: Introductions,
  ) {
    this.random = core.environment.random;
    this.serve(core.remoting);
    core.closing.signal.addEventListener("abort", () => this.closeAll());
  }

  /** How many wait for a reply. */
  get pending(): number {
    return this.waiting.size;
  }

  async ask(message: Message, options: SendOptions & { timeoutMs: number }): Promise<Reply> {
    const { timeoutMs, signal } = options;
    const { clock } = this.core.environment;
    const untilMs = clock.monotonicMs() + timeoutMs;
    await this.publisher.learn(message.topic);
    await this.introduce(message.topic);
    const correlationId = randomUuid(this.random);
    const marks = requestMarks(correlationId, this.core.clientId, timeoutMs);
    const restMs = Math.max(1, untilMs - clock.monotonicMs());
    let isSent = false;
    const reply = new Promise<Reply>((resolve, reject) => {
      const timer = clock.after(restMs, () => {
        if (this.waiting.delete(correlationId)) reject(unanswered(message, timeoutMs, isSent));
      });
      this.waiting.set(correlationId, { timer, resolve, reject });
    });
    const onAbort = () => this.fail(correlationId, aborted(signal!.reason));
    signal?.addEventListener("abort", onAbort, { once: true });
    if (signal?.aborted) onAbort();
    else {
      this.publisher.send(message, { ...options, timeoutMs: restMs }, marks).then(
        () => isSent = true,
        (error) => this.fail(correlationId, error),
      );
    }
    return await reply.finally(() => signal?.removeEventListener("abort", onAbort));
  }

  private serve(registry: HandlerRegistry): void {
    registry.handle(PUSH_REPLY_MESSAGE_TO_CLIENT, ({ fields, body }) => {
      const reply = new Reply(fields, body, this.core.environment.clock.nowMs());
      const correlationId = reply.properties.get(PROPERTY.correlationId) ?? "";
      const waiting = this.take(correlationId);
      if (waiting !== undefined) waiting.resolve(reply);
      else {
        this.core.log.info("a reply came that nobody waits for (any more)", {
          correlationId,
          from: reply.bornHost,
        });
      }
      return {};
    });
  }

  /**
   * Tells the brokers that a reply may come by who we are, where the connection is a new one: a
   * replier may choose any broker of the request's cluster.
   */
  private async introduce(topic: string): Promise<void> {
    const { routes } = this.core;
    for (const cluster of routes.clustersOf(topic)) {
      const replyTopic = replyTopicOf(cluster);
      if (routes.get(replyTopic) !== undefined) continue;
      await routes.refresh(replyTopic);
      routes.watch(replyTopic);
    }
    await this.introductions.introduce();
  }

  private take(correlationId: string): Waiting | undefined {
    const waiting = this.waiting.get(correlationId);
    this.waiting.delete(correlationId);
    waiting?.timer.cancel();
    return waiting;
  }

  private fail(correlationId: string, error: unknown): void {
    this.take(correlationId)?.reject(error);
  }

  private closeAll(): void {
    for (const correlationId of [...this.waiting.keys()]) {
      this.fail(correlationId, new ClientError("not_running", "the producer was closed"));
    }
  }
}

function unanswered({ topic }: Message, timeoutMs: number, isSent: boolean): ClientError {
  return new ClientError(
    isSent ? "no_reply" : "timeout",
    isSent
      ? `a request to ${topic} was stored, but no reply came within ${timeoutMs} ms`
      : `a request to ${topic} wasn't sent within ${timeoutMs} ms`,
    { retriable: true },
  );
}

function aborted(reason: unknown): ClientError {
  return new ClientError("aborted", "the request was aborted", { cause: reason });
}

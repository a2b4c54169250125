// The pop consumer: takes messages for a while from whichever queue has some, and acknowledges them one by one. Members
// share all queues, so that none waits for another. Keeps no offsets; a message that isn't acknowledged comes again.
import { ClientCore } from "./client_core.ts";
import { ClientError } from "./client_error.ts";
import { type ClientEnvironment, clientEnvironment } from "./environment.ts";
import { type ClientHooks, passes } from "./hooks.ts";
import { POP_ERROR_WAIT_MS } from "./limits.ts";
import type { MessageTrace } from "./message_trace.ts";
import { withNamespace } from "./namespace.ts";
import {
  type CheckedPopConsumerOptions,
  checkPopConsumerOptions,
  type PopConsumerOptions,
} from "./options.ts";
import { PopCalls } from "./pop_calls.ts";
import { PopWork, type PopWorkOptions } from "./pop_work.ts";
import type { PoppedMessage } from "./popped_message.ts";
import { PublicClient } from "./public_client.ts";
import { observedBy, traceOf } from "./sending.ts";
import { subscribeQueues, type TopicRoute } from "./route.ts";
import { type Expression, isWanted, parseSubscription } from "./subscription.ts";
import { SubscriptionSet } from "./subscription_set.ts";

export interface PopOptions {
  /** "*", tags "a || b", or { sql: "price > 5" }. */
  expression?: Expression;
  /** At most so many messages, 1 to 32. Default: popBatchSize. */
  messagesMax?: number;
  /** For how long nobody else gets them, in ms. Default: the consumer's invisibleMs. */
  invisibleMs?: number;
  /** How long to wait for messages, in ms, shared out among the brokers. Default: popHoldMs. */
  holdMs?: number;
  /** Queues one batch at a time, in order. */
  orderly?: boolean;
  /** Orderly: names the attempt; made again under this name it gets the same messages. */
  attemptId?: string;
  signal?: AbortSignal;
}

export interface ConsumeOptions extends Omit<PopOptions, "orderly" | "attemptId" | "holdMs"> {
  /** Messages that are worked on at a time. Default: the consumer's concurrency. */
  concurrency?: number;
  /** When a message whose handler failed comes again, in ms. Default: retryMs. */
  retryMs?: number;
}

/** Works on a message; it is acknowledged when this resolves, and comes again when it rejects. */
export type PopHandler = (message: PoppedMessage, signal: AbortSignal) => void | Promise<void>;

/**
 * Takes messages one by one, whatever queue they are in: for work that takes long or unequal time.
 *
 * @example By hand: what isn't acknowledged within invisibleMs is given to another member
 * ```ts
 * import { PopConsumer } from "roquet";
 *
 * await using consumer = await PopConsumer.open({ nameServers: "127.0.0.1:9876", group: "thumbnails" });
 * for (const message of await consumer.pop("Orders", { holdMs: 1_000 })) {
 *   console.log(message.text(), message.reconsumeTimes);
 *   await consumer.ack(message);
 * }
 * ```
 *
 * @example As workers: up to 8 at a time, their messages kept for as long as they work
 * ```ts
 * import { PopConsumer } from "roquet";
 *
 * await using consumer = await PopConsumer.open({ nameServers: "127.0.0.1:9876", group: "emails" });
 * const enough = new AbortController();
 * await consumer.consume("Orders", async (message) => {
 *   console.log(message.text());
 *   if (message.tags === "last") enough.abort();
 * }, { concurrency: 8, signal: enough.signal });
 * ```
 *
 * @example As a loop: taking the next message acknowledges the one before, unless that was done already
 * ```ts
 * import { PopConsumer } from "roquet";
 *
 * await using consumer = await PopConsumer.open({ nameServers: "127.0.0.1:9876", group: "audits" });
 * for await (const message of consumer.messages("Orders")) {
 *   console.log(message.text());
 *   await consumer.ack(message);
 *   if (message.tags === "last") break;
 * }
 * ```
 */
export class PopConsumer extends PublicClient {
  protected override readonly core: ClientCore;
  private readonly options: CheckedPopConsumerOptions;
  private readonly calls: PopCalls;
  private readonly subscriptions: SubscriptionSet;
  private readonly working = new Set<PopWork>();
  private readonly trace: MessageTrace | null;
  private readonly filters: readonly ClientHooks[];
  private turn = 0;

  /** Throws ClientError "invalid_options". Nothing is connected before `start`. */
  constructor(options: PopConsumerOptions, environment: Partial<ClientEnvironment> = {}) {
    super();
    this.options = checkPopConsumerOptions(options);
    this.subscriptions = new SubscriptionSet({
      ...this.options,
      consumeType: "CONSUME_POP",
      model: "clustering",
    });
    this.core = new ClientCore(clientEnvironment(environment), this.options, {
      kind: "consumer",
      group: this.options.group,
      heartbeat: () => this.subscriptions.heartbeat(),
    });
    this.calls = new PopCalls(this.core);
    this.trace = traceOf(this.core, "CONSUME");
    const { hooks } = this.core.options;
    this.filters = hooks.filter(({ filter }) => filter !== undefined);
  }

  /** A consumer that runs. */
  static async open(
    options: PopConsumerOptions,
    environment: Partial<ClientEnvironment> = {},
  ): Promise<PopConsumer> {
    const consumer = new PopConsumer(options, environment);
    await consumer.start();
    return consumer;
  }

  /** Messages of any queue; empty when none came in time. One broker is asked after the other. */
  async pop(name: string, options: PopOptions = {}): Promise<PoppedMessage[]> {
    const topic = withNamespace(this.options.namespace, name);
    const brokers = await this.brokersOf(topic);
    const holdMs = options.holdMs ?? this.options.popHoldMs;
    const share = Math.floor(holdMs / brokers.length);
    for (let tried = 0; tried < brokers.length; tried++) {
      const brokerName = brokers[this.turn++ % brokers.length]!;
      const messages = await this.popFrom(brokerName, topic, options, share);
      if (messages.length > 0) return messages;
    }
    return [];
  }

  /** The message is done with. Rejects when its time was up before that could be stored. */
  ack(message: PoppedMessage): Promise<void> {
    this.core.checkRunning();
    message.isAcknowledged = true;
    return this.calls.ack(this.group, message);
  }

  /** Many messages, with one request a broker. */
  async ackAll(messages: readonly PoppedMessage[]): Promise<void> {
    this.core.checkRunning();
    for (const message of messages) message.isAcknowledged = true;
    const byBroker = Map.groupBy(messages, ({ handle }) => handle.brokerName);
    await Promise.all(
      [...byBroker].map(([brokerName, own]) => this.calls.ackAll(this.group, brokerName, own)),
    );
  }

  /** The message comes again after `ms` from now unless it is acknowledged until then. */
  changeInvisibleTime(message: PoppedMessage, ms: number): Promise<void> {
    this.core.checkRunning();
    return this.calls.changeInvisibleTime(this.group, message, ms);
  }

  /**
   * Calls the handler for each message, up to `concurrency` at a time; popped no faster than handlers finish. Messages
   * stay invisible for as long as their handler runs. Resolves when the signal is aborted or the consumer closes, and
   * all handlers have ended; rejects when a broker refuses for good.
   */
  async consume(name: string, handler: PopHandler, options: ConsumeOptions = {}): Promise<void> {
    const work = await this.workOn(name, handler, options);
    try {
      await work.run();
    } finally {
      this.working.delete(work);
    }
  }

  /**
   * Messages one at a time, popped no faster than the loop goes on. Taking the next one acknowledges the one before;
   * leaving the loop, by `break` or by an error, lets the last one come again after retryMs, unless `ack` was called.
   */
  async *messages(
    name: string,
    options: Omit<ConsumeOptions, "concurrency"> = {},
  ): AsyncGenerator<PoppedMessage, void, undefined> {
    const signal = this.signalOf(options.signal);
    while (!signal.aborted) {
      const [message] = await this.popPatiently(name, { ...options, messagesMax: 1, signal });
      if (message === undefined) continue;
      const ended = this.observedLoop(message);
      let isTaken = false;
      try {
        yield message;
        isTaken = true;
      } finally {
        // A loop is left in the same way by `break` and by an error.
        const isDone = isTaken || message.isAcknowledged;
        await ended(isDone ? "success" : "later");
        if (!isDone) await this.putOff(message, options.retryMs ?? this.options.retryMs);
        else if (!message.isAcknowledged) await this.ack(message);
      }
    }
  }

  /** Stops popping, waits for handlers that run, leaves the group and closes the connections. */
  override async close(): Promise<void> {
    await Promise.all([...this.working].map((work) => work.stop()));
    await this.trace?.flush();
    await this.core.close();
  }

  private async workOn(name: string, handler: PopHandler, options: ConsumeOptions) {
    const topic = withNamespace(this.options.namespace, name);
    const { concurrency, retryMs, invisibleMs, popBatchSize } = this.options;
    const settings: PopWorkOptions = {
      concurrency: options.concurrency ?? concurrency,
      retryMs: options.retryMs ?? retryMs,
      invisibleMs: options.invisibleMs ?? invisibleMs,
      messagesMax: options.messagesMax ?? popBatchSize,
      signal: this.signalOf(options.signal),
      clock: this.core.environment.clock,
      log: this.core.log,
    };
    const brokers = await this.brokersOf(topic);
    const work = new PopWork(settings, this.observed(handler), {
      brokers: () => Promise.resolve(brokers),
      pop: (brokerName, messagesMax, signal) =>
        this.popFrom(
          brokerName,
          topic,
          { ...options, messagesMax, signal },
          this.options.popHoldMs,
        ),
      ack: (message) => this.calls.ack(this.group, message),
      changeInvisibleTime: (message, ms) => this.calls.changeInvisibleTime(this.group, message, ms),
    });
    this.working.add(work);
    return work;
  }

  /** The handler with hooks and traces around it. */
  private observed(handler: PopHandler): PopHandler {
    const { core, trace } = this;
    if (core.options.hooks.length === 0 && trace === null) return handler;
    return async (message, signal) => {
      await observedBy(core, trace, () => handler(message, signal))([message], message);
    };
  }

  /** The same around what a loop does with a message: call it with how that ended. */
  private observedLoop(message: PoppedMessage): (outcome: "success" | "later") => Promise<unknown> {
    const { promise, resolve } = Promise.withResolvers<"success" | "later">();
    const ended = observedBy(this.core, this.trace, () => promise)([message], message);
    return async (outcome) => {
      resolve(outcome);
      await ended;
    };
  }

  /** It comes again sooner than its time is up; if that fails, then. */
  private async putOff(message: PoppedMessage, ms: number): Promise<void> {
    if (this.core.state !== "running") return;
    await this.changeInvisibleTime(message, ms).catch((error) =>
      this.core.log.warn("a message was not put off", { message: message.messageId, error })
    );
  }

  private async popFrom(
    brokerName: string,
    topic: string,
    options: PopOptions,
    holdMs: number,
  ): Promise<PoppedMessage[]> {
    const { clock } = this.core.environment;
    const subscription = parseSubscription(topic, options.expression ?? "*", clock.nowMs());
    const { attemptId } = options;
    const messages = await this.calls.pop({
      group: this.group,
      brokerName,
      queueId: -1,
      messagesMax: options.messagesMax ?? this.options.popBatchSize,
      invisibleMs: options.invisibleMs ?? this.options.invisibleMs,
      holdMs,
      subscription,
      from: this.options.from,
      orderly: options.orderly ?? false,
      ...(attemptId !== undefined && { attemptId }),
      signal: this.signalOf(options.signal),
    });
    for (const message of messages) message.namespace = this.options.namespace;
    const wanted = messages.filter((message) =>
      isWanted(subscription, message.tags) && passes(message, this.filters, this.core.log)
    );
    // Tags of an equal hash, and what the program's own filters leave out: not for this group.
    const others = messages.filter((message) => !wanted.includes(message));
    if (others.length > 0) await this.ackAll(others);
    return wanted;
  }

  private async popPatiently(
    name: string,
    options: PopOptions & { signal: AbortSignal },
  ): Promise<PoppedMessage[]> {
    const { signal } = options;
    try {
      return await this.pop(name, options);
    } catch (error) {
      if (signal.aborted) return [];
      if (!(error instanceof ClientError) || !error.retriable) throw error;
      this.core.log.warn("a pop failed", { topic: name, error });
      await this.core.environment.clock.sleep(POP_ERROR_WAIT_MS, signal).catch(() => {});
      return [];
    }
  }

  /** Brokers that have readable queues of the topic; the group is made known to them. */
  private async brokersOf(topic: string): Promise<string[]> {
    this.core.checkRunning();
    const { routes, environment } = this.core;
    const route = routes.get(topic) ?? await routes.refresh(topic);
    if (route === null) {
      throw new ClientError("no_route", `the name servers don't know the topic ${topic}`);
    }
    if (this.subscriptions.get(topic) === undefined) {
      routes.watch(topic);
      this.subscriptions.set(topic, "*", environment.clock.nowMs());
      await this.core.beat();
    }
    return brokerNames(topic, route);
  }

  private signalOf(signal: AbortSignal | undefined): AbortSignal {
    const closing = this.core.closing.signal;
    return signal === undefined ? closing : AbortSignal.any([closing, signal]);
  }
}

function brokerNames(topic: string, route: TopicRoute): string[] {
  const names = new Set(subscribeQueues(topic, route).map(({ brokerName }) => brokerName));
  if (names.size > 0) return [...names];
  throw new ClientError("no_route", `no broker lets the topic ${topic} be read`);
}

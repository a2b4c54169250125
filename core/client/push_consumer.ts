// The push consumer as programs see it: a listener, or a loop. push_consumption.ts does the work.
import type { ClientState } from "./client_core.ts";
import { ClientError } from "./client_error.ts";
import { type ClientEnvironment, clientEnvironment } from "./environment.ts";
import {
  type BatchListener,
  DELAY_BY_BROKER,
  listenerCall,
  type MessageListener,
} from "./listener.ts";
import type { ClientEvents } from "./events.ts";
import type { MessageQueue } from "./message.ts";
import { MessageChannel } from "./message_channel.ts";
import { checkPushConsumerOptions, type PushConsumerOptions } from "./options.ts";
import { PushConsumption } from "./push_consumption.ts";
import type { ReceivedMessage } from "./received_message.ts";
import type { Expression } from "./subscription.ts";

/** A topic, all its queues, and those that are this member's now. */
export type QueueListener = (
  topic: string,
  all: readonly MessageQueue[],
  own: readonly MessageQueue[],
) => void;

/**
 * Consumes the topics that it subscribes to, together with the other members of its group.
 *
 * @example With a listener: called for up to `concurrency` messages at a time
 * ```ts
 * import { PushConsumer } from "roquet";
 *
 * await using consumer = await PushConsumer.open(
 *   { nameServers: "127.0.0.1:9876", group: "billing", subscriptions: { Orders: "paid || refunded" } },
 *   async (message) => {
 *     console.log(message.tags, message.text());
 *   },
 * );
 * ```
 *
 * @example With a loop: one message at a time, pulled no faster than the loop goes on. Taking the
 * next message says that the one before is consumed; leaving the loop gives the last one back for a
 * later delivery, unless `ack` was called for it.
 * ```ts
 * import { PushConsumer } from "roquet";
 *
 * await using consumer = await PushConsumer.open({
 *   nameServers: "127.0.0.1:9876",
 *   group: "billing",
 *   subscriptions: { Orders: "*" },
 * });
 * for await (const message of consumer) {
 *   console.log(message.text());
 *   if (message.tags === "last") break;
 * }
 * ```
 */
export class PushConsumer implements AsyncDisposable, AsyncIterable<ReceivedMessage> {
  readonly group: string;
  private readonly consumption: PushConsumption;
  /** Null when there is a listener. */
  private readonly channel: MessageChannel | null;
  private readonly queueListeners: QueueListener[] = [];

  /** Throws ClientError "invalid_options". Nothing is connected before `start`. */
  constructor(
    options: PushConsumerOptions,
    listener?: MessageListener | BatchListener,
    environment: Partial<ClientEnvironment> = {},
  ) {
    const checked = checkPushConsumerOptions(withStableName(options));
    this.group = checked.group;
    this.channel = listener === undefined ? new MessageChannel() : null;
    const { channel } = this;
    this.consumption = new PushConsumption(checked, clientEnvironment(environment), {
      listener: listener === undefined
        ? ([message]) => channel!.offer(message!)
        : listenerCall(listener),
      hasTimeout: listener !== undefined,
      queuesChanged: (topic, all, own) => {
        for (const each of this.queueListeners) each(topic, all, own);
      },
    });
  }

  /** A consumer that runs. */
  static async open(
    options: PushConsumerOptions,
    listener?: MessageListener | BatchListener,
    environment: Partial<ClientEnvironment> = {},
  ): Promise<PushConsumer> {
    const consumer = new PushConsumer(options, listener, environment);
    await consumer.start();
    return consumer;
  }

  /** How brokers call this client: address@instance. */
  get clientId(): string {
    return this.consumption.core.clientId;
  }

  get state(): ClientState {
    return this.consumption.core.state;
  }

  /**
   * Hears of an event until what is returned is disposed of: "state", "routeChanged",
   * "disconnected".
   */
  on<N extends keyof ClientEvents>(
    name: N,
    listener: (event: ClientEvents[N]) => void,
  ): Disposable {
    return this.consumption.core.events.on(name, listener);
  }

  /** The queues that are this member's now. */
  get queues(): MessageQueue[] {
    return this.consumption.rebalancer.queues;
  }

  /**
   * Joins the group and begins to consume. Topics that don't exist yet are consumed once they do.
   * Throws ClientError "already_started", "duplicate_group", "no_name_server".
   */
  start(): Promise<void> {
    return this.consumption.start();
  }

  /** Subscribes to a topic, or changes its expression: "*", tags "a || b", or { sql: "price > 5" }. */
  subscribe(topic: string, expression: Expression = "*"): Promise<void> {
    return this.consumption.subscribe(topic, expression);
  }

  /** Gives up a topic; its queues go to other members with their next rebalance. */
  unsubscribe(topic: string): Promise<void> {
    return this.consumption.unsubscribe(topic);
  }

  /** Is called after every rebalance that changed which queues this member has. */
  onQueuesChanged(listener: QueueListener): void {
    this.queueListeners.push(listener);
  }

  /** Stops pulling; what was pulled is still consumed. */
  pause(): void {
    this.consumption.queues.pause();
  }

  resume(): void {
    this.consumption.queues.resume();
  }

  /** Commits what is consumed so far, without waiting for the next turn of offsetCommitMs. */
  commit(): Promise<void> {
    return this.consumption.queues.commit();
  }

  /** Messages one at a time; several loops share them. Throws ClientError with a listener. */
  [Symbol.asyncIterator](): AsyncIterator<ReceivedMessage> {
    return this.loops[Symbol.asyncIterator]();
  }

  /** In a loop: the message is consumed, whatever happens to the loop. */
  ack(message: ReceivedMessage): void {
    this.loops.settle(message, "success");
  }

  /** In a loop: the message shall come again, after the wait of a delay level or the usual one. */
  retryLater(message: ReceivedMessage, delayLevel = DELAY_BY_BROKER): void {
    this.loops.settle(message, { delayLevel });
  }

  /**
   * Stops pulling, ends loops, waits for listeners that run (at most closeTimeoutMs), commits
   * offsets, leaves the group and closes the connections.
   */
  close(): Promise<void> {
    return this.consumption.close(() => this.channel?.close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private get loops(): MessageChannel {
    if (this.channel !== null) return this.channel;
    throw new ClientError("invalid_options", "a consumer with a listener can't be looped over");
  }
}

/** Local offsets are found again by the client id, so that a broadcasting one must not change. */
function withStableName(options: PushConsumerOptions): PushConsumerOptions {
  return options.model === "broadcasting" ? { instanceName: "DEFAULT", ...options } : options;
}

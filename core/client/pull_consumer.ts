// The pull consumer: the program chooses queue, offset and time. Pulls, asks for and commits offsets;
// keeps none by itself.
import { BrokerCalls } from "./broker_calls.ts";
import { ClientCore } from "./client_core.ts";
import { ClientError } from "./client_error.ts";
import { type ClientEnvironment, clientEnvironment } from "./environment.ts";
import { PULL_ERROR_WAIT_MS, PULL_TIMEOUT_MS } from "./limits.ts";
import type { MessageQueue } from "./message.ts";
import { withNamespace } from "./namespace.ts";
import {
  type CheckedPullConsumerOptions,
  checkPullConsumerOptions,
  type PullConsumerOptions,
} from "./options.ts";
import { PublicClient } from "./public_client.ts";
import { Puller, type PullResult } from "./pull.ts";
import type { ReceivedMessage } from "./received_message.ts";
import { subscribeQueues } from "./route.ts";
import { type ConsumeFrom, startOffset } from "./start_offset.ts";
import { parseSubscription } from "./subscription.ts";
import { SubscriptionSet } from "./subscription_set.ts";

export interface PullOptions {
  /** Tag expression: "*", "a || b". */
  expression?: string;
  /** At most so many messages. Default: pullBatchSize. */
  messagesMax?: number;
  /** How long the broker may wait for a message, in ms. Default: 0, it answers at once. */
  holdMs?: number;
  signal?: AbortSignal;
}

export interface ReadOptions extends Omit<PullOptions, "holdMs"> {
  /**
   * Where to begin: an offset, "first", "last", a time, or (the default) "committed": where the
   * group was, else the queue's start.
   */
  from?: number | "committed" | ConsumeFrom;
  /** Also ends where the queue ended when reading began. Default: waits for more for ever. */
  untilEnd?: boolean;
}

/**
 * Reads queues at the program's own pace.
 *
 * @example
 * ```ts
 * import { PullConsumer } from "roquet";
 *
 * await using consumer = await PullConsumer.open({ nameServers: "127.0.0.1:9876", group: "audit" });
 * for (const queue of await consumer.queues("Orders")) {
 *   for await (const message of consumer.read(queue, { untilEnd: true })) {
 *     console.log(message.queueOffset, message.text());
 *     await consumer.commit(queue, message.queueOffset + 1);
 *   }
 * }
 * ```
 */
export class PullConsumer extends PublicClient {
  private readonly options: CheckedPullConsumerOptions;
  protected override readonly core: ClientCore;
  private readonly calls: BrokerCalls;
  private readonly puller: Puller;
  private readonly subscriptions: SubscriptionSet;

  /** Throws ClientError "invalid_options". Nothing is connected before `start`. */
  constructor(options: PullConsumerOptions, environment: Partial<ClientEnvironment> = {}) {
    super();
    this.options = checkPullConsumerOptions(options);
    this.subscriptions = new SubscriptionSet({
      ...this.options,
      consumeType: "CONSUME_ACTIVELY",
      consumeFrom: "last",
    });
    this.core = new ClientCore(clientEnvironment(environment), this.options, {
      kind: "consumer",
      group: this.options.group,
      heartbeat: () => this.subscriptions.heartbeat(),
    });
    this.calls = new BrokerCalls(this.core);
    this.puller = new Puller(this.core);
  }

  /** A consumer that runs. */
  static async open(
    options: PullConsumerOptions,
    environment: Partial<ClientEnvironment> = {},
  ): Promise<PullConsumer> {
    const consumer = new PullConsumer(options, environment);
    await consumer.start();
    return consumer;
  }

  /** The queues of a topic that can be read. Rejects with ClientError "no_route". */
  async queues(name: string): Promise<readonly MessageQueue[]> {
    this.core.checkRunning();
    const topic = withNamespace(this.options.namespace, name);
    const { routes } = this.core;
    const route = await this.known(topic);
    routes.watch(topic);
    return subscribeQueues(topic, route);
  }

  /** One pull. What isn't wanted is left out; go on at `nextOffset` whatever the status. */
  async pull(queue: MessageQueue, offset: number, options: PullOptions = {}): Promise<PullResult> {
    await this.ready(queue.topic);
    const { expression = "*", messagesMax = this.options.pullBatchSize, holdMs = 0 } = options;
    return await this.puller.pull({
      group: this.group,
      queue,
      offset,
      messagesMax,
      holdMs,
      timeoutMs: Math.max(PULL_TIMEOUT_MS, holdMs * 2),
      // Pulls carry their own expression, so that each may have another.
      subscription: parseSubscription(queue.topic, expression, 0),
      sendsSubscription: true,
      signal: this.signalOf(options.signal),
    });
  }

  /**
   * The messages of one queue, one after the other, pulled as the loop goes on. Ends when the consumer
   * closes or the signal is aborted; failures that may pass are waited out. Commits nothing.
   */
  async *read(
    queue: MessageQueue,
    options: ReadOptions = {},
  ): AsyncGenerator<ReceivedMessage, void, undefined> {
    await this.ready(queue.topic);
    const { untilEnd = false } = options;
    const signal = this.signalOf(options.signal);
    let offset = await this.startOf(queue, options.from ?? "committed");
    const end = untilEnd ? await this.maxOffset(queue) : Infinity;
    const pullOptions = { ...options, holdMs: untilEnd ? 0 : this.options.pullHoldMs, signal };
    while (offset < end && !signal.aborted) {
      const result = await this.pullPatiently(queue, offset, pullOptions);
      if (result === null) return;
      for (const message of result.messages) {
        if (message.queueOffset >= end) return;
        yield message;
        if (signal.aborted) return;
      }
      // Below the end there may be nothing that can be read: a transaction's gap, or a deletion.
      if (untilEnd && result.status === "no_new_message") return;
      offset = result.nextOffset;
    }
  }

  /**
   * The group's committed offset; null when it has none. Apache's brokers before 5.0 say 0 for none
   * while the queue's first message is still in memory.
   */
  async committedOffset(queue: MessageQueue): Promise<number | null> {
    await this.ready(queue.topic);
    return await this.calls.committedOffset(this.group, queue, true);
  }

  /** Commits at once. */
  async commit(queue: MessageQueue, offset: number): Promise<void> {
    await this.ready(queue.topic);
    await this.calls.commitOffset(this.group, queue, offset);
  }

  /** The queue's first offset. */
  async minOffset(queue: MessageQueue): Promise<number> {
    await this.ready(queue.topic);
    return await this.calls.minOffset(queue);
  }

  /** One past the queue's last offset. */
  async maxOffset(queue: MessageQueue): Promise<number> {
    await this.ready(queue.topic);
    return await this.calls.maxOffset(queue);
  }

  /** The offset of the first message that was stored at this time or later. */
  async offsetAt(queue: MessageQueue, time: Date | number): Promise<number> {
    await this.ready(queue.topic);
    return await this.calls.offsetAt(queue, Number(time));
  }

  /** Leaves the group and closes the connections; reads end. */
  override close(): Promise<void> {
    return this.core.close();
  }

  private async known(topic: string) {
    const route = this.core.routes.get(topic) ?? await this.core.routes.refresh(topic);
    if (route !== null) return route;
    throw new ClientError("no_route", `the name servers don't know the topic ${topic}`);
  }

  /** Brokers are known and know the group. */
  private async ready(topic: string): Promise<void> {
    this.core.checkRunning();
    if (this.subscriptions.get(topic) !== undefined) return;
    await this.known(topic);
    this.core.routes.watch(topic);
    this.subscriptions.set(topic, "*", this.core.environment.clock.nowMs());
    await this.core.beat();
  }

  private signalOf(signal: AbortSignal | undefined): AbortSignal {
    const closing = this.core.closing.signal;
    return signal === undefined ? closing : AbortSignal.any([closing, signal]);
  }

  private startOf(queue: MessageQueue, from: number | "committed" | ConsumeFrom): Promise<number> {
    if (typeof from === "number") return Promise.resolve(from);
    const isCommitted = from === "committed";
    return startOffset(queue, isCommitted ? "first" : from, {
      committed: (each) =>
        isCommitted ? this.calls.committedOffset(this.group, each) : Promise.resolve(null),
      maxOffset: (each) => this.calls.maxOffset(each),
      offsetAt: (each, timestampMs) => this.calls.offsetAt(each, timestampMs),
    });
  }

  /** Null: aborted. */
  private async pullPatiently(
    queue: MessageQueue,
    offset: number,
    options: PullOptions & { signal: AbortSignal },
  ): Promise<PullResult | null> {
    const { clock } = this.core.environment;
    while (!options.signal.aborted) {
      try {
        return await this.pull(queue, offset, options);
      } catch (error) {
        if (options.signal.aborted) return null;
        if (!(error instanceof ClientError) || !error.retriable) throw error;
        this.core.log.warn("a pull failed", { ...queue, error });
        await clock.sleep(PULL_ERROR_WAIT_MS, options.signal).catch(() => {});
      }
    }
    return null;
  }
}

// The lite pull consumer: the program polls; queues are shared with the group, or assigned by the
// program; positions can be moved. lite_consumption.ts does the work.
import type { ClientCore } from "./client_core.ts";
import { ClientError } from "./client_error.ts";
import { type ClientEnvironment, clientEnvironment } from "./environment.ts";
import { LiteConsumption, type QueuesChanged } from "./lite_consumption.ts";
import { type MessageQueue, queueKey, sameQueue } from "./message.ts";
import { withNamespace } from "./namespace.ts";
import type { QueueOffset } from "./offsets.ts";
import {
  type CheckedLitePullConsumerOptions,
  checkLitePullConsumerOptions,
  type LitePullConsumerOptions,
} from "./options.ts";
import { PublicClient } from "./public_client.ts";
import type { ReceivedMessage } from "./received_message.ts";
import { subscribeQueues } from "./route.ts";
import type { Expression } from "./subscription.ts";

/** Is told all queues of a topic when they change. */
export type TopicQueuesListener = (topic: string, queues: readonly MessageQueue[]) => void;

export interface PollOptions {
  /** How long to wait for messages, in ms. Default: pollTimeoutMs. */
  timeoutMs?: number;
  signal?: AbortSignal;
}

/**
 * Consumes at the program's own pace, together with the other members of its group. What a poll gave
 * counts as consumed when the next one is made, or by `commit`.
 *
 * @example
 * ```ts
 * import { LitePullConsumer } from "roquet";
 *
 * await using consumer = await LitePullConsumer.open({
 *   nameServers: "127.0.0.1:9876",
 *   group: "audit",
 *   subscriptions: { Orders: "*" },
 *   consumeFrom: "first",
 * });
 * for (const message of await consumer.poll()) console.log(message.queueOffset, message.text());
 * await consumer.commit();
 * ```
 */
export class LitePullConsumer extends PublicClient {
  private readonly options: CheckedLitePullConsumerOptions;
  private readonly consumption: LiteConsumption;
  private readonly queueListeners: QueuesChanged[] = [];
  private readonly topicQueues = new Map<string, string>();
  private seeking: Promise<unknown> = Promise.resolve();
  private nextCommitMs = 0;

  /** Throws ClientError "invalid_options". Nothing is connected before `start`. */
  constructor(options: LitePullConsumerOptions, environment: Partial<ClientEnvironment> = {}) {
    super();
    // Local offsets are found again by the client id.
    const stable = options.model === "broadcasting" ? { instanceName: "DEFAULT" } : {};
    this.options = checkLitePullConsumerOptions({ ...stable, ...options });
    this.consumption = new LiteConsumption(
      this.options,
      clientEnvironment(environment),
      (topic, all, own) => {
        for (const listener of this.queueListeners) listener(topic, all, own);
      },
    );
  }

  /** A consumer that runs. */
  static async open(
    options: LitePullConsumerOptions,
    environment: Partial<ClientEnvironment> = {},
  ): Promise<LitePullConsumer> {
    const consumer = new LitePullConsumer(options, environment);
    await consumer.start();
    return consumer;
  }

  protected override get core(): ClientCore {
    return this.consumption.core;
  }

  protected override begin(): Promise<void> {
    this.nextCommitMs = this.nowMs() + this.options.autoCommitMs;
    return this.consumption.begin();
  }

  /** The queues that are pulled now. */
  get assignment(): MessageQueue[] {
    return this.consumption.rebalancer.queues;
  }

  /** Shares a topic's queues with the group. Throws ClientError "invalid_options" after `assign`. */
  async subscribe(topic: string, expression: Expression = "*"): Promise<void> {
    if (this.consumption.isAssigned) throw mixed();
    this.consumption.note(topic, expression);
    if (this.state === "running") await this.consumption.changed();
  }

  async unsubscribe(name: string): Promise<void> {
    const topic = withNamespace(this.options.namespace, name);
    if (!this.consumption.subscriptions.delete(topic)) return;
    if (this.state === "running") await this.consumption.changed();
  }

  /**
   * Takes these queues instead of those assigned before, whoever else reads them. Throws ClientError
   * "invalid_options" after `subscribe`.
   */
  async assign(queues: readonly MessageQueue[], expression: Expression = "*"): Promise<void> {
    if (this.consumption.subscriptions.topics().length > 0) throw mixed();
    await this.consumption.assign(queues, expression);
  }

  /**
   * The messages that one pull found; none after the time-out. Those of the poll before are then
   * consumed, and committed with autoCommit every autoCommitMs.
   */
  async poll(options: PollOptions = {}): Promise<ReceivedMessage[]> {
    this.core.checkRunning();
    const { buffer, queues } = this.consumption;
    buffer.settle();
    if (this.options.autoCommit && this.nowMs() >= this.nextCommitMs) {
      this.nextCommitMs = this.nowMs() + this.options.autoCommitMs;
      await queues.commit();
    }
    return await buffer.poll(options.timeoutMs ?? this.options.pollTimeoutMs, options.signal);
  }

  /** Messages one after the other, by polls, until the consumer closes. */
  async *[Symbol.asyncIterator](): AsyncGenerator<ReceivedMessage, void, undefined> {
    while (this.state === "running") yield* await this.poll();
  }

  /** Commits what was polled so far, or these offsets; resolves when the store was told. */
  async commit(offsets?: readonly QueueOffset[]): Promise<void> {
    this.core.checkRunning();
    const { buffer, queues, store } = this.consumption;
    buffer.settle();
    if (offsets === undefined) return await queues.commit();
    const own = offsets.filter(({ queue }) => this.isAssigned(queue));
    const { failure } = await store.write(own);
    if (failure !== null) throw failure;
  }

  /** The group's committed offset; null when it has none. */
  committed(queue: MessageQueue): Promise<number | null> {
    this.core.checkRunning();
    const { calls, store } = this.consumption;
    if (this.options.model === "broadcasting") return store.read(queue);
    return calls.committedOffset(this.options.group, queue, true);
  }

  /** Goes on at this offset. Throws ClientError "not_assigned", or "bad_offset" outside of the queue. */
  async seek(queue: MessageQueue, offset: number): Promise<void> {
    this.checkAssigned(queue);
    const { calls } = this.consumption;
    const [min, max] = await Promise.all([calls.minOffset(queue), calls.maxOffset(queue)]);
    if (offset < min || offset > max) {
      throw new ClientError("bad_offset", `${offset} is not from ${min} to ${max}`);
    }
    await this.moveTo(queue, offset);
  }

  async seekToBegin(queue: MessageQueue): Promise<void> {
    this.checkAssigned(queue);
    await this.moveTo(queue, await this.consumption.calls.minOffset(queue));
  }

  async seekToEnd(queue: MessageQueue): Promise<void> {
    this.checkAssigned(queue);
    await this.moveTo(queue, await this.consumption.calls.maxOffset(queue));
  }

  /** Pulls no more from these queues; what was pulled can still be polled. */
  pause(queues: readonly MessageQueue[]): void {
    this.consumption.queues.pause(queues);
  }

  resume(queues: readonly MessageQueue[]): void {
    this.consumption.queues.resume(queues);
  }

  /** The queues of a topic that can be read. Rejects with ClientError "no_route". */
  async queues(name: string): Promise<readonly MessageQueue[]> {
    this.core.checkRunning();
    const topic = withNamespace(this.options.namespace, name);
    const { routes } = this.core;
    const route = routes.get(topic) ?? await routes.refresh(topic);
    if (route !== null) return subscribeQueues(topic, route);
    throw new ClientError("no_route", `the name servers don't know the topic ${topic}`);
  }

  /** The offset of the first message that was stored at this time or later. */
  offsetForTimestamp(queue: MessageQueue, time: Date | number): Promise<number> {
    this.core.checkRunning();
    return this.consumption.calls.offsetAt(queue, Number(time));
  }

  /** Is called after every rebalance that changed which queues this member has. */
  onQueuesChanged(listener: QueuesChanged): void {
    this.queueListeners.push(listener);
  }

  /** Is called when a topic's queues change in the routes, whoever has them (routePollMs). */
  onTopicQueuesChanged(name: string, listener: TopicQueuesListener): void {
    const topic = withNamespace(this.options.namespace, name);
    const { routes } = this.core;
    const known = routes.get(topic);
    if (known !== undefined) this.noteTopicQueues(topic, subscribeQueues(topic, known));
    routes.watch(topic);
    routes.onChange((changed, route) => {
      if (changed !== topic) return;
      const queues = subscribeQueues(topic, route);
      if (this.noteTopicQueues(topic, queues)) listener(topic, queues);
    });
  }

  /** Ends polls and leaves the group. What the last poll gave isn't committed: `commit` before. */
  override close(): Promise<void> {
    return this.consumption.close();
  }

  /** True when they aren't what they were; the first time isn't a change. */
  private noteTopicQueues(topic: string, queues: readonly MessageQueue[]): boolean {
    const text = queues.map(queueKey).toSorted().join();
    const before = this.topicQueues.get(topic);
    this.topicQueues.set(topic, text);
    return before !== undefined && before !== text;
  }

  /** One after the other: a seek begins its queue anew. */
  private async moveTo(queue: MessageQueue, offset: number): Promise<void> {
    const moving = this.seeking.then(() => this.consumption.queues.seek(queue, offset));
    this.seeking = moving.catch(() => {});
    if (!await moving) throw notAssigned(queue);
  }

  private isAssigned(queue: MessageQueue): boolean {
    return this.assignment.some((each) => sameQueue(each, queue));
  }

  private checkAssigned(queue: MessageQueue): void {
    this.core.checkRunning();
    if (!this.isAssigned(queue)) throw notAssigned(queue);
  }

  private nowMs(): number {
    return this.core.environment.clock.nowMs();
  }
}

function notAssigned(queue: MessageQueue): ClientError {
  return new ClientError(
    "not_assigned",
    `${queueKey(queue)} isn't this member's; a rebalance may be under way`,
    { retriable: true },
  );
}

function mixed(): ClientError {
  return new ClientError(
    "invalid_options",
    "queues are either subscribed to or assigned, not both",
  );
}

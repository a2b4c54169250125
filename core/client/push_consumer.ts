// The push consumer: brings subscriptions, rebalance, pulls, listener and offsets together. The work
// itself is in the parts; this file holds the order in which they begin and end.
import { retryTopicOf } from "../message/topic_names.ts";
import { NOTIFY_CONSUMER_IDS_CHANGED } from "../remoting/codes/client_bound.ts";
import { runInBackground } from "../time/background.ts";
import { BrokerCalls } from "./broker_calls.ts";
import { BrokerOffsetStore } from "./broker_offset_store.ts";
import { ClientCore, type ClientState } from "./client_core.ts";
import { ClientError } from "./client_error.ts";
import { ConsumePool, type MessageListener } from "./consume_pool.ts";
import { type ClientEnvironment, clientEnvironment } from "./environment.ts";
import {
  AUTO_CREATE_QUEUES,
  RECONSUME_HERE_MS,
  SEND_RETRIES,
  SENDS_IN_FLIGHT_MAX,
  SENDS_WAITING_MAX,
} from "./limits.ts";
import { type MessageQueue, queueKey } from "./message.ts";
import { OffsetBook, type OffsetStore } from "./offsets.ts";
import {
  type CheckedPushConsumerOptions,
  checkPushConsumerOptions,
  type PushConsumerOptions,
} from "./options.ts";
import type { QueuedMessage } from "./process_queue.ts";
import { Puller } from "./pull.ts";
import { QueuePuller } from "./queue_puller.ts";
import { Rebalancer } from "./rebalancer.ts";
import { subscribeQueues } from "./route.ts";
import { SendBack } from "./send_back.ts";
import { Sender } from "./sender.ts";
import { startOffset } from "./start_offset.ts";
import { parseSubscription, type Subscription, subscriptionData } from "./subscription.ts";

/**
 * Consumes the topics that it subscribes to, together with the other members of its group.
 *
 * @example
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
 */
export class PushConsumer implements AsyncDisposable {
  private readonly options: CheckedPushConsumerOptions;
  private readonly core: ClientCore;
  private readonly calls: BrokerCalls;
  private readonly puller: Puller;
  private readonly sendBack: SendBack;
  private readonly rebalancer: Rebalancer;
  private readonly pool: ConsumePool;
  private readonly offsets = new OffsetBook();
  private readonly store: OffsetStore;
  private readonly subscriptions = new Map<string, Subscription>();
  private readonly pullers = new Map<string, QueuePuller>();
  private readonly background = new AsyncDisposableStack();
  private committing: Promise<void> | null = null;
  private paused = false;

  /** Throws ClientError "invalid_options". Nothing is connected before `start`. */
  constructor(
    options: PushConsumerOptions,
    listener: MessageListener,
    environment: Partial<ClientEnvironment> = {},
  ) {
    const full = clientEnvironment(environment);
    const checked = checkPushConsumerOptions(options);
    this.options = checked;
    this.core = new ClientCore(full, checked, {
      kind: "consumer",
      group: checked.group,
      heartbeat: () => this.heartbeat(),
    });
    const { log } = this.core;
    const { clock } = full;
    this.calls = new BrokerCalls(this.core);
    this.puller = new Puller(this.core);
    this.store = new BrokerOffsetStore(this.calls, checked.group);
    this.sendBack = new SendBack({
      group: checked.group,
      maxReconsumeTimes: checked.maxReconsumeTimes,
      calls: this.calls,
      sender: new Sender(this.core, retrySender(checked.group), null),
      log,
      nowMs: () => clock.nowMs(),
    });
    this.pool = new ConsumePool(
      clock,
      log,
      checked.concurrency,
      listener,
      (entry, delayLevel) => this.settle(entry, delayLevel),
    );
    this.rebalancer = new Rebalancer({
      clock,
      log,
      clientId: this.core.clientId,
      intervalMs: checked.rebalanceMs,
      broadcasting: this.isBroadcasting,
      topics: () => this.subscriptions.keys(),
      queuesOf: (topic) => this.queuesOf(topic),
      members: (topic) => this.members(topic),
      add: (queue) => this.addQueue(queue),
      remove: (queue) => this.removeQueue(queue),
    });
    for (const [topic, expression] of Object.entries(checked.subscriptions)) {
      this.note(topic, expression);
    }
    this.core.remoting.handle(NOTIFY_CONSUMER_IDS_CHANGED, () => {
      void this.rebalancer.trigger();
      return undefined;
    });
  }

  /** A consumer that runs. */
  static async open(
    options: PushConsumerOptions,
    listener: MessageListener,
    environment: Partial<ClientEnvironment> = {},
  ): Promise<PushConsumer> {
    const consumer = new PushConsumer(options, listener, environment);
    await consumer.start();
    return consumer;
  }

  get group(): string {
    return this.options.group;
  }

  /** How brokers call this client: address@instance. */
  get clientId(): string {
    return this.core.clientId;
  }

  get state(): ClientState {
    return this.core.state;
  }

  /** The queues that are this member's now. */
  get queues(): MessageQueue[] {
    return this.rebalancer.queues;
  }

  /**
   * Joins the group and begins to consume. Topics that don't exist yet are consumed once they do.
   * Throws ClientError "already_started", "duplicate_group", "no_name_server".
   */
  start(): Promise<void> {
    return this.core.start(async () => {
      if (!this.isBroadcasting) this.note(retryTopicOf(this.group), "*");
      await this.learnRoutes();
      await this.core.beat();
      this.core.keepAlive();
      const { clock } = this.core.environment;
      this.background.use(runInBackground(
        { name: "offset commit", intervalMs: this.options.offsetCommitMs, tick: () => this.tick() },
        clock,
        this.core.log,
      ));
      this.core.routes.onChange((topic) => {
        if (this.subscriptions.has(topic)) void this.changed();
      });
      await this.rebalancer.trigger();
    });
  }

  /** Subscribes to a topic, or changes its tag expression ("*", "a || b"). */
  async subscribe(topic: string, expression = "*"): Promise<void> {
    this.note(topic, expression);
    if (this.core.state !== "running") return;
    await this.core.routes.refresh(topic);
    await this.changed();
  }

  /** Gives up a topic; its queues go to other members with the next rebalance. */
  async unsubscribe(topic: string): Promise<void> {
    if (!this.subscriptions.delete(topic)) return;
    this.core.routes.unwatch(topic);
    if (this.core.state === "running") await this.changed();
  }

  /** Stops pulling; what was pulled is still consumed. */
  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    for (const puller of this.pullers.values()) puller.changed();
  }

  /** Commits what is consumed so far, without waiting for the next turn of offsetCommitMs. */
  commit(): Promise<void> {
    this.committing ??= this.commitOnce().finally(() => this.committing = null);
    return this.committing;
  }

  /**
   * Stops pulling, waits for listeners that run (at most closeTimeoutMs), commits offsets, leaves
   * the group and closes the connections.
   */
  async close(): Promise<void> {
    if (this.core.state === "running") {
      for (const puller of this.pullers.values()) void puller.halt();
      const { clock } = this.core.environment;
      const waited = new AbortController();
      const timeout = clock.sleep(this.options.closeTimeoutMs, waited.signal).catch(() => {});
      await Promise.race([this.pool.stop(), timeout]);
      waited.abort();
      await this.background.disposeAsync();
      await this.rebalancer.stop();
    }
    await this.core.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private get isBroadcasting(): boolean {
    return this.options.model === "broadcasting";
  }

  private note(topic: string, expression: string): void {
    const version = this.core.environment.clock.nowMs();
    this.subscriptions.set(topic, parseSubscription(topic, expression, version));
    this.core.routes.watch(topic);
  }

  private heartbeat() {
    const { consumeFrom, group } = this.options;
    const from = consumeFrom === "last"
      ? "CONSUME_FROM_LAST_OFFSET"
      : consumeFrom === "first"
      ? "CONSUME_FROM_FIRST_OFFSET"
      : "CONSUME_FROM_TIMESTAMP";
    return {
      producerDataSet: [],
      consumerDataSet: [{
        consumeFromWhere: from,
        consumeType: "CONSUME_PASSIVELY",
        groupName: group,
        messageModel: this.isBroadcasting ? "BROADCASTING" : "CLUSTERING",
        subscriptionDataSet: [...this.subscriptions.values()].map(subscriptionData),
        unitMode: false,
      }],
    };
  }

  /** Subscriptions or routes changed: brokers are told, then queues are cut anew. */
  private async changed(): Promise<void> {
    await this.core.beat();
    await this.rebalancer.trigger();
  }

  private async learnRoutes(): Promise<void> {
    for (const topic of this.subscriptions.keys()) {
      const route = await this.core.routes.refresh(topic);
      if (route === null) this.core.log.info("the topic doesn't exist yet", { topic });
    }
  }

  private async queuesOf(topic: string): Promise<MessageQueue[] | null> {
    const { routes } = this.core;
    const route = routes.get(topic) ?? await routes.refresh(topic);
    return route === null ? null : subscribeQueues(topic, route);
  }

  private async members(topic: string): Promise<readonly string[]> {
    const brokers = this.core.routes.get(topic)?.brokers ?? [];
    let failure: unknown = new ClientError("no_broker", `no broker has the topic ${topic}`);
    for (const { brokerName } of brokers) {
      try {
        const members = await this.calls.members(brokerName, this.group);
        if (!members.includes(this.clientId)) {
          await this.core.beatTo(brokerName, this.calls.address(brokerName));
        }
        return members;
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  private async addQueue(queue: MessageQueue): Promise<boolean> {
    const { log } = this.core;
    let offset: number;
    try {
      offset = await startOffset(queue, this.options.consumeFrom, {
        committed: (each) => this.store.read(each),
        maxOffset: (each) => this.calls.maxOffset(each),
        offsetAt: (each, timestampMs) => this.calls.offsetAt(each, timestampMs),
      });
    } catch (error) {
      log.warn("a queue can't be begun yet", { ...queue, error });
      return false;
    }
    this.offsets.begin(queue, offset);
    const puller = new QueuePuller(queue, offset, {
      ...this.options,
      clock: this.core.environment.clock,
      log,
      puller: this.puller,
      offsets: this.offsets,
      commitsByPull: !this.isBroadcasting,
      subscription: () => this.subscriptions.get(queue.topic),
      deliver: (entries) => this.pool.submit(entries),
      isPaused: () => this.paused,
      moved: (each, to) => {
        this.offsets.move(each, to);
        void this.commit();
      },
    });
    this.pullers.set(queueKey(queue), puller);
    puller.start();
    return true;
  }

  private async removeQueue(queue: MessageQueue): Promise<void> {
    const key = queueKey(queue);
    const puller = this.pullers.get(key);
    this.pullers.delete(key);
    await puller?.stop();
    await this.commit();
    this.offsets.forget(queue);
    this.puller.forget(queue);
  }

  private async tick(): Promise<"idle"> {
    await this.commit();
    return "idle";
  }

  private async commitOnce(): Promise<void> {
    const uncommitted = this.offsets.uncommitted();
    if (uncommitted.length === 0) return;
    const { taken, failure } = await this.store.write(uncommitted);
    this.offsets.committed(taken);
    if (failure !== null) this.core.log.warn("offsets can't be committed", { error: failure });
  }

  /** A listener is done with a message: consumed (null), or to come again. */
  private settle(entry: QueuedMessage, delayLevel: number | null): void {
    if (delayLevel === null) return this.finish(entry);
    if (entry.isDone || entry.of.dropped) return;
    if (this.isBroadcasting) {
      const { topic, messageId } = entry.message;
      this.core.log.warn("a broadcast message isn't delivered again", { topic, messageId });
      return this.finish(entry);
    }
    void this.sendBack.giveBack(entry.message, delayLevel).then((given) => {
      if (given) return this.finish(entry);
      const { clock } = this.core.environment;
      clock.after(RECONSUME_HERE_MS, () => this.pool.submit([entry]));
    });
  }

  private finish(entry: QueuedMessage): void {
    const { of } = entry;
    if (!of.finish(entry) || of.dropped) return;
    this.offsets.advance(of.queue, of.finishedOffset);
    this.pullers.get(queueKey(of.queue))?.changed();
  }
}

function retrySender(group: string) {
  return {
    group,
    retriesMax: SEND_RETRIES,
    retriesWhenNotStoredAsAsked: false,
    sendsInFlightMax: SENDS_IN_FLIGHT_MAX,
    sendsWaitingMax: SENDS_WAITING_MAX,
    autoCreateQueues: AUTO_CREATE_QUEUES,
  };
}

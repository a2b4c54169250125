// The push consumer: brings subscriptions, rebalance, pulls, listener and offsets together. The work
// itself is in the parts; this file holds the order in which they begin and end.
import { retryTopicOf } from "../message/topic_names.ts";
import { runInBackground } from "../time/background.ts";
import { BrokerCalls } from "./broker_calls.ts";
import { BrokerOffsetStore } from "./broker_offset_store.ts";
import { ClientCore, type ClientState } from "./client_core.ts";
import { ClientError } from "./client_error.ts";
import { ConsumePool, DELAY_BY_BROKER, type MessageListener } from "./consume_pool.ts";
import { ConsumeStats } from "./consume_stats.ts";
import { ConsumedQueues } from "./consumed_queues.ts";
import { serveConsumerRequests } from "./consumer_requests.ts";
import { type ClientEnvironment, clientEnvironment } from "./environment.ts";
import { FileOffsetStore } from "./file_offset_store.ts";
import {
  AUTO_CREATE_QUEUES,
  OVERDUE_DELAY_LEVEL,
  RECONSUME_HERE_MS,
  SEND_RETRIES,
  SENDS_IN_FLIGHT_MAX,
  SENDS_WAITING_MAX,
} from "./limits.ts";
import type { MessageQueue } from "./message.ts";
import { MessageChannel } from "./message_channel.ts";
import type { OffsetStore } from "./offsets.ts";
import {
  type CheckedPushConsumerOptions,
  checkPushConsumerOptions,
  type PushConsumerOptions,
} from "./options.ts";
import type { QueuedMessage } from "./process_queue.ts";
import { Rebalancer } from "./rebalancer.ts";
import type { ReceivedMessage } from "./received_message.ts";
import { subscribeQueues } from "./route.ts";
import { runningInfo } from "./running_info.ts";
import { SendBack } from "./send_back.ts";
import { Sender } from "./sender.ts";
import { SubscriptionSet } from "./subscription_set.ts";

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
 * await using consumer = await PushConsumer.open({
 *   nameServers: "127.0.0.1:9876",
 *   group: "billing",
 *   subscriptions: { Orders: "*" },
 * });
 * for await (const message of consumer) console.log(message.text());
 * ```
 */
export class PushConsumer implements AsyncDisposable, AsyncIterable<ReceivedMessage> {
  private readonly options: CheckedPushConsumerOptions;
  private readonly core: ClientCore;
  private readonly calls: BrokerCalls;
  private readonly subscriptions: SubscriptionSet;
  private readonly queuesOwned: ConsumedQueues;
  private readonly rebalancer: Rebalancer;
  private readonly pool: ConsumePool;
  private readonly sendBack: SendBack;
  private readonly stats = new ConsumeStats();
  private readonly background = new AsyncDisposableStack();
  /** Null when there is a listener. */
  private readonly channel: MessageChannel | null;
  private readonly givingBack = new Set<Promise<void>>();
  private startedAtMs = 0;

  /** Throws ClientError "invalid_options". Nothing is connected before `start`. */
  constructor(
    options: PushConsumerOptions,
    listener?: MessageListener,
    environment: Partial<ClientEnvironment> = {},
  ) {
    const full = clientEnvironment(environment);
    const checked = checkPushConsumerOptions(withStableName(options));
    this.options = checked;
    this.subscriptions = new SubscriptionSet({ ...checked, consumeType: "CONSUME_PASSIVELY" });
    this.core = new ClientCore(full, checked, {
      kind: "consumer",
      group: checked.group,
      heartbeat: () => this.subscriptions.heartbeat(),
    });
    this.calls = new BrokerCalls(this.core);
    this.channel = listener === undefined ? new MessageChannel() : null;
    const call = listener ?? this.channel!.offer;
    const { clock } = full;
    this.pool = new ConsumePool(
      clock,
      this.core.log,
      checked.concurrency,
      call,
      (entry, delayLevel) => this.settle(entry, delayLevel),
    );
    this.queuesOwned = new ConsumedQueues({
      ...checked,
      core: this.core,
      calls: this.calls,
      store: this.offsetStore(),
      commitsByPull: !this.isBroadcasting,
      stats: this.stats,
      subscription: (topic) => this.subscriptions.get(topic),
      deliver: (entries) => this.pool.submit(entries),
    });
    this.sendBack = new SendBack({
      group: checked.group,
      maxReconsumeTimes: checked.maxReconsumeTimes,
      calls: this.calls,
      sender: new Sender(this.core, retrySender(checked.group), null),
      log: this.core.log,
      nowMs: () => clock.nowMs(),
    });
    this.rebalancer = this.makeRebalancer();
    for (const [topic, expression] of Object.entries(checked.subscriptions)) {
      this.note(topic, expression);
    }
    this.serveRequests(call);
  }

  /** A consumer that runs. */
  static async open(
    options: PushConsumerOptions,
    listener?: MessageListener,
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
      this.startedAtMs = this.core.environment.clock.nowMs();
      if (!this.isBroadcasting) this.note(retryTopicOf(this.group), "*");
      for (const topic of this.subscriptions.topics()) await this.core.routes.refresh(topic);
      await this.core.beat();
      this.core.keepAlive();
      this.inBackground("offset commit", this.options.offsetCommitMs, () => this.commit());
      // A loop may take as long as it likes for the message that it has in hand.
      if (this.channel === null && !this.isBroadcasting) {
        const periodMs = this.options.consumeTimeoutMs / 4;
        this.inBackground("overdue messages", periodMs, () => this.giveBackOverdue());
      }
      this.core.routes.onChange((topic) => {
        if (this.subscriptions.get(topic) !== undefined) void this.changed();
      });
      await this.rebalancer.trigger();
    });
  }

  /** Subscribes to a topic, or changes its tag expression ("*", "a || b"). */
  async subscribe(topic: string, expression = "*"): Promise<void> {
    this.note(topic, expression);
    if (this.core.state === "running") await this.changed();
  }

  /** Gives up a topic; its queues go to other members with the next rebalance. */
  async unsubscribe(topic: string): Promise<void> {
    if (!this.subscriptions.delete(topic)) return;
    this.core.routes.unwatch(topic);
    if (this.core.state === "running") await this.changed();
  }

  /** Stops pulling; what was pulled is still consumed. */
  pause(): void {
    this.queuesOwned.pause();
  }

  resume(): void {
    this.queuesOwned.resume();
  }

  /** Commits what is consumed so far, without waiting for the next turn of offsetCommitMs. */
  commit(): Promise<void> {
    return this.queuesOwned.commit();
  }

  /** Messages one at a time; several loops share them. Throws ClientError with a listener. */
  [Symbol.asyncIterator](): AsyncIterator<ReceivedMessage> {
    return this.mustHaveChannel()[Symbol.asyncIterator]();
  }

  /** In a loop: the message is consumed, whatever happens to the loop. */
  ack(message: ReceivedMessage): void {
    this.mustHaveChannel().settle(message, "success");
  }

  /** In a loop: the message shall come again, after the wait of a delay level or the usual one. */
  retryLater(message: ReceivedMessage, delayLevel = DELAY_BY_BROKER): void {
    this.mustHaveChannel().settle(message, { delayLevel });
  }

  /**
   * Stops pulling, waits for listeners that run (at most closeTimeoutMs), commits offsets, leaves
   * the group and closes the connections.
   */
  async close(): Promise<void> {
    if (this.core.state === "running") {
      this.queuesOwned.halt();
      this.channel?.close();
      await this.quiet();
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

  private mustHaveChannel(): MessageChannel {
    if (this.channel !== null) return this.channel;
    throw new ClientError(
      "invalid_options",
      "this consumer has a listener: it can't be looped over",
    );
  }

  private note(topic: string, expression: string): void {
    this.subscriptions.set(topic, expression, this.core.environment.clock.nowMs());
    this.core.routes.watch(topic);
  }

  private offsetStore(): OffsetStore {
    const { group, offsetFolder } = this.options;
    if (!this.isBroadcasting) return new BrokerOffsetStore(this.calls, group);
    const { disk, homeDirectory } = this.core.environment;
    return new FileOffsetStore({
      disk,
      log: this.core.log,
      folder: offsetFolder ?? `${homeDirectory}/.rocketmq_offsets`,
      clientId: this.core.clientId,
      group,
    });
  }

  private makeRebalancer(): Rebalancer {
    return new Rebalancer({
      clock: this.core.environment.clock,
      log: this.core.log,
      clientId: this.core.clientId,
      intervalMs: this.options.rebalanceMs,
      broadcasting: this.isBroadcasting,
      topics: () => this.subscriptions.topics(),
      queuesOf: (topic) => this.queuesOf(topic),
      members: (topic) => this.members(topic),
      add: (queue) => this.queuesOwned.add(queue),
      remove: (queue) => this.queuesOwned.remove(queue),
    });
  }

  private serveRequests(listener: ConstructorParameters<typeof ConsumePool>[3]): void {
    const { clock } = this.core.environment;
    serveConsumerRequests(this.core.remoting, {
      group: this.group,
      membersChanged: () => void this.rebalancer.trigger(),
      resetOffsets: (topic, offsets) => {
        for (const { queue, offset } of offsets) {
          if (queue.topic === topic) void this.queuesOwned.moveTo(queue, offset);
        }
      },
      offsetsOf: (topic) => this.queuesOwned.offsetsOf(topic),
      runningInfo: () =>
        runningInfo({
          core: this.core,
          options: this.options,
          subscriptions: this.subscriptions,
          queues: this.queuesOwned,
          stats: this.stats,
          startedAtMs: this.startedAtMs,
        }),
      consumeNow: async (message) => {
        try {
          const outcome = await listener(message);
          return outcome === undefined || outcome === "success" ? "success" : "later";
        } catch (error) {
          return { error: String(error) };
        }
      },
      nowMs: () => clock.nowMs(),
    });
  }

  private inBackground(name: string, intervalMs: number, work: () => Promise<void>): void {
    const tick = () => work().then(() => "idle" as const);
    const { clock } = this.core.environment;
    this.background.use(runInBackground({ name, intervalMs, tick }, clock, this.core.log));
  }

  /** Subscriptions or routes changed: brokers are told, then queues are cut anew. */
  private async changed(): Promise<void> {
    await this.core.beat();
    await this.rebalancer.trigger();
  }

  private async queuesOf(topic: string): Promise<MessageQueue[] | null> {
    const { routes } = this.core;
    const route = routes.get(topic) ?? await routes.refresh(topic);
    return route === null ? null : subscribeQueues(topic, route);
  }

  /** The group's members as the first broker of the topic that answers knows them. */
  private async members(topic: string): Promise<readonly string[]> {
    let failure: unknown = new ClientError("no_broker", `no broker has the topic ${topic}`);
    for (const { brokerName } of this.core.routes.get(topic)?.brokers ?? []) {
      try {
        const members = await this.calls.members(brokerName, this.group);
        if (members.includes(this.clientId)) return members;
        await this.core.beatTo(brokerName, this.calls.address(brokerName));
        return members;
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  /** A listener is done with a message: consumed (null), or to come again. */
  private settle(entry: QueuedMessage, delayLevel: number | null): void {
    const { clock } = this.core.environment;
    const tookMs = clock.monotonicMs() - entry.startedMs;
    this.stats.consumed(entry.of.queue.topic, delayLevel === null, tookMs, clock.nowMs());
    if (delayLevel === null) return this.queuesOwned.finish(entry);
    if (!this.isBroadcasting) return this.giveBack(entry, delayLevel);
    const { topic, messageId } = entry.message;
    this.core.log.warn("a broadcast message isn't delivered again", { topic, messageId });
    this.queuesOwned.finish(entry);
  }

  private giveBack(entry: QueuedMessage, delayLevel: number): void {
    if (entry.isDone || entry.of.dropped) return;
    const giving = this.sendBack.giveBack(entry.message, delayLevel).then((given) => {
      if (given) return this.queuesOwned.finish(entry);
      const { clock } = this.core.environment;
      clock.after(RECONSUME_HERE_MS, () => this.pool.submit([entry]));
    });
    this.givingBack.add(giving);
    void giving.finally(() => this.givingBack.delete(giving));
  }

  private giveBackOverdue(): Promise<void> {
    for (const entry of this.queuesOwned.overdue(this.options.consumeTimeoutMs)) {
      const { topic, messageId } = entry.message;
      this.core.log.warn("a listener takes too long; its message comes again", {
        topic,
        messageId,
      });
      this.giveBack(entry, OVERDUE_DELAY_LEVEL);
    }
    return Promise.resolve();
  }

  /** Waits for listeners that run and messages that are being given back, but not for ever. */
  private async quiet(): Promise<void> {
    const { clock } = this.core.environment;
    const done = new AbortController();
    const timeout = clock.sleep(this.options.closeTimeoutMs, done.signal).catch(() => {});
    await Promise.race([this.pool.stop().then(() => Promise.all(this.givingBack)), timeout]);
    done.abort();
  }
}

/** Local offsets are found again by the client id, so that a broadcasting one must not change. */
function withStableName(options: PushConsumerOptions): PushConsumerOptions {
  return options.model === "broadcasting" ? { instanceName: "DEFAULT", ...options } : options;
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

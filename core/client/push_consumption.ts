// How a push consumer works: brings subscriptions, rebalance, pulls, listener, settlement and offsets
// together, in the order in which they begin and end. push_consumer.ts is its public face.
import { retryTopicOf } from "../message/topic_names.ts";
import { runInBackground } from "../time/background.ts";
import { BrokerCalls } from "./broker_calls.ts";
import { BrokerOffsetStore } from "./broker_offset_store.ts";
import { ClientCore } from "./client_core.ts";
import { ClientError } from "./client_error.ts";
import { ConsumePool, type ListenerCall } from "./consume_pool.ts";
import { ConsumeStats } from "./consume_stats.ts";
import { ConsumedQueues } from "./consumed_queues.ts";
import { type ConsumerRequests, serveConsumerRequests } from "./consumer_requests.ts";
import type { ClientEnvironment } from "./environment.ts";
import { FileOffsetStore } from "./file_offset_store.ts";
import {
  AUTO_CREATE_QUEUES,
  SEND_RETRIES,
  SENDS_IN_FLIGHT_MAX,
  SENDS_WAITING_MAX,
} from "./limits.ts";
import type { MessageQueue } from "./message.ts";
import type { OffsetStore } from "./offsets.ts";
import type { CheckedPushConsumerOptions } from "./options.ts";
import { Rebalancer } from "./rebalancer.ts";
import type { ReceivedMessage } from "./received_message.ts";
import { subscribeQueues } from "./route.ts";
import { runningInfo } from "./running_info.ts";
import { SendBack } from "./send_back.ts";
import { Sender } from "./sender.ts";
import { Settlement } from "./settlement.ts";
import { SubscriptionSet } from "./subscription_set.ts";

/** Overdue messages are looked for so often in a consumeTimeoutMs. */
const OVERDUE_CHECKS = 4;

export class PushConsumption {
  readonly core: ClientCore;
  readonly queues: ConsumedQueues;
  readonly rebalancer: Rebalancer;
  private readonly calls: BrokerCalls;
  private readonly subscriptions: SubscriptionSet;
  private readonly pool: ConsumePool;
  private readonly settlement: Settlement;
  private readonly stats = new ConsumeStats();
  private readonly background = new AsyncDisposableStack();
  private readonly isBroadcasting: boolean;
  private startedAtMs = 0;
  private closed: Promise<void> | null = null;

  /** Throws ClientError "invalid_options". */
  constructor(
    private readonly options: CheckedPushConsumerOptions,
    environment: ClientEnvironment,
    private readonly listener: ListenerCall,
    /** False for loops, which may take as long as they like for what they have in hand. */
    private readonly hasTimeout: boolean,
  ) {
    this.isBroadcasting = options.model === "broadcasting";
    this.subscriptions = new SubscriptionSet({ ...options, consumeType: "CONSUME_PASSIVELY" });
    this.core = new ClientCore(environment, options, {
      kind: "consumer",
      group: options.group,
      heartbeat: () => this.subscriptions.heartbeat(),
    });
    this.calls = new BrokerCalls(this.core);
    this.queues = this.makeQueues();
    this.settlement = this.makeSettlement();
    const { log } = this.core;
    const { clock } = environment;
    this.pool = new ConsumePool(
      clock,
      log,
      options.concurrency,
      listener,
      (entry, delayLevel) => this.settlement.settle(entry, delayLevel),
    );
    this.rebalancer = this.makeRebalancer();
    for (const [topic, expression] of Object.entries(options.subscriptions)) {
      this.note(topic, expression);
    }
    serveConsumerRequests(this.core.remoting, this.requests());
  }

  start(): Promise<void> {
    return this.core.start(async () => {
      this.startedAtMs = this.core.environment.clock.nowMs();
      if (!this.isBroadcasting) this.note(retryTopicOf(this.options.group), "*");
      for (const topic of this.subscriptions.topics()) await this.core.routes.refresh(topic);
      await this.core.beat();
      this.core.keepAlive();
      this.inBackground("offset commit", this.options.offsetCommitMs, () => this.queues.commit());
      if (this.hasTimeout) this.watchOverdue();
      this.core.routes.onChange((topic) => {
        if (this.subscriptions.get(topic) !== undefined) void this.changed();
      });
      await this.rebalancer.trigger();
    });
  }

  async subscribe(topic: string, expression: string): Promise<void> {
    this.note(topic, expression);
    if (this.core.state === "running") await this.changed();
  }

  async unsubscribe(topic: string): Promise<void> {
    if (!this.subscriptions.delete(topic)) return;
    this.core.routes.unwatch(topic);
    if (this.core.state === "running") await this.changed();
  }

  /** Ends pulls and loops, waits for what is being consumed, then commits and leaves. */
  close(endLoops: () => void): Promise<void> {
    this.closed ??= this.end(endLoops);
    return this.closed;
  }

  private async end(endLoops: () => void): Promise<void> {
    if (this.core.state === "running") {
      this.queues.halt();
      endLoops();
      await this.quiet();
      await this.background.disposeAsync();
      await this.rebalancer.stop();
    }
    await this.core.close();
  }

  private note(topic: string, expression: string): void {
    this.subscriptions.set(topic, expression, this.core.environment.clock.nowMs());
    this.core.routes.watch(topic);
  }

  private makeQueues(): ConsumedQueues {
    return new ConsumedQueues({
      ...this.options,
      core: this.core,
      calls: this.calls,
      store: this.offsetStore(),
      stats: this.stats,
      subscription: (topic) => this.subscriptions.get(topic),
      deliver: (entries) => this.pool.submit(entries),
    });
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

  private makeSettlement(): Settlement {
    const { clock } = this.core.environment;
    const { group, maxReconsumeTimes } = this.options;
    const sendBack = new SendBack({
      group,
      maxReconsumeTimes,
      calls: this.calls,
      sender: new Sender(this.core, retrySender(group), null),
      log: this.core.log,
      nowMs: () => clock.nowMs(),
    });
    return new Settlement({
      clock,
      log: this.core.log,
      stats: this.stats,
      sendBack: this.isBroadcasting ? null : sendBack,
      finish: (entry) => this.queues.finish(entry),
      consumeAgain: (entry) => this.pool.submit([entry]),
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
      add: (queue) => this.queues.add(queue),
      remove: (queue) => this.queues.remove(queue),
    });
  }

  private requests(): ConsumerRequests {
    const { core, options, subscriptions, queues, stats } = this;
    return {
      group: options.group,
      membersChanged: () => void this.rebalancer.trigger(),
      resetOffsets: (topic, offsets) => {
        for (const { queue, offset } of offsets) {
          if (queue.topic === topic) void queues.moveTo(queue, offset);
        }
      },
      offsetsOf: (topic) => queues.offsetsOf(topic),
      runningInfo: () => {
        const { startedAtMs } = this;
        return runningInfo({ core, options, subscriptions, queues, stats, startedAtMs });
      },
      consumeNow: (message) => this.consumeNow(message),
      nowMs: () => core.environment.clock.nowMs(),
    };
  }

  private async consumeNow(message: ReceivedMessage) {
    try {
      const outcome = await this.listener(message);
      return outcome === undefined || outcome === "success" ? "success" : "later";
    } catch (error) {
      return { error: String(error) };
    }
  }

  private watchOverdue(): void {
    const { consumeTimeoutMs } = this.options;
    this.inBackground("overdue messages", consumeTimeoutMs / OVERDUE_CHECKS, () => {
      this.settlement.giveBackOverdue(this.queues.overdue(consumeTimeoutMs));
      return Promise.resolve();
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
    const { group } = this.options;
    let failure: unknown = new ClientError("no_broker", `no broker has the topic ${topic}`);
    for (const { brokerName } of this.core.routes.get(topic)?.brokers ?? []) {
      try {
        const members = await this.calls.members(brokerName, group);
        // It may have been restarted since our last heartbeat.
        if (!members.includes(this.core.clientId)) await this.core.reintroduce(brokerName);
        return members;
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  /** Waits for listeners that run and messages that are being given back, but not for ever. */
  private async quiet(): Promise<void> {
    const { clock } = this.core.environment;
    const done = new AbortController();
    const timeout = clock.sleep(this.options.closeTimeoutMs, done.signal).catch(() => {});
    await Promise.race([this.pool.stop().then(() => this.settlement.quiet()), timeout]);
    done.abort();
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

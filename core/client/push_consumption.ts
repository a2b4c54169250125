// How a push consumer works: brings subscriptions, rebalance, pulls, listener, settlement and offsets
// together, in the order in which they begin and end. push_consumer.ts is its public face.
import { retryTopicOf } from "../message/topic_names.ts";
import { runInBackground } from "../time/background.ts";
import { BrokerCalls } from "./broker_calls.ts";
import { ClientCore } from "./client_core.ts";
import { ConsumeStats } from "./consume_stats.ts";
import { ConsumedQueues } from "./consumed_queues.ts";
import { consumeNow, serveConsumerRequests } from "./consumer_requests.ts";
import {
  concurrentDelivery,
  maxReconsumeTimesOf,
  orderlyDelivery,
  type StoppableDelivery,
} from "./deliveries.ts";
import type { ClientEnvironment } from "./environment.ts";
import { checkFilters } from "./filter_check.ts";
import { GroupView } from "./group_view.ts";
import type { ListenerCall } from "./listener.ts";
import { LockKeeper } from "./lock_keeper.ts";
import type { MessageQueue } from "./message.ts";
import type { MessageTrace } from "./message_trace.ts";
import { withNamespace } from "./namespace.ts";
import { openOffsetStore } from "./offset_stores.ts";
import type { CheckedPushConsumerOptions } from "./options.ts";
import { Rebalancer } from "./rebalancer.ts";
import { RetryPublisher } from "./retry_publisher.ts";
import { describeRunning } from "./running_calls.ts";
import { pushProperties, runningInfo } from "./running_info.ts";
import { SendBack } from "./send_back.ts";
import { observedBy, traceOf } from "./sending.ts";
import { type Expression, parseSubscription } from "./subscription.ts";
import { SubscriptionSet } from "./subscription_set.ts";

/** Overdue messages are looked for so often in a consumeTimeoutMs. */
const OVERDUE_CHECKS = 4;

/** What the consumer's public face adds. */
export interface PushListeners {
  listener: ListenerCall;
  /** False for loops, which may take as long as they like for what they have in hand. */
  hasTimeout: boolean;
  queuesChanged: (
    topic: string,
    all: readonly MessageQueue[],
    own: readonly MessageQueue[],
  ) => void;
}

export class PushConsumption {
  readonly core: ClientCore;
  readonly queues: ConsumedQueues;
  readonly rebalancer: Rebalancer;
  private readonly calls: BrokerCalls;
  private readonly group: GroupView;
  private readonly subscriptions: SubscriptionSet;
  private readonly delivery: StoppableDelivery;
  /** Null unless queues are consumed in order by one member each. */
  private readonly locks: LockKeeper | null;
  private readonly listeners: PushListeners;
  private readonly trace: MessageTrace | null;
  private readonly stats = new ConsumeStats();
  private readonly background = new AsyncDisposableStack();
  private readonly isBroadcasting: boolean;
  private startedAtMs = 0;
  private closed: Promise<void> | null = null;

  /** Throws ClientError "invalid_options". */
  constructor(
    private readonly options: CheckedPushConsumerOptions,
    environment: ClientEnvironment,
    listeners: PushListeners,
  ) {
    this.isBroadcasting = options.model === "broadcasting";
    this.subscriptions = new SubscriptionSet({ ...options, consumeType: "CONSUME_PASSIVELY" });
    this.core = new ClientCore(environment, options, {
      kind: "consumer",
      group: options.group,
      heartbeat: () => this.subscriptions.heartbeat(),
    });
    this.trace = traceOf(this.core, "CONSUME");
    this.listeners = {
      ...listeners,
      listener: observedBy(this.core, this.trace, listeners.listener),
    };
    this.calls = new BrokerCalls(this.core);
    this.group = new GroupView(this.core, this.calls, options.group);
    this.locks = options.orderly && !this.isBroadcasting ? this.makeLocks() : null;
    this.delivery = this.makeDelivery();
    this.queues = this.makeQueues();
    this.rebalancer = this.makeRebalancer();
    for (const [topic, expression] of Object.entries(options.subscriptions)) {
      this.note(topic, expression);
    }
    this.serveRequests();
  }

  start(): Promise<void> {
    return this.core.start(async () => {
      this.startedAtMs = this.core.environment.clock.nowMs();
      if (!this.isBroadcasting) this.note(retryTopicOf(this.options.group), "*");
      for (const topic of this.subscriptions.topics()) await this.core.routes.refresh(topic);
      await checkFilters(this.core, this.subscriptions.all());
      await this.core.beat();
      this.core.keepAlive();
      this.inBackground("offset commit", this.options.offsetCommitMs, () => this.queues.commit());
      if (this.listeners.hasTimeout) this.watchOverdue();
      this.core.routes.onChange((topic) => {
        if (this.subscriptions.get(topic) !== undefined) void this.changed();
      });
      await this.rebalancer.trigger();
    });
  }

  async subscribe(topic: string, expression: Expression): Promise<void> {
    if (this.core.state !== "running") return this.note(topic, expression);
    const name = withNamespace(this.options.namespace, topic);
    const { clock } = this.core.environment;
    const subscription = parseSubscription(name, expression, clock.nowMs());
    if (subscription.type !== "TAG") await this.core.routes.refresh(name);
    await checkFilters(this.core, [subscription]);
    this.note(topic, expression);
    await this.changed();
  }

  async unsubscribe(name: string): Promise<void> {
    const topic = withNamespace(this.options.namespace, name);
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
      await this.queues.left();
      await this.locks?.[Symbol.asyncDispose]();
      await this.trace?.flush();
    }
    await this.core.close();
  }

  private note(name: string, expression: Expression): void {
    const topic = withNamespace(this.options.namespace, name);
    this.subscriptions.set(topic, expression, this.core.environment.clock.nowMs());
    this.core.routes.watch(topic);
  }

  private makeLocks(): LockKeeper {
    const { clock } = this.core.environment;
    const locks = new LockKeeper({
      clock,
      log: this.core.log,
      group: this.options.group,
      clientId: this.core.clientId,
      calls: this.calls,
      catchUp: (queue) => this.queues.catchUp(queue),
      regained: (queue) => this.queues.wake(queue),
      lost: (queue) => void this.rebalancer.release(queue).then(() => this.rebalancer.trigger()),
    });
    // A broker that was restarted remembers no lock.
    this.core.remoting.onConnectionClosed((address) => {
      for (const { brokerName, addresses } of this.core.routes.brokers) {
        if ([...addresses.values()].includes(address)) locks.doubt(brokerName);
      }
    });
    return locks;
  }

  private makeDelivery(): StoppableDelivery {
    const { options, core, stats, locks, listeners: { listener } } = this;
    const retries = { group: options.group, maxReconsumeTimes: maxReconsumeTimesOf(options) };
    const publisher = new RetryPublisher({ core, ...retries });
    const sendBack = new SendBack({ ...retries, calls: this.calls, publisher, log: core.log });
    const parts = {
      clock: core.environment.clock,
      log: core.log,
      stats,
      options,
      listener,
      sendBack: this.isBroadcasting ? null : sendBack,
      locks,
      finish: (entry: Parameters<ConsumedQueues["finish"]>[0]) => this.queues.finish(entry),
    };
    return options.orderly ? orderlyDelivery(parts) : concurrentDelivery(parts);
  }

  private makeQueues(): ConsumedQueues {
    return new ConsumedQueues({
      ...this.options,
      core: this.core,
      calls: this.calls,
      store: openOffsetStore(this.core, this.calls, this.options),
      stats: this.stats,
      locks: this.locks,
      isLite: false,
      commitsOnRemove: true,
      subscription: (topic) => this.subscriptions.get(topic),
      delivery: this.delivery,
    });
  }

  private makeRebalancer(): Rebalancer {
    const { options, core, group } = this;
    return new Rebalancer({
      clock: core.environment.clock,
      log: core.log,
      group: options.group,
      clientId: core.clientId,
      intervalMs: options.rebalanceMs,
      takesAll: () => this.isBroadcasting,
      strategy: options.strategy,
      topics: () => this.subscriptions.topics(),
      queuesOf: (topic) => group.queuesOf(topic),
      members: (topic) => group.members(topic),
      add: (queue) => this.queues.add(queue),
      remove: (queue) => this.queues.remove(queue),
      changed: this.listeners.queuesChanged,
    });
  }

  private serveRequests(): void {
    const { core, options, subscriptions, queues, stats, locks } = this;
    const { clock } = core.environment;
    serveConsumerRequests(core.remoting, {
      group: options.group,
      membersChanged: () => void this.rebalancer.trigger(),
      resetOffsets: (topic, offsets) => {
        for (const { queue, offset } of offsets) {
          if (queue.topic === topic) void queues.moveTo(queue, offset);
        }
      },
      offsetsOf: (topic) => queues.offsetsOf(topic),
      runningInfo: (withStacks) =>
        runningInfo({
          core,
          properties: pushProperties(options),
          subscriptions,
          queues,
          stats,
          locks,
          startedAtMs: this.startedAtMs,
          stacks: withStacks ? describeRunning(queues.overdue(0), clock.monotonicMs()) : null,
        }),
      consumeNow: (message) => consumeNow(this.listeners.listener, message, options),
      nowMs: () => clock.nowMs(),
    });
  }

  private watchOverdue(): void {
    const { consumeTimeoutMs } = this.options;
    this.inBackground("overdue messages", consumeTimeoutMs / OVERDUE_CHECKS, () => {
      this.delivery.giveBackOverdue(this.queues.overdue(consumeTimeoutMs));
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

  /** Waits for listeners that run and messages that are being given back, but not for ever. */
  private async quiet(): Promise<void> {
    const { clock } = this.core.environment;
    const done = new AbortController();
    const timeout = clock.sleep(this.options.closeTimeoutMs, done.signal).catch(() => {});
    await Promise.race([this.delivery.stop(), timeout]);
    done.abort();
  }
}

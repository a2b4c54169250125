// How a lite pull consumer works: rebalance or assignment, pulls into a buffer, offsets. Its public
// face is lite_pull_consumer.ts.
import { BrokerCalls } from "./broker_calls.ts";
import { ClientCore } from "./client_core.ts";
import { ConsumeStats } from "./consume_stats.ts";
import { ConsumedQueues } from "./consumed_queues.ts";
import { serveConsumerRequests } from "./consumer_requests.ts";
import type { ClientEnvironment } from "./environment.ts";
import { checkFilters } from "./filter_check.ts";
import { GroupView } from "./group_view.ts";
import type { MessageQueue } from "./message.ts";
import { withNamespace } from "./namespace.ts";
import { openOffsetStore } from "./offset_stores.ts";
import type { OffsetStore } from "./offsets.ts";
import type { CheckedLitePullConsumerOptions } from "./options.ts";
import { PollBuffer } from "./poll_buffer.ts";
import { Rebalancer } from "./rebalancer.ts";
import { describeRunning } from "./running_calls.ts";
import { litePullProperties, runningInfo } from "./running_info.ts";
import { type Expression, parseSubscription, type Subscription } from "./subscription.ts";
import { SubscriptionSet } from "./subscription_set.ts";

export type QueuesChanged = (
  topic: string,
  all: readonly MessageQueue[],
  own: readonly MessageQueue[],
) => void;

export class LiteConsumption {
  readonly core: ClientCore;
  readonly calls: BrokerCalls;
  readonly queues: ConsumedQueues;
  readonly rebalancer: Rebalancer;
  readonly buffer: PollBuffer;
  readonly store: OffsetStore;
  /** What the group subscribes to; empty while queues are assigned. */
  readonly subscriptions: SubscriptionSet;
  /** The queues that were assigned; null: the group shares them. */
  private assigned: readonly MessageQueue[] | null = null;
  /** Expressions of topics whose queues are assigned. */
  private readonly expressions = new Map<string, Subscription>();
  private readonly stats = new ConsumeStats();
  private closed: Promise<void> | null = null;
  private startedAtMs = 0;

  /** Throws ClientError "invalid_options". */
  constructor(
    private readonly options: CheckedLitePullConsumerOptions,
    environment: ClientEnvironment,
    private readonly queuesChanged: QueuesChanged,
  ) {
    this.subscriptions = new SubscriptionSet({ ...options, consumeType: "CONSUME_ACTIVELY" });
    this.core = new ClientCore(environment, options, {
      kind: "consumer",
      group: options.group,
      heartbeat: () => this.subscriptions.heartbeat(),
    });
    this.calls = new BrokerCalls(this.core);
    this.store = openOffsetStore(this.core, this.calls, options);
    this.buffer = new PollBuffer({
      clock: environment.clock,
      messagesMax: options.messagesMax,
      finish: (entry) => this.queues.finish(entry),
      fullnessChanged: (isFull) => isFull ? this.queues.pause() : this.queues.resume(),
    });
    this.queues = this.makeQueues();
    this.rebalancer = this.makeRebalancer();
    for (const [topic, expression] of Object.entries(options.subscriptions)) {
      this.note(topic, expression);
    }
    this.serveRequests();
  }

  /** The queues that were given by `assign`, rather than shared with the group. */
  get isAssigned(): boolean {
    return this.assigned !== null;
  }

  async begin(): Promise<void> {
    this.startedAtMs = this.core.environment.clock.nowMs();
    this.core.routes.onChange((topic) => {
      if (this.subscriptions.get(topic) !== undefined) void this.rebalancer.trigger();
    });
    for (const topic of this.subscriptions.topics()) await this.core.routes.refresh(topic);
    await checkFilters(this.core, this.subscriptions.all());
    await this.changed();
  }

  note(name: string, expression: Expression): void {
    const topic = withNamespace(this.options.namespace, name);
    this.subscriptions.set(topic, expression, this.core.environment.clock.nowMs());
    this.core.routes.watch(topic);
  }

  /** Takes these queues and no others. */
  async assign(queues: readonly MessageQueue[], expression: Expression): Promise<void> {
    this.assigned = queues;
    const version = this.core.environment.clock.nowMs();
    for (const { topic } of queues) {
      this.expressions.set(topic, parseSubscription(topic, expression, version));
      this.core.routes.watch(topic);
    }
    if (this.core.state === "running") await this.changed();
  }

  /** Subscriptions or assignments changed: brokers are told, then queues are cut anew. */
  async changed(): Promise<void> {
    for (const topic of this.topics()) {
      if (this.core.routes.get(topic) === undefined) await this.core.routes.refresh(topic);
    }
    await this.core.beat();
    await this.rebalancer.trigger();
  }

  /** Ends polls and pulls; what polls before the last one gave is committed with autoCommit. */
  close(): Promise<void> {
    this.closed ??= this.end();
    return this.closed;
  }

  private async end(): Promise<void> {
    if (this.core.state === "running") {
      // Who polls in a loop sees at once that it is over.
      this.core.refuse();
      this.queues.halt();
      this.buffer.close();
      await this.rebalancer.stop();
    }
    await this.core.close();
  }

  private topics(): string[] {
    if (this.assigned === null) return this.subscriptions.topics();
    return [...new Set(this.assigned.map(({ topic }) => topic))];
  }

  private makeQueues(): ConsumedQueues {
    const { options } = this;
    return new ConsumedQueues({
      ...options,
      core: this.core,
      calls: this.calls,
      store: this.store,
      stats: this.stats,
      locks: null,
      isLite: true,
      commitsOnRemove: options.autoCommit,
      pullIntervalMs: 0,
      topicMessagesMax: null,
      topicBytesMax: null,
      subscription: (topic) => this.subscriptions.get(topic) ?? this.expressions.get(topic),
      delivery: {
        deliver: (_of, entries) => this.buffer.put(entries),
        leave: () => Promise.resolve(),
        forget: (of) => this.buffer.forget(of),
      },
    });
  }

  private makeRebalancer(): Rebalancer {
    const { options, core, calls } = this;
    const group = new GroupView(core, calls, options.group);
    return new Rebalancer({
      clock: core.environment.clock,
      log: core.log,
      group: options.group,
      clientId: core.clientId,
      intervalMs: options.rebalanceMs,
      takesAll: () => this.assigned !== null || options.model === "broadcasting",
      strategy: options.strategy,
      topics: () => this.topics(),
      queuesOf: async (topic) => {
        const all = await group.queuesOf(topic);
        const { assigned } = this;
        if (all === null || assigned === null) return all;
        // Brokers that the routes don't name now are asked again when they do.
        const brokers = new Set(all.map(({ brokerName }) => brokerName));
        return assigned.filter((queue) => queue.topic === topic && brokers.has(queue.brokerName));
      },
      members: (topic) => group.members(topic),
      add: (queue) => this.queues.add(queue),
      remove: (queue) => this.queues.remove(queue),
      changed: (topic, all, own) => this.queuesChanged(topic, all, own),
    });
  }

  private serveRequests(): void {
    const { core, options, subscriptions, queues, stats } = this;
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
          properties: litePullProperties(options),
          subscriptions,
          queues,
          stats,
          locks: null,
          startedAtMs: this.startedAtMs,
          stacks: withStacks ? describeRunning(queues.overdue(0), clock.monotonicMs()) : null,
        }),
      // There is no listener that could be called.
      consumeNow: null,
      nowMs: () => clock.nowMs(),
    });
  }
}

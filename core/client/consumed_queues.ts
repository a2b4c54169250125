// The queues that a push consumer owns now: their pullers, how far they are consumed, and telling
// the offset store. Which queues they are, the rebalancer says.
import type { BrokerCalls } from "./broker_calls.ts";
import type { ClientCore } from "./client_core.ts";
import type { ConsumeStats } from "./consume_stats.ts";
import { HAND_OVER_MS_MAX } from "./limits.ts";
import type { LockKeeper } from "./lock_keeper.ts";
import { type MessageQueue, queueKey } from "./message.ts";
import { OffsetBook, type OffsetStore, type QueueOffset } from "./offsets.ts";
import type { FlowLimits, ProcessQueue, QueuedMessage } from "./process_queue.ts";
import { Puller } from "./pull.ts";
import { QueuePuller } from "./queue_puller.ts";
import type { Begun } from "./rebalancer.ts";
import { type ConsumeFrom, startOffset } from "./start_offset.ts";
import type { Subscription } from "./subscription.ts";

export interface ConsumedQueuesOptions extends FlowLimits {
  core: ClientCore;
  calls: BrokerCalls;
  store: OffsetStore;
  group: string;
  consumeFrom: ConsumeFrom;
  pullBatchSize: number;
  pullHoldMs: number;
  pullIntervalMs: number;
  isLite: boolean;
  /** Whether a queue that goes is committed as far as it is consumed. */
  commitsOnRemove: boolean;
  /** Limits of all owned queues together, shared out among them; null: none. */
  topicMessagesMax: number | null;
  topicBytesMax: number | null;
  stats: ConsumeStats;
  /** Null unless queues are consumed in order. */
  locks: LockKeeper | null;
  subscription: (topic: string) => Subscription | undefined;
  delivery: Delivery;
}

/** Where pulled messages go. */
export interface Delivery {
  deliver(of: ProcessQueue, entries: readonly QueuedMessage[]): void;
  /** Resolves when nothing of the queue is being consumed that others must not overlap. */
  leave(of: ProcessQueue): Promise<void>;
  forget(of: ProcessQueue): void;
}

export class ConsumedQueues {
  private readonly offsets = new OffsetBook();
  private readonly pullers = new Map<string, QueuePuller>();
  private readonly puller: Puller;
  /** Queues that are on their way to another member. */
  private readonly leaving = new Map<string, Promise<void>>();
  private readonly limits: FlowLimits;
  private committing: Promise<void> | null = null;
  private paused = false;
  private halted = false;
  private readonly pausedQueues = new Set<string>();

  constructor(private readonly options: ConsumedQueuesOptions) {
    this.puller = new Puller(options.core);
    const { queueMessagesMax, queueBytesMax, queueSpanMax } = options;
    this.limits = { queueMessagesMax, queueBytesMax, queueSpanMax };
  }

  /** For the running info. */
  get all(): Iterable<QueuePuller> {
    return this.pullers.values();
  }

  offsetOf(queue: MessageQueue): number | null {
    return this.offsets.get(queue);
  }

  offsetsOf(topic: string): QueueOffset[] {
    return this.offsets.all().filter(({ queue }) => queue.topic === topic);
  }

  /** Locks the queue if need be, finds where to begin, and begins. */
  async add(queue: MessageQueue): Promise<Begun> {
    const { core, calls, store, consumeFrom, locks } = this.options;
    if (this.leaving.has(queueKey(queue))) return "soon";
    if (locks !== null && !await locks.lock(queue)) return "soon";
    try {
      const offset = await startOffset(queue, consumeFrom, {
        committed: (each) => store.read(each),
        maxOffset: (each) => calls.maxOffset(each),
        offsetAt: (each, timestampMs) => calls.offsetAt(each, timestampMs),
      });
      this.begin(queue, offset);
      return "begun";
    } catch (error) {
      core.log.warn("a queue can't be begun yet", { ...queue, error });
      return "later";
    }
  }

  /** Stops pulling the queue, commits how far it was consumed, and forgets it. */
  async remove(queue: MessageQueue): Promise<void> {
    const puller = this.pullers.get(queueKey(queue));
    if (puller === undefined) return;
    this.pullers.delete(queueKey(queue));
    this.shareLimits();
    const { locks } = this.options;
    if (locks === null) {
      await puller.stop();
      if (this.options.commitsOnRemove) await this.commit();
      return this.forget(queue, puller);
    }
    // The running listener may take its time; other queues needn't wait for it.
    const leaving = this.handOver(puller, locks)
      .finally(() => this.leaving.delete(queueKey(queue)));
    this.leaving.set(queueKey(queue), leaving);
  }

  /** Resolves when all queues that are on their way have gone. */
  async left(): Promise<void> {
    await Promise.all(this.leaving.values());
  }

  /** Consumes an owned queue from another offset on, and commits that; others are left alone. */
  async moveTo(queue: MessageQueue, offset: number): Promise<void> {
    if (await this.seek(queue, offset)) await this.commit();
  }

  /** The same without the commit; false when the queue isn't ours. */
  async seek(queue: MessageQueue, offset: number): Promise<boolean> {
    const puller = this.pullers.get(queueKey(queue));
    if (puller === undefined) return false;
    await puller.stop();
    await this.options.delivery.leave(puller.processQueue);
    this.options.delivery.forget(puller.processQueue);
    // It may have gone to another member meanwhile.
    if (this.pullers.get(queueKey(queue)) !== puller) return false;
    this.begin(queue, offset);
    return true;
  }

  /** Goes on where the group is, if another member has taken it further than we have. */
  async catchUp(queue: MessageQueue): Promise<void> {
    const committed = await this.options.store.read(queue);
    const own = this.offsets.get(queue);
    if (committed === null || own === null || committed <= own) return;
    // Not waited for: a listener that runs would keep other locks from being renewed.
    void this.moveTo(queue, committed);
  }

  /** The queue may be consumed: its lock is confirmed again. */
  wake(queue: MessageQueue): void {
    const puller = this.pullers.get(queueKey(queue));
    if (puller === undefined) return;
    this.options.delivery.deliver(puller.processQueue, []);
    puller.hurry();
  }

  /** A message is done with. */
  finish(entry: QueuedMessage): void {
    const { of } = entry;
    if (!of.finish(entry) || of.dropped) return;
    this.offsets.advance(of.queue, of.finishedOffset);
    this.pullers.get(queueKey(of.queue))?.consumed();
  }

  /** Messages whose listener runs for longer than that, in ms. */
  overdue(timeoutMs: number): QueuedMessage[] {
    const beforeMs = this.options.core.environment.clock.monotonicMs() - timeoutMs;
    return [...this.pullers.values()]
      .flatMap(({ processQueue }) => processQueue.startedBefore(beforeMs));
  }

  /** Pulls no more, from these queues or from all. */
  pause(queues?: readonly MessageQueue[]): void {
    if (queues === undefined) this.paused = true;
    for (const queue of queues ?? []) this.pausedQueues.add(queueKey(queue));
  }

  resume(queues?: readonly MessageQueue[]): void {
    if (queues === undefined) this.paused = false;
    for (const queue of queues ?? []) this.pausedQueues.delete(queueKey(queue));
    for (const puller of this.pullers.values()) puller.changed();
  }

  /** No further pull; what was pulled still counts. */
  halt(): void {
    this.halted = true;
    for (const puller of this.pullers.values()) void puller.halt();
  }

  /** Tells the store what it hasn't been told; failures are logged and tried again next time. */
  async commit(): Promise<void> {
    // What changed during a commit that is under way isn't part of it.
    if (this.committing !== null) await this.committing;
    this.committing ??= this.commitOnce().finally(() => this.committing = null);
    await this.committing;
  }

  private async commitOnce(): Promise<void> {
    const { locks, store, core } = this.options;
    const uncommitted = this.offsets.uncommitted()
      .filter(({ queue }) => locks === null || !locks.isLost(queue));
    if (uncommitted.length === 0) return;
    const { taken, failure } = await store.write(uncommitted);
    this.offsets.committed(taken);
    if (failure !== null) core.log.warn("offsets can't be committed now", { error: failure });
  }

  /** Waits for the running listener, commits, and only then lets the next member have the queue. */
  private async handOver(puller: QueuePuller, locks: LockKeeper): Promise<void> {
    const { core, delivery } = this.options;
    const { queue, processQueue } = puller;
    await puller.halt();
    const idle = new AbortController();
    // A consumer that closes has waited for its listeners already.
    if (!locks.isLost(queue) && !this.halted) {
      const timeout = core.environment.clock.sleep(HAND_OVER_MS_MAX, idle.signal).catch(() => {});
      await Promise.race([delivery.leave(processQueue), timeout]);
      idle.abort();
    }
    processQueue.dropped = true;
    await this.commit();
    this.forget(queue, puller);
    await locks.unlock(queue);
  }

  private forget(queue: MessageQueue, { processQueue }: QueuePuller): void {
    this.options.delivery.forget(processQueue);
    this.offsets.forget(queue);
    this.puller.forget(queue);
  }

  private begin(queue: MessageQueue, offset: number): void {
    const { core, subscription, delivery } = this.options;
    this.offsets.begin(queue, offset);
    const puller = new QueuePuller(queue, offset, {
      ...this.options,
      limits: this.limits,
      clock: core.environment.clock,
      log: core.log,
      puller: this.puller,
      offsets: this.offsets,
      subscription: () => subscription(queue.topic),
      isPaused: (each) => this.paused || this.pausedQueues.has(queueKey(each)),
      deliver: (of, entries) => delivery.deliver(of, entries),
      leave: (of) => delivery.leave(of).then(() => delivery.forget(of)),
      reintroduce: (brokerName) => core.reintroduce(brokerName),
      moved: (each, to) => {
        this.offsets.move(each, to);
        void this.commit();
      },
    });
    this.pullers.set(queueKey(queue), puller);
    this.shareLimits();
    puller.start();
  }

  /** Each owned queue has an equal part of what all may have together (pullThresholdForTopic). */
  private shareLimits(): void {
    const { topicMessagesMax, topicBytesMax } = this.options;
    const share = (max: number) => Math.max(1, Math.floor(max / Math.max(1, this.pullers.size)));
    if (topicMessagesMax !== null) this.limits.queueMessagesMax = share(topicMessagesMax);
    if (topicBytesMax !== null) this.limits.queueBytesMax = share(topicBytesMax);
  }
}

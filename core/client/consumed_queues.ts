// The queues that a push consumer owns now: their pullers, how far they are consumed, and telling
// the offset store. Which queues they are, the rebalancer says.
import type { BrokerCalls } from "./broker_calls.ts";
import type { ClientCore } from "./client_core.ts";
import type { ConsumeStats } from "./consume_stats.ts";
import { type MessageQueue, queueKey } from "./message.ts";
import { OffsetBook, type OffsetStore, type QueueOffset } from "./offsets.ts";
import type { FlowLimits, QueuedMessage } from "./process_queue.ts";
import { Puller } from "./pull.ts";
import { QueuePuller } from "./queue_puller.ts";
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
  stats: ConsumeStats;
  subscription: (topic: string) => Subscription | undefined;
  deliver: (entries: readonly QueuedMessage[]) => void;
}

export class ConsumedQueues {
  private readonly offsets = new OffsetBook();
  private readonly pullers = new Map<string, QueuePuller>();
  private readonly puller: Puller;
  private committing: Promise<void> | null = null;
  private paused = false;

  constructor(private readonly options: ConsumedQueuesOptions) {
    this.puller = new Puller(options.core);
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

  /** Finds where to begin, and begins; false when that can't be found out now. */
  async add(queue: MessageQueue): Promise<boolean> {
    const { core, calls, store, consumeFrom } = this.options;
    try {
      const offset = await startOffset(queue, consumeFrom, {
        committed: (each) => store.read(each),
        maxOffset: (each) => calls.maxOffset(each),
        offsetAt: (each, timestampMs) => calls.offsetAt(each, timestampMs),
      });
      this.begin(queue, offset);
      return true;
    } catch (error) {
      core.log.warn("a queue can't be begun yet", { ...queue, error });
      return false;
    }
  }

  /** Stops pulling the queue, commits how far it was consumed, and forgets it. */
  async remove(queue: MessageQueue): Promise<void> {
    const puller = this.pullers.get(queueKey(queue));
    this.pullers.delete(queueKey(queue));
    await puller?.stop();
    await this.commit();
    this.offsets.forget(queue);
    this.puller.forget(queue);
  }

  /** Consumes an owned queue from another offset on; others are left alone. */
  async moveTo(queue: MessageQueue, offset: number): Promise<void> {
    const puller = this.pullers.get(queueKey(queue));
    if (puller === undefined) return;
    this.pullers.delete(queueKey(queue));
    await puller.stop();
    this.begin(queue, offset);
    await this.commit();
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

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    for (const puller of this.pullers.values()) puller.changed();
  }

  /** No further pull; what was pulled still counts. */
  halt(): void {
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
    const uncommitted = this.offsets.uncommitted();
    if (uncommitted.length === 0) return;
    const { taken, failure } = await this.options.store.write(uncommitted);
    this.offsets.committed(taken);
    if (failure !== null) {
      this.options.core.log.warn("offsets can't be committed now", { error: failure });
    }
  }

  private begin(queue: MessageQueue, offset: number): void {
    const { core, subscription } = this.options;
    this.offsets.begin(queue, offset);
    const puller = new QueuePuller(queue, offset, {
      ...this.options,
      clock: core.environment.clock,
      log: core.log,
      puller: this.puller,
      offsets: this.offsets,
      subscription: () => subscription(queue.topic),
      isPaused: () => this.paused,
      reintroduce: (brokerName) => core.reintroduce(brokerName),
      moved: (each, to) => {
        this.offsets.move(each, to);
        void this.commit();
      },
    });
    this.pullers.set(queueKey(queue), puller);
    puller.start();
  }
}

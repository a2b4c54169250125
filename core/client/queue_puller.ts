// Pulls one queue as long as it is this consumer's: one pull after the other, waiting while too much
// is unfinished. Hands on what it pulled; calls no listener.
import type { Clock } from "../time/clock.ts";
import type { Logger } from "../log.ts";
import { ClientError } from "./client_error.ts";
import type { ConsumeStats } from "./consume_stats.ts";
import {
  PULL_BUSY_WAIT_MS,
  PULL_ERROR_WAIT_MS,
  PULL_TIMEOUT_MS,
  PULL_UNKNOWN_WAIT_MS,
} from "./limits.ts";
import type { MessageQueue } from "./message.ts";
import type { OffsetBook } from "./offsets.ts";
import { type FlowLimits, ProcessQueue, type QueuedMessage } from "./process_queue.ts";
import { isBusy, isUnknownHere, type Puller, type PullResult } from "./pull.ts";
import type { Subscription } from "./subscription.ts";

export interface QueuePullerOptions {
  group: string;
  pullBatchSize: number;
  pullHoldMs: number;
  /** Wait between a pull that found messages and the next one. */
  pullIntervalMs: number;
  /** Lite pull consumers say so, and send what they subscribe to with each pull. */
  isLite: boolean;
  /** May change while the queue is pulled. */
  limits: FlowLimits;
  clock: Clock;
  log: Logger;
  puller: Puller;
  offsets: OffsetBook;
  stats: ConsumeStats;
  subscription: () => Subscription | undefined;
  deliver: (of: ProcessQueue, entries: readonly QueuedMessage[]) => void;
  /** Resolves when nothing of a queue that was dropped is being consumed that must not overlap. */
  leave: (of: ProcessQueue) => Promise<void>;
  /** True while nothing is to be pulled. */
  isPaused: (queue: MessageQueue) => boolean;
  /** The broker doesn't know our subscription (any more): tell it. Never rejects. */
  reintroduce: (brokerName: string) => Promise<void>;
  /** The broker moved the offset: commit it. */
  moved: (queue: MessageQueue, offset: number) => void;
}

export class QueuePuller {
  processQueue: ProcessQueue;
  /** Wall-clock times for the running info; 0 before the first. */
  lastPullMs = 0;
  lastConsumeMs = 0;
  private readonly stopping = new AbortController();
  private wake: (() => void) | null = null;
  private done: Promise<void> = Promise.resolve();
  /** Ends a wait between two pulls. */
  private waiting: AbortController | null = null;

  constructor(
    readonly queue: MessageQueue,
    private nextOffset: number,
    private readonly options: QueuePullerOptions,
  ) {
    this.processQueue = new ProcessQueue(queue);
  }

  start(): void {
    this.done = this.run();
  }

  /** A message was finished. */
  consumed(): void {
    this.lastConsumeMs = this.options.clock.nowMs();
    this.changed();
  }

  /** Pulling may go on. */
  changed(): void {
    if (this.wake === null || this.mustWait()) return;
    this.wake();
    this.wake = null;
  }

  /** What a wait after a failure is for has passed. */
  hurry(): void {
    this.waiting?.abort();
  }

  /** No further pull; what was pulled still counts. */
  halt(): Promise<void> {
    this.stopping.abort();
    this.wake?.();
    return this.done;
  }

  /** The queue isn't ours any more: what is pulled and unfinished doesn't count. */
  stop(): Promise<void> {
    this.processQueue.dropped = true;
    return this.halt();
  }

  private get stopped(): boolean {
    return this.stopping.signal.aborted;
  }

  private mustWait(): boolean {
    const { isPaused, limits } = this.options;
    return isPaused(this.queue) || this.processQueue.limitReached(limits) !== null;
  }

  private async run(): Promise<void> {
    while (!this.stopped) {
      if (this.mustWait()) {
        await new Promise<void>((resolve) => this.wake = resolve);
        continue;
      }
      try {
        await this.pullOnce();
      } catch (error) {
        if (this.stopped) return;
        await this.waitAfter(error);
      }
    }
  }

  private async pullOnce(): Promise<void> {
    const { group, puller, pullBatchSize, pullHoldMs, pullIntervalMs, isLite } = this.options;
    const subscription = this.options.subscription();
    if (subscription === undefined) return await this.waitFor(PULL_ERROR_WAIT_MS);
    const { clock, stats } = this.options;
    const startedMs = clock.nowMs();
    this.lastPullMs = startedMs;
    const result = await puller.pull({
      group,
      queue: this.queue,
      offset: this.nextOffset,
      messagesMax: pullBatchSize,
      holdMs: pullHoldMs,
      timeoutMs: Math.max(PULL_TIMEOUT_MS, pullHoldMs * 2),
      subscription,
      sendsSubscription: isLite,
      isLite,
      signal: this.stopping.signal,
    });
    if (this.stopped) return;
    const nowMs = clock.nowMs();
    const found = result.messages.length;
    if (found > 0) stats.pulled(this.queue.topic, found, nowMs - startedMs, nowMs);
    if (result.status === "offset_illegal") return await this.begin(result.nextOffset);
    this.take(result);
    if (found > 0 && pullIntervalMs > 0) await this.waitFor(pullIntervalMs);
  }

  private take({ messages, nextOffset }: PullResult): void {
    this.nextOffset = nextOffset;
    const { processQueue } = this;
    if (messages.length > 0) return this.options.deliver(processQueue, processQueue.put(messages));
    // Everything up to here was filtered out: nothing is left to be consumed below.
    if (processQueue.count === 0) this.options.offsets.advance(this.queue, nextOffset);
  }

  /** The broker says that the offset isn't in the queue, or was reset: go on at another one. */
  private async begin(offset: number): Promise<void> {
    const { log, moved, leave } = this.options;
    log.warn("the offset was moved", { ...this.queue, from: this.nextOffset, to: offset });
    this.processQueue.dropped = true;
    await leave(this.processQueue);
    if (this.stopped) return;
    this.processQueue = new ProcessQueue(this.queue);
    this.nextOffset = offset;
    moved(this.queue, offset);
  }

  private async waitAfter(error: unknown): Promise<void> {
    const { log, reintroduce } = this.options;
    const responseCode = error instanceof ClientError ? error.responseCode ?? -1 : -1;
    if (isBusy(responseCode)) return await this.waitFor(PULL_BUSY_WAIT_MS);
    log.warn("a pull failed", { ...this.queue, error });
    if (!isUnknownHere(responseCode)) return await this.waitFor(PULL_ERROR_WAIT_MS);
    await reintroduce(this.queue.brokerName);
    await this.waitFor(PULL_UNKNOWN_WAIT_MS);
  }

  private async waitFor(delayMs: number): Promise<void> {
    const { signal } = this.stopping;
    this.waiting = new AbortController();
    // Rejects when the queue is stopped, which the loop sees by itself, or when there's no need to wait.
    await this.options.clock.sleep(delayMs, AbortSignal.any([signal, this.waiting.signal]))
      .catch(() => {});
    this.waiting = null;
  }
}

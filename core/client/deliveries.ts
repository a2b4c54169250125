// The two ways to consume what is pulled: several messages at a time, or each queue in order.
import type { Logger } from "../log.ts";
import type { Clock } from "../time/clock.ts";
import { ConsumePool } from "./consume_pool.ts";
import type { ConsumeStats } from "./consume_stats.ts";
import type { Delivery } from "./consumed_queues.ts";
import { ORDERLY_RECONSUME_TIMES_MAX, RECONSUME_TIMES_MAX } from "./limits.ts";
import type { ListenerCall } from "./listener.ts";
import type { LockKeeper } from "./lock_keeper.ts";
import type { CheckedPushConsumerOptions } from "./options.ts";
import { OrderlyPool } from "./orderly_pool.ts";
import type { ProcessQueue, QueuedMessage } from "./process_queue.ts";
import type { SendBack } from "./send_back.ts";
import { Settlement } from "./settlement.ts";

export interface DeliveryParts {
  clock: Clock;
  log: Logger;
  stats: ConsumeStats;
  options: CheckedPushConsumerOptions;
  listener: ListenerCall;
  /** Null for broadcasting: what fails is not delivered again. */
  sendBack: SendBack | null;
  /** Null for broadcasting, and unless queues are consumed in order. */
  locks: LockKeeper | null;
  finish: (entry: QueuedMessage) => void;
}

export interface StoppableDelivery extends Delivery {
  /** Messages whose listener takes too long come again elsewhere. */
  giveBackOverdue(entries: readonly QueuedMessage[]): void;
  /** No further call of the listener; resolves when nothing is under way. */
  stop(): Promise<void>;
}

/** Deliveries of a message before its DLQ (getMaxReconsumeTimes of Apache's two services). */
export function maxReconsumeTimesOf(options: CheckedPushConsumerOptions): number {
  return options.maxReconsumeTimes ??
    (options.orderly ? ORDERLY_RECONSUME_TIMES_MAX : RECONSUME_TIMES_MAX);
}

export function concurrentDelivery(parts: DeliveryParts): StoppableDelivery {
  const { clock, log, stats, options, listener, sendBack, finish } = parts;
  const pool = new ConsumePool<QueuedMessage>({
    clock,
    log,
    concurrency: options.concurrency,
    batchMax: options.consumeBatchMax,
    listener,
    onOutcome: (entry, delayLevel) => settlement.settle(entry, delayLevel),
  });
  const settlement = new Settlement({
    clock,
    log,
    stats,
    sendBack,
    finish,
    consumeAgain: (entry) => pool.submit([entry]),
  });
  return {
    deliver: (_of, entries) => pool.submit(entries),
    // Calls for the next owner's messages may overlap ours: nothing to wait for.
    leave: () => Promise.resolve(),
    forget: () => {},
    giveBackOverdue: (entries) => settlement.giveBackOverdue(entries),
    stop: () => pool.stop().then(() => settlement.quiet()),
  };
}

export function orderlyDelivery(parts: DeliveryParts): StoppableDelivery {
  const { clock, log, stats, options, listener, sendBack, locks, finish } = parts;
  const pool = new OrderlyPool({
    clock,
    log,
    stats,
    concurrency: options.concurrency,
    batchMax: options.consumeBatchMax,
    autoCommit: options.autoCommit,
    suspendMs: options.suspendMs,
    maxReconsumeTimes: maxReconsumeTimesOf(options),
    listener,
    finish,
    mayConsume: ({ queue }) => locks === null || locks.isHeld(queue),
    giveUp: (entry) => sendBack?.publish(entry.message) ?? Promise.resolve(true),
  });
  return {
    deliver: (of: ProcessQueue) => pool.wake(of),
    leave: (of) => pool.leave(of),
    forget: (of) => pool.forget(of),
    // As Apache's: an orderly listener may take as long as it likes.
    giveBackOverdue: () => {},
    stop: () => pool.stop(),
  };
}

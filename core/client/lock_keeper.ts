// The locks that an orderly consumer holds at the brokers: asked for before a queue is pulled, renewed
// every 20 s, trusted for 30 s, given back when a queue goes. A lock that may be gone, because its
// broker's connection broke, is in doubt until the broker has confirmed it.
import type { Logger } from "../log.ts";
import type { Clock, Timer } from "../time/clock.ts";
import type { BrokerCalls } from "./broker_calls.ts";
import { LOCK_RENEW_MS, LOCK_RETRY_MS, LOCK_TRUST_MS } from "./limits.ts";
import { type MessageQueue, queueKey } from "./message.ts";

export interface LockKeeperOptions {
  clock: Clock;
  log: Logger;
  group: string;
  clientId: string;
  calls: Pick<BrokerCalls, "lock" | "unlock">;
  /**
   * A lock that was in doubt or too old is ours again, and another member may have had the queue
   * meanwhile: go on where the group is. Rejects when that can't be found out.
   */
  catchUp: (queue: MessageQueue) => Promise<void>;
  /** The queue may be consumed again. */
  regained: (queue: MessageQueue) => void;
  /** Another member holds it. */
  lost: (queue: MessageQueue) => void;
}

interface Held {
  queue: MessageQueue;
  /** Monotonic ms of the last confirmation. */
  confirmedMs: number;
  /** How often it was doubted, and how often when it was confirmed last. */
  doubts: number;
  doubtsSettled: number;
  isLost: boolean;
}

export class LockKeeper implements AsyncDisposable {
  private readonly byQueue = new Map<string, Held>();
  private timer: Timer | null = null;
  private renewing: Promise<void> | null = null;
  private stopped = false;

  constructor(private readonly options: LockKeeperOptions) {}

  /** Asks for one queue's lock; false when another member has it or the broker doesn't answer. */
  async lock(queue: MessageQueue): Promise<boolean> {
    const { clock, calls, group, clientId, log } = this.options;
    const askedMs = clock.monotonicMs();
    try {
      const got = await calls.lock(queue.brokerName, group, clientId, [queue]);
      if (!got.some((each) => queueKey(each) === queueKey(queue))) return false;
    } catch (error) {
      log.warn("a queue can't be locked now", { ...queue, error });
      return false;
    }
    this.byQueue.set(queueKey(queue), {
      queue,
      confirmedMs: askedMs,
      doubts: 0,
      doubtsSettled: 0,
      isLost: false,
    });
    if (this.timer === null) this.schedule(LOCK_RENEW_MS);
    return true;
  }

  /** Whether messages of the queue may be given to the listener now. */
  isHeld(queue: MessageQueue): boolean {
    const held = this.byQueue.get(queueKey(queue));
    if (held === undefined || held.isLost || held.doubts > held.doubtsSettled) return false;
    return this.options.clock.monotonicMs() - held.confirmedMs <= LOCK_TRUST_MS;
  }

  /** Another member holds it: nothing may be committed any more. */
  isLost(queue: MessageQueue): boolean {
    return this.byQueue.get(queueKey(queue))?.isLost ?? false;
  }

  /** For the running info: monotonic ms of the last confirmation; null when it was never locked. */
  confirmedMs(queue: MessageQueue): number | null {
    return this.byQueue.get(queueKey(queue))?.confirmedMs ?? null;
  }

  /** The broker may have forgotten what we hold: ask at once. */
  doubt(brokerName: string): void {
    let any = false;
    for (const held of this.byQueue.values()) {
      if (held.queue.brokerName !== brokerName) continue;
      held.doubts++;
      any = true;
    }
    if (any) this.schedule(0);
  }

  /** Gives locks back, so that others needn't wait until they expire. Never rejects. */
  async unlock(queue: MessageQueue): Promise<void> {
    const { calls, group, clientId, log } = this.options;
    const held = this.byQueue.get(queueKey(queue));
    this.byQueue.delete(queueKey(queue));
    if (held === undefined || held.isLost) return;
    try {
      await calls.unlock(queue.brokerName, group, clientId, [queue]);
    } catch (error) {
      log.warn("a queue can't be unlocked; its lock expires", { ...queue, error });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stopped = true;
    this.timer?.cancel();
    await this.renewing;
  }

  private schedule(delayMs: number): void {
    this.timer?.cancel();
    if (this.stopped) return;
    this.timer = this.options.clock.after(delayMs, () => {
      this.renewing ??= this.renewAll().finally(() => this.renewing = null);
    });
  }

  private async renewAll(): Promise<void> {
    const byBroker = new Map<string, Held[]>();
    for (const held of this.byQueue.values()) {
      const list = byBroker.get(held.queue.brokerName);
      if (list === undefined) byBroker.set(held.queue.brokerName, [held]);
      else list.push(held);
    }
    await Promise.all([...byBroker].map(([name, held]) => this.renew(name, held)));
    const { clock } = this.options;
    const nowMs = clock.monotonicMs();
    const isUnsure = [...this.byQueue.values()].some((held) =>
      !held.isLost &&
      (held.doubts > held.doubtsSettled || nowMs - held.confirmedMs >= LOCK_RENEW_MS)
    );
    this.schedule(isUnsure ? LOCK_RETRY_MS : LOCK_RENEW_MS);
  }

  private async renew(brokerName: string, all: readonly Held[]): Promise<void> {
    const { clock, calls, group, clientId, log } = this.options;
    const askedMs = clock.monotonicMs();
    const doubts = all.map((held) => held.doubts);
    const queues = all.filter(({ isLost }) => !isLost).map(({ queue }) => queue);
    if (queues.length === 0) return;
    let got: Set<string>;
    try {
      got = new Set((await calls.lock(brokerName, group, clientId, queues)).map(queueKey));
    } catch (error) {
      log.warn("locks can't be renewed now", { brokerName, queues: queues.length, error });
      return;
    }
    await Promise.all(all.map((held, index) => this.renewed(held, got, askedMs, doubts[index]!)));
  }

  private async renewed(
    held: Held,
    got: ReadonlySet<string>,
    askedMs: number,
    doubts: number,
  ): Promise<void> {
    const { log, lost, catchUp, regained } = this.options;
    const { queue } = held;
    // It was given back, or locked anew, meanwhile.
    const isOld = () => this.byQueue.get(queueKey(queue)) !== held || held.isLost;
    if (isOld()) return;
    if (!got.has(queueKey(queue))) {
      held.isLost = true;
      log.warn("another member has the queue", { ...queue });
      return lost(queue);
    }
    if (this.isHeld(queue)) {
      held.confirmedMs = askedMs;
      return;
    }
    try {
      await catchUp(queue);
    } catch (error) {
      log.warn("where the group is can't be found out now", { ...queue, error });
      return;
    }
    if (isOld()) return;
    log.info("the queue's lock is confirmed again", { ...queue });
    held.doubtsSettled = doubts;
    held.confirmedMs = askedMs;
    regained(queue);
  }
}

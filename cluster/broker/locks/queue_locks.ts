// Which client of an orderly consumer group holds which queue. Locks expire unless renewed. Holders are kept in a file of
// our own, so that a broker that was restarted gives no queue to a second client while the first one trusts its lock;
// Apache's forgets them (Java: RebalanceLockManager).
import { DecodeError } from "../../../core/errors.ts";
import type { Logger } from "../../../core/log.ts";
import type { Clock } from "../../../core/time/clock.ts";
import { JsonFields } from "../json_fields.ts";
import { type TableFile, tableText } from "../table_file.ts";
import { TableSaver } from "../table_saver.ts";

/** A lock that isn't renewed for this long may be taken by another client. */
export const QUEUE_LOCK_EXPIRY_MS = 60_000;
/** How long clients trust a lock that they couldn't renew (Java: ProcessQueue.REBALANCE_LOCK_MAX_LIVE_TIME). */
const CLIENT_TRUST_MS = 30_000;

export interface LockedQueue {
  topic: string;
  brokerName: string;
  queueId: number;
}

interface Lock {
  queue: LockedQueue;
  clientId: string;
  /** Monotonic. */
  renewedMs: number;
}

export interface QueueLocksParts {
  clock: Clock;
  log: Logger;
  /** `isDamaged`: nobody knows any more who holds what. */
  file: TableFile & { readonly isDamaged?: boolean };
}

export class QueueLocks {
  private readonly groups = new Map<string, Map<string, Lock>>();
  private readonly saver: TableSaver;
  private readonly clock: Clock;
  /** Until then nobody gets a queue, on the monotonic clock: somebody unknown may trust a lock. */
  private closedUntilMs = -Infinity;

  /** Holders of before the start are protected for as long as they may trust their locks. */
  constructor({ clock, log, file }: QueueLocksParts) {
    this.clock = clock;
    this.saver = new TableSaver(file, () => this.encode(), log);
    const text = file.load();
    if (file.isDamaged === true) this.closedUntilMs = clock.monotonicMs() + CLIENT_TRUST_MS;
    if (text === null) return;
    try {
      this.decode(text);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      log.warn("the file of queue locks can't be read; all are forgotten", { error });
      this.groups.clear();
    }
  }

  /** Locks or renews what can be had; returns the queues that the client holds now. */
  lock(group: string, clientId: string, queues: readonly LockedQueue[]): LockedQueue[] {
    const locks = this.groups.get(group) ?? new Map<string, Lock>();
    const nowMs = this.clock.monotonicMs();
    if (nowMs < this.closedUntilMs) return [];
    let changed = false;
    const held = queues.filter((queue) => {
      const key = keyOf(queue);
      const lock = locks.get(key);
      if (lock !== undefined && lock.clientId !== clientId && !expired(lock, nowMs)) return false;
      // What has expired may have been left out of the file meanwhile.
      if (lock?.clientId !== clientId || expired(lock, nowMs)) changed = true;
      locks.set(key, { queue, clientId, renewedMs: nowMs });
      return true;
    });
    if (held.length > 0) this.groups.set(group, locks);
    if (changed) void this.saver.save();
    return held;
  }

  /** Frees what the client holds; others' locks stay. */
  unlock(group: string, clientId: string, queues: readonly LockedQueue[]): void {
    const locks = this.groups.get(group);
    if (locks === undefined) return;
    let changed = false;
    for (const queue of queues) {
      const key = keyOf(queue);
      if (locks.get(key)?.clientId === clientId) changed = locks.delete(key) || changed;
    }
    if (locks.size === 0) this.groups.delete(group);
    if (changed) void this.saver.save();
  }

  /** True when no client of the group holds a live lock: the group isn't consuming in order now. */
  allExpired(group: string): boolean {
    const nowMs = this.clock.monotonicMs();
    for (const lock of this.groups.get(group)?.values() ?? []) {
      if (!expired(lock, nowMs)) return false;
    }
    return true;
  }

  /** Resolves when every new holder so far would survive a crash. */
  saved(): Promise<void> {
    return this.saver.saved();
  }

  private encode(): string {
    const nowMs = this.clock.monotonicMs();
    const locks = [...this.groups].flatMap(([group, table]) =>
      [...table.values()].filter((lock) => !expired(lock, nowMs))
        .map(({ queue, clientId }) => ({ group, clientId, ...queue }))
    );
    return tableText({ locks });
  }

  /** Throws DecodeError. */
  private decode(text: string): void {
    const renewedMs = this.clock.monotonicMs() - (QUEUE_LOCK_EXPIRY_MS - CLIENT_TRUST_MS);
    const fields = JsonFields.ofBody(new TextEncoder().encode(text), "queueLocks");
    for (const lock of fields.objects("locks")) {
      const queue = {
        topic: lock.text("topic"),
        brokerName: lock.text("brokerName"),
        queueId: lock.number("queueId"),
      };
      const group = lock.text("group");
      const locks = this.groups.get(group) ?? new Map<string, Lock>();
      this.groups.set(group, locks);
      locks.set(keyOf(queue), { queue, clientId: lock.text("clientId"), renewedMs });
    }
  }
}

function expired(lock: Lock, nowMs: number): boolean {
  return nowMs - lock.renewedMs > QUEUE_LOCK_EXPIRY_MS;
}

function keyOf(queue: LockedQueue): string {
  return `${queue.topic}@${queue.brokerName}@${queue.queueId}`;
}

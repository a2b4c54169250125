// Which client of an orderly consumer group holds which queue. Locks expire unless renewed.
// In memory only: after a restart clients lock again (Java: RebalanceLockManager).
import type { Clock } from "../../../core/time/clock.ts";

/** A lock that isn't renewed for this long may be taken by another client. */
export const QUEUE_LOCK_EXPIRY_MS = 60_000;

export interface LockedQueue {
  topic: string;
  brokerName: string;
  queueId: number;
}

interface Lock {
  clientId: string;
  renewedMs: number;
}

export class QueueLocks {
  private readonly groups = new Map<string, Map<string, Lock>>();

  constructor(private readonly clock: Clock) {}

  /** Locks or renews what can be had; returns the queues that the client holds now. */
  lock(group: string, clientId: string, queues: readonly LockedQueue[]): LockedQueue[] {
    const locks = this.groups.get(group) ?? new Map<string, Lock>();
    this.groups.set(group, locks);
    const nowMs = this.clock.nowMs();
    return queues.filter((queue) => {
      const key = keyOf(queue);
      const lock = locks.get(key);
      if (lock !== undefined && lock.clientId !== clientId && !expired(lock, nowMs)) return false;
      locks.set(key, { clientId, renewedMs: nowMs });
      return true;
    });
  }

  /** Frees what the client holds; others' locks stay. */
  unlock(group: string, clientId: string, queues: readonly LockedQueue[]): void {
    const locks = this.groups.get(group);
    if (locks === undefined) return;
    for (const queue of queues) {
      const key = keyOf(queue);
      if (locks.get(key)?.clientId === clientId) locks.delete(key);
    }
    if (locks.size === 0) this.groups.delete(group);
  }

  /** True when no client of the group holds a live lock: the group isn't consuming in order now. */
  allExpired(group: string): boolean {
    const nowMs = this.clock.nowMs();
    for (const lock of this.groups.get(group)?.values() ?? []) {
      if (!expired(lock, nowMs)) return false;
    }
    return true;
  }
}

function expired(lock: Lock, nowMs: number): boolean {
  return nowMs - lock.renewedMs > QUEUE_LOCK_EXPIRY_MS;
}

function keyOf(queue: LockedQueue): string {
  return `${queue.topic}@${queue.brokerName}@${queue.queueId}`;
}

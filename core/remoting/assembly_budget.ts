// The memory that all half-received frames of one server may take together. Past it, connections
// wait unread until there is room; one of them may always go on, so that room comes about. Frames
// that come whole in one read, and small ones, never pass through here.
import {
  FRAME_ASSEMBLY_BYTES_PER_SWEEP_MIN,
  FRAMES_ASSEMBLED_BYTES_MAX,
  FRAMES_WAITING_BYTES_MAX,
} from "../limits.ts";
import type { Clock } from "../time/clock.ts";
import type { FrameRoom } from "./frame.ts";

/** A connection as the budget sees it. */
export interface AssemblyOwner {
  /** Bytes of its unfinished frame that have come so far. */
  assembledBytes(): number;
  /** It may go on: what it asked for is granted when it asks again. */
  roomMade(): void;
  giveUp(reason: string): void;
}

export interface AssemblyLimits {
  /** All assembly buffers together. The one connection that always goes on may pass it by a frame. */
  assembledBytesMax: number;
  /** What waiting connections had already read when they were stopped. */
  waitingBytesMax: number;
}

export class AssemblyBudget {
  private readonly limits: AssemblyLimits;
  private assembledBytes = 0;
  private waitingBytes = 0;
  private readonly taking = new Set<AssemblyShare>();
  /** In the order in which they were stopped. */
  private readonly waiting = new Set<AssemblyShare>();
  /** The one that may go on whatever is taken. There is one whenever somebody waits. */
  private favoured: AssemblyShare | null = null;
  private woken: AssemblyShare | null = null;
  private wakes = false;

  constructor(private readonly clock: Clock, limits: Partial<AssemblyLimits> = {}) {
    this.limits = {
      assembledBytesMax: FRAMES_ASSEMBLED_BYTES_MAX,
      waitingBytesMax: FRAMES_WAITING_BYTES_MAX,
      ...limits,
    };
  }

  /** Bytes of assembly buffers, and those that wait unread behind them. */
  get usedBytes(): number {
    return this.assembledBytes + this.waitingBytes;
  }

  share(owner: AssemblyOwner): AssemblyShare {
    return new AssemblyShare(this, owner);
  }

  /** For shares alone. */
  take(share: AssemblyShare, capacity: number): boolean {
    const more = capacity - share.bytes;
    if (this.isRefused(share, more)) {
      share.wantedBytes = more;
      return false;
    }
    this.assembledBytes += more;
    share.bytes = capacity;
    this.taking.add(share);
    return true;
  }

  private isRefused(share: AssemblyShare, more: number): boolean {
    // Who begins a frame doesn't overtake those that wait.
    if (share.bytes === 0 && this.waiting.size > 0 && this.woken !== share) return true;
    if (this.assembledBytes + more <= this.limits.assembledBytesMax) return false;
    if (this.favoured !== null && this.favoured !== share) return true;
    this.favoured = share;
    return false;
  }

  /** For shares alone: false when those that wait hold too much already. */
  wait(share: AssemblyShare, unreadBytes: number): boolean {
    this.waiting.add(share);
    this.waitingBytes += unreadBytes - share.unreadBytes;
    share.unreadBytes = unreadBytes;
    return this.waitingBytes <= this.limits.waitingBytesMax;
  }

  /** For shares alone: the frame is whole, or will never be. */
  free(share: AssemblyShare): void {
    this.assembledBytes -= share.bytes;
    share.bytes = 0;
    share.sweptBytes = null;
    this.taking.delete(share);
    if (this.favoured === share) this.favoured = null;
    this.wakeLater();
  }

  /** For shares alone: it waits no more. */
  unqueue(share: AssemblyShare): void {
    this.waiting.delete(share);
    this.waitingBytes -= share.unreadBytes;
    share.unreadBytes = 0;
    share.sweptBytes = null;
  }

  /**
   * Called every few seconds: while somebody waits, gives up those whose frame hardly grows, or a
   * few peers that send a byte now and then would keep all room for themselves.
   */
  sweep(): void {
    const isShort = this.waiting.size > 0;
    for (const share of [...this.taking]) {
      if (!isShort || this.waiting.has(share)) {
        share.sweptBytes = null;
        continue;
      }
      const bytes = share.owner.assembledBytes();
      const { sweptBytes } = share;
      share.sweptBytes = bytes;
      if (sweptBytes !== null && bytes - sweptBytes < FRAME_ASSEMBLY_BYTES_PER_SWEEP_MIN) {
        share.owner.giveUp("its frame hardly grew while others waited for room");
      }
    }
  }

  /** Not at once: a frame of another connection is just being handled. */
  private wakeLater(): void {
    if (this.wakes || this.waiting.size === 0) return;
    this.wakes = true;
    this.clock.endOfTurn(() => {
      this.wakes = false;
      this.wake();
    });
  }

  private wake(): void {
    for (const share of this.waiting) {
      const wouldPass = this.assembledBytes + share.wantedBytes > this.limits.assembledBytesMax;
      if (wouldPass && this.favoured !== null) return;
      this.unqueue(share);
      this.woken = share;
      share.owner.roomMade();
      this.woken = null;
    }
  }
}

/** What one connection takes of the budget; its fields are the budget's. */
export class AssemblyShare implements FrameRoom {
  /** Its assembly buffer. */
  bytes = 0;
  /** What it was refused last, beyond `bytes`. */
  wantedBytes = 0;
  /** What it had read and can't put anywhere yet. */
  unreadBytes = 0;
  /** What had come of its frame at the last sweep, if it was judged then. */
  sweptBytes: number | null = null;

  constructor(private readonly budget: AssemblyBudget, readonly owner: AssemblyOwner) {}

  take(capacity: number): boolean {
    return this.budget.take(this, capacity);
  }

  free(): void {
    if (this.bytes > 0) this.budget.free(this);
  }

  /**
   * Waits for room; called again when more came in all the same. False when there is no room even
   * to wait.
   */
  wait(unreadBytes: number): boolean {
    return this.budget.wait(this, unreadBytes);
  }

  /** The connection is closed. */
  leave(): void {
    this.budget.unqueue(this);
    this.free();
  }
}

// Writes the tails of dirty queues a few milliseconds after they became dirty, within a time budget, and frees the tails
// of idle ones. Nothing runs while nothing is dirty.
import { dirname } from "node:path";
import { type Disk, DiskError } from "../../core/disk/disk.ts";
import type { Logger } from "../../core/log.ts";
import { type Clock, endOfTurn, type Timer } from "../../core/time/clock.ts";
import {
  HELD_BYTES_MAX,
  HELD_LOOK_MS,
  SYNC_QUEUES_MAX,
  SYNC_WRITE_BUDGET_MS,
  TAIL_IDLE_MS,
  WRITE_BUDGET_MS,
  WRITE_DELAY_A_QUEUE_MS,
  WRITE_DELAY_MS,
  WRITE_DELAY_MS_MAX,
  WRITE_RETRY_MS,
} from "./limits.ts";
import type { TailedUnits } from "./tailed_units.ts";

/** What has bytes on disk that aren't durable yet. */
export interface Syncable {
  /** Throws DiskError, having put itself back. */
  sync(): Promise<void>;
  /** From where on it isn't durable; from now on it counts as durable up to here. */
  takeUnsynced(): number;
  /** What was taken is not durable after all. */
  markUnsynced(position: number): void;
}

/** Queues written between two looks at the clock. */
const QUEUES_PER_LOOK = 16;

export class QueueWriter {
  private dirty: TailedUnits[] = [];
  /** Dirty queues before this one are written. */
  private done = 0;
  /** Dirty queues that couldn't be written: they are tried again after a rest, or with the next sync. */
  private refused: TailedUnits[] = [];
  /** Written since the writer last had nothing to do. */
  private writtenInRound = 0;
  private delayMs = WRITE_DELAY_MS;
  private warm: TailedUnits[] = [];
  private unsynced: Syncable[] = [];
  private readonly unsyncedDirectories = new Set<string>();
  private writeTimer: Timer | null = null;
  private idleTimer: Timer | null = null;
  private isFailing = false;
  /** A replay is under way. */
  private isHeld = false;
  /** A sync writes the dirty queues: the rounds rest. */
  private isWriting = false;
  /** The sync under way: the next one waits, since it must cover what that one covers. */
  private syncing = Promise.resolve();

  constructor(
    private readonly disk: Disk,
    private readonly clock: Clock,
    private readonly log: Logger,
    /** The store's folder. */
    private readonly root: string,
    private readonly heldBytesMax = HELD_BYTES_MAX,
  ) {}

  /** A queue got its first unwritten entry. */
  add(queue: TailedUnits): void {
    queue.isDirty = queue.wasAppended = true;
    this.dirty.push(queue);
    if (!queue.isWarm) {
      queue.isWarm = true;
      this.warm.push(queue);
    }
    const delayMs = this.isHeld ? HELD_LOOK_MS : this.delayMs;
    this.writeTimer ??= this.clock.after(delayMs, this.writeRound);
  }

  /**
   * Many queues will get many entries at once, and all of them are in the log: until `release` they wait in memory, so
   * that each queue is written once, unless they become very many.
   */
  hold(): void {
    this.isHeld = true;
  }

  release(): void {
    this.isHeld = false;
  }

  addUnsynced(queue: Syncable): void {
    this.unsynced.push(queue);
  }

  directoryChanged(path: string): void {
    this.unsyncedDirectories.add(path);
  }

  /** Writes one queue because its tail is full; a failure is left to the next round. */
  writeNow(queue: TailedUnits): void {
    try {
      queue.writeTail();
    } catch (error) {
      this.failed(queue, error);
    }
  }

  /** Writes every queue that is dirty now, with turns for others in between. Throws DiskError. */
  private async writeDirty(): Promise<void> {
    this.takeRefused();
    let left = this.dirty.length - this.done;
    this.isWriting = true;
    try {
      while (left > 0) {
        left -= this.writeSome(left);
        if (left > 0) await endOfTurn(this.clock);
      }
    } finally {
      this.isWriting = false;
    }
  }

  /** Writes at most so many queues, for as long as one go of it may take; gives how many were written. */
  private writeSome(countMax: number): number {
    const startedMs = this.clock.monotonicMs();
    let count = 0;
    while (count < countMax) {
      this.writeNext();
      count++;
      const isLook = count % QUEUES_PER_LOOK === 0;
      if (isLook && this.clock.monotonicMs() - startedMs >= SYNC_WRITE_BUDGET_MS) break;
    }
    this.forgetDone();
    return count;
  }

  /** Writes everything and makes it durable, one file at a time: others need the thread pool more. Throws DiskError. */
  sync(): Promise<void> {
    const sync = this.syncing.then(() => this.syncNow());
    this.syncing = sync.catch(() => {});
    return sync;
  }

  private async syncNow(): Promise<void> {
    await this.writeDirty();
    if (await this.syncAtOnce()) return;
    const queues = this.unsynced;
    const directories = [...this.unsyncedDirectories];
    this.unsynced = [];
    this.unsyncedDirectories.clear();
    let at = 0;
    try {
      for (const path of withParents(directories)) {
        // A deleted topic's is gone.
        if (this.disk.statSync(path) !== null) await this.disk.syncDirectory(path);
      }
      for (; at < queues.length; at++) await queues[at]!.sync();
    } catch (error) {
      // The failed queue has put itself back.
      for (const queue of queues.slice(at + 1)) this.unsynced.push(queue);
      for (const path of directories) this.unsyncedDirectories.add(path);
      throw error;
    }
  }

  /** Many queues by one call to the system instead of one, and one turn of the event loop, each. */
  private async syncAtOnce(): Promise<boolean> {
    const { disk, root, unsynced: queues } = this;
    const calls = queues.length + this.unsyncedDirectories.size;
    if (calls <= SYNC_QUEUES_MAX || disk.syncFileSystem === undefined) return false;
    const positions = queues.map((queue) => queue.takeUnsynced());
    const directories = [...this.unsyncedDirectories];
    this.unsynced = [];
    this.unsyncedDirectories.clear();
    if (await disk.syncFileSystem(root)) return true;
    for (const path of directories) this.unsyncedDirectories.add(path);
    queues.forEach((queue, index) => queue.markUnsynced(positions[index]!));
    return false;
  }

  stop(): void {
    this.writeTimer?.cancel();
    this.idleTimer?.cancel();
  }

  private readonly writeRound = (): void => {
    this.writeTimer = null;
    if (this.mustWait()) {
      this.writeTimer = this.clock.after(this.isWriting ? 1 : HELD_LOOK_MS, this.writeRound);
      return;
    }
    const startedMs = this.clock.monotonicMs();
    while (this.done < this.dirty.length) {
      const queue = this.dirty[this.done]!;
      try {
        this.writeNext();
      } catch (error) {
        this.failed(queue, error);
        this.refused.push(queue);
        this.done++;
      }
      const isLook = this.done % QUEUES_PER_LOOK === 0;
      if (!isLook || this.isHeld) continue;
      if (this.clock.monotonicMs() - startedMs >= WRITE_BUDGET_MS) break;
    }
    this.forgetDone();
    if (this.dirty.length === 0) this.roundOver();
    if (this.dirty.length > 0) this.writeTimer = this.clock.after(1, this.writeRound);
    else if (this.refused.length > 0) {
      this.takeRefused();
      this.writeTimer = this.clock.after(WRITE_RETRY_MS, this.writeRound);
    } else this.isFailing = false;
    this.idleTimer ??= this.clock.after(TAIL_IDLE_MS, this.freeIdle);
  };

  private takeRefused(): void {
    for (const queue of this.refused) this.dirty.push(queue);
    this.refused = [];
  }

  /** In a replay, what waits is bounded; otherwise a sync's writing and a round would get in each other's way. */
  private mustWait(): boolean {
    if (this.isWriting) return true;
    if (!this.isHeld) return false;
    let heldBytes = 0;
    for (const { endByte, writtenByte } of this.dirty) heldBytes += endByte - writtenByte;
    return heldBytes < this.heldBytesMax;
  }

  /** Many busy queues are written less often, each with more entries. */
  private roundOver(): void {
    const delayMs = WRITE_DELAY_MS + this.writtenInRound * WRITE_DELAY_A_QUEUE_MS;
    this.delayMs = Math.min(delayMs, WRITE_DELAY_MS_MAX);
    this.writtenInRound = 0;
  }

  private writeNext(): void {
    const queue = this.dirty[this.done]!;
    queue.writeTail();
    queue.isDirty = false;
    this.done++;
    this.writtenInRound++;
  }

  private forgetDone(): void {
    if (this.done === this.dirty.length) this.dirty.length = 0;
    else this.dirty.splice(0, this.done);
    this.done = 0;
  }

  private failed(queue: TailedUnits, error: unknown): void {
    if (!(error instanceof DiskError)) throw error;
    if (!this.isFailing) {
      this.log.error("writing a consume queue failed", { topic: queue.topic, error });
    }
    this.isFailing = true;
  }

  private readonly freeIdle = (): void => {
    this.idleTimer = null;
    const kept: TailedUnits[] = [];
    for (const queue of this.warm) {
      if (queue.wasAppended || queue.isDirty) kept.push(queue);
      else {
        queue.isWarm = false;
        queue.releaseTail();
      }
      queue.wasAppended = false;
    }
    this.warm = kept;
    if (kept.length > 0) this.idleTimer = this.clock.after(TAIL_IDLE_MS, this.freeIdle);
  };
}

/** The folders and those above them up to the store's: a new file needs all of them on disk. */
function withParents(directories: string[]): Set<string> {
  const all = new Set<string>(directories);
  for (const path of directories) {
    const topic = dirname(path);
    const root = dirname(topic);
    all.add(topic).add(root).add(dirname(root));
  }
  return all;
}

// Checkpoints between a pop and their being settled: stored at once, or kept in memory for a while so that a pop whose
// messages are all acknowledged soon costs no record (enablePopBufferMerge). A group's offset moves only past settled ones:
// what isn't stored is given out again after a crash (Java: PopBufferMergeService).
import type { Logger } from "../../../core/log.ts";
import type { Clock, Timer } from "../../../core/time/clock.ts";
import {
  allBits,
  type Checkpoint,
  indexOfOffset,
  mergeKeyOf,
  offsetOfIndex,
  type ReviveAck,
  reviveTimeMs,
} from "../../../store/pop/revive_records.ts";
import { OffsetTable } from "../offsets/offset_table.ts";
import type { PendingCheckpoint, PopQueue } from "./pop_queues.ts";
import type { PopSettings } from "./pop_settings.ts";
import type { ReviveLog } from "./revive_log.ts";

export interface CheckpointsParts {
  offsets: OffsetTable;
  reviveLog: ReviveLog;
  settings: PopSettings;
  clock: Clock;
  log: Logger;
}

/** What is kept in memory is looked through this often. */
const SCAN_INTERVAL_MS = 100;
/** Wait before a checkpoint that couldn't be stored is tried again. */
const RETRY_DELAY_MS = 1_000;
/** Time that a checkpoint must have left when it is kept, or acknowledged, in memory. */
const MARGIN_MS = 1_500;

export class Checkpoints implements AsyncDisposable {
  /** Those in memory, by merge key. */
  private readonly buffered = new Map<string, PendingCheckpoint>();
  private readonly underWay = new Set<Promise<unknown>>();
  private timer: Timer | null = null;
  private isStopping = false;

  constructor(private readonly parts: CheckpointsParts) {}

  get bufferedCount(): number {
    return this.buffered.size;
  }

  /** Takes a pop's checkpoint. Resolves when it is stored, or kept in memory; false when storing it failed for now. */
  add(
    queue: PopQueue,
    checkpoint: Checkpoint,
    reviveQueueId: number,
    nextOffset: number,
  ): Promise<boolean> {
    const isBuffered = this.mayBuffer(queue, checkpoint);
    const pending = newPending(queue, checkpoint, reviveQueueId, nextOffset, isBuffered);
    queue.add(pending);
    if (!isBuffered) return this.store(pending);
    this.buffered.set(mergeKeyOf(checkpoint), pending);
    this.scheduleScan();
    return Promise.resolve(true);
  }

  /** Moves a queue's offset past entries that weren't wanted, once those before them are settled. */
  pass(queue: PopQueue, nextOffset: number): void {
    const pending = newPending(queue, null, 0, nextOffset, false);
    pending.state = "stored";
    queue.add(pending);
    this.commit(queue);
  }

  /** True when the acknowledgement was taken in memory; false when it must be stored. */
  acknowledge(ack: ReviveAck): boolean {
    if (this.buffered.size === 0) return false;
    const pending = this.buffered.get(mergeKeyOf(ack));
    // Once it is being written out, its acknowledgements must be written too.
    if (pending?.state !== "new" || pending.checkpoint === null) return false;
    const { checkpoint } = pending;
    const { popCkStayBufferTime, popCkStayBufferTimeOut } = this.parts.settings;
    const nowMs = this.parts.clock.nowMs();
    if (reviveTimeMs(checkpoint) - nowMs < popCkStayBufferTimeOut + MARGIN_MS) return false;
    if (nowMs - checkpoint.popTimeMs > popCkStayBufferTime - MARGIN_MS) return false;
    for (const offset of ack.offsets) {
      const index = indexOfOffset(checkpoint, offset);
      if (index >= 0) pending.bits |= 1 << index;
    }
    if (this.isSettled(pending)) {
      this.buffered.delete(mergeKeyOf(checkpoint));
      this.commit(pending.queue);
    }
    return true;
  }

  /** Forgets what waits in a queue whose offset was reset. What is stored comes back by itself. */
  clear(queue: PopQueue): void {
    queue.clear();
  }

  /** Stores what is in memory. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.isStopping = true;
    this.timer?.cancel();
    this.scan();
    while (this.underWay.size > 0) await Promise.all(this.underWay);
  }

  private mayBuffer(queue: PopQueue, checkpoint: Checkpoint): boolean {
    const { settings, clock } = this.parts;
    if (!settings.enablePopBufferMerge || this.isStopping) return false;
    const leftMs = reviveTimeMs(checkpoint) - clock.nowMs();
    return leftMs >= settings.popCkStayBufferTimeOut + MARGIN_MS &&
      this.buffered.size <= settings.popCkMaxBufferSize &&
      queue.pendingCount < settings.popCkOffsetMaxQueueSize &&
      !this.buffered.has(mergeKeyOf(checkpoint));
  }

  private store(pending: PendingCheckpoint): Promise<boolean> {
    pending.state = "storing";
    return this.track(
      this.parts.reviveLog.putCheckpoint(pending.checkpoint!, pending.reviveQueueId).then(
        (isStored) => this.stored(pending, isStored),
        (error: unknown) => {
          this.parts.log.error("a checkpoint was not stored", { error });
          return this.stored(pending, false);
        },
      ),
    );
  }

  private stored(pending: PendingCheckpoint, isStored: boolean): boolean {
    pending.state = isStored ? "stored" : "new";
    if (isStored) this.commit(pending.queue);
    else if (!this.isStopping && !pending.isBuffered) this.retryLater(pending);
    return isStored;
  }

  /** Until it is stored the group's offset stays before it, so that a restart gives its messages out again. */
  private retryLater(pending: PendingCheckpoint): void {
    this.parts.clock.after(RETRY_DELAY_MS, () => {
      if (!this.isStopping && pending.state === "new") void this.store(pending);
    });
  }

  private commit(queue: PopQueue): void {
    const offset = queue.takeDone((pending) => this.isSettled(pending));
    if (offset < 0) return;
    const { topic, group, queueId } = queue;
    if (offset > this.parts.offsets.query(topic, group, queueId)) {
      this.parts.offsets.commit(topic, group, queueId, offset);
    }
  }

  private isSettled(pending: PendingCheckpoint): boolean {
    const { checkpoint, bits, storedBits } = pending;
    if (checkpoint === null) return true;
    if (!pending.isBuffered) return pending.state === "stored";
    if ((bits & allBits(checkpoint.messageCount)) === allBits(checkpoint.messageCount)) return true;
    return pending.state === "stored" && bits === storedBits;
  }

  private scheduleScan(): void {
    if (this.timer !== null || this.isStopping) return;
    this.timer = this.parts.clock.after(SCAN_INTERVAL_MS, () => {
      this.timer = null;
      this.scan();
      if (this.buffered.size > 0) this.scheduleScan();
    });
  }

  private scan(): void {
    const { settings, clock } = this.parts;
    const nowMs = clock.nowMs();
    for (const pending of this.buffered.values()) {
      const checkpoint = pending.checkpoint!;
      const isDue = this.isStopping || !settings.enablePopBufferMerge ||
        reviveTimeMs(checkpoint) - nowMs < settings.popCkStayBufferTimeOut ||
        nowMs - checkpoint.popTimeMs > settings.popCkStayBufferTime;
      if (isDue && pending.state !== "storing") void this.track(this.writeOut(pending));
    }
  }

  /** Stores a checkpoint that stayed in memory long enough, and the acknowledgements that came for it. */
  private async writeOut(pending: PendingCheckpoint): Promise<void> {
    if (pending.state === "new" && !await this.store(pending)) return;
    pending.state = "storing";
    await this.storeAcks(pending);
    pending.state = "stored";
    if (!this.isSettled(pending)) return;
    this.buffered.delete(mergeKeyOf(pending.checkpoint!));
    this.commit(pending.queue);
  }

  private async storeAcks(pending: PendingCheckpoint): Promise<void> {
    const checkpoint = pending.checkpoint!;
    const { reviveLog, settings } = this.parts;
    const dueMs = reviveTimeMs(checkpoint);
    const indexes: number[] = [];
    for (let index = 0; index < checkpoint.messageCount; index++) {
      if ((pending.bits & ~pending.storedBits & (1 << index)) !== 0) indexes.push(index);
    }
    if (indexes.length === 0) return;
    const offsets = indexes.map((index) => offsetOfIndex(checkpoint, index));
    if (settings.enablePopBatchAck) {
      const ack = { ...checkpoint, offsets };
      if (!await reviveLog.putBatchAck(ack, pending.reviveQueueId, dueMs)) return;
      for (const index of indexes) pending.storedBits |= 1 << index;
      return;
    }
    await Promise.all(indexes.map(async (index, at) => {
      const ack = { ...checkpoint, offsets: [offsets[at]!] };
      if (await reviveLog.putAck(ack, pending.reviveQueueId, dueMs)) {
        pending.storedBits |= 1 << index;
      }
    }));
  }

  private track<T>(promise: Promise<T>): Promise<T> {
    this.underWay.add(promise);
    const forget = () => this.underWay.delete(promise);
    promise.then(forget, forget);
    return promise;
  }
}

function newPending(
  queue: PopQueue,
  checkpoint: Checkpoint | null,
  reviveQueueId: number,
  nextOffset: number,
  isBuffered: boolean,
): PendingCheckpoint {
  return {
    checkpoint,
    queue,
    reviveQueueId,
    nextOffset,
    isBuffered,
    state: "new",
    bits: 0,
    storedBits: 0,
  };
}

// Writes the checkpoint: syncs log, queues and index in this order, then says so. How often bounds what a crash has to
// replay. A checkpoint that can't be written costs replay time, never data.
import { DiskError } from "../core/disk/disk.ts";
import type { Logger } from "../core/log.ts";
import type { BackgroundTask } from "../core/time/background.ts";
import type { Clock } from "../core/time/clock.ts";
import type { ApacheCheckpoint, CheckpointFile } from "./checkpoint.ts";
import type { Flusher } from "./commit_log/flusher.ts";
import type { Settlement } from "./commit_log/settlement.ts";
import type { ConsumeQueues } from "./consume_queue/consume_queues.ts";
import type { QueueEndsFiles } from "./consume_queue/queue_ends.ts";
import type { KeyIndex } from "./index/key_index.ts";

const CHECK_INTERVAL_MS = 250;
/** A checkpoint is due after this much log, or after this long with any. */
const DUE_BYTES = 64 * 1024 * 1024;
const DUE_MS = 10_000;
/** Wait before one that the disk refused is tried again. */
const RETRY_MS = 1000;

/** Index files that end at or before this store time are complete and synced; Apache keeps such files after a crash. */
export interface IndexProgress {
  completeUntilMs: number;
}

export interface CheckpointerParts {
  file: CheckpointFile;
  /** What the file said when the store was opened; a recovery may have taken it back meanwhile. */
  saved: ApacheCheckpoint;
  clock: Clock;
  log: Logger;
  queues: ConsumeQueues;
  queueEnds: QueueEndsFiles;
  index: KeyIndex | null;
  indexProgress: IndexProgress;
  flusher: Flusher;
  settlement: Settlement;
}

export class Checkpointer {
  private apache: ApacheCheckpoint;
  private writtenAtMs: number;
  private coveredEnd = -1;
  private isFailing = false;
  private retryAtMs = 0;
  private running: Promise<boolean> | null = null;

  constructor(private readonly parts: CheckpointerParts) {
    this.apache = { ...parts.saved };
    this.writtenAtMs = parts.clock.monotonicMs();
  }

  /** Up to where log, queues and index are durable, as the checkpoint on disk says; −1 before the first one. */
  get durableEnd(): number {
    return this.coveredEnd;
  }

  task(): BackgroundTask {
    return {
      name: "checkpoint",
      intervalMs: CHECK_INTERVAL_MS,
      tick: async (): Promise<"idle"> => {
        if (this.isDue()) await this.write();
        return "idle";
      },
    };
  }

  /** Makes everything durable and writes it down; false when the disk refused. */
  async write(): Promise<boolean> {
    while (this.running !== null) await this.running;
    this.running = this.writeNow();
    try {
      return await this.running;
    } finally {
      this.running = null;
    }
  }

  private isDue(): boolean {
    const behind = this.parts.settlement.dispatchedEnd - this.coveredEnd;
    const nowMs = this.parts.clock.monotonicMs();
    if (behind <= 0 || nowMs < this.retryAtMs) return false;
    return behind >= DUE_BYTES || nowMs - this.writtenAtMs >= DUE_MS;
  }

  private async writeNow(): Promise<boolean> {
    const { file, queueEnds, queues, index, flusher, settlement, clock, log } = this.parts;
    // What is dispatched by now is in the queues' and the index's memory: their syncs cover it.
    const end = settlement.dispatchedEnd;
    const storeTimestampMs = settlement.dispatchedStoreTimestampMs;
    const lastRecord = settlement.dispatchedRecord;
    const queuesEnd = queues.coveredPhysicalOffset;
    const queueOffsets = queues.offsetTotal;
    const ends = queues.endsOf(end, queueOffsets);
    const indexEnd = index?.endPhysicalOffset ?? 0;
    // Those of later items don't count: the log behind `end` may be lost, and other records take the items.
    const slotsNow = index?.slotsNow ?? null;
    try {
      if (!await flusher.flush()) return false;
      await bothDone(queues.sync(), index?.sync(slotsNow));
      if (storeTimestampMs > 0) {
        this.apache.physicMsgTimestampMs = storeTimestampMs;
        this.apache.logicsMsgTimestampMs = storeTimestampMs;
      }
      this.apache.indexMsgTimestampMs = this.parts.indexProgress.completeUntilMs;
      this.apache.confirmPhysicalOffset = end;
      const slots = index?.slotsPoint ?? null;
      if (ends?.areTrue() === true) await queueEnds.write(ends.bytes);
      await file.write({
        apache: this.apache,
        replay: { replayFrom: end, lastRecord, queuesEnd, indexEnd, queueOffsets, slots },
      });
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      this.retryAtMs = clock.monotonicMs() + RETRY_MS;
      // Once: it is tried again every second.
      if (!this.isFailing) log.warn("the checkpoint can't be written", { error });
      this.isFailing = true;
      return false;
    }
    this.isFailing = false;
    this.coveredEnd = end;
    this.writtenAtMs = clock.monotonicMs();
    return true;
  }
}

/** Rejects with the first failure, when neither is under way any more. */
async function bothDone(one: Promise<void>, other: Promise<void> | undefined): Promise<void> {
  for (const result of await Promise.allSettled([one, other])) {
    if (result.status === "rejected") throw result.reason;
  }
}

// Brings log, queues and index level when a store is opened: finds the log's end, cuts a torn tail, drops stale queue
// entries, enters what is missing. Says in one line what it found and did. What may be trusted is recovery_plan.ts's.
import type { Disk } from "../core/disk/disk.ts";
import type { Logger } from "../core/log.ts";
import type { Clock } from "../core/time/clock.ts";
import type { Checkpoint } from "./checkpoint.ts";
import type { CommitLog } from "./commit_log/commit_log.ts";
import { scanLog, type ScanResult } from "./commit_log/log_scan.ts";
import { RecordFacts } from "./commit_log/record_facts.ts";
import type { ConsumeQueues } from "./consume_queue/consume_queues.ts";
import type { LogProbe, QueueKind } from "./consume_queue/stored_queue.ts";
import { cutRest } from "./cut_rest.ts";
import type { KeyIndex } from "./index/key_index.ts";
import { LossSigns } from "./loss_signs.ts";
import type { KeptAside } from "./kept_aside.ts";
import { type EntryFacts, inLightQueue, QueueEntries } from "./queue_entries.ts";
import { LightEntryReader } from "./light_queues.ts";
import { RecordProbe } from "./record_probe.ts";
import {
  checkpointMeanwhile,
  checkpointOfNothing,
  planRecovery,
  type RecoveryPlan,
  withIndexFrom,
} from "./recovery_plan.ts";
import {
  addScan,
  emptySummary,
  logRecovery,
  logWhatIsGone,
  PROGRESS_MS,
  type RecoverySummary,
} from "./recovery_report.ts";
import { Replay } from "./replay.ts";
import type { DelayLevels } from "./schedule/delay_levels.ts";

const TERMINATOR = new Uint8Array(8);

export interface RecoveryParts {
  disk: Disk;
  log: CommitLog;
  queues: ConsumeQueues;
  index: KeyIndex | null;
  keptAside: KeptAside;
  checkpoint: Checkpoint;
  /** Replaces the checkpoint on disk, durably. */
  writeCheckpoint: (checkpoint: Checkpoint) => Promise<void>;
  isClean: boolean;
  isIndexSafe: boolean;
  /** Index files were set aside when they were loaded. */
  isIndexCut: boolean;
  checkCrc: boolean;
  requirePropertyCrc: boolean;
  /** Nothing may be said to be stored that isn't durable (SYNC_FLUSH). */
  syncFlush: boolean;
  delayLevels: DelayLevels;
  /** The kind of a queue that isn't on disk. */
  kindOf: (topic: string) => QueueKind;
  /** Records may stand in light queues too. */
  lightQueues: boolean;
  /** Whether a topic still exists: queues of deleted ones aren't made again. */
  hasTopic: (topic: string) => boolean;
  /** Compare every queue with the whole log, whatever the checkpoint says. */
  rebuildQueues: boolean;
  clock: Clock;
  logger: Logger;
}

export interface RecoveryResult {
  /** End of the log. */
  end: number;
  /** Up to where it is durable: what a killed process wrote behind it may be in the page cache only. */
  syncedEnd: number;
  /** Store time of the last record that was read; 0 when none was. */
  lastStoreTimestampMs: number;
  /** Start of the log's last record; −1 when there is none. */
  lastRecord: number;
  summary: RecoverySummary;
}

export async function recoverStore(parts: RecoveryParts): Promise<RecoveryResult> {
  const recovery = new Recovery(parts);
  return await recovery.run();
}

class Recovery {
  private readonly facts: RecordFacts;
  private readonly probe: RecordProbe;
  private readonly signs: LossSigns;
  private readonly summary: RecoverySummary;
  private readonly entries: QueueEntries;
  private lastStoreTimestampMs = 0;
  private lastRecord = -1;
  /** A queue hasn't all that the log has for it: its files were lost. */
  private isQueueLost: boolean;
  private readonly startedMs: number;
  private progressMs: number;

  constructor(private readonly parts: RecoveryParts) {
    const lights = parts.lightQueues ? new LightEntryReader() : null;
    this.facts = new RecordFacts(parts.delayLevels, lights);
    this.probe = new RecordProbe({ ...parts, files: parts.log.files, facts: this.facts });
    this.signs = new LossSigns({ ...parts, files: parts.log.files, facts: this.facts });
    this.summary = emptySummary(parts.isClean);
    this.isQueueLost = parts.rebuildQueues || parts.queues.setAside > 0;
    this.entries = new QueueEntries({
      queues: parts.queues,
      kindOf: parts.kindOf,
      onSuspicion: (suspicion, physicalOffset) => this.suspect(suspicion, physicalOffset),
    });
    this.startedMs = this.progressMs = parts.clock.monotonicMs();
  }

  async run(): Promise<RecoveryResult> {
    const { summary } = this;
    const queuesEnd = this.parts.queues.coveredPhysicalOffset;
    const planned = await this.withIndexWhole(this.planByLook());
    // How far the furthest queue reaches says nothing of the others: a start that made them again may have died at it.
    if (planned.rebuilt.includes("queues")) this.isQueueLost = true;
    await this.sayMeanwhile(checkpointMeanwhile(planned, this.parts.checkpoint));
    await this.makeLevel(planned);
    const plan = await this.withIndexProved(planned);
    summary.from = plan.scanFrom;
    summary.rebuilt = [...plan.rebuilt];
    if (!this.isQueueLost) await this.lookForLoss(plan);
    const { scan, replay } = await this.replay(plan);
    this.isQueueLost = replay.isQueueLost;
    summary.indexItems = replay.indexItems;
    addScan(summary, scan);
    summary.end = scan.end;
    summary.damage = scan.damage;
    logWhatIsGone(this.parts.logger, queuesEnd, scan.end);
    const syncedEnd = await this.cutAt(plan, scan);
    if (this.isQueueLost) await this.rebuildQueues(plan, scan.end);
    this.report();
    const known = scan.end === plan.scanFrom ? this.parts.checkpoint.replay?.lastRecord : undefined;
    return {
      end: scan.end,
      syncedEnd,
      lastStoreTimestampMs: this.lastStoreTimestampMs,
      lastRecord: scan.records === 0 ? known ?? -1 : this.lastRecord,
      summary,
    };
  }

  private plan(): RecoveryPlan {
    const { log, queues, index, checkpoint, isClean, isIndexCut, isIndexSafe } = this.parts;
    return planRecovery({
      isClean,
      checkpoint,
      filesStart: log.files.startOffset,
      filesEnd: log.files.endOffset,
      fileSizeBytes: log.fileSizeBytes,
      queuesEnd: queues.coveredPhysicalOffset,
      indexEnd: index?.endPhysicalOffset ?? 0,
      hasIndex: index !== null,
      isIndexCut,
      isIndexSafe,
      isBoundary: (offset) => this.probe.isBoundary(offset),
      recordEnd: (offset) => this.probe.read(offset, true) ? offset + this.facts.size : -1,
      firstStoreTimeMs: (fileStart) =>
        this.probe.read(fileStart) ? this.facts.storeTimestampMs : null,
    });
  }

  /** Queues are taken as the checkpoint has them only by a plan that counts on it. */
  private planByLook(): RecoveryPlan {
    const { checkpoint: { replay }, queues } = this.parts;
    const plan = this.plan();
    if (queues.trust.untriedCount === 0) return plan;
    const isBorneOut = plan.queuesFrom === replay?.replayFrom && !plan.rebuilt.includes("queues") &&
      !this.isQueueLost && queues.offsetTotal >= replay.queueOffsets;
    if (isBorneOut) return plan;
    this.parts.logger.warn("the checkpoint's ends of the queues don't hold: all are looked at");
    queues.loadAnew();
    this.isQueueLost ||= queues.setAside > 0;
    return this.plan();
  }

  /** Where a file of the index is missing, the index is made again from there on. */
  private async withIndexWhole(plan: RecoveryPlan): Promise<RecoveryPlan> {
    const { index, logger } = this.parts;
    if (index === null) return plan;
    const hole = await this.signs.indexHole(index.spans(), plan.indexFrom);
    if (hole < 0 || hole >= plan.indexFrom) return plan;
    logger.warn("keys are missing in the index: it is made again from there on", { from: hole });
    return withIndexFrom(plan, hole);
  }

  /** Items that were found untrue when the index was made level are entered again, and all that came after them. */
  private async withIndexProved(plan: RecoveryPlan): Promise<RecoveryPlan> {
    const { checkpoint, index, isClean } = this.parts;
    if (index === null || isClean) return plan;
    const proved = await this.withIndexWhole(plan);
    if (proved === plan) return plan;
    await this.sayMeanwhile(checkpointMeanwhile(proved, checkpoint));
    await index.truncate(proved.indexFrom);
    return proved;
  }

  /** Another broker's checkpoint has no sum of the queues; ours says nothing of their beginnings. */
  private async lookForLoss(plan: RecoveryPlan): Promise<void> {
    const { checkpoint: { replay }, logger } = this.parts;
    const lost = await this.signs.lostQueue(plan.queuesFrom, plan.knownEnd !== replay?.replayFrom);
    if (lost === null) return;
    logger.warn("a queue isn't what the log says", { queue: lost });
    this.isQueueLost = true;
  }

  private async sayMeanwhile(checkpoint: Checkpoint | null): Promise<void> {
    if (checkpoint !== null) await this.parts.writeCheckpoint(checkpoint);
  }

  /** Takes out of queues and index what will be entered again, and what isn't of this log. */
  private async makeLevel(plan: RecoveryPlan): Promise<void> {
    const { queues, index, log, isClean, checkpoint: { replay } } = this.parts;
    if (!isClean) queues.beginReplay();
    queues.recover(this.logProbe(log.files.endOffset), plan.queuesFrom);
    if (replay?.replayFrom === plan.queuesFrom && queues.offsetTotal < replay.queueOffsets) {
      this.isQueueLost = true;
    }
    if (index !== null && (!isClean || plan.rebuilt.includes("index"))) {
      const isReplayPoint = replay?.replayFrom === plan.indexFrom;
      await index.truncate(plan.indexFrom, isReplayPoint ? replay.slots : null);
    }
  }

  private async replay(plan: RecoveryPlan): Promise<{ scan: ScanResult; replay: Replay }> {
    const { entries, isQueueLost, parts, signs } = this;
    const logStart = parts.log.files.startOffset;
    const replay = new Replay({ ...parts, plan, entries, signs, logStart, isQueueLost });
    const scan = await this.scan(plan.scanFrom, plan.knownEnd, (facts, size) => {
      this.lastStoreTimestampMs = facts.storeTimestampMs;
      this.lastRecord = facts.physicalOffset;
      replay.take(facts, size);
    });
    replay.finish();
    return { scan, replay };
  }

  private scan(
    from: number,
    knownEnd: number,
    onRecord: (facts: RecordFacts, size: number) => void,
  ): Promise<ScanResult> {
    const { checkCrc, log, requirePropertyCrc } = this.parts;
    const { facts } = this;
    return scanLog({
      files: log.files,
      from,
      knownEnd: Math.min(knownEnd, log.files.contentEnd),
      checkCrc,
      requirePropertyCrc,
      scanner: facts.scanner,
      onRecord: (buffer, start, parts, offset) => {
        facts.readScanned(buffer, start, parts);
        // Where it stands counts, not where it says that it does.
        facts.physicalOffset = offset;
        onRecord(facts, parts.size);
      },
      onProgress: (offset) => this.progress(from, offset),
    });
  }

  private progress(from: number, offset: number): void {
    const { clock, log: { files }, logger } = this.parts;
    const nowMs = clock.monotonicMs();
    if (nowMs - this.progressMs < PROGRESS_MS) return;
    this.progressMs = nowMs;
    const share = (offset - from) / Math.max(1, files.endOffset - from);
    logger.info("reading the log", {
      at: offset,
      end: files.endOffset,
      percent: Math.floor(share * 100),
      seconds: Math.round((nowMs - this.startedMs) / 1000),
    });
  }

  private suspect(suspicion: string, physicalOffset: number): void {
    this.summary.suspectRecords++;
    this.summary.firstSuspicion ??= `${suspicion}, in the record at ${physicalOffset}`;
  }

  /** Enters what queues lack from the log's beginning on; what they have is left alone. */
  private async rebuildQueues(plan: RecoveryPlan, end: number): Promise<void> {
    const { log, logger, queues } = this.parts;
    if (plan.scanFrom === log.files.startOffset && queues.setAside === 0) {
      if (plan.queuesFrom === plan.scanFrom) return;
    }
    await this.sayMeanwhile(checkpointOfNothing(this.parts.checkpoint));
    const before = this.entries.count;
    if (this.parts.rebuildQueues) logger.info("the whole log is read to complete the queues");
    else logger.warn("a queue's files are lost: the whole log is read to make them again");
    const scan = await this.scan(log.files.startOffset, end, (facts, size) => {
      if (facts.isHidden || facts.physicalOffset >= end) return;
      this.complete(facts, size);
      for (const light of facts.lightEntries) this.complete(inLightQueue(facts, light), size);
    });
    this.entries.finish();
    this.summary.unreadable = Math.max(this.summary.unreadable, scan.unreadable);
    this.summary.firstUnreadable ??= scan.firstUnreadable;
    const { rebuilt } = this.summary;
    if (this.entries.count > before && !rebuilt.includes("queues")) rebuilt.push("queues");
  }

  /** Enters what its queue lacks. */
  private complete(facts: EntryFacts, size: number): void {
    const { hasTopic, queues } = this.parts;
    if (!hasTopic(facts.topic)) return;
    if (this.signs.hasLostHead(facts)) {
      queues.startAnew(
        facts.topic,
        facts.queueId,
        `${facts.topic}-${facts.queueId} has no beginning`,
      );
    }
    const covered = queues.find(facts.topic, facts.queueId)?.coveredPhysicalOffset ?? 0;
    if (facts.physicalOffset >= covered) this.entries.enter(facts, size);
  }

  /**
   * The log ends where the scan did: nothing behind it counts, in queues and index neither. Gives up to where it is
   * durable then: what only needs to be synced is left to the background, unless senders are to be told that it is.
   */
  private async cutAt(plan: RecoveryPlan, scan: ScanResult): Promise<number> {
    const { disk, log, keptAside, logger, queues, index, isClean } = this.parts;
    const isDamaged = scan.damage !== null;
    if (!isClean || isDamaged || this.parts.rebuildQueues) {
      const { end } = scan;
      this.summary.cut = await cutRest({ disk, logger, log, keptAside, end, isDamaged });
    }
    queues.truncate(scan.end);
    if (index !== null && index.endPhysicalOffset >= Math.max(1, scan.end)) {
      await index.truncate(scan.end);
    }
    log.startAt(scan.end);
    if (isDamaged) log.writeSync(TERMINATOR, 0, TERMINATOR.length, scan.end);
    if (isClean && !isDamaged) return scan.end;
    const isLeft = !this.parts.syncFlush && !isDamaged && this.summary.cut === null;
    if (isLeft && plan.scanFrom < scan.end) return plan.scanFrom;
    await log.sync(plan.scanFrom, scan.end + TERMINATOR.length);
    return scan.end;
  }

  private report(): void {
    const { clock, log, logger } = this.parts;
    this.summary.queueEntries = this.entries.count;
    this.summary.tookMs = Math.round(clock.monotonicMs() - this.startedMs);
    if (log.files.segments.length > 0) logRecovery(logger, this.summary);
  }

  private logProbe(maxPhysicalOffset: number): LogProbe {
    return {
      minPhysicalOffset: this.parts.log.minOffset,
      maxPhysicalOffset,
      holds: (physicalOffset, size, topic, queueId, queueOffset) => {
        const { facts } = this;
        return this.probe.read(physicalOffset) && facts.size === size && facts.topic === topic &&
          facts.queueId === queueId && facts.queueOffset === queueOffset;
      },
    };
  }
}

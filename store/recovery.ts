// Brings log, queues and index level when a store is opened: finds the log's end, cuts a torn tail, drops stale queue
// entries, enters what is missing. Says in one line what it found and did. What may be trusted is recovery_plan.ts's.
import { Buffer } from "node:buffer";
import type { Logger } from "../core/log.ts";
import { RECORD_BYTES_MIN } from "../core/message/record_layout.ts";
import { checkRecordAt, type RecordCheck } from "../core/message/record_check.ts";
import type { Clock } from "../core/time/clock.ts";
import type { Checkpoint } from "./checkpoint.ts";
import type { CommitLog } from "./commit_log/commit_log.ts";
import { scanLog, type ScanResult } from "./commit_log/log_scan.ts";
import { RecordFacts } from "./commit_log/record_facts.ts";
import type { ConsumeQueues } from "./consume_queue/consume_queues.ts";
import type { LogProbe, QueueKind } from "./consume_queue/stored_queue.ts";
import type { KeyIndex } from "./index/key_index.ts";
import { planRecovery, type RecoveryPlan } from "./recovery_plan.ts";
import type { DelayLevels } from "./schedule/delay_levels.ts";

/** First read of a record that is looked at alone. */
const PROBE_BYTES = 4096;
/** A larger record than any frame can bring isn't read into memory. */
const RECORD_PROBE_BYTES_MAX = 64 * 1024 * 1024;
const TERMINATOR = new Uint8Array(8);

export interface RecoveryParts {
  log: CommitLog;
  queues: ConsumeQueues;
  index: KeyIndex | null;
  checkpoint: Checkpoint;
  isClean: boolean;
  isIndexSafe: boolean;
  checkCrc: boolean;
  requirePropertyCrc: boolean;
  delayLevels: DelayLevels;
  /** The kind of a queue that isn't on disk. */
  kindOf: (topic: string) => QueueKind;
  clock: Clock;
  logger: Logger;
}

export interface RecoveryResult {
  /** End of the log. */
  end: number;
  /** Store time of the last record that was read; 0 when none was. */
  lastStoreTimestampMs: number;
  /** Start of the log's last record; −1 when there is none. */
  lastRecord: number;
}

export async function recoverStore(parts: RecoveryParts): Promise<RecoveryResult> {
  const recovery = new Recovery(parts);
  return await recovery.run();
}

class Recovery {
  private readonly facts: RecordFacts;
  private queueEntries = 0;
  private indexItems = 0;
  private lastStoreTimestampMs = 0;
  private lastRecord = -1;
  private readonly probeBytes = Buffer.alloc(PROBE_BYTES);

  constructor(private readonly parts: RecoveryParts) {
    this.facts = new RecordFacts(parts.delayLevels);
  }

  async run(): Promise<RecoveryResult> {
    const { parts } = this;
    const startedMs = parts.clock.monotonicMs();
    const plan = this.plan();
    await this.makeLevel(plan);
    const scan = await scanLog({
      files: parts.log.files,
      from: plan.scanFrom,
      knownEnd: plan.knownEnd,
      checkCrc: parts.checkCrc,
      requirePropertyCrc: parts.requirePropertyCrc,
      cutTornTail: !parts.isClean,
      onRecord: (buffer, start, size) => this.enter(plan, buffer, start, size),
    });
    await this.cutAt(plan, scan);
    this.report(plan, scan, parts.clock.monotonicMs() - startedMs);
    const known = scan.end === plan.scanFrom ? parts.checkpoint.replay?.lastRecord : undefined;
    return {
      end: scan.end,
      lastStoreTimestampMs: this.lastStoreTimestampMs,
      lastRecord: scan.records === 0 ? known ?? -1 : this.lastRecord,
    };
  }

  private plan(): RecoveryPlan {
    const { log, queues, index, checkpoint, isClean, isIndexSafe } = this.parts;
    return planRecovery({
      isClean,
      checkpoint,
      filesStart: log.files.startOffset,
      filesEnd: log.files.endOffset,
      fileSizeBytes: log.fileSizeBytes,
      queuesEnd: queues.coveredPhysicalOffset,
      indexEnd: index?.endPhysicalOffset ?? 0,
      hasIndex: index !== null,
      isIndexSafe,
      isBoundary: (offset) => this.isBoundary(offset),
      recordEnd: (offset) => this.readRecord(offset, true) ? offset + this.facts.size : -1,
      firstStoreTimeMs: (fileStart) =>
        this.readRecord(fileStart) ? this.facts.storeTimestampMs : null,
    });
  }

  /** Takes out of queues and index what will be entered again, and what isn't of this log. */
  private async makeLevel(plan: RecoveryPlan): Promise<void> {
    const { queues, index, log, isClean } = this.parts;
    queues.truncate(plan.queuesFrom);
    queues.recover(this.probe(log.files.endOffset));
    if (index !== null && (!isClean || plan.rebuilt.includes("index"))) {
      await index.truncate(plan.indexFrom);
    }
  }

  private enter(plan: RecoveryPlan, buffer: Buffer, start: number, size: number): void {
    const { queues, index, kindOf } = this.parts;
    const { facts } = this;
    if (!facts.read(buffer, start, start + size)) return;
    this.lastStoreTimestampMs = facts.storeTimestampMs;
    this.lastRecord = facts.physicalOffset;
    const { topic, queueId, physicalOffset, storeTimestampMs } = facts;
    if (!facts.isHidden && physicalOffset >= plan.queuesFrom) {
      const queue = queues.find(topic, queueId) ??
        queues.findOrCreate(topic, queueId, kindOf(topic));
      const { queueOffset, tagsCode, batchCount } = facts;
      queue.append(queueOffset, physicalOffset, size, tagsCode, storeTimestampMs, batchCount);
      this.queueEntries++;
    }
    if (index === null || physicalOffset < plan.indexFrom) return;
    for (let at = 0; at < facts.keyCount; at++) {
      index.put(facts.keyHashes[at]!, physicalOffset, storeTimestampMs);
    }
    this.indexItems += facts.keyCount;
  }

  /** The log ends where the scan did: nothing behind it counts, in queues and index neither. */
  private async cutAt(plan: RecoveryPlan, scan: ScanResult): Promise<void> {
    const { log, queues, index, isClean } = this.parts;
    queues.truncate(scan.end);
    if (index !== null && index.endPhysicalOffset >= scan.end && scan.end > 0) {
      await index.truncate(scan.end);
    }
    log.startAt(scan.end);
    if (scan.damage !== null) {
      log.writeSync(TERMINATOR, 0, TERMINATOR.length, scan.end);
    }
    // What a killed process wrote may be in the page cache only.
    if (!isClean) await log.sync(plan.scanFrom, scan.end + TERMINATOR.length);
  }

  private report(plan: RecoveryPlan, scan: ScanResult, tookMs: number): void {
    const { logger, isClean, log } = this.parts;
    if (log.files.segments.length === 0) return;
    const line = isClean ? "opened the store" : "recovered the store after a crash";
    const fields = {
      from: plan.scanFrom,
      end: scan.end,
      records: scan.records,
      queueEntries: this.queueEntries,
      indexItems: this.indexItems,
      rebuilt: plan.rebuilt.join(", ") || "nothing",
      cut: scan.damage ?? "nothing",
      suspectRecords: scan.suspects,
      ...(scan.firstSuspicion === null ? {} : { firstSuspicion: scan.firstSuspicion }),
      ...(scan.unreadable === 0
        ? {}
        : { unreadable: scan.unreadable, firstUnreadable: scan.firstUnreadable }),
      tookMs: Math.round(tookMs),
    };
    if (scan.damage !== null || scan.suspects + scan.unreadable > 0) logger.warn(line, fields);
    else logger.info(line, fields);
  }

  private probe(maxPhysicalOffset: number): LogProbe {
    return {
      minPhysicalOffset: this.parts.log.minOffset,
      maxPhysicalOffset,
      holds: (physicalOffset, size, topic, queueId, queueOffset) => {
        const { facts } = this;
        return this.readRecord(physicalOffset) && facts.size === size && facts.topic === topic &&
          facts.queueId === queueId && facts.queueOffset === queueOffset;
      },
    };
  }

  /** Reads the facts of the whole record at an offset; false when there is none, or a suspect one isn't wanted. */
  private readRecord(offset: number, unsuspected = false): boolean {
    const bytes = this.readRecordBytes(offset);
    if (bytes === null) return false;
    const check = this.check(bytes, offset);
    if (check.kind !== "message" || (unsuspected && check.suspicion !== null)) return false;
    return this.facts.read(bytes, 0, bytes.length) && this.facts.physicalOffset === offset;
  }

  private isBoundary(offset: number): boolean {
    const { files } = this.parts.log;
    if (offset === files.endOffset) return true;
    const bytes = this.readRecordBytes(offset);
    if (bytes === null) return false;
    const { kind } = this.check(bytes, offset);
    return kind === "blank" || kind === "end" || (kind === "message" && this.readRecord(offset));
  }

  private check(bytes: Buffer, offset: number): RecordCheck {
    const { fileSizeBytes } = this.parts.log;
    const rest = fileSizeBytes - offset % fileSizeBytes;
    return checkRecordAt(bytes, 0, rest, {
      checkCrc: this.parts.checkCrc,
      requirePropertyCrc: this.parts.requirePropertyCrc,
      physicalOffset: offset,
    });
  }

  /** The bytes of the record at an offset, or of what stands there; null outside the files. */
  private readRecordBytes(offset: number): Buffer | null {
    const { files } = this.parts.log;
    if (offset < files.startOffset || files.find(offset) === null) return null;
    const first = this.probeBytes;
    const count = files.readSync(first, 0, PROBE_BYTES, offset);
    first.fill(0, count);
    const size = count < RECORD_BYTES_MIN ? 0 : first.readInt32BE(0);
    const rest = files.fileSizeBytes - offset % files.fileSizeBytes;
    if (size <= PROBE_BYTES || size > rest || size > RECORD_PROBE_BYTES_MAX) return first;
    const whole = Buffer.alloc(size);
    files.readSync(whole, 0, size, offset);
    return whole;
  }
}

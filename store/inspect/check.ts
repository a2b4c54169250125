// Reads a whole store and lists everything that is wrong with it: log, queues, index, checkpoint, config. Read-only, in
// one pass over the log, in memory that doesn't grow with the log. What it finds is told as it is found.
import type { Disk } from "../../core/disk/disk.ts";
import { emptyParts, locateParts } from "../../core/message/record.ts";
import { replayTimestampMs } from "../checkpoint.ts";
import { scanLog } from "../commit_log/log_scan.ts";
import { findWrittenEnd } from "../commit_log/record_search.ts";
import { RecordFacts } from "../commit_log/record_facts.ts";
import type { SegmentFiles } from "../file/segment_files.ts";
import { LightEntryReader } from "../light_queues.ts";
import { DelayLevels } from "../schedule/delay_levels.ts";
import {
  checkCheckpoint,
  checkConfigFiles,
  readState,
  readTopics,
  type StoreState,
  topicFilter,
} from "./config_check.ts";
import type { Findings, ProgressListener } from "./fault.ts";
import { IndexCheck } from "./index_check.ts";
import { openLogRuns } from "./log_files.ts";
import { QueueCheck } from "./queue_check.ts";
import { checkTimerFiles } from "./timer_files_check.ts";
import { noteStrays } from "./stray_files.ts";
import type { StoreShape } from "./store_shape.ts";

export interface CheckOptions {
  disk: Disk;
  shape: StoreShape;
  findings: Findings;
  /** As configured; null when that isn't known, and due times can't be checked. */
  delayLevels: DelayLevels | null;
  onProgress: ProgressListener;
}

/** What was looked at. */
export interface CheckedStore {
  isClean: boolean;
  logStart: number;
  /** One past the last record that can be read. */
  logEnd: number;
  logFiles: number;
  records: number;
  queues: number;
  indexFiles: number;
  configFiles: number;
}

/** Throws DiskError when a file of the log can't be read. */
export async function checkStore(options: CheckOptions): Promise<CheckedStore> {
  const check = new StoreCheck(options);
  return await check.run();
}

class StoreCheck {
  private readonly facts: RecordFacts;
  private readonly state: StoreState;
  private readonly runs: SegmentFiles[];
  private readonly queues: QueueCheck;
  private readonly index: IndexCheck;
  private readonly parts = emptyParts();
  private readonly lights = new LightEntryReader();
  private records = 0;

  constructor(private readonly options: CheckOptions) {
    const { delayLevels, disk, findings, shape } = options;
    const { storePath } = shape;
    this.facts = new RecordFacts(delayLevels ?? DelayLevels.parse("1s"));
    this.state = readState(disk, storePath, findings);
    this.runs = openLogRuns(disk, shape, findings);
    noteStrays(disk, shape, findings);
    const common = {
      disk,
      shape,
      findings,
      logStart: this.runs[0]?.startOffset ?? 0,
      isPending: this.pendingTest(),
    };
    const hasTopic = topicFilter(readTopics(disk, storePath));
    this.queues = new QueueCheck({ ...common, hasTopic, knowsDelays: delayLevels !== null });
    this.index = new IndexCheck({ ...common, isClean: this.state.isClean });
  }

  /** After a crash, from where on the next start reads the log again. */
  private pendingTest(): (physicalOffset: number, storeTimestampMs: number) => boolean {
    const { checkpoint, isClean } = this.state;
    if (isClean) return () => false;
    if (checkpoint === null) return () => true;
    const { apache, replay } = checkpoint;
    if (replay !== null) return (physicalOffset) => physicalOffset >= replay.replayFrom;
    const levelMs = replayTimestampMs(apache, false);
    return (_, storeTimestampMs) => storeTimestampMs >= levelMs;
  }

  async run(): Promise<CheckedStore> {
    const { disk, findings, shape } = this.options;
    let logEnd = 0;
    for (const [at, run] of this.runs.entries()) {
      logEnd = await this.scanRun(run, at === this.runs.length - 1);
      await run.close();
    }
    this.queues.finish(logEnd);
    this.index.finish(logEnd);
    checkCheckpoint(this.state.checkpoint, logEnd, findings);
    checkTimerFiles(disk, shape.storePath, findings);
    const configFiles = checkConfigFiles(disk, shape.storePath, findings);
    return {
      isClean: this.state.isClean,
      logStart: this.runs[0]?.startOffset ?? 0,
      logEnd,
      logFiles: this.runs.reduce((sum, run) => sum + run.segments.length, 0),
      records: this.records,
      queues: this.queues.count,
      indexFiles: this.index.count,
      configFiles,
    };
  }

  /** Gives where its records end. */
  private async scanRun(files: SegmentFiles, isLast: boolean): Promise<number> {
    const { onProgress } = this.options;
    const { facts } = this;
    let end = files.endOffset;
    const gaps: { from: number; to: number; reason: string }[] = [];
    const { records } = await scanLog({
      files,
      from: files.startOffset,
      knownEnd: files.endOffset,
      checkCrc: true,
      requirePropertyCrc: false,
      onRecord: (buffer, start, { size }, offset, suspicion) => {
        if (suspicion !== null) {
          const detail = `${suspicion}; it is served all the same`;
          this.logFault("record_suspect", offset, detail);
        }
        if (!facts.read(buffer, start, start + size)) return;
        facts.physicalOffset = offset;
        this.queueEntries(buffer, start, size, suspicion !== null);
        this.index.record(facts, suspicion !== null);
      },
      onUnreadable: (from, to, reason) => {
        if (to < files.endOffset) {
          this.logFault("log_unreadable", from, `${to - from} bytes can't be read: ${reason}`);
        } else gaps.push({ from, to, reason });
      },
      onProgress: (offset) =>
        onProgress((offset - files.startOffset) / (files.endOffset - files.startOffset), "log"),
    });
    this.records += records;
    const [tail] = gaps;
    if (tail !== undefined) {
      end = tail.from;
      await this.checkTail(files, tail, isLast);
    }
    return end;
  }

  private async checkTail(
    files: SegmentFiles,
    { from, reason, to }: { from: number; to: number; reason: string },
    isLast: boolean,
  ): Promise<void> {
    let bytes = 0;
    for (let at = from; at < to;) {
      const fileEnd = at - at % files.fileSizeBytes + files.fileSizeBytes;
      bytes += await findWrittenEnd(files, at, fileEnd) - at;
      at = fileEnd;
    }
    if (bytes === 0 && isLast) return;
    this.options.findings.fault({
      kind: "log_tail",
      place: this.placeOf(from),
      detail: `${bytes} bytes behind the last record are no record: ${reason}`,
      offset: from,
      repair: isLast ? { step: "cut_log", offset: from } : null,
    });
  }

  private queueEntries(buffer: Uint8Array, start: number, size: number, isSuspect: boolean): void {
    const { facts } = this;
    if (facts.isHidden) return;
    const { batchCount, physicalOffset, queueId, queueOffset, storeTimestampMs, tagsCode, topic } =
      facts;
    const place = { physicalOffset, size, tagsCode, storeTimestampMs, batchCount };
    const expected = { ...place, isSuspect };
    this.queues.record({ ...expected, topic, queueId, queueOffset });
    for (
      const { topic: lightTopic, queueOffset: lightOffset } of this.lightEntries(
        topic,
        buffer,
        start,
        size,
      )
    ) {
      const light = { topic: lightTopic, queueId: 0, queueOffset: lightOffset, batchCount: 1 };
      this.queues.record({ ...expected, ...light });
    }
  }

  private lightEntries(topic: string, buffer: Uint8Array, start: number, size: number) {
    const { lights, parts } = this;
    if (locateParts(buffer, start, start + size, parts) !== null) return [];
    return lights.read(topic, buffer, parts.propertiesStart, parts.propertiesEnd);
  }

  private logFault(kind: "record_suspect" | "log_unreadable", offset: number, detail: string) {
    const place = this.placeOf(offset);
    this.options.findings.fault({ kind, place, detail, offset, repair: null });
  }

  private placeOf(offset: number): string {
    const { commitLogFileBytes } = this.options.shape;
    return `commitlog/${String(offset - offset % commitLogFileBytes).padStart(20, "0")}`;
  }
}

// What a recovery found, cut and made again: one line in the log, and figures for whoever asks the broker.
// Only words and numbers; recovery.ts fills them.
import type { Logger } from "../core/log.ts";
import type { ScanResult } from "./commit_log/log_scan.ts";

/** What was behind the log's end and is no longer of it. */
export interface CutRest {
  /** From where on, and how many bytes. */
  from: number;
  bytes: number;
  /** Whole records among them: they stood behind a hole. */
  records: number;
  /** Where the bytes are kept; empty when the disk had no room for a torn tail. */
  keptAs: string[];
}

/** What the opening of a store came to. */
export interface RecoverySummary {
  isClean: boolean;
  from: number;
  end: number;
  records: number;
  queueEntries: number;
  indexItems: number;
  /** What was made again from the log. */
  rebuilt: string[];
  cut: CutRest | null;
  /** Why the log ends there; null when nothing stands behind. */
  damage: string | null;
  suspectRecords: number;
  firstSuspicion: string | null;
  unreadable: number;
  firstUnreadable: string | null;
  tookMs: number;
}

/** A progress line no more often than this. */
export const PROGRESS_MS = 5000;

export function logRecovery(logger: Logger, summary: RecoverySummary): void {
  const { cut, damage, isClean, suspectRecords, unreadable } = summary;
  if (cut !== null && cut.records > 0) {
    logger.error("whole records stood behind a hole in the log: they are kept aside", {
      from: cut.from,
      records: cut.records,
      keptAs: cut.keptAs.join(", "),
    });
  }
  const line = isClean ? "opened the store" : "recovered the store after a crash";
  const fields = {
    from: summary.from,
    end: summary.end,
    records: summary.records,
    queueEntries: summary.queueEntries,
    indexItems: summary.indexItems,
    rebuilt: summary.rebuilt.join(", ") || "nothing",
    cut: damage ?? (cut === null ? "nothing" : "bytes behind a hole"),
    ...(cut === null
      ? {}
      : { cutBytes: cut.bytes, cutRecords: cut.records, keptAs: cut.keptAs.join(", ") }),
    suspectRecords,
    ...(suspectRecords === 0 ? {} : { firstSuspicion: summary.firstSuspicion }),
    ...(unreadable === 0 ? {} : { unreadable, firstUnreadable: summary.firstUnreadable }),
    tookMs: summary.tookMs,
  };
  const isDamaged = damage !== null || cut !== null || suspectRecords + unreadable > 0;
  if (isDamaged) logger.warn(line, fields);
  else logger.info(line, fields);
}

/** The log lost its end, or Apache left stale entries when it cut its log. */
export function logWhatIsGone(logger: Logger, queuesEnd: number, logEnd: number): void {
  if (queuesEnd <= logEnd) return;
  logger.warn("queues name records behind the log's end: those entries are cut", {
    logEnd,
    namedTo: queuesEnd,
  });
}

/** Nothing was scanned yet. */
export function emptySummary(isClean: boolean): RecoverySummary {
  return {
    isClean,
    from: 0,
    end: 0,
    records: 0,
    queueEntries: 0,
    indexItems: 0,
    rebuilt: [],
    cut: null,
    damage: null,
    suspectRecords: 0,
    firstSuspicion: null,
    unreadable: 0,
    firstUnreadable: null,
    tookMs: 0,
  };
}

export function addScan(summary: RecoverySummary, scan: ScanResult): void {
  summary.records += scan.records;
  summary.suspectRecords += scan.suspects;
  summary.firstSuspicion ??= scan.firstSuspicion;
  summary.unreadable += scan.unreadable;
  summary.firstUnreadable ??= scan.firstUnreadable;
}

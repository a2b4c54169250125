// Decides from where on the log is read again when a store is opened, and from where on queues and index are made from
// it. Pure: it is told what stands on the disk and touches nothing.
import { type Checkpoint, type ReplayPoint, replayTimestampMs } from "./checkpoint.ts";

/** What a plan is made from. */
export interface StoreState {
  /** The last run ended by a clean stop: no abort marker. */
  isClean: boolean;
  checkpoint: Checkpoint;
  /** Offsets of the log's first file's start and of its last file's end. */
  filesStart: number;
  filesEnd: number;
  fileSizeBytes: number;
  /** One past the last byte of the log that a queue entry covers; 0 when there is none. */
  queuesEnd: number;
  /** Physical offset of the newest record in the index; 0 when there is none. */
  indexEnd: number;
  hasIndex: boolean;
  /** Index files were found damaged and set aside: the index ends where the files before them do. */
  isIndexCut: boolean;
  /** messageIndexSafe: a crash replays from where the index was complete. */
  isIndexSafe: boolean;
  /** True when a record, a blank rest or the end of what was written stands at an offset. */
  isBoundary: (offset: number) => boolean;
  /** One past the last byte of the whole record at an offset; −1 when there is none. */
  recordEnd: (offset: number) => number;
  /** Store time of the first record of the file at an offset; null when it doesn't begin with a whole one. */
  firstStoreTimeMs: (fileStart: number) => number | null;
}

export interface RecoveryPlan {
  /** Where the log is read from; all before it is taken as it is. */
  scanFrom: number;
  /** The log is known to reach here, though more of it is read to make what was lost: damage before this cuts nothing. */
  knownEnd: number;
  /** Records from these offsets on are entered into queues and index. */
  queuesFrom: number;
  indexFrom: number;
  /** What was found missing and is made again, for the log line. */
  rebuilt: string[];
}

export function planRecovery(state: StoreState): RecoveryPlan {
  const replay = state.checkpoint.replay;
  if (replay !== null && isTrue(state, replay)) {
    return planFromReplayPoint(state, replay);
  }
  return state.isClean ? planCleanStop(state) : planCrash(state);
}

/**
 * What the checkpoint must say before queues and index are changed by this plan, so that a kill meanwhile doesn't leave
 * one that vouches for what was never synced; null when what it says stays true.
 */
export function checkpointMeanwhile(plan: RecoveryPlan, saved: Checkpoint): Checkpoint | null {
  if (plan.rebuilt.length > 0) return checkpointOfNothing(saved);
  const { apache, replay } = saved;
  if (replay === null || Math.min(plan.queuesFrom, plan.indexFrom) >= replay.replayFrom) {
    return null;
  }
  return { apache, replay: null };
}

/** What the checkpoint must say before lost queues or indexes are made again: that the whole log must be read. */
export function checkpointOfNothing({ apache, replay }: Checkpoint): Checkpoint | null {
  const { indexMsgTimestampMs, logicsMsgTimestampMs, physicMsgTimestampMs } = apache;
  const latestMs = Math.max(indexMsgTimestampMs, logicsMsgTimestampMs, physicMsgTimestampMs);
  if (replay === null && latestMs === 0) return null;
  const noTimes = { indexMsgTimestampMs: 0, logicsMsgTimestampMs: 0, physicMsgTimestampMs: 0 };
  return { apache: { ...apache, ...noTimes }, replay: null };
}

/** The plan with the index made again from an earlier place on. */
export function withIndexFrom(plan: RecoveryPlan, indexFrom: number): RecoveryPlan {
  const rebuilt = [...new Set([...plan.rebuilt, "index"])];
  return { ...plan, indexFrom, scanFrom: Math.min(plan.scanFrom, indexFrom), rebuilt };
}

/** Whether the log reaches to where the checkpoint says it was synced: a disk may have lied. */
function isTrue(state: StoreState, replay: ReplayPoint): boolean {
  const { replayFrom, lastRecord } = replay;
  if (!isInLog(state, replayFrom)) return false;
  // Retention may have taken the record since.
  if (lastRecord < state.filesStart) {
    return (lastRecord < 0 || replayFrom === state.filesStart) && state.isBoundary(replayFrom);
  }
  // What stands behind it may be torn: it was never synced.
  const end = state.recordEnd(lastRecord);
  const fileEnd = end - end % state.fileSizeBytes + state.fileSizeBytes;
  return end === replayFrom || (end > 0 && replayFrom === fileEnd);
}

/** The last checkpoint was ours, so it says exactly what is safe. */
function planFromReplayPoint(state: StoreState, replay: ReplayPoint): RecoveryPlan {
  const rebuilt: string[] = [];
  let queuesFrom = replay.replayFrom;
  let indexFrom = replay.replayFrom;
  if (state.queuesEnd < replay.queuesEnd) {
    queuesFrom = boundaryNear(state, state.queuesEnd);
    rebuilt.push("queues");
  }
  if (state.hasIndex && state.indexEnd < replay.indexEnd) {
    indexFrom = boundaryNear(state, state.indexEnd);
    rebuilt.push("index");
  }
  const scanFrom = Math.min(queuesFrom, state.hasIndex ? indexFrom : queuesFrom);
  return { scanFrom, knownEnd: replay.replayFrom, queuesFrom, indexFrom, rebuilt };
}

/** Apache stopped cleanly: queues and index are level with the log; its last files are looked through for its end. */
function planCleanStop(state: StoreState): RecoveryPlan {
  const covered = boundaryNear(state, state.queuesEnd);
  let fileStart = lastFile(state);
  while (fileStart > state.filesStart && fileStart > state.queuesEnd) {
    fileStart -= state.fileSizeBytes;
  }
  const rebuilt = state.queuesEnd === 0 && state.filesEnd > 0 ? ["queues"] : [];
  const isIndexLost = state.hasIndex && (state.indexEnd === 0 || state.isIndexCut);
  if (isIndexLost && state.filesEnd > 0) rebuilt.push("index");
  const indexFrom = isIndexLost ? boundaryNear(state, state.indexEnd) : covered;
  const knownEnd = Math.max(covered, lastFileWithRecords(state));
  return {
    scanFrom: Math.min(fileStart, covered, indexFrom),
    knownEnd,
    queuesFrom: covered,
    indexFrom,
    rebuilt,
  };
}

/** A crash: from the last file that begins before what the checkpoint says is flushed. */
function planCrash(state: StoreState): RecoveryPlan {
  const levelMs = replayTimestampMs(
    state.checkpoint.apache,
    state.hasIndex && state.isIndexSafe,
  );
  let scanFrom = lastFile(state);
  while (scanFrom > state.filesStart) {
    const storeTimeMs = state.firstStoreTimeMs(scanFrom);
    if (storeTimeMs !== null && storeTimeMs > 0 && storeTimeMs <= levelMs) break;
    scanFrom -= state.fileSizeBytes;
  }
  const knownEnd = scanFrom;
  const rebuilt: string[] = [];
  if (state.queuesEnd < scanFrom) {
    scanFrom = boundaryNear(state, state.queuesEnd);
    rebuilt.push("queues");
  }
  const isIndexLost = state.hasIndex && (state.indexEnd === 0 || state.isIndexCut);
  const indexEnd = boundaryNear(state, state.indexEnd);
  if (isIndexLost && indexEnd < scanFrom) {
    scanFrom = indexEnd;
    rebuilt.push("index");
  }
  return { scanFrom, knownEnd, queuesFrom: scanFrom, indexFrom: scanFrom, rebuilt };
}

function isInLog(state: StoreState, offset: number): boolean {
  return offset >= state.filesStart && offset <= state.filesEnd;
}

function lastFile(state: StoreState): number {
  return Math.max(state.filesStart, state.filesEnd - state.fileSizeBytes);
}

/** Apache has a file of zeros ready behind the one that it writes. */
function lastFileWithRecords(state: StoreState): number {
  let fileStart = lastFile(state);
  while (fileStart > state.filesStart && state.firstStoreTimeMs(fileStart) === null) {
    fileStart -= state.fileSizeBytes;
  }
  return fileStart;
}

/** The offset itself where a record begins there, otherwise the start of the log. */
function boundaryNear(state: StoreState, offset: number): number {
  return isInLog(state, offset) && state.isBoundary(offset) ? offset : state.filesStart;
}

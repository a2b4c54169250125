// Takes what stands behind the log's end out of it, after it was copied or moved aside: what a torn write left, and whole
// records behind a hole. Afterwards there are zeros behind the end, so that nothing old is ever taken for new.
import { type Disk, DiskError } from "../core/disk/disk.ts";
import { OperationError } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";
import { findRecordFrom, findWrittenEnd } from "./commit_log/record_search.ts";
import type { CommitLog } from "./commit_log/commit_log.ts";
import { scanLog } from "./commit_log/log_scan.ts";
import type { SegmentFiles } from "./file/segment_files.ts";
import type { KeptAside } from "./kept_aside.ts";
import type { CutRest } from "./recovery_report.ts";

/** A file that takes no more of the device than what is before the end and this has nothing far behind the end … */
const ALLOCATED_BESIDE_BYTES = 8192;
/** … so that only so much of it is looked at, instead of a gigabyte of holes. */
const NEAR_BYTES = 4 * 1024 * 1024;
const ZEROS = new Uint8Array(256 * 1024);

export interface CutOptions {
  disk: Disk;
  logger: Logger;
  log: CommitLog;
  keptAside: KeptAside;
  end: number;
  /** Something is known to stand at the end. */
  isDamaged: boolean;
}

/**
 * Gives what was taken out; null when there was nothing. Throws OperationError when whole records can't be kept for lack
 * of room: starting would lose them.
 */
export async function cutRest(options: CutOptions): Promise<CutRest | null> {
  const { end, keptAside, log } = options;
  const { files } = log;
  const ends = await writtenEnds(options);
  if (ends.length === 0) return null;
  const rest: CutRest = {
    from: end,
    bytes: 0,
    records: await countRecords(files, end, Math.max(...ends.map(({ to }) => to))),
    keptAs: [],
  };
  const own = ends.find(({ from }) => from === end);
  if (own !== undefined) {
    rest.bytes += own.to - own.from;
    const keptAs = await keepBytes(options, own.to, rest.records);
    if (keptAs !== null) rest.keptAs.push(keptAs);
  }
  // Last first, so that a power cut leaves no gap.
  for (const { from, to } of ends.reverse()) {
    if (from === end) continue;
    while (files.segments.length > 0 && files.segments.at(-1)!.startOffset > from) {
      files.truncate(files.segments.at(-1)!.startOffset);
    }
    files.removeLast((path) =>
      rest.keptAs.push(keptAside.move(path, `commitlog-${path.slice(-20)}`))
    );
    rest.bytes += to - from;
  }
  await keptAside.sync();
  if (own !== undefined) zeroFrom(log, own.from, own.to);
  return rest;
}

/** What is written behind the end, a stretch a file. */
async function writtenEnds(options: CutOptions): Promise<{ from: number; to: number }[]> {
  const { disk, end, isDamaged, log: { files } } = options;
  const ends: { from: number; to: number }[] = [];
  for (const { path, startOffset } of files.segments) {
    const fileEnd = startOffset + files.fileSizeBytes;
    if (fileEnd <= end) continue;
    const from = Math.max(end, startOffset);
    const allocated = disk.statSync(path)?.allocatedBytes ?? Infinity;
    const isSparse = !isDamaged && allocated <= from - startOffset + ALLOCATED_BESIDE_BYTES;
    const lookEnd = isSparse ? Math.min(fileEnd, from + NEAR_BYTES) : fileEnd;
    const to = await findWrittenEnd(files, from, lookEnd);
    if (to > from) ends.push({ from, to });
  }
  return ends;
}

async function countRecords(
  files: SegmentFiles,
  end: number,
  writtenEnd: number,
): Promise<number> {
  const from = await findRecordFrom(files, end, writtenEnd);
  if (from >= writtenEnd) return 0;
  const { records } = await scanLog({
    files,
    from,
    knownEnd: files.endOffset,
    checkCrc: true,
    requirePropertyCrc: false,
    onRecord: () => {},
  });
  return records;
}

async function keepBytes(
  { end, keptAside, log, logger }: CutOptions,
  to: number,
  records: number,
): Promise<string | null> {
  try {
    return await keptAside.copyLog(log.files, end, to);
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    if (records > 0) {
      throw new OperationError(
        `${records} whole records behind a hole at ${end} of the log can't be kept aside ` +
          `(${error.code}): make room for ${to - end} bytes, then start again`,
        { cause: error },
      );
    }
    logger.warn("a torn tail can't be kept aside", { from: end, bytes: to - end, error });
    return null;
  }
}

function zeroFrom(log: CommitLog, from: number, to: number): void {
  const { files } = log;
  const segment = files.find(from);
  if (segment === null) return;
  const file = files.open(segment);
  for (let offset = from; offset < to; offset += ZEROS.length) {
    const length = Math.min(ZEROS.length, to - offset);
    file.writeSync(ZEROS, 0, length, offset - segment.startOffset);
  }
}

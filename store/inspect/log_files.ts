// The log's files as an inspection sees them: opened for reading only, in runs without gaps, with what is wrong about
// their names and lengths. Never makes, cuts or deletes a file.
import type { Disk } from "../../core/disk/disk.ts";
import { silentLogger } from "../../core/log.ts";
import { isRenamed, isSegmentName, SegmentFiles } from "../file/segment_files.ts";
import { type LengthMend, lengthMends } from "../log_lengths.ts";
import type { Findings } from "./fault.ts";
import type { StoreShape } from "./store_shape.ts";

/** Files that follow each other. */
export function openLogRuns(disk: Disk, shape: StoreShape, findings: Findings): SegmentFiles[] {
  const { commitLogPath: path, commitLogFileBytes: fileSizeBytes } = shape;
  const runs: SegmentFiles[] = [];
  const all = disk.listSync(path);
  const names = all.filter(isSegmentName);
  for (const name of all) {
    const sizeBytes = disk.statSync(`${path}/${name}`)?.sizeBytes ?? 0;
    if (names.includes(name) || !isRenamed(name, sizeBytes, fileSizeBytes, names)) continue;
    const detail = "seems to be a log file under another name: the store doesn't open";
    const place = `commitlog/${name}`;
    findings.fault({ kind: "log_file", place, detail, offset: -1, repair: null });
  }
  const sizes = names.map((name) => disk.statSync(`${path}/${name}`)?.sizeBytes ?? 0);
  const mends = lengthMends(sizes, fileSizeBytes);
  for (const [at, name] of names.entries()) {
    const stat = disk.statSync(`${path}/${name}`);
    if (stat === null) continue;
    const place = `commitlog/${name}`;
    if (stat.sizeBytes === 0 && !stat.isDirectory && at === names.length - 1) {
      findings.note(`${place} is empty: the next start deletes it`);
      continue;
    }
    const mend = stat.isDirectory ? null : mends[at]!;
    const problem = stat.isDirectory
      ? "is a folder: the store doesn't open"
      : problemOf(name, stat.sizeBytes, fileSizeBytes, mend);
    if (problem !== null) {
      findings.fault({ kind: "log_file", place, detail: problem, offset: -1, repair: null });
    }
    if (problem !== null && mend === null) continue;
    const run = addFile(runs, { disk, log: silentLogger, path, fileSizeBytes }, name, findings);
    if (mend === "lengthen") run.contentEnd = Number(name) + stat.sizeBytes;
  }
  return runs;
}

function problemOf(
  name: string,
  sizeBytes: number,
  fileSizeBytes: number,
  mend: LengthMend | null,
): string | null {
  if (Number(name) % fileSizeBytes !== 0) return "its name is no multiple of the file size";
  if (sizeBytes === fileSizeBytes) return null;
  const then = mend === null
    ? "the store doesn't open"
    : mend === "cut"
    ? "the next start keeps aside what is behind its end"
    : "the next start lengthens it";
  return `has ${sizeBytes} bytes where the others have ${fileSizeBytes}: ${then}`;
}

function addFile(
  runs: SegmentFiles[],
  options: { disk: Disk; log: typeof silentLogger; path: string; fileSizeBytes: number },
  name: string,
  findings: Findings,
): SegmentFiles {
  const startOffset = Number(name);
  let run = runs.at(-1);
  if (run === undefined || run.endOffset !== startOffset) {
    if (run !== undefined) {
      findings.fault({
        kind: "log_file",
        place: `commitlog/${name}`,
        detail: `${
          startOffset - run.endOffset
        } bytes before it are missing: the store doesn't open`,
        offset: run.endOffset,
        repair: null,
      });
    }
    run = new SegmentFiles({ ...options, isReadOnly: true });
    runs.push(run);
  }
  run.segments.push({ startOffset, path: `${options.path}/${name}`, file: null });
  return run;
}

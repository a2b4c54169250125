// Looks whether the timer's files can be what a broker left: names, lengths, numbers. What they say of messages isn't judged:
// a start makes them again from the log where they don't agree. Read-only.
import type { Disk } from "../../core/disk/disk.ts";
import { isFolder } from "../file/folder_in_place.ts";
import { isSegmentName } from "../file/segment_files.ts";
import { readBytes } from "../file/whole_file.ts";
import { decodeTimerCheck } from "../timer/timer_check.ts";
import { WHEEL_BYTES } from "../timer/timer_wheel.ts";
import { isPlausibleTime } from "./config_check.ts";
import type { Findings } from "./fault.ts";

/** An older broker's check ends before the state's version. */
const CHECK_BYTES_MIN = 32;
const CHECK_BYTES = 56;

export function checkTimerFiles(disk: Disk, storePath: string, findings: Findings): void {
  const tell = (place: string, problem: string | null) => {
    if (problem === null) return;
    const detail = `${problem}; a start makes it again`;
    const repair = { step: "set_aside", path: `${storePath}/${place}` } as const;
    findings.fault({ kind: "timer_file", place, detail, offset: -1, repair });
  };
  tell("timerwheel", wheelProblem(disk, `${storePath}/timerwheel`));
  tell("config/timercheck", checkProblem(disk, `${storePath}/config/timercheck`));
  for (const [name, problem] of logProblems(disk, `${storePath}/timerlog`)) {
    tell(`timerlog/${name}`, problem);
  }
}

function wheelProblem(disk: Disk, path: string): string | null {
  const stat = disk.statSync(path);
  if (stat?.isDirectory) return "is a folder";
  if (stat === null || stat.sizeBytes === 0 || stat.sizeBytes === WHEEL_BYTES) return null;
  return `has ${stat.sizeBytes} bytes where a timer wheel has ${WHEEL_BYTES}`;
}

function checkProblem(disk: Disk, path: string): string | null {
  if (isFolder(disk, path)) return "is a folder";
  // None, or made by a process that died before it had its length.
  if ((disk.statSync(path)?.sizeBytes ?? 0) === 0) return null;
  const bytes = readBytes(disk, path, CHECK_BYTES);
  if (bytes === null || bytes.length < CHECK_BYTES_MIN) {
    return `has ${bytes?.length ?? 0} bytes of at least ${CHECK_BYTES_MIN}`;
  }
  const { lastReadTimeMs, logFlushPosition, queueOffset } = decodeTimerCheck(bytes, 0);
  if (!isPlausibleTime(lastReadTimeMs)) return "says a time that can't be true";
  const isPlace = Math.min(logFlushPosition, queueOffset) >= 0 &&
    Math.max(logFlushPosition, queueOffset) <= Number.MAX_SAFE_INTEGER;
  return isPlace ? null : "says places that can't be true";
}

/** Files that aren't as long as the first one, or don't follow the one before. */
function* logProblems(disk: Disk, path: string): Generator<[name: string, problem: string]> {
  const names = disk.listSync(path).filter(isSegmentName);
  const sizeOf = (name: string) => disk.statSync(`${path}/${name}`)?.sizeBytes ?? 0;
  const fileBytes = names.length === 0 ? 0 : sizeOf(names[0]!);
  let due = names.length === 0 ? 0 : Number(names[0]);
  for (const [at, name] of names.entries()) {
    const sizeBytes = sizeOf(name);
    const isLast = at === names.length - 1;
    // A process that died while it made it, or cut it, left it so, and the next start knows.
    if (isFolder(disk, `${path}/${name}`)) yield [name, "is a folder"];
    else if (Number(name) !== due) yield [name, "doesn't follow the file before it"];
    else if (sizeBytes > fileBytes || sizeBytes < fileBytes && !isLast) {
      yield [name, `has ${sizeBytes} bytes, others ${fileBytes}`];
    } else if (at === 0 && fileBytes > 0 && Number(name) % fileBytes !== 0) {
      yield [name, "is no file of a timer log by its name and length"];
    }
    due = Number(name) + fileBytes;
  }
}

// Opens the timer's files. What hasn't the right lengths or names, or other bytes than when its broker stopped, is kept
// aside: the wheel is made again from the log, and the log from the timer topic's queue. Never stops a start for their sake.
import { OperationError } from "../../core/errors.ts";
import { KeptAside } from "../kept_aside.ts";
import { TimerLog, type TimerLogOptions } from "./timer_log.ts";
import type { TimerSumsNote } from "./timer_sums.ts";
import { TimerWheel } from "./timer_wheel.ts";

export interface TimerFilesOptions extends Pick<TimerLogOptions, "disk" | "log"> {
  /** storePathRootDir. */
  storePath: string;
  /** mappedFileSizeTimerLog. */
  logFileBytes: number;
  /** timerPrecisionMs. */
  precisionMs: number;
}

export interface TimerFiles {
  log: TimerLog;
  wheel: TimerWheel;
}

/** `note`: what the last clean stop left, when nothing has changed the files by right since. Throws DiskError. */
export function openTimerFiles(
  options: TimerFilesOptions,
  note: TimerSumsNote | null,
): TimerFiles {
  const { disk, logFileBytes, precisionMs, storePath } = options;
  const keptAside = new KeptAside(disk, storePath);
  const path = `${storePath}/timerlog`;
  const openLog = () => TimerLog.open({ disk, log: options.log, path, fileBytes: logFileBytes });
  const log = orElse(() => asLeft(openLog(), path, note), (problem) => {
    setLogAside(options, keptAside, problem);
    return openLog();
  });
  const wheelPath = `${storePath}/timerwheel`;
  const openWheel = () => new TimerWheel(disk, wheelPath, precisionMs);
  const wheel = orElse(() => wheelAsLeft(openWheel(), wheelPath, note), (problem) => {
    const keptAs = keptAside.move(wheelPath, "timerwheel");
    disk.syncDirectorySync(storePath);
    options.log.warn("the timer wheel is damaged: it is made again from the timer log", {
      problem,
      keptAs,
    });
    return openWheel();
  });
  return { log, wheel };
}

/** Keeps the log of open files aside and opens them anew, without it. Throws DiskError. */
export function openWithoutLog(
  options: TimerFilesOptions,
  { log, wheel }: TimerFiles,
  problem: string,
): TimerFiles {
  void log.close();
  void wheel.close();
  setLogAside(options, new KeptAside(options.disk, options.storePath), problem);
  return openTimerFiles(options, null);
}

function setLogAside(options: TimerFilesOptions, keptAside: KeptAside, problem: string): void {
  const { disk, log, storePath } = options;
  const path = `${storePath}/timerlog`;
  const keptAs = keptAside.moveFolder(path, "timerlog");
  disk.syncDirectorySync(path);
  log.warn("the timer log is damaged: it is made again from its queue", { problem, keptAs });
}

function asLeft(log: TimerLog, path: string, note: TimerSumsNote | null): TimerLog {
  if (note === null || log.isEmpty) return log;
  const { start, end, crc } = note.log;
  if (log.sum(start, end) === crc) return log;
  void log.close();
  throw changed(path);
}

function wheelAsLeft(wheel: TimerWheel, path: string, note: TimerSumsNote | null): TimerWheel {
  if (!wheel.exists() || note === null) return wheel;
  const { page, pages, crc } = note.wheel;
  if (wheel.sum(page, pages) === crc) return wheel;
  void wheel.close();
  throw changed(path);
}

function changed(path: string): OperationError {
  return new OperationError(`${path} holds other bytes than when its broker stopped`);
}

function orElse<T>(attempt: () => T, mend: (problem: string) => T): T {
  try {
    return attempt();
  } catch (error) {
    if (!(error instanceof OperationError)) throw error;
    return mend(error.message);
  }
}

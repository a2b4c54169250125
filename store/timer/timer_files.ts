// Opens the timer's files. What hasn't the right lengths or names is kept aside: the wheel is made again from the log, and
// the log from the timer topic's queue. Never stops a start for their sake.
import { OperationError } from "../../core/errors.ts";
import { KeptAside } from "../kept_aside.ts";
import { TimerLog, type TimerLogOptions } from "./timer_log.ts";
import { TimerWheel } from "./timer_wheel.ts";

export interface TimerFilesOptions extends Pick<TimerLogOptions, "disk" | "log"> {
  /** storePathRootDir. */
  storePath: string;
  /** mappedFileSizeTimerLog. */
  logFileBytes: number;
  /** timerPrecisionMs. */
  precisionMs: number;
}

/** Makes no file. Throws DiskError. */
export function openTimerFiles(options: TimerFilesOptions): { log: TimerLog; wheel: TimerWheel } {
  const { disk, logFileBytes, precisionMs, storePath } = options;
  const keptAside = new KeptAside(disk, storePath);
  const path = `${storePath}/timerlog`;
  const open = () => TimerLog.open({ disk, log: options.log, path, fileBytes: logFileBytes });
  const log = orElse(open, (problem) => {
    const keptAs = keptAside.moveFolder(path, "timerlog");
    disk.syncDirectorySync(path);
    options.log.warn("the timer log is damaged: it is made again from its queue", {
      problem,
      keptAs,
    });
    return open();
  });
  const wheelPath = `${storePath}/timerwheel`;
  const wheel = new TimerWheel(disk, wheelPath, precisionMs);
  orElse(() => wheel.exists(), (problem) => {
    const keptAs = keptAside.move(wheelPath, "timerwheel");
    disk.syncDirectorySync(storePath);
    options.log.warn("the timer wheel is damaged: it is made again from the timer log", {
      problem,
      keptAs,
    });
    return false;
  });
  return { log, wheel };
}

function orElse<T>(attempt: () => T, mend: (problem: string) => T): T {
  try {
    return attempt();
  } catch (error) {
    if (!(error instanceof OperationError)) throw error;
    return mend(error.message);
  }
}

// Decides when log files may go and when sends are refused, by Apache's rules (Java: CleanCommitLogService). Pure: it is
// told the time, the disks' use and the files' ages; it touches nothing.

export interface RetentionSettings {
  /** deleteWhen: hours of the day, local time, at which expired files are deleted: "04" or "04;16". */
  deleteWhen: string;
  /** fileReservedTime: a file expires this long after its last change. */
  reservedMs: number;
  /** deleteFileBatchMax: most files of the log deleted in one round. */
  batchFilesMax: number;
  /** diskMaxUsedSpaceRatio: above it expired files are deleted at any hour. */
  reclaimPercent: number;
  /** diskSpaceCleanForciblyRatio: above it the oldest files are deleted, expired or not … */
  forciblyPercent: number;
  /** … if cleanFileForciblyEnable. */
  forciblyEnabled: boolean;
  /** diskSpaceWarningLevelRatio: above it sends are refused, until the use is back at the forcible ratio. */
  warningPercent: number;
  /** deleteCommitLogFilesInterval, deleteConsumeQueueFilesInterval. */
  logFilesPauseMs: number;
  queueFilesPauseMs: number;
  /** cleanResourceInterval: between two rounds. */
  intervalMs: number;
  /** redeleteHangedFileInterval: between two tries to delete a file that the disk wouldn't let go. */
  retryMs: number;
}

export const RETENTION_DEFAULTS: RetentionSettings = {
  deleteWhen: "04",
  reservedMs: 72 * 3_600_000,
  batchFilesMax: 10,
  reclaimPercent: 75,
  forciblyPercent: 85,
  forciblyEnabled: true,
  warningPercent: 90,
  logFilesPauseMs: 100,
  queueFilesPauseMs: 100,
  intervalMs: 10_000,
  retryMs: 120_000,
};

/** Apache doesn't let these two ratios be set outside of such bounds, whatever the configuration says. */
const FORCIBLY_PERCENT_MIN = 30;
const FORCIBLY_PERCENT_MAX = 85;
const WARNING_PERCENT_MIN = 35;
const WARNING_PERCENT_MAX = 90;

/** Used shares, 0 … 1. */
export interface DiskUse {
  /** Of the disk that holds the log. */
  log: number;
  /** Of the disk that holds the consume queues. */
  queues: number;
}

export interface RetentionView {
  settings: RetentionSettings;
  /** Null when the disks couldn't be asked. */
  use: DiskUse | null;
  /** Hour of the day, local time. */
  hour: number;
  /** An operator asked for it. */
  isManual: boolean;
  /** Why sends are refused for the disk's sake at present; null: they are taken. */
  refusal: string | null;
}

export type RetentionCause = "disk" | "hour" | "manual";

export interface RetentionPlan {
  /** Why expired files go now; null: no file does. */
  cause: RetentionCause | null;
  /** Files go whatever their age. */
  forcibly: boolean;
  /** Why sends are refused; null: they are taken. */
  refusal: string | null;
}

export function planRetention(view: RetentionView): RetentionPlan {
  const { settings, use, refusal } = view;
  const otherCause = causeWithoutDisk(view);
  if (use === null) return { cause: otherCause, forcibly: false, refusal };
  const forciblyPercent = clamp(
    settings.forciblyPercent,
    FORCIBLY_PERCENT_MIN,
    FORCIBLY_PERCENT_MAX,
  );
  const warningPercent = clamp(settings.warningPercent, WARNING_PERCENT_MIN, WARNING_PERCENT_MAX);
  const usedPercent = Math.max(use.log, use.queues) * 100;
  const isFull = usedPercent > warningPercent;
  const isTight = isFull || usedPercent > forciblyPercent;
  const isScarce = isTight || usedPercent > settings.reclaimPercent;
  return {
    cause: isScarce ? "disk" : otherCause,
    forcibly: isTight && settings.forciblyEnabled,
    refusal: isFull || (isTight && refusal !== null)
      ? refusalText(use, warningPercent, Math.min(forciblyPercent, warningPercent))
      : null,
  };
}

function causeWithoutDisk({ settings, hour, isManual }: RetentionView): RetentionCause | null {
  if (isManual) return "manual";
  return isDeleteHour(settings.deleteWhen, hour) ? "hour" : null;
}

function refusalText(use: DiskUse, warningPercent: number, resumePercent: number): string {
  const disk = use.log >= use.queues ? "the log's disk" : "the consume queues' disk";
  const used = Math.ceil(Math.max(use.log, use.queues) * 100);
  return `${disk} is ${used}% full: above diskSpaceWarningLevelRatio ${warningPercent}% nothing is ` +
    `taken, until it is back at ${resumePercent}%`;
}

/** Whether deleteWhen names the hour. */
export function isDeleteHour(deleteWhen: string, hour: number): boolean {
  return deleteWhen.split(";").some((text) => text.trim() !== "" && Number(text) === hour);
}

/** Whether a file that was changed last at `modifiedMs` goes now. */
export function mayDelete(
  plan: RetentionPlan,
  settings: RetentionSettings,
  modifiedMs: number,
  nowMs: number,
): boolean {
  if (plan.cause === null) return false;
  return plan.forcibly || nowMs >= modifiedMs + settings.reservedMs;
}

function clamp(percent: number, min: number, max: number): number {
  return Math.min(max, Math.max(min, percent));
}

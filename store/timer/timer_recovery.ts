// Brings wheel and timer log to one state at a start: finds the log's end, puts what the wheel doesn't know yet into its
// slots, and makes the whole wheel again when it is missing or knows more than the log. What the log doesn't have comes
// from the timer topic's queue afterwards (Java: TimerMessageStore.recover, which gives such timers up).
import type { Logger } from "../../core/log.ts";
import { WEEK_SLOTS } from "./limits.ts";
import type { TimerCheck } from "./timer_check.ts";
import type { TimerLog } from "./timer_log.ts";
import {
  BLANK_UNIT_BYTES,
  newTimerUnit,
  type TimerUnit,
  UNIT_BYTES,
  UNIT_DELETES,
} from "./timer_unit.ts";
import type { TimerSlot, TimerWheel } from "./timer_wheel.ts";

export interface TimerRecoveryParts {
  log: TimerLog;
  wheel: TimerWheel;
  check: TimerCheck | null;
  fileBytes: number;
  /** End of the commit log: units of records behind it are of messages that are gone. */
  commitLogEnd: number;
  logger: Logger;
}

export interface TimerRecovery {
  /** The last unit of the log; null when there is none. */
  lastUnit: TimerUnit | null;
  /** The wheel knew more than the log, and was made again of all of it. */
  isDamaged: boolean;
  /** The log is missing although there was one: its timers must be read from the queue again. */
  isLogLost: boolean;
}

/** Throws OperationError when the files aren't of a timer, DiskError. */
export function recoverTimer(parts: TimerRecoveryParts): TimerRecovery {
  const { log, wheel, check } = parts;
  const hasWheel = wheel.exists();
  const flushed = check?.logFlushPosition ?? 0;
  if (log.isEmpty) {
    const isLogLost = flushed > 0;
    if (hasWheel) wheel.remove();
    if (isLogLost) parts.logger.warn("the timer log is missing: it is made again from its queue");
    return { lastUnit: null, isDamaged: isLogLost, isLogLost };
  }
  const fileEnd = log.end;
  const from = hasWheel ? replayStart(parts, flushed) : log.start;
  const end = endOfKept(parts, findEnd(parts, from));
  // The wheel was written up to `flushed`, or, when its check wasn't any more, up to units whose records are gone. One that
  // is being made again tells less than there is until a check vouches for it.
  const isDamaged = end < flushed || log.read(end, newTimerUnit()) === "unit" ||
    hasWheel !== (flushed > 0);
  if (isDamaged && hasWheel) wheel.remove();
  const replayed = replay(parts, isDamaged || !hasWheel ? log.start : from, end);
  if (end < fileEnd) log.truncate(end);
  log.endsAt(log.isEmpty ? 0 : end, isDamaged ? log.start : flushed);
  const lastUnit = lastUnitBefore(parts, end);
  parts.logger.info("recovered the timer log", { from, end, replayed, isDamaged, hasWheel });
  return { lastUnit, isDamaged, isLogLost: isDamaged && lastUnit === null };
}

/** Where units begin that the wheel may not know: the flush position, when it is one of a unit. */
function replayStart({ log, fileBytes }: TimerRecoveryParts, flushed: number): number {
  if (flushed < log.start || flushed > log.end) return log.start;
  const within = flushed % fileBytes;
  return within % UNIT_BYTES === 0 ? flushed : flushed - within;
}

/** The position after the last valid unit at or behind `from`. */
function findEnd({ log, fileBytes, commitLogEnd }: TimerRecoveryParts, from: number): number {
  const unit = newTimerUnit();
  let at = from;
  while (at < log.end) {
    const kind = log.read(at, unit);
    if (kind === "blank") {
      at += fileBytes - at % fileBytes;
      continue;
    }
    if (kind === "none" || unit.physicalOffset + unit.recordBytes > commitLogEnd) break;
    at += UNIT_BYTES;
  }
  return Math.min(at, log.end);
}

/**
 * The position after the last unit whose record there still is, at or before `end`. Under ASYNC_FLUSH a power cut can take
 * records whose units were durable: what is sent next would come to their places.
 */
function endOfKept(parts: TimerRecoveryParts, end: number): number {
  const unit = newTimerUnit();
  for (let kept = end; kept > parts.log.start;) {
    const at = lastUnitAt(parts, kept);
    const isUnit = parts.log.read(at, unit) === "unit";
    if (isUnit && unit.physicalOffset + unit.recordBytes <= parts.commitLogEnd) return kept;
    kept = at;
  }
  return parts.log.start;
}

/** Puts the units of a stretch of the log into their slots; gives how many. */
function replay(parts: TimerRecoveryParts, from: number, end: number): number {
  const { log, wheel, check, fileBytes } = parts;
  const unit = newTimerUnit();
  const slot: TimerSlot = { first: 0, last: 0, count: 0 };
  let replayed = 0;
  for (let at = from; at < end;) {
    const kind = log.read(at, unit);
    if (kind !== "unit") {
      at += fileBytes - at % fileBytes;
      continue;
    }
    const timeMs = unit.writeTimeMs + unit.delayMs;
    if (timeMs >= (check?.lastReadTimeMs ?? 0)) {
      const isKnown = wheel.get(timeMs, slot);
      // The wheel may have been written after the position that the check tells.
      if (!isKnown || slot.last < at) {
        if (!isKnown) slot.first = at;
        slot.last = at;
        slot.count += (unit.magic & UNIT_DELETES) === 0 ? 1 : -1;
        wheel.put(timeMs, slot);
        replayed++;
      }
    }
    at += UNIT_BYTES;
  }
  return replayed;
}

function lastUnitBefore(parts: TimerRecoveryParts, end: number): TimerUnit | null {
  if (end <= parts.log.start) return null;
  const unit = newTimerUnit();
  return parts.log.read(lastUnitAt(parts, end), unit) === "unit" ? unit : null;
}

/** Where the last unit before a position stands. */
function lastUnitAt({ fileBytes }: TimerRecoveryParts, end: number): number {
  if (end % fileBytes !== 0) return end - UNIT_BYTES;
  // The file was just filled: its last unit stands before the blank one.
  const count = Math.floor((fileBytes - BLANK_UNIT_BYTES) / UNIT_BYTES);
  return end - fileBytes + (count - 1) * UNIT_BYTES;
}

/** The time of the first slot that may be delivered: the wheel holds a week, and older slots may be newer ones'. */
export function earliestReadTimeMs(nowMs: number, precisionMs: number, blankSlots: number): number {
  return nowMs - nowMs % precisionMs - (WEEK_SLOTS - blankSlots) * precisionMs;
}

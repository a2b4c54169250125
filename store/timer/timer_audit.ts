// Whether wheel and timer log can be what the timer wrote, for a start after a kill, which left no checksums over them: each
// unit names the one before it in its slot, records come in the log's order, and the wheel names each slot's last unit.
// What doesn't hold would cost the timers of a slot, so both are then made again from the timer topic's queue.
import { SUMMED_LOG_BYTES_MAX } from "./limits.ts";
import type { TimerLog } from "./timer_log.ts";
import { newTimerUnit, NO_POSITION, UNIT_BYTES } from "./timer_unit.ts";
import type { TimerSlot, TimerWheel } from "./timer_wheel.ts";

export interface TimerAuditParts {
  log: TimerLog;
  wheel: TimerWheel;
  fileBytes: number;
  /** Slots before this time are delivered: what their units say counts no more. */
  readTimeMs: number;
}

/** What is wrong, in words; null when nothing is seen. Looks at the newest SUMMED_LOG_BYTES_MAX of the log. */
export function findTimerFlaw(parts: TimerAuditParts): string | null {
  const { fileBytes, log, readTimeMs } = parts;
  const unit = newTimerUnit();
  const from = firstAudited(parts);
  /** By time: the newest unit so far. */
  const last = new Map<number, number>();
  let recordEnd = 0;
  for (let at = from; at < log.end;) {
    const kind = log.read(at, unit);
    if (kind === "blank") {
      at += fileBytes - at % fileBytes;
      continue;
    }
    if (kind === "none") return `no unit stands at ${at}`;
    if (unit.physicalOffset < recordEnd) return `the unit at ${at} names a record before the last`;
    recordEnd = unit.physicalOffset + unit.recordBytes;
    const timeMs = unit.writeTimeMs + unit.delayMs;
    if (timeMs >= readTimeMs) {
      const before = last.get(timeMs) ?? NO_POSITION;
      const isNext = before === NO_POSITION ? unit.previous < from : unit.previous === before;
      if (!isNext) return `the unit at ${at} doesn't follow the one before it in its slot`;
      last.set(timeMs, at);
    }
    at += UNIT_BYTES;
  }
  return wheelFlaw(parts.wheel, last);
}

/** A file's beginning. */
function firstAudited({ fileBytes, log }: TimerAuditParts): number {
  const newest = log.end - SUMMED_LOG_BYTES_MAX;
  return Math.max(log.start, newest - newest % fileBytes);
}

function wheelFlaw(wheel: TimerWheel, last: ReadonlyMap<number, number>): string | null {
  const slot: TimerSlot = { first: 0, last: 0, count: 0 };
  for (const [timeMs, position] of last) {
    if (!wheel.get(timeMs, slot) || slot.last !== position) {
      return `the wheel doesn't name the last unit of the slot of ${timeMs}`;
    }
  }
  return null;
}

// The units of one slot of the wheel, as a struct of arrays: a slot may have tens of thousands. Holds no message.
import { NO_POSITION } from "./timer_unit.ts";

/** Newest first. */
export interface SlotUnits {
  timeMs: number;
  count: number;
  /** Where the newest one stands in the timer log; -1 when there is none. */
  lastPosition: number;
  physicalOffsets: Float64Array;
  recordBytes: Int32Array;
  magics: Int32Array;
  writeTimesMs: Float64Array;
}

export function newSlotUnits(timeMs: number, capacity: number): SlotUnits {
  return {
    timeMs,
    count: 0,
    lastPosition: NO_POSITION,
    physicalOffsets: new Float64Array(capacity),
    recordBytes: new Int32Array(capacity),
    magics: new Int32Array(capacity),
    writeTimesMs: new Float64Array(capacity),
  };
}

/** Makes room for as many again. */
export function growSlotUnits(units: SlotUnits): void {
  const next = newSlotUnits(units.timeMs, units.count * 2);
  next.physicalOffsets.set(units.physicalOffsets);
  next.recordBytes.set(units.recordBytes);
  next.magics.set(units.magics);
  next.writeTimesMs.set(units.writeTimesMs);
  units.physicalOffsets = next.physicalOffsets;
  units.recordBytes = next.recordBytes;
  units.magics = next.magics;
  units.writeTimesMs = next.writeTimesMs;
}

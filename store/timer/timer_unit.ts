// One unit of the timer log: a timed message's place in the commit log and the unit before it in its slot. One layout
// table; numbers to bytes and back (Java: TimerLog).
import { readI32, readI64, writeI32, writeI64 } from "../../core/bytes/big_endian.ts";

export const UNIT_BYTES = 52;
/** A file is rolled when a unit and these don't both fit: size, previous position and magic of the blank unit. */
export const BLANK_UNIT_BYTES = 16;
/** cbd43194: fills the end of a file. */
export const BLANK_UNIT_MAGIC = -875286124;

const SIZE_AT = 0;
const PREVIOUS_AT = 4;
const MAGIC_AT = 12;
const WRITE_TIME_AT = 16;
const DELAY_AT = 24;
const PHYSICAL_OFFSET_AT = 28;
const RECORD_BYTES_AT = 36;
const TOPIC_HASH_AT = 40;
const RESERVED_AT = 44;

/** Bits of a unit's magic. */
export const UNIT_PLAIN = 1;
/** Due later than the wheel reaches: put again when its slot comes. */
export const UNIT_ROLLS = 2;
/** Not a message: takes one of its slot back. */
export const UNIT_DELETES = 4;
const UNIT_MAGIC_BITS = 0xf;

/** No unit. */
export const NO_POSITION = -1;

export interface TimerUnit {
  /** Position in the timer log of the unit before this one in its slot; -1: none. */
  previous: number;
  magic: number;
  /** The wheel's time when it was written, in ms. */
  writeTimeMs: number;
  /** Its slot's time from then on, in ms. */
  delayMs: number;
  /** The record in the commit log. */
  physicalOffset: number;
  recordBytes: number;
  /** Java's hash of the real topic, for the counts. */
  topicHash: number;
}

export function newTimerUnit(): TimerUnit {
  return {
    previous: NO_POSITION,
    magic: UNIT_PLAIN,
    writeTimeMs: 0,
    delayMs: 0,
    physicalOffset: 0,
    recordBytes: 0,
    topicHash: 0,
  };
}

export function writeTimerUnit(target: Uint8Array, at: number, unit: TimerUnit): void {
  writeI32(target, at + SIZE_AT, UNIT_BYTES);
  writeI64(target, at + PREVIOUS_AT, unit.previous);
  writeI32(target, at + MAGIC_AT, unit.magic);
  writeI64(target, at + WRITE_TIME_AT, unit.writeTimeMs);
  writeI32(target, at + DELAY_AT, unit.delayMs);
  writeI64(target, at + PHYSICAL_OFFSET_AT, unit.physicalOffset);
  writeI32(target, at + RECORD_BYTES_AT, unit.recordBytes);
  writeI32(target, at + TOPIC_HASH_AT, unit.topicHash);
  writeI64(target, at + RESERVED_AT, 0);
}

/** What stands at the end of a file: `restBytes` are left in it. */
export function writeBlankUnit(target: Uint8Array, at: number, restBytes: number): void {
  writeI32(target, at + SIZE_AT, restBytes);
  writeI64(target, at + PREVIOUS_AT, 0);
  writeI32(target, at + MAGIC_AT, BLANK_UNIT_MAGIC);
}

export type UnitKind = "unit" | "blank" | "none";

/** Reads the unit at `at` into `unit`; "none" when nothing valid stands there. */
export function readTimerUnit(source: Uint8Array, at: number, unit: TimerUnit): UnitKind {
  const magic = readI32(source, at + MAGIC_AT);
  if (magic === BLANK_UNIT_MAGIC) return "blank";
  if (readI32(source, at + SIZE_AT) !== UNIT_BYTES) return "none";
  if ((magic | UNIT_MAGIC_BITS) !== UNIT_MAGIC_BITS) return "none";
  // A power cut between two sectors leaves a unit's beginning, and zeros from there on.
  if (readI32(source, at + RECORD_BYTES_AT) <= 0) return "none";
  unit.previous = readI64(source, at + PREVIOUS_AT);
  unit.magic = magic;
  unit.writeTimeMs = readI64(source, at + WRITE_TIME_AT);
  unit.delayMs = readI32(source, at + DELAY_AT);
  unit.physicalOffset = readI64(source, at + PHYSICAL_OFFSET_AT);
  unit.recordBytes = readI32(source, at + RECORD_BYTES_AT);
  unit.topicHash = readI32(source, at + TOPIC_HASH_AT);
  return "unit";
}

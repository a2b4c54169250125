// Apache's IndexFile on disk: 40-byte header · slots of 4 bytes · items of 20 bytes, all big-endian. Arithmetic only.
//   header: beginTimestamp 8 · endTimestamp 8 · beginPhyOffset 8 · endPhyOffset 8 · hashSlotCount 4 · indexCount 4
//   item:   keyHash 4 · physicalOffset 8 · seconds since the header's begin 4 · number of the slot's item before 4
import { readI32, readI64, writeI32, writeI64 } from "../../core/bytes/big_endian.ts";

export const HEADER_BYTES = 40;
export const SLOT_BYTES = 4;
export const ITEM_BYTES = 20;

export const ITEM_OFFSET_AT = 4;
export const ITEM_SECONDS_AT = 12;
export const ITEM_PREVIOUS_AT = 16;

export const SECONDS_MAX = 0x7fffffff;

/** More items than any file has, in the header of one that the next start makes again. Apache takes it as full. */
export const NEXT_ITEM_CONDEMNED = 0x7fffffff;

export interface IndexHeader {
  beginTimestampMs: number;
  endTimestampMs: number;
  beginPhysicalOffset: number;
  endPhysicalOffset: number;
  /** Slots in use (hashSlotCount). */
  slotsUsed: number;
  /** The number that the next item gets (indexCount): counting starts at 1, so it is one more than the items. */
  nextItem: number;
}

/** How many slots and items a file has (maxHashSlotNum, maxIndexNum); item 0 is never used. */
export interface IndexShape {
  slotCount: number;
  itemCount: number;
}

export function indexFileBytes(shape: IndexShape): number {
  return HEADER_BYTES + shape.slotCount * SLOT_BYTES + shape.itemCount * ITEM_BYTES;
}

export function slotPosition(slot: number): number {
  return HEADER_BYTES + slot * SLOT_BYTES;
}

export function itemPosition(shape: IndexShape, item: number): number {
  return HEADER_BYTES + shape.slotCount * SLOT_BYTES + item * ITEM_BYTES;
}

export function readHeader(bytes: Uint8Array): IndexHeader {
  return {
    beginTimestampMs: readI64(bytes, 0),
    endTimestampMs: readI64(bytes, 8),
    beginPhysicalOffset: readI64(bytes, 16),
    endPhysicalOffset: readI64(bytes, 24),
    slotsUsed: readI32(bytes, 32),
    nextItem: Math.max(1, readI32(bytes, 36)),
  };
}

export function writeHeader(bytes: Uint8Array, header: IndexHeader): void {
  writeI64(bytes, 0, header.beginTimestampMs);
  writeI64(bytes, 8, header.endTimestampMs);
  writeI64(bytes, 16, header.beginPhysicalOffset);
  writeI64(bytes, 24, header.endPhysicalOffset);
  writeI32(bytes, 32, header.slotsUsed);
  writeI32(bytes, 36, header.nextItem);
}

/** A new file continues where the one before ends; its first item puts the begin right. */
export function headerAfter(before: IndexHeader | null): IndexHeader {
  return {
    beginTimestampMs: before?.endTimestampMs ?? 0,
    endTimestampMs: before?.endTimestampMs ?? 0,
    beginPhysicalOffset: before?.endPhysicalOffset ?? 0,
    endPhysicalOffset: before?.endPhysicalOffset ?? 0,
    slotsUsed: 0,
    nextItem: 1,
  };
}

/**
 * A file's name: the local time of its making as yyyyMMddHHmmssSSS (UtilAll.timeMillisToHumanString), but always above
 * the one before, since Apache goes by the order of names.
 */
export function indexFileName(nowMs: number, before: string | null): string {
  const time = new Date(nowMs);
  const pad = (value: number, digits: number) => String(value).padStart(digits, "0");
  const name = pad(time.getFullYear(), 4) + pad(time.getMonth() + 1, 2) + pad(time.getDate(), 2) +
    pad(time.getHours(), 2) + pad(time.getMinutes(), 2) + pad(time.getSeconds(), 2) +
    pad(time.getMilliseconds(), 3);
  if (before === null || name > before) return name;
  return String(BigInt(before) + 1n).padStart(17, "0");
}

export function isIndexFileName(name: string): boolean {
  return /^\d{17}$/.test(name);
}

/** Turns a 32-bit number round: tables hold big-endian bytes in little-endian words. */
export function swap32(value: number): number {
  return (value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24);
}

// Slots made again from the items: after a crash, or when items were cut. An item names the one that its slot held
// before, so the scan also proves the items and stops at the first that can't be true; and the slots on disk can be
// taken back to an earlier item, from where on the scan begins when a checkpoint vouches for them.
import { readI32, readI64 } from "../../core/bytes/big_endian.ts";
import type { IndexFile } from "./index_file.ts";
import {
  ITEM_BYTES,
  ITEM_OFFSET_AT,
  ITEM_PREVIOUS_AT,
  ITEM_SECONDS_AT,
  itemPosition,
} from "./layout.ts";
import { REBUILD_ITEMS } from "./limits.ts";
import type { SlotTable } from "./slot_table.ts";
import type { SlotsPoint } from "./slots_point.ts";

/** Items whose slots are fetched together: as many as stay near the processor. */
const EXPECTED_BYTES = 2048 * ITEM_BYTES;

export interface RebuiltSlots {
  /** Items that were cut. */
  forgotten: number;
  /** The first item that was read: 1, or the one behind a point. */
  from: number;
}

/** An item's record: its physical offset, and its store time in seconds since the header's begin. */
interface ItemFacts {
  offset: number;
  seconds: number;
}

const NO_ITEM: ItemFacts = { offset: -1, seconds: 0 };

/**
 * Fills `table` from the items of records before `physicalOffset`, forgets the others and corrects the header. From
 * `point` on when the slots on disk bear it out, otherwise from the first item on.
 */
export async function rebuildSlots(
  file: IndexFile,
  table: SlotTable,
  physicalOffset: number,
  point: SlotsPoint | null,
): Promise<RebuiltSlots> {
  const { header } = file;
  const counted = Math.min(header.nextItem, file.shape.itemCount);
  const last = point === null || point.item >= counted ? null : await factsOf(file, point.item);
  const isBorneOut = point !== null && last !== null && last.offset < physicalOffset &&
    await takeBack(file, table, point);
  if (!isBorneOut) table.clearPages(0, table.pageCount);
  const from = isBorneOut ? point.item + 1 : 1;
  header.slotsUsed = isBorneOut ? point.slotsUsed : 0;
  const before = isBorneOut ? last : NO_ITEM;
  const end = await enterItems(file, table, from, counted, physicalOffset, before);
  // Whatever the disk has, the table differs from it.
  if (!isBorneOut) table.changed.fill(1);
  const forgotten = header.nextItem - end;
  file.cutItems(end);
  return { forgotten, from };
}

/**
 * Enters the items of [from, counted) that are true and of records before an offset; gives the first that isn't. `before`
 * is the item in front of them.
 */
async function enterItems(
  file: IndexFile,
  table: SlotTable,
  from: number,
  counted: number,
  physicalOffset: number,
  before: ItemFacts,
): Promise<number> {
  const { header, shape } = file;
  const bytes = new Uint8Array(Math.min(REBUILD_ITEMS, counted) * ITEM_BYTES);
  let lastOffset = before.offset;
  let lastSeconds = before.seconds;
  let item = from;
  scan: while (item < counted) {
    const wanted = Math.min(REBUILD_ITEMS, counted - item) * ITEM_BYTES;
    const count = await file.file.read(bytes, 0, wanted, itemPosition(shape, item));
    for (let at = 0; at + ITEM_BYTES <= count; at += ITEM_BYTES, item++) {
      if (at % EXPECTED_BYTES === 0) {
        table.expectItems(bytes, at, Math.min(count, at + EXPECTED_BYTES));
      }
      const hash = readI32(bytes, at);
      const offset = readI64(bytes, at + ITEM_OFFSET_AT);
      if (hash < 0 || offset < lastOffset || offset >= physicalOffset) break scan;
      // A header that names another first record isn't this file's: its times are none either.
      if (item === 1 && offset !== header.beginPhysicalOffset) break scan;
      const slot = hash % shape.slotCount;
      const previous = table.get(slot);
      if (readI32(bytes, at + ITEM_PREVIOUS_AT) !== previous) break scan;
      if (previous === 0) header.slotsUsed++;
      table.set(slot, item);
      lastOffset = offset;
      lastSeconds = readI32(bytes, at + ITEM_SECONDS_AT);
    }
    if (count < wanted) break;
  }
  if (item > 1 && (item < header.nextItem || header.endPhysicalOffset !== lastOffset)) {
    header.endPhysicalOffset = lastOffset;
    // The milliseconds aren't kept: the end of the last second covers every record.
    const lastMs = header.beginTimestampMs + lastSeconds * 1000 + 999;
    header.endTimestampMs = Math.min(header.endTimestampMs, lastMs);
  }
  return item;
}

/**
 * Makes the table what the slots were at a point, from what the disk has: each slot goes back along its items. False when
 * they don't lead there, as after a power cut that kept slots and lost items.
 */
async function takeBack(file: IndexFile, table: SlotTable, point: SlotsPoint): Promise<boolean> {
  table.load(file.file);
  const { newestItem } = table.census();
  if (newestItem >= file.header.nextItem) return false;
  if (!await undo(file, table, newestItem, point.item)) return false;
  const census = table.census();
  return census.newestItem <= point.item && census.slotsUsed === point.slotsUsed;
}

/** Takes the items behind `kept` out of the table, from the newest on; false when one can't be true. */
async function undo(
  file: IndexFile,
  table: SlotTable,
  newest: number,
  kept: number,
): Promise<boolean> {
  const { shape } = file;
  const bytes = new Uint8Array(Math.min(REBUILD_ITEMS, Math.max(0, newest - kept)) * ITEM_BYTES);
  let laterOffset = Number.MAX_SAFE_INTEGER;
  for (let item = newest; item > kept;) {
    const first = Math.max(kept + 1, item - REBUILD_ITEMS + 1);
    const wanted = (item - first + 1) * ITEM_BYTES;
    if (await file.file.read(bytes, 0, wanted, itemPosition(shape, first)) < wanted) return false;
    for (let expected = item + 1; item >= first; item--) {
      const at = (item - first) * ITEM_BYTES;
      if (item < expected) {
        const from = Math.max(0, at + ITEM_BYTES - EXPECTED_BYTES);
        table.expectItems(bytes, from, at + ITEM_BYTES);
        expected = first + from / ITEM_BYTES;
      }
      const hash = readI32(bytes, at);
      const offset = readI64(bytes, at + ITEM_OFFSET_AT);
      const previous = readI32(bytes, at + ITEM_PREVIOUS_AT);
      if (hash < 0 || offset > laterOffset || previous < 0 || previous >= item) return false;
      const slot = hash % shape.slotCount;
      if (table.get(slot) === item) table.set(slot, previous);
      laterOffset = offset;
    }
  }
  return true;
}

async function factsOf(file: IndexFile, item: number): Promise<ItemFacts> {
  const bytes = new Uint8Array(ITEM_BYTES);
  await file.readItem(item, bytes);
  return { offset: readI64(bytes, ITEM_OFFSET_AT), seconds: readI32(bytes, ITEM_SECONDS_AT) };
}

/** The physical offset that an item names. */
export async function offsetOf(file: IndexFile, item: number): Promise<number> {
  return (await factsOf(file, item)).offset;
}

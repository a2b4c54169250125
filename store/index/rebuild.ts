// Slots made again from the items: after a crash, or when items were cut. An item names the one that its slot held
// before, so the scan also proves the items and stops at the first that can't be true.
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

/**
 * Fills `table`, which must be clear, from the items of records before `physicalOffset`, forgets the others and corrects
 * the header. Gives how many items were forgotten.
 */
export async function rebuildSlots(
  file: IndexFile,
  table: SlotTable,
  physicalOffset: number,
): Promise<number> {
  const { header, shape } = file;
  const counted = Math.min(header.nextItem, shape.itemCount);
  const bytes = new Uint8Array(REBUILD_ITEMS * ITEM_BYTES);
  let slotsUsed = 0;
  let lastOffset = -1;
  let lastSeconds = 0;
  let item = 1;
  scan: while (item < counted) {
    const wanted = Math.min(REBUILD_ITEMS, counted - item) * ITEM_BYTES;
    const count = await file.file.read(bytes, 0, wanted, itemPosition(shape, item));
    for (let at = 0; at + ITEM_BYTES <= count; at += ITEM_BYTES, item++) {
      const hash = readI32(bytes, at);
      const offset = readI64(bytes, at + ITEM_OFFSET_AT);
      if (hash < 0 || offset < lastOffset || offset >= physicalOffset) break scan;
      const slot = hash % shape.slotCount;
      const previous = table.get(slot);
      if (readI32(bytes, at + ITEM_PREVIOUS_AT) !== previous) break scan;
      if (previous === 0) slotsUsed++;
      table.set(slot, item);
      lastOffset = offset;
      lastSeconds = readI32(bytes, at + ITEM_SECONDS_AT);
    }
    if (count < wanted) break;
  }
  // Whatever the disk has, the table differs from it.
  table.changed.fill(1);
  const forgotten = header.nextItem - item;
  header.slotsUsed = slotsUsed;
  if (forgotten > 0 && item > 1) {
    header.endPhysicalOffset = lastOffset;
    // The milliseconds aren't kept: the end of the last second covers every record.
    const lastMs = header.beginTimestampMs + lastSeconds * 1000 + 999;
    header.endTimestampMs = Math.min(header.endTimestampMs, lastMs);
  }
  file.cutItems(item);
  return forgotten;
}

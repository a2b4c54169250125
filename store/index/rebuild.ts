// Slots made again from the items: after a crash, or when items were cut. An item names the one that its slot held
// before, so the scan also proves the items and stops at the first that can't be true.
import { readI32, readI64 } from "../../core/bytes/big_endian.ts";
import type { IndexFile } from "./index_file.ts";
import { ITEM_BYTES, ITEM_OFFSET_AT, ITEM_PREVIOUS_AT, itemPosition } from "./layout.ts";
import { REBUILD_ITEMS } from "./limits.ts";
import type { SlotTable } from "./slot_table.ts";

/** Fills `table`, which must be clear, and corrects the header. Gives how many items were dropped as untrue. */
export async function rebuildSlots(file: IndexFile, table: SlotTable): Promise<number> {
  const { header, shape } = file;
  const counted = Math.min(header.nextItem, shape.itemCount);
  const bytes = new Uint8Array(REBUILD_ITEMS * ITEM_BYTES);
  let slotsUsed = 0;
  let lastOffset = -1;
  let item = 1;
  scan: while (item < counted) {
    const wanted = Math.min(REBUILD_ITEMS, counted - item) * ITEM_BYTES;
    const position = itemPosition(shape, item);
    const count = await file.file.read(bytes, 0, wanted, position);
    for (let at = 0; at + ITEM_BYTES <= count; at += ITEM_BYTES, item++) {
      const hash = readI32(bytes, at);
      const offset = readI64(bytes, at + ITEM_OFFSET_AT);
      if (hash < 0 || offset < lastOffset) break scan;
      const slot = hash % shape.slotCount;
      const previous = table.get(slot);
      if (readI32(bytes, at + ITEM_PREVIOUS_AT) !== previous) break scan;
      if (previous === 0) slotsUsed++;
      table.set(slot, item);
      lastOffset = offset;
    }
    if (count < wanted) break;
  }
  // A table that was cleared differs from the disk everywhere.
  table.changed.fill(1);
  const dropped = header.nextItem - item;
  if (dropped !== 0) {
    file.cutItems(item);
    header.endPhysicalOffset = item > 1 ? lastOffset : header.beginPhysicalOffset;
  }
  if (header.slotsUsed !== slotsUsed) file.touchHeader();
  header.slotsUsed = slotsUsed;
  return dropped;
}

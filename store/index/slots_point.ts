// How far the slots of an index file are known to be durable, so that a recovery begins there and not at the first item.
import type { IndexFile } from "./index_file.ts";

/** The slots on disk know of every item up to `item`, perhaps of later ones. */
export interface SlotsPoint {
  /** The file, by the physical offset of its first record. */
  fileBegin: number;
  item: number;
  /** Slots that were in use then. */
  slotsUsed: number;
}

/** What a point would say of a file as it is now. */
export function pointOf({ header }: IndexFile): SlotsPoint {
  const { beginPhysicalOffset, nextItem, slotsUsed } = header;
  return { fileBegin: beginPhysicalOffset, item: nextItem - 1, slotsUsed };
}

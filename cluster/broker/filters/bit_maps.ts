// For each arriving message, which groups' filters it passes, as a bloom bit map in its extended queue unit. Apache looks
// there before it reads a record; Roquet, which evaluates filters where records lie, only writes it
// (Java: CommitLogDispatcherCalcBitMap).
import type { Buffer } from "node:buffer";
import type { BitMapOf } from "../../../store/dispatch.ts";
import type { MessageStore } from "../../../store/message_store.ts";
import type { FilterTable } from "./filter_table.ts";
import { recordFilter } from "./record_filter.ts";

/** Records that have left memory get no bit map, which lets them through to the filter itself. */
export function filterBitMaps(
  filters: Pick<FilterTable, "ofTopic">,
  store: Pick<MessageStore, "readHot">,
): BitMapOf {
  return (topic, physicalOffset, size) => {
    const groups = filters.ofTopic(topic);
    if (groups.length === 0) return null;
    const record = store.readHot(physicalOffset, size);
    const length = groups.find(({ bloom }) => bloom !== null)?.bloom?.bitNum;
    if (record === null || length === undefined) return null;
    const bitMap = new Uint8Array(length / 8);
    for (const { bloom, filter } of groups) {
      if (bloom === null || filter === null || bloom.bitNum !== length) continue;
      if (!recordFilter(filter).matches(record.buffer as Buffer, record.start, size)) continue;
      for (const position of bloom.bitPos) bitMap[position >> 3]! |= 1 << (position & 7);
    }
    return bitMap;
  };
}

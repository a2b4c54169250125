// From a time to a queue offset, with the edge results of Apache's ConsumeQueue.getOffsetInQueueByTime: clients and
// tools have come to rely on them. The caller clamps the result to the queue's bounds, as Apache's store does.
import type { TimestampBoundary } from "../message_store.ts";
import type { ConsumeQueue } from "./consume_queue.ts";
import type { StoreTimeOf } from "./stored_queue.ts";
import { UNIT_BYTES } from "./unit.ts";

/** Gives the store time of the record behind the unit at a byte position; −1 when the log doesn't have it. */
type TimeAt = (position: number) => number | Promise<number>;

export async function searchByTime(
  queue: ConsumeQueue,
  timestampMs: number,
  boundary: TimestampBoundary,
  storeTimeOf: StoreTimeOf,
): Promise<number> {
  const timeAt: TimeAt = (position) => {
    const physicalOffset = queue.physicalOffsetAt(position);
    const size = queue.physicalEndAt(position) - physicalOffset;
    return physicalOffset < 0 ? -1 : storeTimeOf(physicalOffset, size);
  };
  const base = boundary === "lower"
    ? await fileEndingAtOrAfter(queue, timestampMs, timeAt)
    : await fileBeginningAtOrBefore(queue, timestampMs, timeAt);
  if (base < 0) return 0;
  return await searchInFile(queue, base, timestampMs, boundary, timeAt);
}

/** The first file whose last record is not older than the time; the last file when there is none. */
async function fileEndingAtOrAfter(queue: ConsumeQueue, timestampMs: number, timeAt: TimeAt) {
  const last = lastBase(queue);
  for (let base = queue.firstByte; base < last; base += queue.files.fileBytes) {
    if (await timeAt(base + queue.files.fileBytes - UNIT_BYTES) >= timestampMs) return base;
  }
  return last;
}

/** The last file whose first record is not younger than the time; one whose time is unknown counts. */
async function fileBeginningAtOrBefore(queue: ConsumeQueue, timestampMs: number, timeAt: TimeAt) {
  for (let base = lastBase(queue); base >= queue.firstByte; base -= queue.files.fileBytes) {
    if (await timeAt(base) <= timestampMs) return base;
  }
  return -1;
}

/** Where the file that holds the last unit begins; −1 when the queue is empty. */
function lastBase(queue: ConsumeQueue): number {
  return queue.isEmpty ? -1 : queue.files.baseOf(queue.endByte - UNIT_BYTES);
}

async function searchInFile(
  queue: ConsumeQueue,
  base: number,
  timestampMs: number,
  boundary: TimestampBoundary,
  timeAt: TimeAt,
): Promise<number> {
  const floor = Math.max(0, queue.minOffset * UNIT_BYTES - base);
  const ceiling = Math.min(queue.files.fileBytes, queue.endByte - base) - UNIT_BYTES;
  if (await timeAt(base + ceiling) < timestampMs) {
    return (base + ceiling) / UNIT_BYTES + (boundary === "lower" ? 1 : 0);
  }
  if (floor > ceiling) return 0;
  if (await timeAt(base + floor) > timestampMs) {
    return boundary === "lower" ? base / UNIT_BYTES : 0;
  }
  let low = floor;
  let high = ceiling;
  let left = -1;
  let right = -1;
  while (high >= low) {
    const middle = Math.floor((low + high) / (2 * UNIT_BYTES)) * UNIT_BYTES;
    if (queue.physicalOffsetAt(base + middle) < queue.minPhysicalOffset) {
      low = middle + UNIT_BYTES;
      left = middle;
      continue;
    }
    const time = await timeAt(base + middle);
    if (time < 0) return 0;
    if (time === timestampMs) {
      return await widen(base, middle, floor, ceiling, timestampMs, boundary, timeAt);
    }
    if (time > timestampMs) {
      high = middle - UNIT_BYTES;
      right = middle;
    } else {
      low = middle + UNIT_BYTES;
      left = middle;
    }
  }
  // Between two times: "lower" is the entry after, "upper" the entry before. A side that was never seen counts as −1.
  return Math.trunc((base + (boundary === "lower" ? right : left)) / UNIT_BYTES) + 0;
}

/** Neighbours may carry the same time: the first or the last of them. */
async function widen(
  base: number,
  found: number,
  floor: number,
  ceiling: number,
  timestampMs: number,
  boundary: TimestampBoundary,
  timeAt: TimeAt,
): Promise<number> {
  const step = boundary === "lower" ? -UNIT_BYTES : UNIT_BYTES;
  let at = found;
  while (at + step >= floor && at + step <= ceiling) {
    if (await timeAt(base + at + step) !== timestampMs) break;
    at += step;
  }
  return (base + at) / UNIT_BYTES;
}

// Finds out how the files of a store were made, from the files themselves: a store says nothing else of its
// configuration. What was configured, when it is known, comes first. Read-only.
import { Buffer } from "node:buffer";
import { readI32, readI64 } from "../../core/bytes/big_endian.ts";
import { type Disk, DiskError } from "../../core/disk/disk.ts";
import { OperationError } from "../../core/errors.ts";
import { BATCH_UNIT_BYTES, UNIT_BYTES } from "../consume_queue/unit.ts";
import { FILE_MESSAGE_STORE_DEFAULTS } from "../file_message_store_options.ts";
import {
  HEADER_BYTES,
  indexFileBytes,
  type IndexShape,
  ITEM_BYTES,
  ITEM_OFFSET_AT,
  ITEM_PREVIOUS_AT,
  itemPosition,
  readHeader,
  SLOT_BYTES,
  slotPosition,
} from "../index/layout.ts";

export interface StoreShape {
  storePath: string;
  commitLogPath: string;
  commitLogFileBytes: number;
  consumeQueueFileBytes: number;
  batchConsumeQueueFileBytes: number;
  consumeQueueExtFileBytes: number;
  index: IndexShape;
}

const SLOT_FILE_NAME = /^\d{20}$/;
/** So many items that agree are no accident. */
const ITEMS_PROVED = 200;
/** How much of an index file is searched for its first item. */
const SEARCH_BYTES = 1024 * 1024;

/** Throws OperationError when there is no store. */
export function findShape(disk: Disk, storePath: string, known: Partial<StoreShape>): StoreShape {
  const defaults = FILE_MESSAGE_STORE_DEFAULTS;
  const commitLogPath = known.commitLogPath ?? `${storePath}/commitlog`;
  if (disk.statSync(storePath)?.isDirectory !== true || disk.statSync(commitLogPath) === null) {
    throw new OperationError(`${storePath} is no store: there is no ${commitLogPath}`);
  }
  return {
    storePath,
    commitLogPath,
    commitLogFileBytes: known.commitLogFileBytes ??
      commonSize(disk, [commitLogPath], 1) ?? defaults.commitLogFileBytes,
    consumeQueueFileBytes: known.consumeQueueFileBytes ??
      commonSize(disk, queueFolders(disk, `${storePath}/consumequeue`), UNIT_BYTES) ??
      defaults.consumeQueueFileBytes,
    batchConsumeQueueFileBytes: known.batchConsumeQueueFileBytes ??
      commonSize(disk, queueFolders(disk, `${storePath}/batchconsumequeue`), BATCH_UNIT_BYTES) ??
      defaults.batchConsumeQueueFileBytes,
    consumeQueueExtFileBytes: known.consumeQueueExtFileBytes ??
      commonSize(disk, queueFolders(disk, `${storePath}/consumequeue_ext`), 1) ??
      defaults.consumeQueueExtFileBytes,
    index: known.index ?? findIndexShape(disk, `${storePath}/index`) ??
      { slotCount: defaults.indexSlotCount, itemCount: defaults.indexItemCount },
  };
}

/** Folders of queues: {root}/{topic}/{queueId}. */
export function* queueFolders(disk: Disk, root: string): Generator<string> {
  for (const topic of disk.listSync(root)) {
    if (disk.statSync(`${root}/${topic}`)?.isDirectory !== true) continue;
    for (const name of disk.listSync(`${root}/${topic}`)) {
      if (/^\d{1,10}$/.test(name)) yield `${root}/${topic}/${name}`;
    }
  }
}

/** The length that most files have, whole units only; null when there are none. */
function commonSize(disk: Disk, folders: Iterable<string>, unitBytes: number): number | null {
  const counts = new Map<number, number>();
  for (const folder of folders) {
    for (const name of disk.listSync(folder)) {
      if (!SLOT_FILE_NAME.test(name)) continue;
      const sizeBytes = disk.statSync(`${folder}/${name}`)?.sizeBytes ?? 0;
      if (sizeBytes > 0 && sizeBytes % unitBytes === 0) {
        counts.set(sizeBytes, (counts.get(sizeBytes) ?? 0) + 1);
      }
    }
  }
  let best: [sizeBytes: number, count: number] | null = null;
  for (const each of counts) if (best === null || each[1] > best[1]) best = each;
  return best?.[0] ?? null;
}

/** The shape of which a whole index file is; null when there is none or it can't be told. */
function findIndexShape(disk: Disk, folder: string): IndexShape | null {
  const { indexItemCount: itemCount, indexSlotCount: slotCount } = FILE_MESSAGE_STORE_DEFAULTS;
  const usual = { slotCount, itemCount };
  for (const name of disk.listSync(folder).filter((each) => /^\d{17}$/.test(each))) {
    const path = `${folder}/${name}`;
    const sizeBytes = disk.statSync(path)?.sizeBytes ?? 0;
    if (sizeBytes === indexFileBytes(usual)) return usual;
    const found = sizeBytes < HEADER_BYTES ? null : searchShape(disk, path, sizeBytes);
    if (found !== null) return found;
  }
  return null;
}

/** Whether the first items are where they would be: in the order of the log, each naming the one before in its slot. */
function isShapeOf(
  bytes: Buffer,
  shape: IndexShape,
  beginPhysicalOffset: number,
  nextItem: number,
): boolean {
  const newest = new Map<number, number>();
  let before = beginPhysicalOffset;
  for (let item = 1; item < Math.min(nextItem, ITEMS_PROVED); item++) {
    const at = itemPosition(shape, item);
    if (at + ITEM_BYTES > bytes.length) break;
    const hash = readI32(bytes, at);
    const offset = readI64(bytes, at + ITEM_OFFSET_AT);
    if (hash < 0 || offset < before || (item === 1 && offset !== before)) return false;
    const slot = hash % shape.slotCount;
    if (readI32(bytes, at + ITEM_PREVIOUS_AT) !== (newest.get(slot) ?? 0)) return false;
    const held = readI32(bytes, slotPosition(slot));
    if (slotPosition(slot) + SLOT_BYTES <= bytes.length && held !== 0 && held < item) return false;
    newest.set(slot, item);
    before = offset;
  }
  // A run of zeros agrees with everything, but not with an order.
  return newest.size > 1 || nextItem === 2;
}

/** Where the first item stands tells how many slots there are: its slot names it, and it begins the header's records. */
function searchShape(disk: Disk, path: string, sizeBytes: number): IndexShape | null {
  try {
    const file = disk.openSync(path, "read");
    const bytes = Buffer.alloc(Math.min(sizeBytes, SEARCH_BYTES));
    file.readSync(bytes, 0, bytes.length, 0);
    void file.close();
    const { beginPhysicalOffset, nextItem } = readHeader(bytes);
    if (nextItem <= 1) return null;
    // (size − header) = slots × 4 + items × 20, so the number of slots is known but for multiples of 5.
    const first = (sizeBytes - HEADER_BYTES) / SLOT_BYTES % (ITEM_BYTES / SLOT_BYTES);
    for (let slotCount = first || 5; Number.isInteger(slotCount); slotCount += 5) {
      const itemCount = (sizeBytes - HEADER_BYTES - slotCount * SLOT_BYTES) / ITEM_BYTES;
      const shape = { slotCount, itemCount };
      if (itemPosition(shape, 2) > bytes.length || itemCount < 1) return null;
      if (isShapeOf(bytes, shape, beginPhysicalOffset, Math.min(nextItem, itemCount))) return shape;
    }
    return null;
  } catch (error) {
    if (error instanceof DiskError) return null;
    throw error;
  }
}

// Finds out how the files of a store were made, from the files themselves: a store says nothing else of its
// configuration. What was configured, when it is known, comes first. Read-only.
import { Buffer } from "node:buffer";
import { readI32, readI64 } from "../../core/bytes/big_endian.ts";
import { type Disk, DiskError } from "../../core/disk/disk.ts";
import { OperationError } from "../../core/errors.ts";
import { BATCH_UNIT_BYTES, isQueueFolderName, UNIT_BYTES } from "../consume_queue/unit.ts";
import { isSegmentName } from "../file/segment_files.ts";
import { FILE_MESSAGE_STORE_DEFAULTS } from "../file_message_store_options.ts";
import { LOG_UNIT_BYTES } from "../log_lengths.ts";
import {
  HEADER_BYTES,
  indexFileBytes,
  type IndexHeader,
  type IndexShape,
  isIndexFileName,
  ITEM_BYTES,
  ITEM_OFFSET_AT,
  ITEM_PREVIOUS_AT,
  itemPosition,
  readHeader,
  SLOT_BYTES,
} from "../index/layout.ts";

export interface StoreShape {
  storePath: string;
  commitLogPath: string;
  commitLogFileBytes: number;
  consumeQueueFileBytes: number;
  batchConsumeQueueFileBytes: number;
  consumeQueueExtFileBytes: number;
  index: IndexShape;
  /** False when there are index files and what shape they have can't be told: only their number is known. */
  isIndexKnown: boolean;
  /** messageIndexEnable, as far as it is known. */
  isIndexEnabled: boolean;
}

/** So many items are looked at … */
const ITEMS_PROVED = 200;
/** … of which a few may be damaged. */
const AGREEING_SHARE_MIN = 0.8;
/** How much of an index file is searched for its first item. */
const SEARCH_BYTES = 1024 * 1024;

/** Throws OperationError when there is no store. */
export function findShape(disk: Disk, storePath: string, known: Partial<StoreShape>): StoreShape {
  const defaults = FILE_MESSAGE_STORE_DEFAULTS;
  const commitLogPath = known.commitLogPath ?? `${storePath}/commitlog`;
  if (disk.statSync(storePath)?.isDirectory !== true || disk.statSync(commitLogPath) === null) {
    throw new OperationError(`${storePath} is no store: there is no ${commitLogPath}`);
  }
  const index = known.index ?? findIndexShape(disk, `${storePath}/index`);
  return {
    storePath,
    commitLogPath,
    commitLogFileBytes: known.commitLogFileBytes ??
      commonSize(disk, [commitLogPath], LOG_UNIT_BYTES) ?? defaults.commitLogFileBytes,
    consumeQueueFileBytes: known.consumeQueueFileBytes ??
      commonSize(disk, queueFolders(disk, `${storePath}/consumequeue`), UNIT_BYTES) ??
      defaults.consumeQueueFileBytes,
    batchConsumeQueueFileBytes: known.batchConsumeQueueFileBytes ??
      commonSize(disk, queueFolders(disk, `${storePath}/batchconsumequeue`), BATCH_UNIT_BYTES) ??
      defaults.batchConsumeQueueFileBytes,
    consumeQueueExtFileBytes: known.consumeQueueExtFileBytes ??
      commonSize(disk, queueFolders(disk, `${storePath}/consumequeue_ext`), 1) ??
      defaults.consumeQueueExtFileBytes,
    index: index ?? { slotCount: defaults.indexSlotCount, itemCount: defaults.indexItemCount },
    isIndexKnown: index !== null || indexFiles(disk, `${storePath}/index`).length === 0,
    isIndexEnabled: known.isIndexEnabled ?? true,
  };
}

/** Folders of queues: {root}/{topic}/{queueId}. */
export function* queueFolders(disk: Disk, root: string): Generator<string> {
  for (const topic of disk.listSync(root)) {
    if (disk.statSync(`${root}/${topic}`)?.isDirectory !== true) continue;
    for (const name of disk.listSync(`${root}/${topic}`)) {
      if (isQueueFolderName(name)) yield `${root}/${topic}/${name}`;
    }
  }
}

/** The length that most files have, whole units only; null when there are none. */
function commonSize(disk: Disk, folders: Iterable<string>, unitBytes: number): number | null {
  const counts = new Map<number, number>();
  for (const folder of folders) {
    for (const name of disk.listSync(folder)) {
      if (!isSegmentName(name)) continue;
      const { isDirectory, sizeBytes = 0 } = disk.statSync(`${folder}/${name}`) ?? {};
      if (!isDirectory && sizeBytes > 0 && sizeBytes % unitBytes === 0) {
        counts.set(sizeBytes, (counts.get(sizeBytes) ?? 0) + 1);
      }
    }
  }
  let best: [sizeBytes: number, count: number] | null = null;
  for (const each of counts) if (best === null || each[1] > best[1]) best = each;
  return best?.[0] ?? null;
}

/** The shape of which the index files are; null when there are none or it can't be told. */
function findIndexShape(disk: Disk, folder: string): IndexShape | null {
  const { indexItemCount: itemCount, indexSlotCount: slotCount } = FILE_MESSAGE_STORE_DEFAULTS;
  const usual = { slotCount, itemCount };
  for (const name of indexFiles(disk, folder)) {
    const path = `${folder}/${name}`;
    const sizeBytes = disk.statSync(path)?.sizeBytes ?? 0;
    if (sizeBytes === indexFileBytes(usual)) return usual;
    const found = sizeBytes < HEADER_BYTES ? null : searchShape(disk, path, sizeBytes);
    if (found !== null) return found;
  }
  return null;
}

function indexFiles(disk: Disk, folder: string): string[] {
  return disk.listSync(folder).filter(isIndexFileName);
}

/** How many slots there are, by trying: nearly all of the first items must be where they would be. */
function searchShape(disk: Disk, path: string, sizeBytes: number): IndexShape | null {
  const bytes = readStart(disk, path, Math.min(sizeBytes, SEARCH_BYTES));
  if (bytes === null) return null;
  const header = readHeader(bytes);
  // (size − header) = slots × 4 + items × 20, so the number of slots is known but for multiples of 5.
  const first = (sizeBytes - HEADER_BYTES) / SLOT_BYTES % (ITEM_BYTES / SLOT_BYTES);
  let best: { shape: IndexShape; share: number } | null = null;
  for (let slotCount = first || 5; Number.isInteger(slotCount); slotCount += 5) {
    const itemCount = (sizeBytes - HEADER_BYTES - slotCount * SLOT_BYTES) / ITEM_BYTES;
    const shape = { slotCount, itemCount };
    if (itemPosition(shape, 2) > bytes.length || itemCount < 1) break;
    const share = agreeingShare(bytes, shape, header);
    if (share >= AGREEING_SHARE_MIN && share > (best?.share ?? 0)) best = { shape, share };
  }
  return best?.shape ?? null;
}

function readStart(disk: Disk, path: string, length: number): Buffer | null {
  try {
    const file = disk.openSync(path, "read");
    const bytes = Buffer.alloc(length);
    file.readSync(bytes, 0, bytes.length, 0);
    void file.close();
    return bytes;
  } catch (error) {
    if (error instanceof DiskError) return null;
    throw error;
  }
}

/** The share of the first items that are in the order of the log, each naming the one before in its slot. */
function agreeingShare(bytes: Buffer, shape: IndexShape, header: IndexHeader): number {
  const newest = new Map<number, number>();
  const limit = Math.min(header.nextItem, shape.itemCount, ITEMS_PROVED);
  let before = header.beginPhysicalOffset;
  let agreeing = 0;
  let item = 1;
  for (; item < limit; item++) {
    const at = itemPosition(shape, item);
    if (at + ITEM_BYTES > bytes.length) break;
    const hash = readI32(bytes, at);
    const offset = readI64(bytes, at + ITEM_OFFSET_AT);
    const isInOrder = hash > 0 && offset >= before && offset <= header.endPhysicalOffset;
    if (item === 1 && offset !== before) return 0;
    const slot = Math.abs(hash) % shape.slotCount;
    const previous = readI32(bytes, at + ITEM_PREVIOUS_AT);
    if (isInOrder && previous === (newest.get(slot) ?? 0)) agreeing++;
    if (isInOrder) before = offset;
    newest.set(slot, item);
  }
  return item === 1 ? 0 : agreeing / (item - 1);
}

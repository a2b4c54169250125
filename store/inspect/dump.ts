// Shows what a store holds: records of the log, entries of queues, items of the index, the checkpoint. Read-only, one at a
// time, whoever wrote the store; nothing is recovered first.
import { Buffer } from "node:buffer";
import { readI32, readI64, readU16 } from "../../core/bytes/big_endian.ts";
import type { Disk } from "../../core/disk/disk.ts";
import { DecodeError } from "../../core/errors.ts";
import { parseProperties } from "../../core/message/properties.ts";
import { decodeRecord, type MessageRecord } from "../../core/message/record.ts";
import { type Checkpoint, decodeCheckpoint } from "../checkpoint.ts";
import { scanLog } from "../commit_log/log_scan.ts";
import { findRecordFrom } from "../commit_log/record_search.ts";
import type { QueueKind } from "../consume_queue/stored_queue.ts";
import {
  BASE_OFFSET_AT,
  BATCH_COUNT_AT,
  BATCH_UNIT_BYTES,
  BLANK_SIZE,
  queueFileBase,
  SIZE_AT,
  STORE_TIME_AT,
  TAGS_CODE_AT,
  UNIT_BYTES,
} from "../consume_queue/unit.ts";
import {
  HEADER_BYTES,
  indexFileBytes,
  type IndexHeader,
  isIndexFileName,
  ITEM_BYTES,
  ITEM_OFFSET_AT,
  ITEM_PREVIOUS_AT,
  ITEM_SECONDS_AT,
  itemPosition,
  readHeader,
} from "../index/layout.ts";
import type { ProgressListener } from "./fault.ts";
import { openLogRuns } from "./log_files.ts";
import { SequenceReader } from "./sequence_reader.ts";
import { queueFolders, type StoreShape } from "./store_shape.ts";

export interface DumpOptions {
  disk: Disk;
  shape: StoreShape;
  /** Only of this topic and queue. */
  topic: string | undefined;
  queueId: number | undefined;
  /** Records and index: offset in the log; queues: number in the queue. */
  from: number;
  /** At most so many, of queues so many each. */
  count: number;
  onProgress: ProgressListener;
}

export interface DumpedRecord {
  record: MessageRecord;
  offset: number;
  properties: Map<string, string>;
  /** Why it looks damaged; null when it doesn't. */
  suspicion: string | null;
}

export interface DumpedEntry {
  topic: string;
  queueId: number;
  kind: QueueKind;
  queueOffset: number;
  physicalOffset: number;
  size: number;
  /** Exact: a negative one may be the address of an extended unit. */
  tagsCode: bigint;
  /** Of batch queues. */
  batchCount?: number;
  storeTimestampMs?: number;
}

/** Calls `onRecord` for each, and `onUnreadable` for what can't be read between them. */
export async function dumpRecords(
  options: DumpOptions,
  onRecord: (dumped: DumpedRecord) => void,
  onUnreadable: (from: number, to: number, reason: string) => void,
): Promise<void> {
  const { count, disk, onProgress, queueId, shape, topic } = options;
  let left = count;
  for (const files of openLogRuns(disk, shape, { fault: () => {}, note: () => {} })) {
    if (options.from >= files.endOffset) continue;
    const from = options.from <= files.startOffset
      ? files.startOffset
      : await findRecordFrom(files, options.from, files.endOffset);
    await scanLog({
      files,
      from,
      knownEnd: files.endOffset,
      checkCrc: true,
      requirePropertyCrc: false,
      isDone: () => left <= 0,
      onProgress: (offset) =>
        onProgress((offset - from) / Math.max(1, files.endOffset - from), "log"),
      onUnreadable: (start, end, reason) => {
        if (end < files.endOffset || reason !== "nothing written") onUnreadable(start, end, reason);
      },
      onRecord: (buffer, start, { size }, offset, suspicion) => {
        const record = decodeRecord(buffer, start, start + size);
        const isWanted = (topic === undefined || record.topic === topic) &&
          (queueId === undefined || record.queueId === queueId);
        if (!isWanted || left-- <= 0) return;
        onRecord({ record, offset, properties: propertiesOf(record), suspicion });
      },
    });
    await files.close();
  }
}

function propertiesOf(record: MessageRecord): Map<string, string> {
  try {
    return parseProperties(record.properties);
  } catch (error) {
    if (error instanceof DecodeError) return new Map();
    throw error;
  }
}

/** The entries of each queue, as they stand in its files. */
export function* dumpQueues(options: DumpOptions): Generator<DumpedEntry> {
  const { shape: { storePath }, topic, queueId } = options;
  for (const kind of ["simple", "batch"] as const) {
    const root = `${storePath}/${kind === "simple" ? "consumequeue" : "batchconsumequeue"}`;
    for (const directory of queueFolders(options.disk, root)) {
      const at = directory.lastIndexOf("/");
      const found = { topic: directory.slice(root.length + 1, at), queueId: 0, kind };
      found.queueId = Number(directory.slice(at + 1));
      if (topic !== undefined && found.topic !== topic) continue;
      if (queueId !== undefined && found.queueId !== queueId) continue;
      yield* dumpQueue(options, directory, found);
    }
  }
}

function* dumpQueue(
  { count, disk, from, shape }: DumpOptions,
  directory: string,
  queue: { topic: string; queueId: number; kind: QueueKind },
): Generator<DumpedEntry> {
  const isSimple = queue.kind === "simple";
  const unitBytes = isSimple ? UNIT_BYTES : BATCH_UNIT_BYTES;
  const fileBytes = isSimple ? shape.consumeQueueFileBytes : shape.batchConsumeQueueFileBytes;
  const files = disk.listSync(directory)
    .map((name) => ({ path: `${directory}/${name}`, base: queueFileBase(name) }))
    .filter(({ base, path }) => base >= 0 && disk.statSync(path)?.sizeBytes === fileBytes);
  const reader = new SequenceReader(disk, files, fileBytes, unitBytes);
  if (isSimple) reader.position = Math.max(reader.position, from * unitBytes);
  for (let left = count; left > 0 && reader.load(); reader.advance()) {
    const { at, bytes, position } = reader;
    const size = readI32(bytes, at + SIZE_AT);
    if (size <= 0) return;
    if (size === BLANK_SIZE) continue;
    const queueOffset = isSimple ? position / unitBytes : readI64(bytes, at + BASE_OFFSET_AT);
    if (queueOffset < from) continue;
    left--;
    yield {
      ...queue,
      queueOffset,
      physicalOffset: readI64(bytes, at),
      size,
      tagsCode: bytes.readBigInt64BE(at + TAGS_CODE_AT),
      ...(isSimple ? {} : {
        batchCount: readU16(bytes, at + BATCH_COUNT_AT),
        storeTimestampMs: readI64(bytes, at + STORE_TIME_AT),
      }),
    };
  }
}

export type DumpedIndex =
  | { file: string; header: IndexHeader }
  | {
    file: string;
    item: number;
    keyHash: number;
    physicalOffset: number;
    storeTimestampMs: number;
    previousItem: number;
  };

/** Each file's header, then its items from a physical offset on. */
export function* dumpIndex({ count, disk, from, shape }: DumpOptions): Generator<DumpedIndex> {
  const folder = `${shape.storePath}/index`;
  let left = count;
  for (const name of disk.listSync(folder).filter(isIndexFileName)) {
    const path = `${folder}/${name}`;
    if (disk.statSync(path)?.sizeBytes !== indexFileBytes(shape.index)) continue;
    const file = disk.openSync(path, "read");
    const bytes = Buffer.alloc(4096 * ITEM_BYTES);
    file.readSync(bytes, 0, HEADER_BYTES, 0);
    const header = readHeader(bytes);
    yield { file: name, header };
    const limit = Math.min(header.nextItem, shape.index.itemCount);
    for (let first = 1; first < limit && left > 0;) {
      const wanted = Math.min(4096, limit - first) * ITEM_BYTES;
      const read = file.readSync(bytes, 0, wanted, itemPosition(shape.index, first));
      for (let at = 0; at + ITEM_BYTES <= read && left > 0; at += ITEM_BYTES, first++) {
        const physicalOffset = readI64(bytes, at + ITEM_OFFSET_AT);
        if (physicalOffset < from) continue;
        left--;
        yield {
          file: name,
          item: first,
          keyHash: readI32(bytes, at),
          physicalOffset,
          storeTimestampMs: header.beginTimestampMs + readI32(bytes, at + ITEM_SECONDS_AT) * 1000,
          previousItem: readI32(bytes, at + ITEM_PREVIOUS_AT),
        };
      }
      if (read < wanted) break;
    }
    void file.close();
  }
}

/** What the checkpoint says; null when there is none. */
export function dumpCheckpoint({ disk, shape }: DumpOptions): Checkpoint | null {
  const path = `${shape.storePath}/checkpoint`;
  if ((disk.statSync(path)?.sizeBytes ?? 0) < 40) return null;
  const file = disk.openSync(path, "read");
  const bytes = Buffer.alloc(4096);
  const count = file.readSync(bytes, 0, bytes.length, 0);
  void file.close();
  return decodeCheckpoint(bytes.subarray(0, count));
}

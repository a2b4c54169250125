// The checkpoint file: up to when log, queues and index are surely on the device (Apache's StoreCheckpoint, first 40
// bytes) and, behind that, Roquet's own: the exact offset that needs no replay. Apache rewrites the first part only, so
// a sum over both tells whether the second still holds.
import { Buffer } from "node:buffer";
import { dirname } from "node:path";
import { readI32, readI64, writeI32, writeI64 } from "../core/bytes/big_endian.ts";
import { crc32 } from "../core/bytes/crc32.ts";
import type { Disk, DiskFile } from "../core/disk/disk.ts";
import type { SlotsPoint } from "./index/slots_point.ts";

const FILE_BYTES = 4096;
/** Within the first sector, which a device writes whole or not at all. */
const OWN_AT = 64;
const OWN_BYTES = 80;
const SLOTS_AT = OWN_AT + 48;
const SUM_AT = OWN_AT + 72;
/** "RQCP", version 3. */
const OWN_MAGIC = 0x52514350;
const OWN_VERSION = 3;

/** The store times of the last records that are flushed, and what replication remembers. */
export interface ApacheCheckpoint {
  physicMsgTimestampMs: number;
  logicsMsgTimestampMs: number;
  indexMsgTimestampMs: number;
  masterFlushedOffset: number;
  confirmPhysicalOffset: number;
}

/** Where a recovery may begin; valid only while nobody else wrote the checkpoint. */
export interface ReplayPoint {
  /** Start of a record, or the log's end: log, queues and index are level and synced up to here. */
  replayFrom: number;
  /** Start of the record that ends there (or before the blank rest of a file that does); −1 when there is none. */
  lastRecord: number;
  /** How far queues and index reached then; less than that on disk means that they were lost. */
  queuesEnd: number;
  indexEnd: number;
  /** The queues' maximum offsets then, added up: less than that on disk means that one queue's files were lost. */
  queueOffsets: number;
  /** What of the index's slots was durable then. */
  slots: SlotsPoint | null;
}

export interface Checkpoint {
  apache: ApacheCheckpoint;
  replay: ReplayPoint | null;
}

const NOTHING: ApacheCheckpoint = {
  physicMsgTimestampMs: 0,
  logicsMsgTimestampMs: 0,
  indexMsgTimestampMs: 0,
  masterFlushedOffset: 0,
  confirmPhysicalOffset: 0,
};

export class CheckpointFile {
  private file: DiskFile | null = null;
  private readonly bytes = Buffer.alloc(FILE_BYTES);

  constructor(private readonly disk: Disk, readonly path: string) {}

  /** What the file says; nothing when there is none or it is too short. */
  read(): Checkpoint {
    if (this.disk.statSync(this.path) === null) return { apache: NOTHING, replay: null };
    const count = this.open().readSync(this.bytes, 0, FILE_BYTES, 0);
    if (count < 40) return { apache: NOTHING, replay: null };
    return decodeCheckpoint(this.bytes);
  }

  /** Writes and syncs. Bytes that neither part owns stay as they were. Throws DiskError. */
  async write(checkpoint: Checkpoint): Promise<void> {
    encodeCheckpoint(checkpoint, this.bytes);
    const file = this.open();
    file.writeSync(this.bytes, 0, FILE_BYTES, 0);
    await file.datasync();
  }

  async close(): Promise<void> {
    await this.file?.close();
    this.file = null;
  }

  private open(): DiskFile {
    if (this.file !== null) return this.file;
    const isNew = this.disk.statSync(this.path) === null;
    this.file = this.disk.openSync(this.path, "create");
    if (isNew) {
      this.file.writeSync(this.bytes, 0, FILE_BYTES, 0);
      this.disk.syncDirectorySync(dirname(this.path));
    }
    return this.file;
  }
}

export function decodeCheckpoint(bytes: Uint8Array): Checkpoint {
  const apache = {
    physicMsgTimestampMs: readI64(bytes, 0),
    logicsMsgTimestampMs: readI64(bytes, 8),
    indexMsgTimestampMs: readI64(bytes, 16),
    masterFlushedOffset: readI64(bytes, 24),
    confirmPhysicalOffset: readI64(bytes, 32),
  };
  if (bytes.length < OWN_AT + OWN_BYTES) return { apache, replay: null };
  const isOurs = readI32(bytes, OWN_AT) === OWN_MAGIC && readI32(bytes, OWN_AT + 4) === OWN_VERSION;
  if (!isOurs || readI64(bytes, SUM_AT) !== sumOf(bytes)) return { apache, replay: null };
  return {
    apache,
    replay: {
      replayFrom: readI64(bytes, OWN_AT + 8),
      queuesEnd: readI64(bytes, OWN_AT + 16),
      indexEnd: readI64(bytes, OWN_AT + 24),
      lastRecord: readI64(bytes, OWN_AT + 32),
      queueOffsets: readI64(bytes, OWN_AT + 40),
      slots: decodeSlots(bytes),
    },
  };
}

export function encodeCheckpoint(checkpoint: Checkpoint, bytes: Uint8Array): void {
  const { apache, replay } = checkpoint;
  writeI64(bytes, 0, apache.physicMsgTimestampMs);
  writeI64(bytes, 8, apache.logicsMsgTimestampMs);
  writeI64(bytes, 16, apache.indexMsgTimestampMs);
  writeI64(bytes, 24, apache.masterFlushedOffset);
  writeI64(bytes, 32, apache.confirmPhysicalOffset);
  if (replay === null) {
    bytes.fill(0, OWN_AT, OWN_AT + OWN_BYTES);
    return;
  }
  writeI32(bytes, OWN_AT, OWN_MAGIC);
  writeI32(bytes, OWN_AT + 4, OWN_VERSION);
  writeI64(bytes, OWN_AT + 8, replay.replayFrom);
  writeI64(bytes, OWN_AT + 16, replay.queuesEnd);
  writeI64(bytes, OWN_AT + 24, replay.indexEnd);
  writeI64(bytes, OWN_AT + 32, replay.lastRecord);
  writeI64(bytes, OWN_AT + 40, replay.queueOffsets);
  writeI64(bytes, SLOTS_AT, replay.slots?.fileBegin ?? -1);
  writeI64(bytes, SLOTS_AT + 8, replay.slots?.item ?? 0);
  writeI64(bytes, SLOTS_AT + 16, replay.slots?.slotsUsed ?? 0);
  writeI64(bytes, SUM_AT, sumOf(bytes));
}

function decodeSlots(bytes: Uint8Array): SlotsPoint | null {
  const fileBegin = readI64(bytes, SLOTS_AT);
  if (fileBegin < 0) return null;
  const item = readI64(bytes, SLOTS_AT + 8);
  return { fileBegin, item, slotsUsed: readI64(bytes, SLOTS_AT + 16) };
}

function sumOf(bytes: Uint8Array): number {
  return crc32(bytes, OWN_AT, SUM_AT, crc32(bytes, 0, 40));
}

/** From when on records may be missing in queues (and index, when it counts), as Apache decides it, in ms. */
export function replayTimestampMs(apache: ApacheCheckpoint, indexCounts: boolean): number {
  const { physicMsgTimestampMs, logicsMsgTimestampMs, indexMsgTimestampMs } = apache;
  const level = Math.max(0, Math.min(physicMsgTimestampMs, logicsMsgTimestampMs) - 3000);
  return indexCounts ? Math.min(level, indexMsgTimestampMs) : level;
}

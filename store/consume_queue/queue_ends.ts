// Where every queue ended when the checkpoint was written: with it, a broker with very many queues starts without a look
// at each one's files. Roquet's own, beside the checkpoint: two files that take turns, since the checkpoint on disk
// still needs the one before while the next is written. The format and its sums; nothing here opens a queue.
import { Buffer } from "node:buffer";
import {
  readI32,
  readI64,
  readU16,
  writeI32,
  writeI64,
  writeU16,
} from "../../core/bytes/big_endian.ts";
import { crc32 } from "../../core/bytes/crc32.ts";
import type { Disk } from "../../core/disk/disk.ts";
import { readBytes, writeBytes } from "../file/whole_file.ts";

/** "RQQE", version 1. */
const MAGIC = 0x52515145;
const VERSION = 1;
export const QUEUE_ENDS_NAMES = ["queueends.0", "queueends.1"] as const;
/** magic 4 · version 4 · replayFrom 8 · queueOffsets 8 · minPhysicalOffset 8 · fileBytes 8 · bytes 8 · topics 4 · sum 8 */
const HEADER_BYTES = 60;
const BYTES_AT = 40;
const TOPICS_AT = 48;
const SUM_AT = 52;
/** A topic: its name's length 2, name, queues 4. */
const TOPIC_BYTES = 6;
/** queueId 4 · firstByte 8 · filesEnd 8 · endByte 8 · minOffset 8 · minPhysical 8 · coveredPhysicalOffset 8 */
const QUEUE_BYTES = 52;

/** Where one queue's units end, and what else is known of it without its files. */
export interface QueueEnd {
  queueId: number;
  /** Byte positions of its files. */
  firstByte: number;
  filesEnd: number;
  endByte: number;
  minOffset: number;
  /** Where the record of the entry at minOffset is; −1 when that isn't known. */
  minPhysical: number;
  coveredPhysicalOffset: number;
}

/** What must be the same for the ends to hold. */
export interface QueueEndsOf {
  /** The checkpoint's replay point and its sum of the queues' offsets. */
  replayFrom: number;
  queueOffsets: number;
  /** Where the log began when the queues' minimum offsets were last corrected. */
  minPhysicalOffset: number;
  /** The length of the queues' files. */
  fileBytes: number;
}

export interface QueueEnds extends QueueEndsOf {
  topics: Map<string, Map<number, QueueEnd>>;
  count: number;
}

/** The queues of each topic; those without files are left out. Gives the bytes of a file. */
export function encodeQueueEnds(
  of: QueueEndsOf,
  topics: Iterable<[topic: string, ends: readonly QueueEnd[]]>,
): Buffer {
  const named = [...topics].map(([topic, ends]) => ({ name: Buffer.from(topic, "utf8"), ends }));
  const length = named.reduce(
    (sum, { name, ends }) => sum + TOPIC_BYTES + name.length + ends.length * QUEUE_BYTES,
    HEADER_BYTES,
  );
  const bytes = Buffer.alloc(length);
  writeI32(bytes, 0, MAGIC);
  writeI32(bytes, 4, VERSION);
  writeI64(bytes, 8, of.replayFrom);
  writeI64(bytes, 16, of.queueOffsets);
  writeI64(bytes, 24, of.minPhysicalOffset);
  writeI64(bytes, 32, of.fileBytes);
  writeI64(bytes, BYTES_AT, length);
  writeI32(bytes, TOPICS_AT, named.length);
  let at = HEADER_BYTES;
  for (const { ends, name } of named) {
    writeU16(bytes, at, name.length);
    bytes.set(name, at + 2);
    writeI32(bytes, at + 2 + name.length, ends.length);
    at += TOPIC_BYTES + name.length;
    for (const end of ends) {
      encodeEnd(bytes, at, end);
      at += QUEUE_BYTES;
    }
  }
  writeI64(bytes, SUM_AT, sumOf(bytes));
  return bytes;
}

/** Null when the bytes aren't whole. */
export function decodeQueueEnds(bytes: Uint8Array): QueueEnds | null {
  if (bytes.length < HEADER_BYTES || readI32(bytes, 0) !== MAGIC) return null;
  if (readI32(bytes, 4) !== VERSION || readI64(bytes, BYTES_AT) !== bytes.length) return null;
  if (readI64(bytes, SUM_AT) !== sumOf(bytes)) return null;
  const topics = new Map<string, Map<number, QueueEnd>>();
  let count = 0;
  let at = HEADER_BYTES;
  for (let left = readI32(bytes, TOPICS_AT); left > 0; left--) {
    const nameEnd = at + 2 + readU16(bytes, at);
    const topic = Buffer.from(bytes.buffer, bytes.byteOffset + at + 2, nameEnd - at - 2);
    const queues = new Map<number, QueueEnd>();
    at = nameEnd + 4;
    for (let queue = readI32(bytes, nameEnd); queue > 0; queue--, at += QUEUE_BYTES) {
      const end = decodeEnd(bytes, at);
      queues.set(end.queueId, end);
    }
    count += queues.size;
    topics.set(topic.toString("utf8"), queues);
  }
  return {
    replayFrom: readI64(bytes, 8),
    queueOffsets: readI64(bytes, 16),
    minPhysicalOffset: readI64(bytes, 24),
    fileBytes: readI64(bytes, 32),
    topics,
    count,
  };
}

function encodeEnd(bytes: Buffer, at: number, end: QueueEnd): void {
  writeI32(bytes, at, end.queueId);
  writeI64(bytes, at + 4, end.firstByte);
  writeI64(bytes, at + 12, end.filesEnd);
  writeI64(bytes, at + 20, end.endByte);
  writeI64(bytes, at + 28, end.minOffset);
  writeI64(bytes, at + 36, end.minPhysical);
  writeI64(bytes, at + 44, end.coveredPhysicalOffset);
}

function decodeEnd(bytes: Uint8Array, at: number): QueueEnd {
  return {
    queueId: readI32(bytes, at),
    firstByte: readI64(bytes, at + 4),
    filesEnd: readI64(bytes, at + 12),
    endByte: readI64(bytes, at + 20),
    minOffset: readI64(bytes, at + 28),
    minPhysical: readI64(bytes, at + 36),
    coveredPhysicalOffset: readI64(bytes, at + 44),
  };
}

function sumOf(bytes: Uint8Array): number {
  return crc32(bytes, HEADER_BYTES, bytes.length, crc32(bytes, 0, SUM_AT));
}

/** The two files. */
export class QueueEndsFiles {
  private next = 0;
  /** Removals that a power cut could undo: the disk refused to sync them. */
  private isGoing = false;

  constructor(private readonly disk: Disk, private readonly storePath: string) {}

  /** The ends that belong to a checkpoint; null when neither file has them. */
  read(of: Pick<QueueEndsOf, "replayFrom" | "queueOffsets">): QueueEnds | null {
    for (const [index, name] of QUEUE_ENDS_NAMES.entries()) {
      const ends = this.readOne(`${this.storePath}/${name}`);
      if (ends?.replayFrom !== of.replayFrom || ends.queueOffsets !== of.queueOffsets) continue;
      this.next = 1 - index;
      return ends;
    }
    return null;
  }

  /** Over the older of the two, durably; the checkpoint that they belong to comes next. Rejects with DiskError. */
  async write(bytes: Buffer): Promise<void> {
    const path = `${this.storePath}/${QUEUE_ENDS_NAMES[this.next]!}`;
    const isNew = this.disk.statSync(path) === null;
    await writeBytes(this.disk, path, bytes);
    if (isNew) await this.disk.syncDirectory(this.storePath);
    this.next = 1 - this.next;
  }

  /** The next start looks at every queue. A store that has no ends costs nothing. Throws DiskError. */
  discard(): void {
    const paths = QUEUE_ENDS_NAMES.map((name) => `${this.storePath}/${name}`)
      .filter((path) => this.disk.statSync(path) !== null);
    this.isGoing ||= paths.length > 0;
    if (!this.isGoing) return;
    for (const path of paths) this.disk.unlinkSync(path);
    this.disk.syncDirectorySync(this.storePath);
    this.isGoing = false;
  }

  private readOne(path: string): QueueEnds | null {
    const stat = this.disk.statSync(path);
    const bytes = stat === null ? null : readBytes(this.disk, path, stat.sizeBytes);
    return bytes === null ? null : decodeQueueEnds(bytes);
  }
}

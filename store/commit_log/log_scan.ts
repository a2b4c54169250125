// Walks the log's records in order, a megabyte at a time, as far as they are whole. Recovery's eyes: it says where the
// log ends and why; what is done about it is recovery.ts's business. Never writes.
import { Buffer } from "node:buffer";
import { readI32, readI64 } from "../../core/bytes/big_endian.ts";
import {
  MAGIC_AT,
  MAGIC_V1,
  MAGIC_V2,
  PHYSICAL_OFFSET_AT,
  RECORD_BYTES_MIN,
} from "../../core/message/record_layout.ts";
import { emptyParts, locateParts } from "../../core/message/record.ts";
import { checkRecordAt, type RecordCheck } from "../../core/message/record_check.ts";
import type { SegmentFiles } from "../file/segment_files.ts";

const PIECE_BYTES = 1024 * 1024;
const SECTOR_BYTES = 512;
/** A larger record than any frame can bring is damage, not to be read into memory. */
const RECORD_BYTES_MAX = 64 * 1024 * 1024;

export interface ScanOptions {
  files: SegmentFiles;
  /** Where to begin: the start of a record. */
  from: number;
  checkCrc: boolean;
  requirePropertyCrc: boolean;
  /** The log is known to go on to here, a record's end: damage before it is passed over and never ends the log. */
  knownEnd: number;
  /** After a crash: a last record with holes in its topic or properties was torn, though its body is whole. */
  cutTornTail: boolean;
  onRecord: (buffer: Buffer, start: number, size: number) => void;
}

export interface ScanResult {
  /** Offset one past the last whole record; the start of a file when blank rest precedes it. */
  end: number;
  records: number;
  /** What stands at the end, when it isn't just nothing. */
  damage: string | null;
  /** Records that look damaged outside their body and are served all the same, as Apache does. */
  suspects: number;
  firstSuspicion: string | null;
  /** Places before the known end that can't be read as records, and what is wrong with the first. */
  unreadable: number;
  firstUnreadable: string | null;
}

const TOO_LARGE: RecordCheck = {
  kind: "bad",
  size: 0,
  reason: `totalSize: above ${RECORD_BYTES_MAX}`,
  suspicion: null,
};

/** A suspect record waits until the next one shows whether it was the last. */
interface HeldRecord {
  bytes: Buffer;
  offset: number;
  suspicion: string;
  isTorn: boolean;
}

export async function scanLog(options: ScanOptions): Promise<ScanResult> {
  const scan = new LogScan(options);
  await scan.run();
  return scan.result;
}

class LogScan {
  readonly result: ScanResult;
  private buffer = Buffer.allocUnsafeSlow(PIECE_BYTES);
  /** Offset of the buffer's first byte, and how many bytes of the log are in it. */
  private base = 0;
  private filled = 0;
  private held: HeldRecord | null = null;
  private readonly parts = emptyParts();

  constructor(private readonly options: ScanOptions) {
    this.result = {
      end: options.from,
      records: 0,
      damage: null,
      suspects: 0,
      firstSuspicion: null,
      unreadable: 0,
      firstUnreadable: null,
    };
  }

  async run(): Promise<void> {
    const { files } = this.options;
    let offset = this.options.from;
    while (files.find(offset) !== null) {
      const fileEnd = offset - offset % files.fileSizeBytes + files.fileSizeBytes;
      const check = await this.checkAt(offset, fileEnd);
      if (check.kind === "bad" || check.kind === "end") {
        if (offset >= this.options.knownEnd) {
          this.result.damage = check.kind === "bad" ? check.reason : null;
          break;
        }
        offset = await this.passOver(offset, fileEnd, check.reason);
      } else {
        if (check.kind === "message") this.take(offset, check);
        offset = check.kind === "blank" ? fileEnd : offset + check.size;
      }
      if (this.held === null) this.result.end = offset;
    }
    this.settleHeld();
  }

  /** Leaves out what can't be read: one record where its size can be believed, otherwise the rest of its file. */
  private async passOver(offset: number, fileEnd: number, reason: string | null): Promise<number> {
    this.passHeld();
    this.result.unreadable++;
    this.result.firstUnreadable ??= `${reason} at ${offset}`;
    const end = Math.min(fileEnd, this.options.knownEnd);
    const next = offset + this.messageBytesAt(offset, end - offset);
    if (next === offset || next === end) return end;
    const after = await this.checkAt(next, fileEnd);
    const goesOn = after.kind === "blank" || (after.kind === "message" && after.suspicion === null);
    return goesOn ? next : end;
  }

  /** Checks the record at an offset, reading more of the file until the whole of it is there. */
  private async checkAt(offset: number, fileEnd: number): Promise<RecordCheck> {
    const rest = fileEnd - offset;
    await this.fill(offset, Math.min(rest, RECORD_BYTES_MIN));
    const size = this.messageBytesAt(offset, rest);
    if (size > RECORD_BYTES_MAX) return TOO_LARGE;
    if (size > 0) await this.fill(offset, size);
    // Of what isn't a message only the first bytes, which are there, are looked at.
    return checkRecordAt(this.buffer, offset - this.base, rest, {
      checkCrc: this.options.checkCrc,
      requirePropertyCrc: this.options.requirePropertyCrc,
      physicalOffset: offset,
    });
  }

  /** The size that a message at an offset says it has; 0 when there is none that fits its file. */
  private messageBytesAt(offset: number, rest: number): number {
    if (rest < RECORD_BYTES_MIN) return 0;
    const start = offset - this.base;
    const magic = readI32(this.buffer, start + MAGIC_AT);
    const size = readI32(this.buffer, start);
    return (magic === MAGIC_V1 || magic === MAGIC_V2) && size <= rest ? size : 0;
  }

  /** Makes sure that the buffer holds `size` bytes from `offset` on. */
  private async fill(offset: number, size: number): Promise<void> {
    if (offset >= this.base && offset + size <= this.base + this.filled) return;
    if (this.buffer.length < size) this.buffer = Buffer.allocUnsafeSlow(size);
    this.base = offset;
    this.filled = await this.options.files.read(this.buffer, 0, this.buffer.length, offset);
  }

  private take(offset: number, check: RecordCheck): void {
    this.passHeld();
    const start = offset - this.base;
    if (check.suspicion === null) {
      this.result.records++;
      this.options.onRecord(this.buffer, start, check.size);
      return;
    }
    this.held = {
      bytes: Buffer.from(this.buffer.subarray(start, start + check.size)),
      offset,
      suspicion: check.suspicion,
      isTorn: this.hasHoles(start, check.size, offset),
    };
  }

  /** The held record is followed by another: it was written whole, so it is served. */
  private passHeld(): void {
    const held = this.held;
    if (held === null) return;
    this.held = null;
    this.result.suspects++;
    this.result.firstSuspicion ??= held.suspicion;
    this.result.records++;
    this.options.onRecord(held.bytes, 0, held.bytes.length);
  }

  private settleHeld(): void {
    const held = this.held;
    if (held === null) return;
    if (this.options.cutTornTail && held.isTorn) {
      this.result.damage = held.suspicion;
      return;
    }
    this.passHeld();
    this.result.end = held.offset + held.bytes.length;
  }

  /** What a torn write leaves are zeros: up to the record's end, or whole sectors. */
  private hasHoles(start: number, size: number, offset: number): boolean {
    const { parts, buffer } = this;
    if (locateParts(buffer, start, start + size, parts) !== null) return true;
    if (parts.topicStart === parts.topicEnd || !this.isAtItsOffset(start, offset)) return true;
    if (buffer.subarray(parts.topicStart, parts.topicEnd).includes(0)) return true;
    return this.hasHole(parts.propertiesStart, parts.propertiesEnd, offset - start);
  }

  /** A producer may put zeros into a property, so only those count that a device could have left. */
  private hasHole(from: number, to: number, shift: number): boolean {
    const isEdge = (at: number) => at === from || (at + shift) % SECTOR_BYTES === 0;
    for (let at = this.buffer.indexOf(0, from); at >= 0 && at < to;) {
      let end = at;
      while (end < to && this.buffer[end] === 0) end++;
      if (end === to || (isEdge(at) && isEdge(end))) return true;
      at = this.buffer.indexOf(0, end);
    }
    return false;
  }

  private isAtItsOffset(start: number, offset: number): boolean {
    return readI64(this.buffer, start + PHYSICAL_OFFSET_AT) === offset;
  }
}

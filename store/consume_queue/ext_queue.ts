// One queue's extended units: found, read, appended and synced. Mirrors the files of Apache's ConsumeQueueExt: units of
// their own length one after the other, none across two files, −1 where the rest of a file is left empty.
//   size 2 · tagsCode 8 · storeTime 8 · bitMapSize 2 · bitMap
import { readU16, writeI64, writeU16 } from "../../core/bytes/big_endian.ts";
import { QueueFiles } from "./queue_files.ts";
import type { QueueContext, QueueExtent } from "./queue_context.ts";

const TAGS_CODE_AT = 2;
const STORE_TIME_AT = 10;
const BIT_MAP_SIZE_AT = 18;
export const UNIT_BYTES_MIN = 20;
/** CqExtUnit.MAX_EXT_UNIT_SIZE. */
const UNIT_BYTES_MAX = 32 * 1024 - 1;
/** What must be left behind a unit for the mark that ends a file (ConsumeQueueExt.END_BLANK_DATA_LENGTH). */
const END_MARK_BYTES = 4;
const END_MARK = 0xffff;
const SCAN_BYTES = 64 * 1024;

export class ExtQueue {
  readonly files: QueueFiles;
  /** One past the last unit; −1 while nobody has looked. */
  private end = -1;
  private unsyncedByte = -1;
  private unit = new Uint8Array(UNIT_BYTES_MIN);

  constructor(
    private readonly context: Pick<QueueContext, "disk" | "descriptors" | "writer">,
    directory: string,
    private readonly fileBytes: number,
    extent: QueueExtent,
  ) {
    this.files = new QueueFiles(context, directory, fileBytes, extent);
  }

  /** Whether bytes that were written there could be read. Throws DiskError. */
  read(target: Uint8Array, offset: number, length: number): boolean {
    const isThere = offset >= this.files.first && offset + length <= this.files.end &&
      this.files.baseOf(offset) === this.files.baseOf(offset + length - 1);
    if (isThere) this.files.read(target, offset, length);
    return isThere;
  }

  /**
   * Writes a unit; gives its offset, or −1 when it is too long for one. Throws DiskError: nothing was added then.
   */
  append(tagsCode: number, storeTimestampMs: number, bitMap: Uint8Array | null): number {
    const bitMapBytes = bitMap === null ? 0 : bitMap.length;
    const size = UNIT_BYTES_MIN + bitMapBytes;
    if (size > UNIT_BYTES_MAX || size + END_MARK_BYTES > this.fileBytes) return -1;
    if (this.unit.length < size) this.unit = new Uint8Array(size);
    const { unit } = this;
    writeU16(unit, 0, size);
    writeI64(unit, TAGS_CODE_AT, tagsCode);
    writeI64(unit, STORE_TIME_AT, storeTimestampMs);
    writeU16(unit, BIT_MAP_SIZE_AT, bitMapBytes);
    if (bitMap !== null) unit.set(bitMap, UNIT_BYTES_MIN);
    const offset = this.placeFor(size);
    this.files.write(unit, 0, size, offset);
    this.markUnsynced(offset);
    this.end = offset + size;
    return offset;
  }

  /** Makes all units durable. Throws DiskError. */
  async sync(): Promise<void> {
    const from = this.takeUnsynced();
    if (from < 0) return;
    try {
      await this.files.sync(from, this.end);
    } catch (error) {
      this.markUnsynced(from);
      throw error;
    }
  }

  /** Frees the files whose units all stand before an offset, but for the last one. */
  async deleteBefore(offset: number): Promise<void> {
    const unlinking: Promise<void>[] = [];
    while (this.files.first + 2 * this.fileBytes <= this.files.end) {
      if (this.files.first + this.fileBytes > offset) break;
      unlinking.push(this.files.discardFirst());
    }
    await Promise.all(unlinking);
  }

  /** Frees every file. */
  async delete(): Promise<void> {
    this.unsyncedByte = -1;
    this.files.close();
    const unlinking: Promise<void>[] = [];
    while (this.files.exist) unlinking.push(this.files.discardFirst());
    await Promise.all(unlinking);
  }

  /** Where a unit of this size goes: the next file, when the present one has no room for it and the mark. */
  private placeFor(size: number): number {
    if (this.end < 0) this.end = this.findEnd();
    const position = this.end % this.fileBytes;
    if (this.end === this.files.end || position + size + END_MARK_BYTES <= this.fileBytes) {
      return this.end;
    }
    const mark = new Uint8Array(2);
    writeU16(mark, 0, END_MARK);
    this.files.write(mark, 0, 2, this.end);
    this.markUnsynced(this.end);
    return this.files.end;
  }

  /** Walks the units of the last file. What a power cut left torn behind them is written over. */
  private findEnd(): number {
    const base = Math.max(this.files.first, this.files.end - this.fileBytes);
    const block = new Uint8Array(Math.min(SCAN_BYTES, this.fileBytes));
    let offset = base;
    while (this.files.exist && offset + UNIT_BYTES_MIN <= this.files.end) {
      const length = Math.min(block.length, this.files.end - offset);
      this.files.read(block, offset, length);
      let at = 0;
      while (at + UNIT_BYTES_MIN <= length) {
        const size = readU16(block, at);
        if (size === END_MARK) return this.files.end;
        if (size < UNIT_BYTES_MIN) return offset + at;
        at += size;
      }
      offset += at;
    }
    return Math.min(offset, this.files.end);
  }

  takeUnsynced(): number {
    const from = this.unsyncedByte;
    this.unsyncedByte = -1;
    return from;
  }

  markUnsynced(offset: number): void {
    if (offset < 0) return;
    if (this.unsyncedByte < 0) this.context.writer.addUnsynced(this);
    if (this.unsyncedByte < 0 || offset < this.unsyncedByte) this.unsyncedByte = offset;
  }
}

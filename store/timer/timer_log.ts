// The timer log: units appended to files of one length, read by position. A blank unit ends a file that has no room for
// another one. Knows no slot and no message (Java: TimerLog).
import { Buffer } from "node:buffer";
import type { Disk } from "../../core/disk/disk.ts";
import { assert } from "../../core/errors.ts";
import type { Logger } from "../../core/log.ts";
import { isSegmentName, SegmentFiles } from "../file/segment_files.ts";
import { LOG_BLOCK_BYTES, LOG_BLOCKS_MAX } from "./limits.ts";
import { sumOf } from "./timer_sums.ts";
import {
  BLANK_UNIT_BYTES,
  readTimerUnit,
  type TimerUnit,
  UNIT_BYTES,
  type UnitKind,
  writeBlankUnit,
  writeTimerUnit,
} from "./timer_unit.ts";

export interface TimerLogOptions {
  disk: Disk;
  log: Logger;
  /** timerlog below the store's root. */
  path: string;
  /** mappedFileSizeTimerLog. */
  fileBytes: number;
}

/** Units that are appended before they are written. */
const STAGED_UNITS_MAX = 4096;

export class TimerLog {
  private readonly files: SegmentFiles;
  private readonly staged = Buffer.allocUnsafeSlow(STAGED_UNITS_MAX * UNIT_BYTES);
  private stagedBytes = 0;
  /** Where the written units end. */
  private writtenEnd = 0;
  private syncedEnd = 0;
  /** The names of the files before it are durable. */
  private namedEnd = 0;
  /** Blocks of the files by number, the least recently used first. */
  private readonly blocks = new Map<number, Buffer>();

  private constructor(private readonly options: TimerLogOptions) {
    this.files = new SegmentFiles({ ...options, fileSizeBytes: options.fileBytes });
  }

  /** Finds the files; nothing of them is read. Throws OperationError when they aren't of this configuration. */
  static open(options: TimerLogOptions): TimerLog {
    const timerLog = new TimerLog(options);
    if (options.disk.statSync(options.path) !== null) {
      restoreLength(options);
      timerLog.files.load();
      // A killed process may have made files whose names aren't durable.
      options.disk.syncDirectorySync(options.path);
    }
    timerLog.writtenEnd = timerLog.syncedEnd = timerLog.namedEnd = timerLog.files.endOffset;
    return timerLog;
  }

  /** Position of the first unit. */
  get start(): number {
    return this.files.startOffset;
  }

  /** Position after the last unit. Before recovery: after the last file. */
  get end(): number {
    return this.writtenEnd + this.stagedBytes;
  }

  /** Up to where the log would survive a power cut. */
  get flushedEnd(): number {
    return this.syncedEnd;
  }

  get isEmpty(): boolean {
    return this.files.segments.length === 0 && this.stagedBytes === 0;
  }

  /** Appends a unit in memory and gives its position; `write` must follow before the turn ends. Throws DiskError. */
  append(unit: TimerUnit): number {
    if (this.stagedBytes + UNIT_BYTES > this.staged.length) this.write();
    const { fileBytes } = this.options;
    const rest = fileBytes - this.end % fileBytes;
    if (rest < UNIT_BYTES + BLANK_UNIT_BYTES) this.endFile(rest);
    const position = this.end;
    writeTimerUnit(this.staged, this.stagedBytes, unit);
    this.stagedBytes += UNIT_BYTES;
    return position;
  }

  /** Writes what was appended. Throws DiskError; then it is still staged, and the next call tries again. */
  write(): void {
    if (this.stagedBytes === 0) return;
    if (this.files.segments.length === 0) this.options.disk.makeDirectorySync(this.options.path);
    const segment = this.files.findOrCreate(this.writtenEnd);
    const within = this.writtenEnd - segment.startOffset;
    this.files.open(segment).writeSync(this.staged, 0, this.stagedBytes, within);
    this.forgetBlocks(this.writtenEnd, this.end);
    this.writtenEnd += this.stagedBytes;
    this.stagedBytes = 0;
  }

  private endFile(rest: number): void {
    this.write();
    const blank = Buffer.alloc(BLANK_UNIT_BYTES);
    writeBlankUnit(blank, 0, rest);
    const segment = this.files.find(this.writtenEnd);
    assert(segment !== null, "a blank unit ends a file that has units");
    const within = this.writtenEnd - segment.startOffset;
    this.files.open(segment).writeSync(blank, 0, blank.length, within);
    this.forgetBlocks(this.writtenEnd, this.writtenEnd + rest);
    this.writtenEnd += rest;
  }

  /** Reads the unit at a position; "none" outside the log or where none stands. Throws DiskError. */
  read(position: number, unit: TimerUnit): UnitKind {
    if (position < this.start || position + BLANK_UNIT_BYTES > this.end) return "none";
    if (position >= this.writtenEnd) {
      return readTimerUnit(this.staged, position - this.writtenEnd, unit);
    }
    const fileRest = this.options.fileBytes - position % this.options.fileBytes;
    if (fileRest < UNIT_BYTES) return fileRest >= BLANK_UNIT_BYTES ? "blank" : "none";
    const number = Math.floor(position / LOG_BLOCK_BYTES);
    const within = position - number * LOG_BLOCK_BYTES;
    if (within + UNIT_BYTES <= LOG_BLOCK_BYTES) {
      return readTimerUnit(this.block(number), within, unit);
    }
    const joined = Buffer.alloc(UNIT_BYTES);
    const first = this.block(number).copy(joined, 0, within);
    this.block(number + 1).copy(joined, first, 0, UNIT_BYTES - first);
    return readTimerUnit(joined, 0, unit);
  }

  /** The CRC of what the files hold at positions [start, end). Throws DiskError. */
  sum(start: number, end: number): number {
    const read = (target: Buffer, length: number, position: number) =>
      this.files.readSync(target, 0, length, position);
    return sumOf(read, start, end);
  }

  /** Cuts what follows a position off the files, durably; the rest of its file is zeros then. Throws DiskError. */
  truncate(position: number): void {
    assert(this.stagedBytes === 0, "nothing is staged during recovery");
    const { fileBytes } = this.options;
    const fileStart = position - position % fileBytes;
    const isFileNeeded = position > fileStart;
    this.files.truncate(isFileNeeded ? fileStart + fileBytes : fileStart);
    const segment = isFileNeeded ? this.files.find(position) : null;
    if (segment !== null) {
      const file = this.files.open(segment);
      file.truncateSync(position - fileStart);
      file.truncateSync(fileBytes);
      // A power cut must not bring back what was cut, between units that are written here next.
      file.datasyncSync();
    }
    this.blocks.clear();
    this.writtenEnd = this.files.segments.length === 0
      ? 0
      : Math.min(position, this.files.endOffset);
    this.syncedEnd = Math.min(this.syncedEnd, this.writtenEnd);
    this.namedEnd = Math.min(this.namedEnd, this.files.endOffset);
  }

  /**
   * Where the units end is known: they are the log. Those behind `durableEnd` may be in the page cache alone, where a killed
   * process left them: the next `sync` makes them durable.
   */
  endsAt(position: number, durableEnd: number): void {
    this.writtenEnd = position;
    this.syncedEnd = Math.min(position, Math.max(durableEnd, this.start));
  }

  /** Resolves when all that is written now is durable. Rejects with DiskError. */
  async sync(): Promise<void> {
    const end = this.writtenEnd;
    if (end === this.syncedEnd) return;
    const { fileBytes } = this.options;
    for (let at = this.syncedEnd; at < end; at += fileBytes - at % fileBytes) {
      const segment = this.files.find(at);
      if (segment !== null) await this.files.open(segment).datasync();
    }
    if (end > this.namedEnd) await this.options.disk.syncDirectory(this.options.path);
    this.namedEnd = Math.max(this.namedEnd, Math.ceil(end / fileBytes) * fileBytes);
    this.syncedEnd = Math.max(this.syncedEnd, end);
  }

  /**
   * Deletes the first files whose last unit is of a record before `physicalOffset`, but never the last file: its
   * messages are gone from the commit log (Java: deleteExpiredFileByOffsetForTimerLog).
   */
  async deleteBefore(physicalOffset: number, unit: TimerUnit): Promise<number> {
    const { fileBytes } = this.options;
    const lastUnitAt = fileBytes - (fileBytes - BLANK_UNIT_BYTES) % UNIT_BYTES - BLANK_UNIT_BYTES -
      UNIT_BYTES;
    let deleted = 0;
    while (this.files.segments.length > 1) {
      const { startOffset } = this.files.segments[0]!;
      if (this.read(startOffset + lastUnitAt, unit) !== "unit") break;
      if (unit.physicalOffset >= physicalOffset) break;
      await this.files.deleteFirst();
      this.forgetBlocks(startOffset, startOffset + fileBytes);
      deleted++;
    }
    return deleted;
  }

  /** Positions of the files' first units, in order. */
  fileStarts(): number[] {
    return this.files.segments.map(({ startOffset }) => startOffset);
  }

  async close(): Promise<void> {
    this.blocks.clear();
    await this.files.close();
  }

  private block(number: number): Buffer {
    const known = this.blocks.get(number);
    if (known !== undefined) {
      this.blocks.delete(number);
      this.blocks.set(number, known);
      return known;
    }
    const block = this.takeBuffer();
    const start = number * LOG_BLOCK_BYTES;
    // A block may begin in a file that is deleted.
    let filled = Math.max(0, this.start - start);
    while (filled < LOG_BLOCK_BYTES) {
      const count = this.files.readSync(block, filled, LOG_BLOCK_BYTES - filled, start + filled);
      if (count === 0) break;
      filled += count;
    }
    block.fill(0, filled);
    this.blocks.set(number, block);
    return block;
  }

  private takeBuffer(): Buffer {
    if (this.blocks.size < LOG_BLOCKS_MAX) return Buffer.allocUnsafeSlow(LOG_BLOCK_BYTES);
    const [number, block] = this.blocks.entries().next().value!;
    this.blocks.delete(number);
    return block;
  }

  private forgetBlocks(from: number, to: number): void {
    for (let at = Math.floor(from / LOG_BLOCK_BYTES); at * LOG_BLOCK_BYTES < to; at++) {
      this.blocks.delete(at);
    }
  }
}

/** A cut makes the last file short and long again: a process that died in between left it short. */
function restoreLength({ disk, path, fileBytes }: TimerLogOptions): void {
  const last = disk.listSync(path).findLast(isSegmentName);
  const stat = last === undefined ? null : disk.statSync(`${path}/${last}`);
  const sizeBytes = stat === null || stat.isDirectory ? 0 : stat.sizeBytes;
  if (sizeBytes === 0 || sizeBytes >= fileBytes || sizeBytes % UNIT_BYTES !== 0) return;
  const file = disk.openSync(`${path}/${last}`, "write");
  file.truncateSync(fileBytes);
  void file.close();
}

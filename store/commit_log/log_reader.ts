// Reads records and stretches of the log: from the hot tail, by small synchronous reads near the log's end (they are in
// the page cache), by asynchronous ones further back, so that a cold consumer never holds up the senders.
import { Buffer } from "node:buffer";
import { readI32, readI64 } from "../../core/bytes/big_endian.ts";
import type { Disk } from "../../core/disk/disk.ts";
import {
  layoutOf,
  MAGIC_AT,
  MAGIC_V1,
  MAGIC_V2,
  PHYSICAL_OFFSET_AT,
  RECORD_BYTES_MIN,
  sysFlagAt,
} from "../../core/message/record_layout.ts";
import type { Clock } from "../../core/time/clock.ts";
import type { RecordView } from "../message_store.ts";
import { ColdSigns } from "./cold_signs.ts";
import type { CommitLog } from "./commit_log.ts";
import type { HotTail } from "./hot_tail.ts";
import { READS_PER_CACHED_READ } from "./limits.ts";
import { ReadPauses } from "./read_pauses.ts";
import { LONG_READ_BYTES_MIN, ReadTurns } from "./read_turns.ts";
import type { Turns } from "./turns.ts";

/** What is nearer to the log's end than this is read synchronously. */
const NEAR_END_BYTES = 16 * 1024 * 1024;
const WINDOW_BYTES = 64 * 1024;
const WINDOW_COUNT = 16;
/** First read of a record whose size isn't known. */
const FIRST_READ_BYTES = 4096;

/** A stretch of the log that was read synchronously and serves the records in it. */
interface Window {
  buffer: Buffer;
  base: number;
  length: number;
  turn: number;
}

export class LogReader {
  private readonly windows: Window[] = [];
  private nextWindow = 0;
  private readonly signs: ColdSigns;
  private readonly pauses: ReadPauses;
  private readonly longReads: ReadTurns;
  private uncachedReads = 0;

  constructor(
    private readonly log: CommitLog,
    private readonly hot: HotTail,
    private readonly turns: Turns,
    /** End of the written log. */
    private readonly end: () => number,
    disk: Pick<Disk, "deviceReadBytes">,
    clock: Clock,
  ) {
    this.signs = new ColdSigns(disk);
    this.pauses = new ReadPauses(clock, end);
    this.longReads = new ReadTurns(this.signs, this.pauses, clock);
  }

  /** Keeps cold reads from the device while a sync of the log is under way; settles as the sync does. */
  duringSync(sync: Promise<void>): Promise<void> {
    return this.longReads.during(sync);
  }

  /** A record while it is cheap to read; null otherwise. */
  readHot(physicalOffset: number, size: number): RecordView | null {
    const hot = this.hot.find(physicalOffset, size);
    if (hot !== null) return hot;
    if (!this.isInside(physicalOffset, size)) return null;
    if (this.end() - physicalOffset > NEAR_END_BYTES) return null;
    return this.readNear(physicalOffset, size);
  }

  /** The record at an offset; null when no record begins there. */
  async read(physicalOffset: number, size?: number): Promise<RecordView | null> {
    if (!this.isInside(physicalOffset, size ?? RECORD_BYTES_MIN)) return null;
    const first = await this.readAt(physicalOffset, size ?? FIRST_READ_BYTES);
    const recordBytes = recordBytesAt(first, physicalOffset);
    if (recordBytes < 0 || !this.isInside(physicalOffset, recordBytes)) return null;
    if (recordBytes <= first.size) return { ...first, size: recordBytes };
    const whole = await this.readAt(physicalOffset, recordBytes);
    return whole.size === recordBytes ? whole : null;
  }

  /** At most `length` bytes from an offset, up to `limit` and within one file; null outside the log. */
  async readRange(
    physicalOffset: number,
    length: number,
    limit: number,
  ): Promise<RecordView | null> {
    const size = Math.min(length, limit - physicalOffset);
    if (size <= 0 || physicalOffset < this.log.minOffset) return null;
    return await this.readAt(physicalOffset, size);
  }

  /** As `readRange`, into `target` from `start` on; gives how many bytes, 0 outside the log. */
  async readInto(
    target: Buffer,
    start: number,
    length: number,
    physicalOffset: number,
    limit: number,
  ): Promise<number> {
    const size = Math.min(length, limit - physicalOffset);
    if (size <= 0 || physicalOffset < this.log.minOffset) return 0;
    const hot = this.hot.find(physicalOffset, size);
    if (hot === null) return await this.readFile(target, start, size, physicalOffset);
    (hot.buffer as Buffer).copy(target, start, hot.start, hot.start + size);
    return size;
  }

  /** As `readInto`, but waits for the disk. */
  readIntoNow(
    target: Buffer,
    start: number,
    length: number,
    physicalOffset: number,
    limit: number,
  ): number {
    const size = Math.min(length, limit - physicalOffset);
    if (size <= 0 || physicalOffset < this.log.minOffset) return 0;
    const hot = this.hot.find(physicalOffset, size);
    if (hot === null) return this.log.files.readSync(target, start, size, physicalOffset);
    return (hot.buffer as Buffer).copy(target, start, hot.start, hot.start + size);
  }

  /** When the record at an offset was stored, in ms; -1 when none begins there. Size 0: it isn't known. */
  storeTimeOf(physicalOffset: number, size: number): number | Promise<number> {
    const hot = size === 0 ? null : this.readHot(physicalOffset, size);
    if (hot !== null) return storeTimestampOf(hot, physicalOffset);
    return this.read(physicalOffset).then((view) =>
      view === null ? -1 : storeTimestampOf(view, physicalOffset)
    );
  }

  private isInside(physicalOffset: number, size: number): boolean {
    return size >= RECORD_BYTES_MIN && physicalOffset >= this.log.minOffset &&
      physicalOffset + size <= this.end();
  }

  private readNear(physicalOffset: number, size: number): RecordView | null {
    for (const window of this.windows) {
      const start = physicalOffset - window.base;
      if (start < 0 || start + size > window.length) continue;
      window.turn = this.turns.current();
      return { buffer: window.buffer, start, size };
    }
    const window = this.freeWindow(size);
    const length = Math.min(window.buffer.length, this.end() - physicalOffset);
    window.base = physicalOffset;
    window.length = this.log.files.readSync(window.buffer, 0, length, physicalOffset);
    window.turn = this.turns.current();
    return window.length < size ? null : { buffer: window.buffer, start: 0, size };
  }

  /** The window used longest ago; another buffer when its bytes may still be in use. */
  private freeWindow(size: number): Window {
    const bytes = Math.max(WINDOW_BYTES, size);
    if (this.windows.length < WINDOW_COUNT) {
      const window = { buffer: Buffer.allocUnsafeSlow(bytes), base: 0, length: 0, turn: 0 };
      this.windows.push(window);
      return window;
    }
    const window = this.windows[this.nextWindow]!;
    this.nextWindow = (this.nextWindow + 1) % WINDOW_COUNT;
    if (window.buffer.length !== bytes || !this.turns.isOver(window.turn)) {
      window.buffer = Buffer.allocUnsafeSlow(bytes);
    }
    return window;
  }

  /** Up to `size` bytes at an offset, fewer at the end of the log or of its file. */
  private async readAt(physicalOffset: number, size: number): Promise<RecordView> {
    const length = Math.min(size, this.end() - physicalOffset);
    const hot = this.hot.find(physicalOffset, length);
    if (hot !== null) return hot;
    const buffer = Buffer.allocUnsafeSlow(length);
    const count = await this.readFile(buffer, 0, length, physicalOffset);
    return { buffer, start: 0, size: count };
  }

  private readFile(
    target: Buffer,
    start: number,
    size: number,
    physicalOffset: number,
  ): Promise<number> {
    if (size < LONG_READ_BYTES_MIN) {
      return this.log.files.read(target, start, size, physicalOffset);
    }
    // What is near the end is in the page cache, and a slave may wait for it.
    const isUrgent = this.end() - physicalOffset <= NEAR_END_BYTES;
    const read = () => this.readLong(target, start, size, physicalOffset, isUrgent);
    return this.longReads.take(read, isUrgent);
  }

  /** Through the page cache, where other readers may find it; past it while it is cold and sends wait for a core. */
  private readLong(
    target: Buffer,
    start: number,
    size: number,
    physicalOffset: number,
    isUrgent: boolean,
  ): Promise<number> {
    const { files } = this.log;
    if (!isUrgent && this.signs.isCold && this.pauses.isPressed) {
      this.uncachedReads++;
      if (this.uncachedReads % READS_PER_CACHED_READ !== 0) {
        const reading = files.readUncached(target, start, size, physicalOffset);
        if (reading !== null) {
          this.signs.noteUncached(size);
          return reading;
        }
      }
    }
    this.signs.noteRead(size);
    return files.read(target, start, size, physicalOffset);
  }
}

/** The size of the record that the view begins with; -1 when it is none of this offset. */
function recordBytesAt(view: RecordView, physicalOffset: number): number {
  const { buffer, start, size } = view;
  if (size < RECORD_BYTES_MIN) return -1;
  const magic = readI32(buffer, start + MAGIC_AT);
  if (magic !== MAGIC_V1 && magic !== MAGIC_V2) return -1;
  if (readI64(buffer, start + PHYSICAL_OFFSET_AT) !== physicalOffset) return -1;
  const recordBytes = readI32(buffer, start);
  return recordBytes < RECORD_BYTES_MIN ? -1 : recordBytes;
}

function storeTimestampOf(view: RecordView, physicalOffset: number): number {
  if (recordBytesAt(view, physicalOffset) < 0) return -1;
  const { buffer, start } = view;
  return readI64(buffer, start + layoutOf(sysFlagAt(buffer, start)).storeTimestamp);
}

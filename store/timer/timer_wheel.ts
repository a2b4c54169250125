// The timer wheel: for each tick of two weeks, where the chain of its units in the timer log begins and ends, and how
// many they are. Read by pages when they are asked for, written back when they changed; never the whole file
// (Java: TimerWheel).
import { Buffer } from "node:buffer";
import { dirname } from "node:path";
import { readI32, readI64, writeI32, writeI64 } from "../../core/bytes/big_endian.ts";
import type { Disk, DiskFile } from "../../core/disk/disk.ts";
import { OperationError } from "../../core/errors.ts";
import { CLEAN_PAGES_MAX, DIRTY_PAGES_MAX, SLOT_COUNT, SLOTS_PER_PAGE } from "./limits.ts";
import { sumOf } from "./timer_sums.ts";
import { NO_POSITION } from "./timer_unit.ts";

const SLOT_BYTES = 32;
const TICK_AT = 0;
const FIRST_AT = 8;
const LAST_AT = 16;
const COUNT_AT = 24;
const PAGE_BYTES = SLOTS_PER_PAGE * SLOT_BYTES;
const PAGE_COUNT = SLOT_COUNT / SLOTS_PER_PAGE;

export const WHEEL_BYTES = SLOT_COUNT * SLOT_BYTES;

export interface TimerSlot {
  /** Positions in the timer log; -1 when the slot is blank. */
  first: number;
  last: number;
  /** Messages less those taken back. */
  count: number;
}

interface Page {
  bytes: Buffer;
  isDirty: boolean;
  /** Being written: the file doesn't have it yet. */
  isPinned: boolean;
}

/** Changed pages that are on their way to the file. */
export interface WheelWrite {
  pages: { number: number; page: Page; bytes: Buffer }[];
}

export class TimerWheel {
  private readonly pages = new Map<number, Page>();
  private dirtyCount = 0;
  private file: DiskFile | null = null;

  constructor(
    private readonly disk: Disk,
    /** timerwheel below the store's root. */
    private readonly path: string,
    readonly precisionMs: number,
  ) {}

  /** Whether the file is there. Throws OperationError when it has another length than Apache's. */
  exists(): boolean {
    const stat = this.disk.statSync(this.path);
    if (stat === null || stat.sizeBytes === 0) return false;
    if (stat.sizeBytes !== WHEEL_BYTES) {
      throw new OperationError(
        `${this.path} has ${stat.sizeBytes} bytes where a timer wheel has ${WHEEL_BYTES}`,
      );
    }
    return true;
  }

  /** A time cut to its tick. */
  floor(timeMs: number): number {
    return timeMs - timeMs % this.precisionMs;
  }

  /** The slot of a time, into `slot`; false when it is blank. Throws DiskError. */
  get(timeMs: number, slot: TimerSlot): boolean {
    const tick = Math.floor(timeMs / this.precisionMs);
    const index = tick % SLOT_COUNT;
    const bytes = this.page(index).bytes;
    const at = (index % SLOTS_PER_PAGE) * SLOT_BYTES;
    if (readI64(bytes, at + TICK_AT) !== tick) {
      slot.first = slot.last = NO_POSITION;
      slot.count = 0;
      return false;
    }
    slot.first = readI64(bytes, at + FIRST_AT);
    slot.last = readI64(bytes, at + LAST_AT);
    slot.count = readI32(bytes, at + COUNT_AT);
    return true;
  }

  /** Messages that wait in the slot of a time. */
  countAt(timeMs: number): number {
    return this.get(timeMs, this.scratch) ? this.scratch.count : 0;
  }

  private readonly scratch: TimerSlot = { first: 0, last: 0, count: 0 };

  /** Sets the slot of a time, in memory until it is written. */
  put(timeMs: number, slot: TimerSlot): void {
    const tick = Math.floor(timeMs / this.precisionMs);
    const index = tick % SLOT_COUNT;
    const page = this.page(index);
    const at = (index % SLOTS_PER_PAGE) * SLOT_BYTES;
    writeI64(page.bytes, at + TICK_AT, tick);
    writeI64(page.bytes, at + FIRST_AT, slot.first);
    writeI64(page.bytes, at + LAST_AT, slot.last);
    writeI32(page.bytes, at + COUNT_AT, slot.count);
    if (!page.isDirty) {
      page.isDirty = true;
      this.dirtyCount++;
    }
  }

  /** Where the slots of a stretch of time stand in the file: at most all of its pages. */
  pagesOf(fromMs: number, toMs: number): { page: number; pages: number } {
    const tick = Math.floor(fromMs / this.precisionMs);
    const ticks = Math.max(1, Math.ceil(toMs / this.precisionMs) - tick);
    const page = Math.floor((tick % SLOT_COUNT) / SLOTS_PER_PAGE);
    return { page, pages: Math.min(PAGE_COUNT, Math.ceil(ticks / SLOTS_PER_PAGE) + 1) };
  }

  /** The CRC of pages of the file, from one on around its end. Throws DiskError. */
  sum(page: number, pages: number): number {
    const file = this.openFile();
    const read = (target: Buffer, length: number, position: number) => {
      const at = position % WHEEL_BYTES;
      return file.readSync(target, 0, Math.min(length, WHEEL_BYTES - at), at);
    };
    return sumOf(read, page * PAGE_BYTES, (page + pages) * PAGE_BYTES);
  }

  /** Whether so many pages changed that they should be written before the next flush. */
  get isCrowded(): boolean {
    return this.dirtyCount > DIRTY_PAGES_MAX;
  }

  /**
   * Takes the changed pages as they are now, for `finishWrite` once the units that they know are durable: later changes
   * wait for the next time.
   */
  beginWrite(): WheelWrite {
    const pages: WheelWrite["pages"] = [];
    for (const [number, page] of this.pages) {
      if (!page.isDirty) continue;
      page.isDirty = false;
      page.isPinned = true;
      pages.push({ number, page, bytes: Buffer.from(page.bytes) });
    }
    this.dirtyCount = 0;
    return { pages };
  }

  /** Writes what was taken. Throws DiskError; then all of it counts as changed again. */
  finishWrite({ pages }: WheelWrite): void {
    try {
      if (pages.length === 0) return;
      const file = this.openFile();
      for (const { number, bytes } of pages) {
        file.writeSync(bytes, 0, PAGE_BYTES, number * PAGE_BYTES);
      }
    } catch (error) {
      this.giveBack({ pages });
      throw error;
    } finally {
      for (const { page } of pages) page.isPinned = false;
      this.dropClean();
    }
  }

  /** What was taken won't be written now. */
  giveBack({ pages }: WheelWrite): void {
    for (const { page } of pages) {
      page.isPinned = false;
      if (page.isDirty) continue;
      page.isDirty = true;
      this.dirtyCount++;
    }
  }

  /** Resolves when what was written is durable. Rejects with DiskError. */
  async sync(): Promise<void> {
    await this.file?.datasync();
  }

  /** Forgets everything, and the file, durably: without one, the next start makes the wheel of the whole log. */
  remove(): void {
    this.pages.clear();
    this.dirtyCount = 0;
    void this.file?.close();
    this.file = null;
    this.disk.unlinkSync(this.path);
    this.disk.syncDirectorySync(dirname(this.path));
  }

  async close(): Promise<void> {
    this.pages.clear();
    await this.file?.close();
    this.file = null;
  }

  private page(index: number): Page {
    const number = Math.floor(index / SLOTS_PER_PAGE);
    const known = this.pages.get(number);
    if (known !== undefined) return known;
    const bytes = Buffer.alloc(PAGE_BYTES);
    if (this.file !== null || this.exists()) {
      this.openFile().readSync(bytes, 0, PAGE_BYTES, number * PAGE_BYTES);
    }
    const page = { bytes, isDirty: false, isPinned: false };
    if (this.pages.size - this.dirtyCount >= CLEAN_PAGES_MAX) this.dropClean();
    this.pages.set(number, page);
    return page;
  }

  private dropClean(): void {
    if (this.pages.size - this.dirtyCount < CLEAN_PAGES_MAX) return;
    for (const [number, page] of this.pages) {
      if (!page.isDirty && !page.isPinned) this.pages.delete(number);
    }
  }

  /** Made as a hole of its full length when it isn't there: Apache refuses any other length. */
  private openFile(): DiskFile {
    if (this.file !== null) return this.file;
    const file = this.disk.openSync(this.path, "create");
    if (file.sizeSync() !== WHEEL_BYTES) file.truncateSync(WHEEL_BYTES);
    return this.file = file;
  }
}

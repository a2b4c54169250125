// One index file: header, lookup, and, while it takes items, its slots and its unwritten items in memory. Mirrors
// Apache's IndexFile to the byte. Order on disk: items, then header; slots when it is quiet, full or closed, because
// after a crash they are made again from the items.
import { readI32, readI64 } from "../../core/bytes/big_endian.ts";
import { absHash } from "../../core/bytes/java_hash.ts";
import { type Disk, DiskError, type DiskFile } from "../../core/disk/disk.ts";
import type { Logger } from "../../core/log.ts";
import { type Clock, endOfTurn } from "../../core/time/clock.ts";
import {
  HEADER_BYTES,
  type IndexHeader,
  type IndexShape,
  ITEM_BYTES,
  ITEM_OFFSET_AT,
  ITEM_PREVIOUS_AT,
  ITEM_SECONDS_AT,
  itemPosition,
  NEXT_ITEM_CONDEMNED,
  SECONDS_MAX,
  slotPosition,
  swap32,
  writeHeader,
} from "./layout.ts";
import { CHAIN_ITEMS_MAX, SLOT_PAGE_BITS, TAIL_ITEMS_MAX, TAIL_ITEMS_MIN } from "./limits.ts";
import type { SlotTable } from "./slot_table.ts";

const WORDS_PER_ITEM = ITEM_BYTES / 4;
const TWO_32 = 0x1_0000_0000;

export class IndexFile {
  /** The slots in memory; null for a file that takes no more items and is complete on disk. */
  table: SlotTable | null = null;
  /** Pages before this one are complete on disk and no longer in the table (the file is being retired). */
  retiredPages = 0;
  /** A crash may have left its slots or last items untrue. */
  isSuspect = false;
  /** Items from this number on are in memory only: the tail's first. */
  private firstUnwritten: number;
  private tailWords = new Int32Array(0);
  private tailBytes = new Uint8Array(0);
  private isHeaderDirty = false;
  private isCondemned = false;

  constructor(
    private readonly disk: Disk,
    readonly path: string,
    readonly shape: IndexShape,
    readonly header: IndexHeader,
    private opened: DiskFile | null,
  ) {
    this.firstUnwritten = header.nextItem;
  }

  get isFull(): boolean {
    return this.header.nextItem >= this.shape.itemCount;
  }

  get file(): DiskFile {
    return this.opened ??= this.disk.openSync(this.path, "write");
  }

  /** Adds an item (IndexFile.putKey). The file must have a table and not be full. */
  put(keyHash: number, physicalOffset: number, storeTimestampMs: number): void {
    const header = this.header;
    const table = this.table!;
    const item = header.nextItem;
    const hash = absHash(keyHash);
    const slot = hash % table.slotCount;
    const held = swap32(table.words[slot]!);
    const previous = held > 0 && held <= item ? held : 0;
    const tailItem = item - this.firstUnwritten;
    if ((tailItem + 1) * WORDS_PER_ITEM > this.tailWords.length) {
      return this.putWithRoom(keyHash, physicalOffset, storeTimestampMs);
    }
    const words = this.tailWords;
    const at = tailItem * WORDS_PER_ITEM;
    const high = Math.floor(physicalOffset / TWO_32);
    words[at] = swap32(hash);
    words[at + 1] = swap32(high);
    words[at + 2] = swap32((physicalOffset - high * TWO_32) | 0);
    words[at + 3] = swap32(secondsSince(header.beginTimestampMs, storeTimestampMs));
    words[at + 4] = swap32(previous);
    table.words[slot] = swap32(item);
    table.changed[slot >>> SLOT_PAGE_BITS] = 1;
    if (item <= 1) {
      header.beginPhysicalOffset = physicalOffset;
      header.beginTimestampMs = storeTimestampMs;
    }
    if (previous === 0) header.slotsUsed++;
    header.nextItem = item + 1;
    header.endPhysicalOffset = physicalOffset;
    header.endTimestampMs = storeTimestampMs;
    this.isHeaderDirty = true;
  }

  private putWithRoom(keyHash: number, physicalOffset: number, storeTimestampMs: number): void {
    const held = this.tailWords.length / WORDS_PER_ITEM;
    if (held < TAIL_ITEMS_MAX || !this.tryWriteItems()) {
      const larger = new Int32Array(Math.max(TAIL_ITEMS_MIN, 2 * held) * WORDS_PER_ITEM);
      larger.set(this.tailWords);
      this.tailWords = larger;
      this.tailBytes = new Uint8Array(larger.buffer);
    }
    this.put(keyHash, physicalOffset, storeTimestampMs);
  }

  /** A failure is left to the background's next write, which reports it. */
  private tryWriteItems(): boolean {
    try {
      this.writeItems();
      return true;
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      return false;
    }
  }

  get hasUnwritten(): boolean {
    return this.isHeaderDirty || this.firstUnwritten < this.header.nextItem;
  }

  /** Writes the items, then the header that counts them. Throws DiskError; nothing is lost then. */
  writeItems(): void {
    const length = (this.header.nextItem - this.firstUnwritten) * ITEM_BYTES;
    if (length > 0) {
      const position = itemPosition(this.shape, this.firstUnwritten);
      this.file.writeSync(this.tailBytes, 0, length, position);
      this.firstUnwritten = this.header.nextItem;
    }
    this.writeHeader();
  }

  private writeHeader(): void {
    const bytes = new Uint8Array(HEADER_BYTES);
    const { header, isCondemned } = this;
    writeHeader(bytes, isCondemned ? { ...header, nextItem: NEXT_ITEM_CONDEMNED } : header);
    this.file.writeSync(bytes, 0, HEADER_BYTES, 0);
    this.isHeaderDirty = false;
  }

  /**
   * Writes the changed slots, a run a turn of the event loop; false when the file became full meanwhile, so that the table
   * is no longer its own. Throws DiskError.
   */
  async writeSlots(clock: Clock, isOwnTable: () => boolean): Promise<boolean> {
    for (let page = 0;;) {
      // No slot on disk may name an item that isn't there.
      this.writeItems();
      page = this.table!.writeRun(this.file, page);
      if (page < 0) return true;
      await endOfTurn(clock);
      if (!isOwnTable()) return false;
    }
  }

  /**
   * What the file holds can't be true: says so once, and marks it, so that the next start makes it again from the log. It
   * serves until then, since most of it is sound.
   */
  condemn(problem: string, log: Logger): void {
    if (this.isCondemned) return;
    this.isCondemned = this.isHeaderDirty = true;
    log.warn(
      "an index file is damaged: keys may not be found until the next start makes it again",
      {
        path: this.path,
        problem,
      },
    );
    this.tryWriteItems();
  }

  /** Lets the tail's memory go; it must be written. */
  releaseTail(): void {
    this.tailWords = new Int32Array(0);
    this.tailBytes = new Uint8Array(0);
  }

  /** Forgets the items from a number on; the slots are then no longer true. */
  cutItems(nextItem: number): void {
    this.header.nextItem = nextItem;
    this.firstUnwritten = nextItem;
    this.isHeaderDirty = true;
  }

  async close(): Promise<void> {
    const file = this.opened;
    this.opened = null;
    await file?.close();
  }

  /** Whether the file may hold records stored between two times (IndexFile.isTimeMatched). */
  overlaps(beginMs: number, endMs: number): boolean {
    const { beginTimestampMs: first, endTimestampMs: last } = this.header;
    return (beginMs < first && endMs > last) || (beginMs >= first && beginMs <= last) ||
      (endMs >= first && endMs <= last);
  }

  /**
   * Adds the physical offsets of items with the hash and time, newest first, until there are `maxCount`. Gives what in the
   * slot's chain can't be true, which ends there; null when nothing was seen.
   */
  async select(
    offsets: number[],
    keyHash: number,
    maxCount: number,
    beginMs: number,
    endMs: number,
  ): Promise<string | null> {
    const hash = absHash(keyHash);
    const bytes = new Uint8Array(ITEM_BYTES);
    const { beginPhysicalOffset, beginTimestampMs } = this.header;
    const { slotCount } = this.shape;
    const slot = hash % slotCount;
    let item = await this.slotAt(slot);
    const items = this.header.nextItem - 1;
    if (item < 0 || item > items) return `slot ${slot} names item ${item} of ${items}`;
    let laterOffset = Infinity;
    for (let count = 0; count < CHAIN_ITEMS_MAX && offsets.length < maxCount; count++) {
      if (item === 0) return null;
      await this.readItem(item, bytes);
      const itemHash = readI32(bytes, 0);
      const offset = readI64(bytes, ITEM_OFFSET_AT);
      const seconds = readI32(bytes, ITEM_SECONDS_AT);
      const previous = readI32(bytes, ITEM_PREVIOUS_AT);
      const isTrue = itemHash % slotCount === slot && seconds >= 0 && previous >= 0 &&
        previous < item && offset >= beginPhysicalOffset && offset <= laterOffset;
      if (!isTrue) return `item ${item} can't be of slot ${slot}'s chain`;
      const time = beginTimestampMs + seconds * 1000;
      if (itemHash === hash && time >= beginMs && time <= endMs) offsets.push(offset);
      if (time < beginMs) return null;
      item = previous;
      laterOffset = offset;
    }
    return null;
  }

  private async slotAt(slot: number): Promise<number> {
    if (this.table !== null && slot >>> SLOT_PAGE_BITS >= this.retiredPages) {
      return this.table.get(slot);
    }
    const bytes = new Uint8Array(4);
    await this.file.read(bytes, 0, 4, slotPosition(slot));
    return readI32(bytes, 0);
  }

  /** Reads the 20 bytes of an item. */
  async readItem(item: number, target: Uint8Array): Promise<void> {
    if (item < this.firstUnwritten) {
      await this.file.read(target, 0, ITEM_BYTES, itemPosition(this.shape, item));
      return;
    }
    const at = (item - this.firstUnwritten) * ITEM_BYTES;
    target.set(this.tailBytes.subarray(at, at + ITEM_BYTES));
  }
}

/** Whole seconds since the header's begin, which is 0 in a store's first file until it has an item. */
function secondsSince(beginMs: number, storeTimestampMs: number): number {
  if (beginMs <= 0) return 0;
  const seconds = Math.trunc((storeTimestampMs - beginMs) / 1000);
  return seconds < 0 ? 0 : Math.min(seconds, SECONDS_MAX);
}

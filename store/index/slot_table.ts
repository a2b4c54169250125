// The slots of one index file in memory, as the bytes that stand on disk, with the changed pages marked. 5 million slots
// are 20 MB; a put touches one word of them and never the disk.
import { readI32 } from "../../core/bytes/big_endian.ts";
import { absHash } from "../../core/bytes/java_hash.ts";
import type { DiskFile } from "../../core/disk/disk.ts";
import { HEADER_BYTES, ITEM_BYTES, SLOT_BYTES, swap32 } from "./layout.ts";
import { SLOT_PAGE_BITS, SLOT_SLICE_BYTES, SLOTS_PER_PAGE } from "./limits.ts";

const PAGE_BYTES = SLOTS_PER_PAGE * SLOT_BYTES;
const SLICE_PAGES = SLOT_SLICE_BYTES / PAGE_BYTES;

export class SlotTable {
  /** Big-endian words: `swap32` each. */
  readonly words: Int32Array;
  /** 1 for a page that differs from the disk. */
  readonly changed: Uint8Array;
  private readonly bytes: Uint8Array;
  private touchedPages = 0;
  /** Of no use but that what is read ahead of its use can't be left out. */
  private seen = 0;

  constructor(readonly slotCount: number) {
    this.words = new Int32Array(slotCount);
    this.bytes = new Uint8Array(this.words.buffer);
    this.changed = new Uint8Array(Math.ceil(slotCount / SLOTS_PER_PAGE));
  }

  get pageCount(): number {
    return this.changed.length;
  }

  get(slot: number): number {
    return swap32(this.words[slot]!);
  }

  set(slot: number, item: number): void {
    this.words[slot] = swap32(item);
    this.changed[slot >>> SLOT_PAGE_BITS] = 1;
  }

  /** Has the slots of keys that are set soon near the processor: it fetches them together, not one after the other. */
  expect(keyHashes: Int32Array, count: number): void {
    const { slotCount, words } = this;
    let seen = 0;
    for (let at = 0; at < count; at++) seen |= words[absHash(keyHashes[at]!) % slotCount]!;
    this.seen = seen;
  }

  /** The same for the items that stand in `bytes[from…to)`. */
  expectItems(bytes: Uint8Array, from: number, to: number): void {
    const { slotCount, words } = this;
    let seen = 0;
    for (let at = from; at + ITEM_BYTES <= to; at += ITEM_BYTES) {
      seen |= words[absHash(readI32(bytes, at)) % slotCount]!;
    }
    this.seen = seen;
  }

  /** The newest item that a slot holds (more than any file has when one can't be an item) and how many slots hold one. */
  census(): { newestItem: number; slotsUsed: number } {
    let newestItem = 0;
    let slotsUsed = 0;
    const { words } = this;
    // An iterator over five million would take a third of a second until it is compiled.
    for (let slot = 0; slot < words.length; slot++) {
      const word = words[slot]!;
      if (word === 0) continue;
      const item = swap32(word) >>> 0;
      if (item > newestItem) newestItem = item;
      slotsUsed++;
    }
    return { newestItem, slotsUsed };
  }

  /** Has the system give memory to the next pages of a fresh table, so that the first puts don't wait for it. */
  touch(pages: number): void {
    const end = Math.min(this.pageCount, this.touchedPages + pages);
    for (; this.touchedPages < end; this.touchedPages++) {
      this.words[this.touchedPages << SLOT_PAGE_BITS] = 0;
    }
  }

  load(file: DiskFile): void {
    file.readSync(this.bytes, 0, this.bytes.length, HEADER_BYTES);
    this.changed.fill(0);
  }

  /** Writes the next run of changed pages at or behind `page`; gives the page behind it, or −1 when there was none. */
  writeRun(file: DiskFile, page: number): number {
    const first = this.changed.indexOf(1, page);
    if (first < 0) return -1;
    const end = this.runEnd(first);
    file.writeSync(this.bytes, first * PAGE_BYTES, this.runBytes(first, end), this.at(first));
    this.changed.fill(0, first, end);
    return end;
  }

  /** Writes a slice's changed pages off this thread; gives the page behind the slice. Nobody may change it meanwhile. */
  async writeSlice(file: DiskFile, page: number): Promise<number> {
    const end = Math.min(this.pageCount, page + SLICE_PAGES);
    for (let first = this.changed.indexOf(1, page); first >= 0 && first < end;) {
      const runEnd = Math.min(end, this.runEnd(first));
      await file.write(
        this.bytes,
        first * PAGE_BYTES,
        this.runBytes(first, runEnd),
        this.at(first),
      );
      first = this.changed.indexOf(1, runEnd);
    }
    return end;
  }

  /** Makes pages as they are in a fresh table. */
  clearPages(page: number, end: number): void {
    this.changed.fill(0, page, end);
    this.words.fill(0, page * SLOTS_PER_PAGE, end * SLOTS_PER_PAGE);
  }

  private runEnd(first: number): number {
    let end = first;
    const limit = Math.min(this.pageCount, first + SLICE_PAGES);
    while (end < limit && this.changed[end] === 1) end++;
    return end;
  }

  private runBytes(first: number, end: number): number {
    return Math.min(this.bytes.length, end * PAGE_BYTES) - first * PAGE_BYTES;
  }

  private at(page: number): number {
    return HEADER_BYTES + page * PAGE_BYTES;
  }
}

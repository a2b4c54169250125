// The bytes of one file of the memory disk, by pages, with what a power cut would leave of them.
// Knows no names and no faults; memory_disk.ts does.
import { copyOf } from "../bytes/copy.ts";
import { type Random, randomBelow } from "../random.ts";

export const PAGE_BYTES = 4096;
/** What a device writes at once or not at all. */
const SECTOR_BYTES = 512;

type Pages = Map<number, Uint8Array | null>;

export class MemoryInode {
  sizeBytes = 0;
  modifiedMs = 0;
  /** Absent pages are holes of zeros. */
  private readonly pages = new Map<number, Uint8Array>();
  /** What the device surely has of the pages written since the last sync began; null for a hole. */
  private before: Pages = new Map();
  /** The same for the sync that is under way. */
  private syncing: Pages | null = null;
  private syncingSizeBytes = 0;
  private durableSizeBytes = 0;

  get pageCount(): number {
    return this.pages.size;
  }

  hasPage(page: number): boolean {
    return this.pages.has(page);
  }

  read(target: Uint8Array, start: number, length: number, position: number): number {
    const count = Math.max(0, Math.min(length, this.sizeBytes - position));
    for (let done = 0; done < count;) {
      const at = position + done;
      const within = at % PAGE_BYTES;
      const piece = Math.min(PAGE_BYTES - within, count - done);
      const page = this.pages.get((at - within) / PAGE_BYTES);
      if (page === undefined) target.fill(0, start + done, start + done + piece);
      else target.set(page.subarray(within, within + piece), start + done);
      done += piece;
    }
    return count;
  }

  /** Writes within one page. */
  writePiece(source: Uint8Array, position: number): void {
    const within = position % PAGE_BYTES;
    const number = (position - within) / PAGE_BYTES;
    this.keepBefore(number);
    let page = this.pages.get(number);
    if (page === undefined) {
      page = new Uint8Array(PAGE_BYTES);
      this.pages.set(number, page);
    }
    page.set(source, within);
    this.sizeBytes = Math.max(this.sizeBytes, position + source.length);
  }

  truncate(sizeBytes: number): void {
    for (const [number, page] of this.pages) {
      const cut = sizeBytes - number * PAGE_BYTES;
      if (cut >= PAGE_BYTES) continue;
      this.keepBefore(number);
      if (cut <= 0) this.pages.delete(number);
      else page.fill(0, cut);
    }
    this.sizeBytes = sizeBytes;
  }

  /** Notes what a sync that begins now covers; what it gives is to be given to `endSync`. */
  beginSync(): Pages {
    // A sync that begins during another covers what both must, and only its own end counts.
    for (const [number, page] of this.syncing ?? []) this.before.set(number, page);
    const covered = this.before;
    this.syncing = covered;
    this.before = new Map();
    this.syncingSizeBytes = this.sizeBytes;
    return covered;
  }

  endSync(covered: Pages): void {
    if (this.syncing !== covered) return;
    this.syncing = null;
    this.durableSizeBytes = this.syncingSizeBytes;
  }

  /** Power is cut: every sector not synced is old or new, as chance has it. */
  losePower(random: Random): void {
    const size = randomBelow(random, 2) === 0 ? this.sizeBytes : this.durableSizeBytes;
    for (const dirty of [this.before, this.syncing ?? new Map<number, Uint8Array | null>()]) {
      for (const [number, old] of dirty) this.tearPage(number, old, random);
    }
    this.before = new Map();
    this.syncing = null;
    this.truncate(size);
    this.before = new Map();
    this.durableSizeBytes = size;
  }

  flipBit(position: number, bit: number): void {
    const page = this.pages.get(Math.floor(position / PAGE_BYTES));
    if (page !== undefined) page[position % PAGE_BYTES]! ^= 1 << bit;
  }

  private keepBefore(number: number): void {
    if (this.before.has(number)) return;
    const page = this.pages.get(number);
    this.before.set(number, page === undefined ? null : copyOf(page));
  }

  private tearPage(number: number, old: Uint8Array | null, random: Random): void {
    const page = this.pages.get(number) ?? new Uint8Array(PAGE_BYTES);
    this.pages.set(number, page);
    for (let at = 0; at < PAGE_BYTES; at += SECTOR_BYTES) {
      if (randomBelow(random, 2) === 0) continue;
      if (old === null) page.fill(0, at, at + SECTOR_BYTES);
      else page.set(old.subarray(at, at + SECTOR_BYTES), at);
    }
  }
}

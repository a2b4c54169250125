// Compares the index with the log: its items are in the order of the log, so both are walked once, side by side. Holds one
// table of slots and a block of items. Read-only.
import { Buffer } from "node:buffer";
import { readI32, readI64 } from "../../core/bytes/big_endian.ts";
import { absHash } from "../../core/bytes/java_hash.ts";
import { type Disk, DiskError, type DiskFile } from "../../core/disk/disk.ts";
import type { RecordFacts } from "../commit_log/record_facts.ts";
import {
  HEADER_BYTES,
  indexFileBytes,
  type IndexHeader,
  isIndexFileName,
  ITEM_BYTES,
  ITEM_OFFSET_AT,
  ITEM_PREVIOUS_AT,
  itemPosition,
  readHeader,
  SLOT_BYTES,
} from "../index/layout.ts";
import type { FaultKind, Findings } from "./fault.ts";
import type { StoreShape } from "./store_shape.ts";

const BLOCK_ITEMS = 4096;
const SLOT_BLOCK_BYTES = 256 * 1024;

export interface IndexCheckOptions {
  disk: Disk;
  shape: StoreShape;
  findings: Findings;
  logStart: number;
  /** Whether the next start will enter a record's keys anyway. */
  isPending: (physicalOffset: number, storeTimestampMs: number) => boolean;
  /** The store was closed cleanly: slots are complete. */
  isClean: boolean;
}

/** Faults of one kind in one file: told once, with how many there are. */
interface Tally {
  count: number;
  offset: number;
  detail: string;
}

export class IndexCheck {
  private readonly names: string[];
  /** Nothing can be compared. */
  private readonly isSkipped: boolean;
  private at = -1;
  private file: DiskFile | null = null;
  private header: IndexHeader | null = null;
  private item = 0;
  private block = Buffer.alloc(BLOCK_ITEMS * ITEM_BYTES);
  private blockStart = 0;
  private blockItems = 0;
  private slots: Int32Array | null = null;
  private readonly tallies = new Map<FaultKind, Tally>();
  private readonly folder: string;
  /** Hashes of the record at hand, and which of them were found. */
  private readonly expected: number[] = [];
  private readonly found: boolean[] = [];
  private missing: Tally | null = null;
  private pending = 0;
  private withoutTags = 0;

  constructor(private readonly options: IndexCheckOptions) {
    this.folder = `${options.shape.storePath}/index`;
    this.names = options.disk.listSync(this.folder).filter(isIndexFileName);
    const { findings, shape } = options;
    this.isSkipped = !shape.isIndexEnabled || !shape.isIndexKnown;
    if (!shape.isIndexKnown) {
      findings.fault({
        kind: "index_file",
        place: "index",
        detail: "its slots and items can't be told apart: give the broker's configuration (-c)",
        offset: -1,
        repair: null,
      });
    }
    if (this.names.length > 0 && !this.isSkipped) this.openNext();
  }

  get count(): number {
    return this.names.length;
  }

  /** Each record's keys, in the order of the log. What the index has of a suspect record isn't judged. */
  record(facts: RecordFacts, isSuspect: boolean): void {
    if (this.isSkipped || (facts.keyCount === 0 && !isSuspect)) return;
    const { physicalOffset, storeTimestampMs } = facts;
    this.expected.length = this.found.length = 0;
    for (let key = 0; key < facts.keyCount; key++) {
      this.expected.push(absHash(facts.keyHashes[key]!));
    }
    for (let offset = this.load(); offset >= 0 && offset <= physicalOffset; offset = this.load()) {
      if (offset === physicalOffset) {
        if (!isSuspect) this.match(physicalOffset);
      } else if (offset >= this.options.logStart) {
        this.tally("index_wrong", offset, "items that name no record with keys");
      }
      this.take();
    }
    if (!isSuspect) this.countMissing(facts, storeTimestampMs);
  }

  private match(physicalOffset: number): void {
    const hash = readI32(this.block, this.blockAt);
    let isKnown = false;
    for (const [key, each] of this.expected.entries()) {
      if (each !== hash) continue;
      // Apache enters the last record's keys twice when it recovers.
      isKnown = this.found[key] = true;
    }
    if (!isKnown) {
      this.tally("index_wrong", physicalOffset, "items whose key the record doesn't have");
    }
  }

  private countMissing(facts: RecordFacts, storeTimestampMs: number): void {
    const { physicalOffset, plainKeyCount } = facts;
    for (let key = 0; key < this.expected.length; key++) {
      if (this.found[key]) continue;
      if (this.options.isPending(physicalOffset, storeTimestampMs)) this.pending++;
      else if (key >= plainKeyCount) this.withoutTags++;
      else {
        this.missing ??= { count: 0, offset: physicalOffset, detail: "" };
        this.missing.count++;
      }
    }
  }

  // — The items, one after the other —

  private get blockAt(): number {
    return (this.item - this.blockStart) * ITEM_BYTES;
  }

  /** The physical offset of the item to come; −1 when there are no more. */
  private load(): number {
    while (this.header !== null && this.item >= this.itemLimit) this.openNext();
    if (this.header === null || this.file === null) return -1;
    if (this.item >= this.blockStart + this.blockItems) this.readBlock();
    return this.blockItems === 0 ? -1 : readI64(this.block, this.blockAt + ITEM_OFFSET_AT);
  }

  private get itemLimit(): number {
    return Math.min(this.header!.nextItem, this.options.shape.index.itemCount);
  }

  private readBlock(): void {
    const { shape } = this.options;
    const count = Math.min(BLOCK_ITEMS, this.itemLimit - this.item);
    this.blockStart = this.item;
    try {
      const position = itemPosition(shape.index, this.item);
      const bytes = this.file!.readSync(this.block, 0, count * ITEM_BYTES, position);
      this.blockItems = Math.floor(bytes / ITEM_BYTES);
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      this.fault("index_file", `can't be read: ${error.code}`, -1);
      this.blockItems = 0;
    }
    if (this.blockItems === 0) this.item = this.itemLimit;
  }

  /** Goes on to the next item, and notes the slot that this one is in. */
  private take(): void {
    const at = this.blockAt;
    const hash = readI32(this.block, at);
    const slots = this.slots!;
    const slot = Math.abs(hash) % slots.length;
    const previous = readI32(this.block, at + ITEM_PREVIOUS_AT);
    if (hash < 0 || previous !== slots[slot]) {
      const offset = readI64(this.block, at + ITEM_OFFSET_AT);
      this.tally("index_wrong", offset, "items that don't follow the one before in their slot");
    }
    slots[slot] = this.item;
    this.item++;
  }

  // — The files —

  private openNext(): void {
    const { disk, shape } = this.options;
    this.closeFile();
    this.at++;
    const name = this.names[this.at];
    if (name === undefined) return;
    const path = `${this.folder}/${name}`;
    const { isDirectory, sizeBytes = 0 } = disk.statSync(path) ?? {};
    const expectedBytes = indexFileBytes(shape.index);
    if (isDirectory) {
      this.fault("index_file", "is a folder", -1);
      return this.openNext();
    }
    if (sizeBytes !== expectedBytes) {
      // A file that got no length before the process ended; the next start deletes it.
      if (sizeBytes > 0) {
        this.fault("index_file", `has ${sizeBytes} bytes where ${expectedBytes} are due`, -1);
      }
      return this.openNext();
    }
    this.file = disk.openSync(path, "read");
    const bytes = Buffer.alloc(HEADER_BYTES);
    this.file.readSync(bytes, 0, HEADER_BYTES, 0);
    this.header = readHeader(bytes);
    this.item = 1;
    this.blockStart = this.blockItems = 0;
    this.slots ??= new Int32Array(shape.index.slotCount);
    this.slots.fill(0);
    if (this.header.nextItem > shape.index.itemCount) {
      this.fault("index_file", `its header counts ${this.header.nextItem} items`, -1);
    }
  }

  private closeFile(): void {
    if (this.file === null) return;
    const isLast = this.at === this.names.length - 1;
    // After a kill the slots of a file that isn't full are made again from its items.
    if (this.options.isClean || !isLast) this.compareSlots();
    void this.file.close();
    this.file = this.header = null;
    for (const [kind, { count, detail, offset }] of this.tallies) {
      this.fault(kind, `${count} ${detail}`, offset);
    }
    this.tallies.clear();
  }

  private compareSlots(): void {
    const slots = this.slots!;
    const bytes = Buffer.alloc(SLOT_BLOCK_BYTES);
    let wrong = 0;
    for (let slot = 0; slot < slots.length;) {
      const wanted = Math.min(bytes.length, (slots.length - slot) * SLOT_BYTES);
      this.file!.readSync(bytes, 0, wanted, HEADER_BYTES + slot * SLOT_BYTES);
      for (let at = 0; at < wanted; at += SLOT_BYTES, slot++) {
        const held = readI32(bytes, at);
        // Apache leaves what is beyond the count, and readers pass over it.
        if (held !== slots[slot] && held <= this.header!.nextItem) wrong++;
      }
    }
    if (wrong > 0) this.fault("index_slots", `${wrong} slots don't name their newest item`, -1);
  }

  /** After the last record. */
  finish(logEnd: number): void {
    for (let offset = this.load(); offset >= 0; offset = this.load()) {
      const detail = offset >= logEnd
        ? "items that point behind the log's end"
        : "items that name no record with keys";
      if (offset >= this.options.logStart) this.tally("index_wrong", offset, detail);
      this.take();
    }
    this.closeFile();
    const { findings } = this.options;
    if (this.missing !== null && this.names.length === 0) {
      this.report("index_missing", "index", "there is no index: keys find nothing", -1);
    } else if (this.missing !== null) {
      const { count, offset } = this.missing;
      const detail = `${count} keys of records in the log are missing`;
      this.report("index_missing", "index", detail, offset);
    }
    if (this.pending > 0) {
      findings.note(`${this.pending} keys will be entered by the next start's recovery`);
    }
    if (this.withoutTags > 0 && this.names.length > 0) {
      findings.note(`${this.withoutTags} tags aren't indexed: a broker before 5.4.0 wrote them`);
    }
  }

  private tally(kind: FaultKind, offset: number, detail: string): void {
    const known = this.tallies.get(kind);
    if (known === undefined) this.tallies.set(kind, { count: 1, offset, detail });
    else known.count++;
  }

  private fault(kind: FaultKind, detail: string, offset: number): void {
    this.report(kind, `index/${this.names[this.at]}`, detail, offset);
  }

  private report(kind: FaultKind, place: string, detail: string, offset: number): void {
    const repair = { step: "rebuild_index" } as const;
    this.options.findings.fault({ kind, place, detail, offset, repair });
  }
}

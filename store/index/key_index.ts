// The index from topic#key to physical offsets, in Apache's IndexFile format, kept cheap for random keys.
// It knows hashes, not keys: collisions are returned and the caller compares.
//
// A put touches one word of a table in memory and appends 20 bytes to a tail; it never touches the disk:
// - the newest file's slots are one big-endian table in memory (4 bytes each: 20 MB for 5 million), begun with the first
//   key and reused from file to file; a second one serves while a full file's slots are written back, and is kept;
// - items go to a tail (80 KB to 1.25 MB) that is written every 50 ms, the header behind it;
// - slots are written in runs of changed pages when no key came for a second, when the file is full (256 KB at a time, off
//   this thread, then synced), at closing, and with a checkpoint when 2 million items came since. So 20 million random
//   items cost 400 MB of sequential and 200 MB of further writing, where a mapping dirties most of the table's pages
//   between any two flushes;
// - after a crash the slots are made again from those that a checkpoint vouches for and the items since (rebuild.ts).
import { basename, dirname } from "node:path";
import { DiskError } from "../../core/disk/disk.ts";
import { assert } from "../../core/errors.ts";
import type { Timer } from "../../core/time/clock.ts";
import type { DispatchIndex } from "../dispatch.ts";
import { IndexFile } from "./index_file.ts";
import { type IndexQueryResult, queryFiles } from "./index_query.ts";
import { loadIndexFiles, markSuspects } from "./load_index.ts";
import type { IndexStart, KeyIndexOptions } from "./index_options.ts";
import { headerAfter, indexFileBytes, indexFileName, type IndexShape } from "./layout.ts";
import {
  PREPARE_FROM_RATIO,
  PREPARE_PAGES,
  QUIET_MS,
  RETRY_MS,
  SLOT_BUDGET_MS,
  SLOTS_DUE_RATIO,
  WRITE_DELAY_MS,
} from "./limits.ts";
import { rebuildSlots } from "./rebuild.ts";
import { RetiringFiles } from "./retiring_files.ts";
import { SlotTable } from "./slot_table.ts";
import { pointOf, type SlotsPoint } from "./slots_point.ts";

export class KeyIndex implements DispatchIndex, AsyncDisposable {
  private readonly shape: IndexShape;
  /** Where the next item goes, with a table; null before the first put and while a new file can't be made. */
  private current: IndexFile | null = null;
  private spare: SlotTable | null = null;
  private readonly retiring = new RetiringFiles((file, table) => {
    this.spare ??= table;
    this.options.onFileComplete?.(file.header.endTimestampMs);
  }, (error) => this.failed("completing an index file failed", error));
  /** What the next checkpoint may say of the slots on disk. */
  private durableSlots: SlotsPoint | null = null;
  private writeTimer: Timer | null = null;
  private quietTimer: Timer | null = null;
  private quietPage = 0;
  private isDirectoryNew = false;
  private isFailing = false;
  private retryAtMs = 0;
  /** No new file could be had: when to try again, and why keys were lost, which the log must make good at the next start. */
  private readyAtMs = 0;
  private lossCause: DiskError | null = null;

  private constructor(
    private readonly options: KeyIndexOptions,
    /** Oldest first. */
    private readonly files: IndexFile[],
  ) {
    this.shape = { slotCount: options.slotCount, itemCount: options.itemCount };
  }

  /**
   * Loads headers only. After a crash `truncate` must come before the first put: it makes the slots of files that may be
   * incomplete again from their items, where Apache deletes such files. Throws OperationError when a file hasn't the
   * configured size.
   */
  static async open(options: KeyIndexOptions, start: IndexStart): Promise<KeyIndex> {
    const shape = { slotCount: options.slotCount, itemCount: options.itemCount };
    const { lastExitClean } = start;
    const files = await loadIndexFiles({ ...options, shape, lastExitClean });
    if (!lastExitClean) markSuspects(files, start.completeUntilMs);
    const index = new KeyIndex(options, files);
    // A killed process may have made files and not yet synced their folder.
    index.isDirectoryNew = !start.lastExitClean && files.length > 0;
    return index;
  }

  /** The physical offset of the newest record in the index; records before it are in it already (replay). */
  get endPhysicalOffset(): number {
    // A file that was begun just before a kill has no header yet.
    const newest = this.files.findLast(({ header }) => header.endPhysicalOffset > 0);
    return newest?.header.endPhysicalOffset ?? 0;
  }

  /** What each file with items covers, oldest first: the offsets of its first and its last record. */
  spans(): { first: number; last: number }[] {
    return this.files.filter(({ header }) => header.nextItem > 1)
      .map(({ header }) => ({ first: header.beginPhysicalOffset, last: header.endPhysicalOffset }));
  }

  /**
   * Adds one key of a record: `keyHash` is Java's String.hashCode of topic + "#" + key, before its absolute value is
   * taken. Works in memory and allocates nothing, except when a file is begun. Never throws for the disk's sake.
   */
  put(keyHash: number, physicalOffset: number, storeTimestampMs: number): void {
    let file = this.current;
    if (file === null || file.isFull) {
      file = this.ready();
      if (file === null) return;
    }
    // IndexService.buildIndex: what is older than the newest item is in the index already.
    if (physicalOffset < file.header.endPhysicalOffset) return;
    file.put(keyHash, physicalOffset, storeTimestampMs);
    this.writeTimer ??= this.options.clock.after(WRITE_DELAY_MS, this.writeRound);
  }

  /** Makes the puts of keys that come next cheaper; see `SlotTable.expect`. */
  expect(keyHashes: Int32Array, count: number): void {
    this.current?.table?.expect(keyHashes, count);
  }

  /** The file that takes the next item; null, with an error logged, when it can't be had now: the key is then lost. */
  private ready(): IndexFile | null {
    if (this.options.clock.monotonicMs() < this.readyAtMs) return null;
    try {
      const full = this.current;
      const newest = this.files.at(-1) ?? null;
      const file = newest === null || newest.isFull ? this.create() : this.resume(newest);
      this.current = file;
      if (full !== null) void this.retiring.add(full);
      this.isFailing = false;
      return file;
    } catch (error) {
      this.failed("no index file can be written", error);
      this.readyAtMs = this.retryAtMs;
      if (error instanceof DiskError) this.lossCause ??= error;
      return null;
    }
  }

  private create(): IndexFile {
    const { disk, clock, path } = this.options;
    const newest = this.files.at(-1) ?? null;
    const name = indexFileName(clock.nowMs(), newest === null ? null : basename(newest.path));
    if (newest === null) disk.makeDirectorySync(path);
    const made = disk.openSync(`${path}/${name}`, "create");
    made.truncateSync(indexFileBytes(this.shape));
    const header = headerAfter(newest?.header ?? null);
    const file = new IndexFile(disk, `${path}/${name}`, this.shape, header, made);
    file.table = this.takeTable();
    this.files.push(file);
    this.isDirectoryNew = true;
    return file;
  }

  /** Goes on with a file of an earlier run. */
  private resume(file: IndexFile): IndexFile {
    assert(!file.isSuspect, "an index is truncated after a crash before it takes keys");
    const table = this.takeTable();
    table.load(file.file);
    file.table = table;
    // A clean stop left them so.
    this.durableSlots ??= pointOf(file);
    return file;
  }

  private takeTable(): SlotTable {
    const table = this.spare ?? new SlotTable(this.shape.slotCount);
    this.spare = null;
    return table;
  }

  // — Writing —

  private readonly writeRound = (): void => {
    this.writeTimer = null;
    const { clock } = this.options;
    try {
      this.current?.writeItems();
      this.isFailing = false;
    } catch (error) {
      this.failed("writing index items failed", error);
      this.writeTimer = clock.after(RETRY_MS, this.writeRound);
      return;
    }
    this.prepare();
    if (this.retiring.count > 0 && clock.monotonicMs() >= this.retryAtMs) {
      void this.retiring.finish();
    }
    this.quietTimer ??= clock.after(QUIET_MS, this.quietRound);
  };

  /** The next file's table gets its memory before it is needed. */
  private prepare(): void {
    const filled = (this.current?.header.nextItem ?? 0) / this.shape.itemCount;
    if (filled < PREPARE_FROM_RATIO || this.retiring.count > 0) return;
    this.spare ??= new SlotTable(this.shape.slotCount);
    this.spare.touch(PREPARE_PAGES);
  }

  private readonly quietRound = (): void => {
    this.quietTimer = null;
    const file = this.current;
    // A put since then has set the write timer, and its round will set this one again.
    if (file === null || this.writeTimer !== null || file.hasUnwritten) return;
    const { clock } = this.options;
    const untilMs = clock.monotonicMs() + SLOT_BUDGET_MS;
    try {
      do this.quietPage = file.table!.writeRun(file.file, this.quietPage); while (
        this.quietPage >= 0 && clock.monotonicMs() < untilMs
      );
    } catch (error) {
      return this.failed("writing index slots failed", error);
    }
    if (this.quietPage >= 0) this.quietTimer = clock.after(1, this.quietRound);
    else {
      this.quietPage = 0;
      file.releaseTail();
    }
  };

  private failed(text: string, error: unknown): void {
    if (!(error instanceof DiskError)) throw error;
    if (!this.isFailing) this.options.log.error(text, { error });
    this.isFailing = true;
    this.retryAtMs = this.options.clock.monotonicMs() + RETRY_MS;
  }

  /**
   * Writes items and headers and makes them durable (before a checkpoint says so). Throws DiskError, always once a key was
   * lost: without a checkpoint that counts it, the next start enters it again from the log. With a point of `slotsNow`
   * the slots too, when that is due.
   */
  async sync(point: SlotsPoint | null = null): Promise<void> {
    if (this.lossCause !== null) throw this.lossCause;
    const file = this.current;
    file?.writeItems();
    const areSlotsWritten = point !== null && file !== null &&
      await this.writeDueSlots(file, point);
    if (this.isDirectoryNew) await this.syncDirectory();
    await file?.file.datasync();
    if (areSlotsWritten) this.durableSlots = point;
    await this.retiring.finish();
    this.retiring.throwFailure();
  }

  /** Whether the slots on disk know of all items up to a point once the file is synced. */
  private async writeDueSlots(file: IndexFile, point: SlotsPoint): Promise<boolean> {
    const { clock } = this.options;
    const known = this.slotsPoint;
    const since = point.item - (known?.fileBegin === point.fileBegin ? known.item : 0);
    const isDue = since >= this.shape.itemCount * SLOTS_DUE_RATIO ||
      !file.table!.changed.includes(1);
    if (!isDue || file.header.beginPhysicalOffset !== point.fileBegin) return false;
    try {
      return await file.writeSlots(clock, () => file === this.current);
    } catch (error) {
      this.failed("writing index slots failed", error);
      return false;
    }
  }

  private async syncDirectory(): Promise<void> {
    const { disk, path } = this.options;
    this.isDirectoryNew = false;
    try {
      await disk.syncDirectory(dirname(path));
      await disk.syncDirectory(path);
    } catch (error) {
      this.isDirectoryNew = true;
      throw error;
    }
  }

  /** Writes everything, slots included, syncs and closes. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.writeTimer?.cancel();
    this.quietTimer?.cancel();
    const file = this.current;
    if (file !== null) {
      file.writeItems();
      for (let page = 0; page >= 0;) page = file.table!.writeRun(file.file, page);
    }
    await this.sync();
    for (const each of this.files) await each.close();
  }

  // — Reading and cutting —

  /** See queryFiles. */
  query(
    topic: string,
    key: string,
    maxCount: number,
    beginMs: number,
    endMs: number,
  ): Promise<IndexQueryResult> {
    return queryFiles(this.files, this.options.log, { topic, key, maxCount, beginMs, endMs });
  }

  /** What the slots in memory know: exactly the items that were put by now. */
  get slotsNow(): SlotsPoint | null {
    return this.current === null || this.current.header.nextItem <= 1
      ? null
      : pointOf(this.current);
  }

  /** Up to where the slots on disk were surely durable at the last sync; null when nothing can be said. */
  get slotsPoint(): SlotsPoint | null {
    return this.durableSlots;
  }

  /**
   * Drops items of records at or past a physical offset (the log was cut, or is replayed from there). `point` is what the
   * checkpoint says of the slots, when it is believed.
   */
  async truncate(physicalOffset: number, point: SlotsPoint | null = null): Promise<void> {
    await this.sync();
    let isCut = false;
    for (const file of this.files.toReversed()) {
      const { header } = file;
      const isGone = header.nextItem <= 1 || header.beginPhysicalOffset >= physicalOffset;
      if (!isGone && !file.isSuspect && header.endPhysicalOffset < physicalOffset) break;
      if (isGone) await this.deleteFile(file);
      else await this.rebuild(file, physicalOffset, point);
      isCut = true;
    }
    if (!isCut) return;
    const complete = this.files.findLast((file) => file.isFull && file.table === null);
    this.options.onFileComplete?.(complete?.header.endTimestampMs ?? 0);
  }

  private async rebuild(
    file: IndexFile,
    physicalOffset: number,
    point: SlotsPoint | null,
  ): Promise<void> {
    file.table ??= this.takeTable();
    this.forgetPointOf(file);
    const own = point?.fileBegin === file.header.beginPhysicalOffset ? point : null;
    const { forgotten, from } = await rebuildSlots(file, file.table, physicalOffset, own);
    if (from > 1) this.durableSlots = own;
    if (file.header.nextItem <= 1) return await this.deleteFile(file);
    file.retiredPages = 0;
    file.isSuspect = false;
    if (file === this.files.at(-1) && !file.isFull) this.current = file;
    else await this.retiring.add(file);
    this.options.log.info("rebuilt the slots of an index file", {
      path: file.path,
      from,
      forgotten,
    });
  }

  private forgetPointOf(file: IndexFile): void {
    if (this.durableSlots?.fileBegin === file.header.beginPhysicalOffset) this.durableSlots = null;
  }

  /** Has files deleted whose every record is before the log's start; the newest file stays. */
  async deleteExpired(
    minPhysicalOffset: number,
    remove: (path: string) => Promise<void>,
  ): Promise<void> {
    for (let file = this.files[0]; file !== undefined; file = this.files[0]) {
      const isNeeded = file.header.endPhysicalOffset >= minPhysicalOffset || file.table !== null;
      if (this.files.length === 1 || isNeeded) return;
      await this.deleteFile(file, remove);
    }
  }

  private async deleteFile(
    file: IndexFile,
    remove = (path: string) => this.options.disk.unlink(path),
  ): Promise<void> {
    this.forgetPointOf(file);
    this.files.splice(this.files.indexOf(file), 1);
    if (this.current === file) this.current = null;
    if (file.table !== null) {
      file.table.clearPages(0, file.table.pageCount);
      this.spare ??= file.table;
      file.table = null;
    }
    await file.close();
    await remove(file.path);
    this.isDirectoryNew = true;
  }
}

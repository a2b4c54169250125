// A queue as fixed-size units over files, with a tail in memory that is written later. What a unit means is the
// subclasses' business. Never decides when to write: queue_writer.ts does.
import { readI32, readI64, writeI32 } from "../../core/bytes/big_endian.ts";
import { javaHash } from "../../core/bytes/java_hash.ts";
import type { QueueCursor, TimestampBoundary } from "../message_store.ts";
import { TAIL_BYTES_MAX, TAIL_BYTES_MIN } from "./limits.ts";
import type { QueueContext, QueueExtent } from "./queue_context.ts";
import { QueueFiles } from "./queue_files.ts";
import type { ReadBlock } from "./read_block.ts";
import type { LogProbe, QueueKind, StoredQueue, StoreTimeOf } from "./stored_queue.ts";
import { BATCH_UNIT_BYTES, BLANK_SIZE, SIZE_AT } from "./unit.ts";

const NO_TAIL = new Uint8Array(0);
const BLANK_UNIT = new Uint8Array(BATCH_UNIT_BYTES);
writeI32(BLANK_UNIT, SIZE_AT, BLANK_SIZE);

/** MixAll.LMQ_PREFIX. */
const LIGHT_QUEUE_PREFIX = "%LMQ%";

/** Files at the end of a queue that are searched for its end, as many as Apache does. */
const FILES_SEARCHED_MAX = 3;

/** Units that are read at once when the end is looked for. */
const NEAR_UNITS = 64;

export abstract class UnitQueue implements StoredQueue {
  abstract readonly kind: QueueKind;
  nextOffset = 0;
  minOffset = 0;
  coveredPhysicalOffset = 0;
  readonly files: QueueFiles;

  /** Byte positions count as file names do: units stand in [files.first, endByte), from writtenByte in memory only. */
  endByte: number;
  writtenByte: number;
  /** The units of [tailStart, endByte); tailStart ≤ writtenByte, so freshly written ones are read from memory too. */
  protected tail: Uint8Array = NO_TAIL;
  private tailStart: number;
  /** Where the record of the entry at minOffset is, so that most queues need no look at each retention. */
  private minPhysicalKnown = NOTHING_KNOWN;
  /** The first written byte that isn't synced; −1 when all are. */
  private unsyncedByte = -1;
  /** In the writer's list of queues to write. */
  isDirty = false;
  /** Has a tail that the writer frees once it is idle; got entries since the writer last looked. */
  isWarm = false;
  wasAppended = false;
  isDeleted = false;
  /** Where in the result of `bytesAt` the unit begins. */
  at = 0;
  private readonly block: ReadBlock;

  constructor(
    readonly context: QueueContext,
    readonly topic: string,
    readonly queueId: number,
    readonly unitBytes: number,
    directory: string,
    fileBytes: number,
    extent: QueueExtent,
  ) {
    this.files = new QueueFiles(context, directory, fileBytes, extent);
    this.endByte = this.writtenByte = this.tailStart = extent.filesEnd;
    // Neighbouring queues of a topic, which are read together, get different blocks.
    this.block = context.blocks[(javaHash(topic) + queueId) & (context.blocks.length - 1)]!;
  }

  abstract get maxOffset(): number;
  abstract append(
    queueOffset: number,
    physicalOffset: number,
    size: number,
    tagsCode: number,
    storeTimestampMs: number,
    batchCount: number,
  ): void;
  abstract openCursor(queueOffset: number, confirmOffset: number): QueueCursor;
  abstract offsetByTimestamp(
    timestampMs: number,
    boundary: TimestampBoundary,
    storeTimeOf: StoreTimeOf,
  ): Promise<number>;
  /** The queue offset of the unit at a position. */
  abstract offsetAt(position: number): number;
  /** Whether something was ever written there: a file is zeros behind its last unit. */
  protected abstract isUnit(bytes: Uint8Array, at: number): boolean;

  get firstByte(): number {
    return this.files.first;
  }

  get minPhysicalOffset(): number {
    return this.context.minPhysicalOffset;
  }

  get isEmpty(): boolean {
    return this.endByte === this.files.first;
  }

  /**
   * The bytes that hold the unit at `position`, which begins at `this.at`; a blank unit when it is gone meanwhile. Valid
   * until the next call on any queue.
   */
  bytesAt(position: number, readAheadBytes = this.unitBytes): Uint8Array {
    if (position < this.files.first || position >= this.endByte) {
      this.at = 0;
      return BLANK_UNIT;
    }
    if (position >= this.tailStart) {
      this.at = position - this.tailStart;
      return this.tail;
    }
    const { block } = this;
    if (!block.holds(this, position, this.unitBytes)) block.load(this, position, readAheadBytes);
    this.at = position - block.start;
    return block.bytes;
  }

  /** The physical offset in a unit; −1 for a blank one, which stands before everything. */
  physicalOffsetAt(position: number): number {
    const bytes = this.bytesAt(position);
    return isBlank(bytes, this.at) ? -1 : readI64(bytes, this.at);
  }

  /** One past the record's last byte; 0 for a blank unit. */
  physicalEndAt(position: number): number {
    const bytes = this.bytesAt(position);
    return isBlank(bytes, this.at)
      ? 0
      : readI64(bytes, this.at) + readI32(bytes, this.at + SIZE_AT);
  }

  /** The first unit in [from, to) of which `holds` is true, by halving: those before must be false, those after true. */
  firstWhere(from: number, to: number, holds: (position: number) => boolean): number {
    let low = 0;
    let high = (to - from) / this.unitBytes;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (holds(from + middle * this.unitBytes)) high = middle;
      else low = middle + 1;
    }
    return from + low * this.unitBytes;
  }

  /** Reads written units within one file for the read block; gives the byte count, whole units. */
  readWritten(target: Uint8Array, position: number, length: number): number {
    const fileEnd = this.files.baseOf(position) + this.files.fileBytes;
    const available = Math.min(this.writtenByte, fileEnd) - position;
    const wanted = Math.min(available, Math.max(length, this.unitBytes));
    const whole = wanted - wanted % this.unitBytes;
    this.files.read(target, position, whole);
    return whole;
  }

  // — Appending and writing —

  /** Room for one more unit at the end of the tail; gives where it begins. */
  protected reserve(): number {
    const at = this.endByte - this.tailStart;
    return at + this.unitBytes <= this.tail.length ? at : this.makeRoom();
  }

  /** Counts the unit that was put where `reserve` said. */
  protected grew(physicalEnd: number): void {
    this.endByte += this.unitBytes;
    this.coveredPhysicalOffset = physicalEnd;
    if (!this.isDirty) this.context.writer.add(this);
  }

  private makeRoom(): number {
    if (this.tail.length >= TAIL_BYTES_MAX) this.context.writer.writeNow(this);
    const kept = this.endByte - this.writtenByte;
    const from = this.writtenByte - this.tailStart;
    if (this.tail.length > 0 && kept <= this.tail.length >> 1) {
      this.tail.copyWithin(0, from, from + kept);
    } else {
      const larger = this.context.tails.take(Math.max(TAIL_BYTES_MIN, 2 * this.tail.length));
      larger.set(this.tail.subarray(from, from + kept));
      this.context.tails.give(this.tail);
      this.tail = larger;
    }
    this.tailStart = this.writtenByte;
    return kept;
  }

  /** Gives the tail back when all of it is on disk. */
  releaseTail(): void {
    if (this.writtenByte < this.endByte || this.tail.length === 0) return;
    this.context.tails.give(this.tail);
    this.tail = NO_TAIL;
    this.tailStart = this.endByte;
  }

  /** Writes the unwritten units. Throws DiskError; what was written before it counts as written. */
  writeTail(): void {
    const { fileBytes } = this.files;
    while (this.writtenByte < this.endByte) {
      const fileEnd = this.files.baseOf(this.writtenByte) + fileBytes;
      const length = Math.min(this.endByte, fileEnd) - this.writtenByte;
      this.files.write(this.tail, this.writtenByte - this.tailStart, length, this.writtenByte);
      this.markUnsynced(this.writtenByte);
      this.writtenByte += length;
    }
  }

  private markUnsynced(position: number): void {
    if (this.unsyncedByte < 0) {
      this.unsyncedByte = position;
      this.context.writer.addUnsynced(this);
    } else if (position < this.unsyncedByte) this.unsyncedByte = position;
  }

  /** Makes all written units durable. */
  async sync(): Promise<void> {
    const from = this.unsyncedByte;
    this.unsyncedByte = -1;
    if (from < 0 || this.isDeleted) return;
    try {
      await this.files.sync(from, this.writtenByte);
    } catch (error) {
      if (this.isDeleted) return;
      this.markUnsynced(from);
      throw error;
    }
  }

  // — Loading, cutting, retention —

  /** Finds the end of what was written in the last files. */
  protected findEnd(): void {
    const { fileBytes, end } = this.files;
    let base = Math.max(this.files.first, end - FILES_SEARCHED_MAX * fileBytes);
    const isEnd = (position: number) => !this.isUnit(this.bytesAt(position), this.at);
    while (base < end && !isEnd(base + fileBytes - this.unitBytes)) base += fileBytes;
    if (base < end) {
      // Most queues end in the first few kilobytes of their last file: one read shows it.
      const nearEnd = base + Math.min(fileBytes, NEAR_UNITS * this.unitBytes);
      this.bytesAt(base, nearEnd - base);
      const isNear = isEnd(nearEnd - this.unitBytes);
      const position = isNear
        ? this.firstWhere(base, nearEnd, isEnd)
        : this.firstWhere(nearEnd, base + fileBytes, isEnd);
      this.block.drop(this);
      this.endByte = this.writtenByte = this.tailStart = position;
      this.files.dropFrom(base + fileBytes);
    }
    if (!this.isEmpty) this.minOffset = this.offsetAt(this.files.first);
    this.endMoved();
  }

  /** Drops the entries whose records end past a physical offset, and what a power cut left of them. */
  truncate(physicalOffset: number): void {
    if (this.isEmpty) return;
    const isDoomed = (position: number) => this.isDoomed(position, physicalOffset);
    if (isDoomed(this.endByte - this.unitBytes)) this.cut(isDoomed);
  }

  /**
   * Drops all entries when a record begins the queue anew: number 0, behind every record that the queue holds. Only a
   * replay meets one, of a topic that was deleted and made again: the kill came before the deletion was durable.
   */
  protected forgetEarlierLife(queueOffset: number, physicalOffset: number): void {
    const isAnew = queueOffset === 0 && physicalOffset >= this.coveredPhysicalOffset;
    if (!isAnew || this.isEmpty || this.isDeleted) return;
    const { topic, queueId, maxOffset } = this;
    this.context.log.warn("a queue begins anew: its topic was deleted", {
      topic,
      queueId,
      maxOffset,
    });
    this.truncate(BEFORE_THE_LOG);
  }

  /**
   * True from the first entry of a record that ends past `physicalOffset` on, even when sectors behind it are missing or
   * torn: an entry counts only if it continues the one before.
   */
  private isDoomed(position: number, physicalOffset: number): boolean {
    if (!this.isUnit(this.bytesAt(position), this.at)) return true;
    const end = this.physicalEndAt(position);
    if (end > physicalOffset) return true;
    const before = position - this.unitBytes;
    if (before < this.files.first) return false;
    if (!this.isUnit(this.bytesAt(before), this.at)) return true;
    const endBefore = this.physicalEndAt(before);
    return end === 0 ? endBefore > 0 : this.physicalOffsetAt(position) < endBefore;
  }

  /** Drops the units from the first doomed one on, in memory and on disk: nothing stale is left for the next load. */
  private cut(isDoomed: (position: number) => boolean): void {
    const position = this.firstWhere(this.files.first, this.endByte, isDoomed);
    const staleEnd = this.writtenByte;
    this.block.drop(this);
    this.endByte = position;
    this.writtenByte = Math.min(staleEnd, position);
    this.tailStart = Math.min(this.tailStart, position);
    const { fileBytes } = this.files;
    const keptEnd = Math.ceil(position / fileBytes) * fileBytes;
    if (position < Math.min(staleEnd, keptEnd)) {
      const zeros = new Uint8Array(Math.min(staleEnd, keptEnd) - position);
      this.files.write(zeros, 0, zeros.length, position);
      this.markUnsynced(position);
    }
    this.files.dropFrom(keptEnd);
    this.endMoved();
  }

  /** The end is somewhere else than an append would put it. */
  protected endMoved(): void {
    this.coveredPhysicalOffset = this.isEmpty
      ? 0
      : this.physicalEndAt(this.endByte - this.unitBytes);
    this.nextOffset = this.maxOffset;
    this.minPhysicalKnown = NOTHING_KNOWN;
    this.minOffset = Math.min(this.minOffset, this.maxOffset);
  }

  /** Cuts what doesn't belong to the log: past its end, or left over from an earlier truncation (by Apache). */
  recover(probe: LogProbe): void {
    this.truncate(probe.maxPhysicalOffset);
    // A light queue's entries point to records of other topics.
    const isLight = this.topic.startsWith(LIGHT_QUEUE_PREFIX);
    if (!this.isEmpty && !isLight && !this.belongs(this.endByte - this.unitBytes, probe)) {
      const before = this.maxOffset;
      this.cut((position) => !this.belongs(position, probe));
      this.context.log.warn("cut stale entries off a consume queue", {
        topic: this.topic,
        queueId: this.queueId,
        from: this.maxOffset,
        to: before,
      });
    }
    this.correctMinOffset();
  }

  private belongs(position: number, probe: LogProbe): boolean {
    if (!this.isUnit(this.bytesAt(position), this.at)) return false;
    const physicalOffset = this.physicalOffsetAt(position);
    if (physicalOffset < probe.minPhysicalOffset) return true;
    const size = this.physicalEndAt(position) - physicalOffset;
    return probe.holds(physicalOffset, size, this.topic, this.queueId, this.offsetAt(position));
  }

  /** Moves the minimum to the first entry that the log still has. */
  correctMinOffset(): void {
    const minPhysical = this.context.minPhysicalOffset;
    if (this.minPhysicalKnown >= minPhysical) return;
    const isThere = (position: number) => this.physicalOffsetAt(position) >= minPhysical;
    const { first } = this.files;
    const position = this.isEmpty || isThere(first)
      ? first
      : this.firstWhere(first, this.endByte, isThere);
    const isLeft = position < this.endByte;
    this.minOffset = isLeft ? this.offsetAt(position) : this.maxOffset;
    this.minPhysicalKnown = isLeft ? this.physicalOffsetAt(position) : NOTHING_KNOWN;
  }

  /** Frees the files, but for the last, of which every entry points before the log's start. */
  async deleteExpired(): Promise<void> {
    if (this.minPhysicalKnown >= this.context.minPhysicalOffset) return;
    const unlinking: Promise<void>[] = [];
    for (;;) {
      const next = this.files.first + this.files.fileBytes;
      if (next >= this.files.end || next > this.writtenByte) break;
      const last = this.physicalOffsetAt(next - this.unitBytes);
      if (last >= this.context.minPhysicalOffset) break;
      unlinking.push(this.files.discardFirst());
    }
    this.correctMinOffset();
    await Promise.all(unlinking);
  }

  /** Forgets every unit and frees every file; entries that come later are lost. */
  async delete(): Promise<void> {
    this.isDeleted = true;
    this.block.drop(this);
    this.files.close();
    const unlinking: Promise<void>[] = [];
    while (this.files.first < this.files.end) unlinking.push(this.files.discardFirst());
    this.endByte = this.writtenByte;
    this.releaseTail();
    this.files.first =
      this.files.end =
      this.endByte =
      this.writtenByte =
      this.tailStart =
        GONE;
    await Promise.all(unlinking);
  }

  /** An empty queue that begins with the file that holds `position`. */
  protected restartAt(position: number): void {
    this.files.restartAt(position);
    this.endByte = this.writtenByte = this.tailStart = this.files.first;
    this.endMoved();
  }
}

const NOTHING_KNOWN = -1;
const BEFORE_THE_LOG = -1;
/** No position of a unit: a deleted queue takes and shows nothing. */
const GONE = -1;

function isBlank(bytes: Uint8Array, at: number): boolean {
  return readI32(bytes, at + SIZE_AT) === BLANK_SIZE && readI64(bytes, at) === 0;
}

// Fixed-size units over files, with a tail in memory that is written later and synced later still. What a unit means and
// where the units end is the subclasses' business. Never decides when to write: queue_writer.ts does.
import { readI32, readI64, writeI32 } from "../../core/bytes/big_endian.ts";
import { javaHash } from "../../core/bytes/java_hash.ts";
import { READ_BYTES_MAX, TAIL_BYTES_MAX, TAIL_BYTES_MIN } from "./limits.ts";
import type { QueueContext, QueueExtent } from "./queue_context.ts";
import { QueueFiles } from "./queue_files.ts";
import type { ReadBlock } from "./read_block.ts";
import { BATCH_UNIT_BYTES, BLANK_SIZE, SIZE_AT } from "./unit.ts";

const NOTHING = -1;
const NO_TAIL = new Uint8Array(0);
const BLANK_UNIT = new Uint8Array(BATCH_UNIT_BYTES);
writeI32(BLANK_UNIT, SIZE_AT, BLANK_SIZE);

export abstract class TailedUnits {
  readonly files: QueueFiles;

  /** Byte positions count as file names do: units stand in [files.first, endByte), from writtenByte in memory only. */
  endByte: number;
  writtenByte: number;
  /** One past the last byte of the record of the last unit. */
  coveredPhysicalOffset = 0;
  /** The units of [tailStart, endByte); tailStart ≤ writtenByte, so freshly written ones are read from memory too. */
  protected tail: Uint8Array = NO_TAIL;
  protected tailStart: number;
  /** The first written byte that isn't synced; −1 when all are. */
  private unsyncedByte = NOTHING;
  /** In the writer's list of queues to write. */
  isDirty = false;
  /** Has a tail that the writer frees once it is idle; got entries since the writer last looked. */
  isWarm = false;
  wasAppended = false;
  isDeleted = false;
  /** Where in the result of `bytesAt` the unit begins. */
  at = 0;
  protected readonly block: ReadBlock;

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

  /** Whole units that one read brings, in bytes. */
  protected get readBytesMax(): number {
    return READ_BYTES_MAX - READ_BYTES_MAX % this.unitBytes;
  }

  /** Reads written units of one file into the block, where the next calls of `bytesAt` find them. */
  protected preload(position: number, length: number): void {
    const { block } = this;
    if (position < this.tailStart && !block.holds(this, position, length)) {
      block.load(this, position, length);
    }
  }

  /**
   * The first unit in [from, to) of which `holds` is true, by halving: those before must be false, those after true.
   * `holds` may look at the unit before, too. The last steps are within one read.
   */
  firstWhere(from: number, to: number, holds: (position: number) => boolean): number {
    let low = 0;
    let high = (to - from) / this.unitBytes;
    let isLoaded = false;
    while (low < high) {
      const start = Math.max(this.files.first, from + (low - 1) * this.unitBytes);
      const nearBytes = from + high * this.unitBytes - start;
      if (!isLoaded && nearBytes <= this.readBytesMax) {
        isLoaded = true;
        this.preload(start, nearBytes);
      }
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

  expect(): number {
    return this.tail[this.endByte - this.tailStart] ?? 0;
  }

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

  /** Writes a unit anew that stands in the queue already. Throws DiskError. */
  protected rewrite(position: number, unit: Uint8Array): void {
    if (position >= this.tailStart) this.tail.set(unit, position - this.tailStart);
    if (position >= this.writtenByte) return;
    this.files.write(unit, 0, unit.length, position);
    this.block.drop(this);
    this.markUnsynced(position);
  }

  takeUnsynced(): number {
    const from = this.unsyncedByte;
    this.unsyncedByte = NOTHING;
    return from;
  }

  markUnsynced(position: number): void {
    if (position < 0) return;
    if (this.unsyncedByte < 0) {
      this.unsyncedByte = position;
      this.context.writer.addUnsynced(this);
    } else if (position < this.unsyncedByte) this.unsyncedByte = position;
  }

  /** Makes all written units durable. */
  async sync(): Promise<void> {
    const from = this.takeUnsynced();
    if (from < 0 || this.isDeleted) return;
    try {
      await this.files.sync(from, this.writtenByte);
    } catch (error) {
      if (this.isDeleted) return;
      this.markUnsynced(from);
      throw error;
    }
  }
}

export function isBlank(bytes: Uint8Array, at: number): boolean {
  return readI32(bytes, at + SIZE_AT) === BLANK_SIZE && readI64(bytes, at) === 0;
}

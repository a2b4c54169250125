// A queue whose readers notice entries that can't be true, which are then mended from the log (entry_mender.ts). Entries of
// both kinds of queues are in the log's order; what else they tell is the subclasses' business.
import { readI32, readI64, writeI32, writeI64 } from "../../core/bytes/big_endian.ts";
import { RECORD_BYTES_MIN } from "../../core/message/record_layout.ts";
import type { RecordFacts } from "../commit_log/record_facts.ts";
import { KNOWN_TAGS_MAX } from "./limits.ts";
import type { FoundRecord, MendableQueue, WrongRun } from "./mendable_queue.ts";
import { BLANK_SIZE, SIZE_AT, TAGS_CODE_AT } from "./unit.ts";
import { UnitQueue } from "./unit_queue.ts";

export abstract class MendableUnits extends UnitQueue implements MendableQueue {
  private knownTags: Set<number> | null = null;

  abstract get mendableFrom(): number;
  abstract positionOf(queueOffset: number): number;
  abstract readonly isNumbered: boolean;
  abstract numbersOf(run: WrongRun): [first: number, end: number];
  abstract placesOf(run: WrongRun, records: readonly FoundRecord[]): Map<number, FoundRecord>;
  abstract isOf(position: number, queueOffset: number, facts: RecordFacts): boolean;
  /** Writes what the kind's units say besides place, size and tags. */
  protected abstract fill(unit: Uint8Array, record: FoundRecord): void;

  /**
   * Whether the entry that `bytesAt` showed at `at` can't be true: entries are in the log's order. Those in memory are this
   * run's.
   * `endBefore`: where the record of an entry before it ends.
   */
  isOdd(
    bytes: Uint8Array,
    at: number,
    physicalOffset: number,
    size: number,
    endBefore: number,
  ): boolean {
    const { block } = this;
    if (bytes !== block.bytes) return false;
    if (size < RECORD_BYTES_MIN || physicalOffset < endBefore) return true;
    const next = at + this.unitBytes;
    return next < block.length && readI64(bytes, next) < physicalOffset + size &&
      readI32(bytes, next + SIZE_AT) !== BLANK_SIZE;
  }

  /** Whether readers must wait before a damaged entry, which is mended meanwhile; each one once. */
  isMended(position: number): boolean {
    return this.context.mender?.holds(this, position) ?? false;
  }

  /**
   * Whether a reader who would pass over an entry by its tags must wait before it: no record of the queue was seen yet that
   * has such tags, and this one is looked at meanwhile.
   */
  areTagsDoubted(position: number, tagsCode: number): boolean {
    const { knownTags } = this;
    if (position >= this.tailStart || knownTags?.has(tagsCode)) return false;
    if (knownTags !== null && knownTags.size >= KNOWN_TAGS_MAX) return false;
    return this.context.mender?.holdsForTags(this, position, tagsCode) ?? false;
  }

  knowTags(tagsCode: number): void {
    this.knownTags ??= new Set();
    this.knownTags.add(tagsCode);
  }

  /** Whether an entry of an earlier run stands before a position, in the same file. */
  protected hasBefore(position: number): boolean {
    const { fileBytes, first } = this.files;
    return position < this.tailStart && position > first && position % fileBytes !== 0;
  }

  /** Where the record ends whose entry stands before a position; 0 when nothing tells, or this run wrote it. */
  endBefore(position: number, readAheadBytes: number): number {
    if (!this.hasBefore(position)) return 0;
    // What stands at the position itself comes with it.
    const bytes = this.bytesAt(position - this.unitBytes, readAheadBytes);
    const size = readI32(bytes, this.at + SIZE_AT);
    return size === BLANK_SIZE ? 0 : Math.max(0, readI64(bytes, this.at) + size);
  }

  /** Writes an entry anew, whose damage the log told of. Throws DiskError. */
  correct(position: number, record: FoundRecord): void {
    if (this.isDeleted || position < this.firstByte || position >= this.endByte) return;
    const { physicalOffset, size } = record;
    const unit = new Uint8Array(this.unitBytes);
    writeI64(unit, 0, physicalOffset);
    writeI32(unit, SIZE_AT, size);
    writeI64(unit, TAGS_CODE_AT, record.tagsCode);
    this.fill(unit, record);
    this.rewrite(position, unit);
    if (position + this.unitBytes === this.endByte) {
      this.coveredPhysicalOffset = physicalOffset + size;
    }
  }
}

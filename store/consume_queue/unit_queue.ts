// What happens to a queue's units as a whole: finding their end, cutting off what doesn't belong to the log, retention,
// deletion. What a unit means is the subclasses' business; how units are read and written, tailed_units.ts's.
import { isLmq } from "../../core/message/topic_names.ts";
import type { QueueCursor, TimestampBoundary } from "../message_store.ts";
import {
  FILES_SEARCHED_MAX,
  LOOK_FACTOR,
  PAGE_BYTES,
  PIECES_NOTED,
  READ_BYTES_FIRST,
  READ_BYTES_MAX,
} from "./limits.ts";
import type { QueueExtent, SeenEnd } from "./queue_context.ts";
import type { QueueEnd } from "./queue_ends.ts";
import type { LogProbe, QueueKind, StoredQueue, StoreTimeOf } from "./stored_queue.ts";
import { TailedUnits } from "./tailed_units.ts";
import { clearBehind, compareWithFiles } from "./told_queue.ts";

export abstract class UnitQueue extends TailedUnits implements StoredQueue, QueueEnd {
  abstract readonly kind: QueueKind;
  nextOffset = 0;
  minOffset = 0;
  /** Where the record of the entry at minOffset is, so that most queues need no look at each retention. */
  private minPhysicalKnown = NOTHING_KNOWN;
  /** Set once the end was looked at: from then on only whole entries are put behind it. */
  private isEndSound = false;
  /** Units that were cut may stand on disk up to here, to be written over; there are zeros from here on. */
  private staleEnd = 0;
  private seenEnd: SeenEnd | null = null;
  /** What the checkpoint said of it, until its files were looked at; null when they have been. */
  private told: QueueEnd | null = null;

  abstract get maxOffset(): number;
  abstract append(
    queueOffset: number,
    physicalOffset: number,
    size: number,
    tagsCode: number,
    storeTimestampMs: number,
    batchCount: number,
    bitMap?: Uint8Array | null,
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

  get filesEnd(): number {
    return this.files.end;
  }

  get minPhysical(): number {
    return this.minPhysicalKnown;
  }

  get minPhysicalOffset(): number {
    return this.context.minPhysicalOffset;
  }

  get isEmpty(): boolean {
    return this.endByte === this.files.first;
  }

  /** Takes what is known of the queue, or finds it out. */
  protected load({ allocatedBytes, end }: QueueExtent): void {
    if (end === undefined) this.findEnd(allocatedBytes);
    else {
      this.told = end;
      this.endByte = this.writtenByte = this.tailStart = end.endByte;
      this.minOffset = end.minOffset;
      this.endMoved(end.coveredPhysicalOffset);
      this.minPhysicalKnown = end.minPhysical;
      this.isEndSound = true;
    }
  }

  /** Finds the end of what was written in the last files; `allocatedBytes` are the last one's on the device. */
  private findEnd(allocatedBytes = 0): void {
    const { fileBytes, end, first } = this.files;
    let base = Math.max(first, end - FILES_SEARCHED_MAX * fileBytes);
    const isEnd = (position: number) => !this.isUnit(this.bytesAt(position), this.at);
    let isInFirst = false;
    const last = end - fileBytes;
    while (base < last && !isEnd(base + fileBytes - this.unitBytes)) base += fileBytes;
    if (base < end) {
      const near = base === last ? this.endNear(base, allocatedBytes, isEnd) : NOTHING_KNOWN;
      const position = near === NOTHING_KNOWN ? this.endIn(base, isEnd) : near;
      isInFirst = position > base && base === first;
      this.endByte = this.writtenByte = this.tailStart = position;
      this.files.dropFrom(base + fileBytes);
    }
    if (!this.isEmpty) this.minOffset = this.offsetAt(this.files.first);
    this.endMoved();
    this.lookAhead(this.context.replayFrom);
    // Last, since it drives the end out of the block.
    this.minPhysicalKnown = isInFirst ? this.physicalOffsetAt(first) : NOTHING_KNOWN;
    this.block.drop(this);
  }

  /** With the last units in memory: what a recovery will ask for, so that the file needn't be opened once more. */
  private lookAhead(limit: number): void {
    if (limit < 0) return;
    const end = this.firstDoomed((position) => this.isDoomed(position, limit));
    const last = end - this.unitBytes;
    const isEmpty = end === this.files.first;
    this.seenEnd = {
      limit,
      end,
      lastOffset: isEmpty ? 0 : this.offsetAt(last),
      lastPhysical: isEmpty ? 0 : this.physicalOffsetAt(last),
      lastPhysicalEnd: isEmpty ? 0 : this.physicalEndAt(last),
    };
  }

  /**
   * Where the units of a file end when what the device has of it tells that, otherwise −1: the file system counts a page of
   * its own too, once the file is in many pieces. No read is behind what was written: the system would read ahead there, and
   * make zeros of a hole.
   */
  private endNear(
    base: number,
    allocatedBytes: number,
    isEnd: (position: number) => boolean,
  ): number {
    const { files: { fileBytes }, unitBytes } = this;
    const less = allocatedBytes - PAGE_BYTES;
    const isInPieces = allocatedBytes > PIECES_NOTED * PAGE_BYTES;
    for (const bytes of isInPieces ? [less, allocatedBytes] : [allocatedBytes, less]) {
      if (bytes < unitBytes || bytes >= fileBytes) continue;
      const to = base + bytes - bytes % unitBytes;
      const from = Math.max(base, to - this.readBytesMax);
      this.preload(from, to - from);
      const isWhole = from === base;
      if (!isEnd(to - unitBytes) || !isWhole && isEnd(from)) continue;
      return this.firstWhere(isWhole ? from : from + unitBytes, to, isEnd);
    }
    return NOTHING_KNOWN;
  }

  /**
   * Where the units of a file end: most queues end in the first few kilobytes, which one read shows. A longer one would
   * have the system read ahead into a hole.
   */
  private endIn(base: number, isEnd: (position: number) => boolean): number {
    const { fileBytes } = this.files;
    if (!isEnd(base + fileBytes - this.unitBytes)) return base + fileBytes;
    let from = base;
    let length = Math.min(fileBytes, READ_BYTES_FIRST - READ_BYTES_FIRST % this.unitBytes);
    this.preload(base, length);
    while (length < fileBytes && !isEnd(base + length - this.unitBytes)) {
      from = base + length;
      length = Math.min(fileBytes, length * LOOK_FACTOR);
    }
    return this.firstWhere(from, base + length, isEnd);
  }

  /** Drops the entries whose records end past a physical offset, and what a power cut left of them. */
  truncate(physicalOffset: number): void {
    this.cutPast(physicalOffset);
    this.clearStale();
  }

  private cutPast(physicalOffset: number): void {
    if (this.isEmpty) return;
    // Then its last unit continues the one before.
    if (this.isEndSound && this.coveredPhysicalOffset <= physicalOffset) return;
    const end = this.firstDoomed((position) => this.isDoomed(position, physicalOffset));
    if (end < this.endByte) this.cutAt(end);
  }

  /** The end when the last unit is none; most queues have few, all of them within one read. */
  private firstDoomed(isDoomed: (position: number) => boolean): number {
    const { endByte, unitBytes } = this;
    if (this.isEmpty) return endByte;
    // Within what was read to find the end.
    const nearBytes = READ_BYTES_MAX - 2 * PAGE_BYTES;
    const near = Math.max(this.files.first, endByte - nearBytes + nearBytes % unitBytes);
    this.preload(near, endByte - near);
    if (!isDoomed(endByte - unitBytes)) return endByte;
    // Looking at a unit looks at the one before it.
    const second = near + unitBytes;
    const isNear = second < endByte && !isDoomed(second);
    return this.firstWhere(isNear ? second : this.files.first, endByte, isDoomed);
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

  /**
   * Drops the units from `position` on; on disk they stand until they are written over or cleared. `physicalEnd` is where
   * the record of the last one left ends, for whoever knows it.
   */
  private cutAt(position: number, physicalEnd?: number): void {
    const staleEnd = this.writtenByte;
    this.endByte = position;
    this.writtenByte = Math.min(staleEnd, position);
    this.tailStart = Math.min(this.tailStart, position);
    const { fileBytes } = this.files;
    const keptEnd = Math.ceil(position / fileBytes) * fileBytes;
    this.staleEnd = Math.min(Math.max(this.staleEnd, staleEnd), keptEnd);
    this.files.dropFrom(keptEnd);
    this.endMoved(physicalEnd);
    this.block.drop(this);
  }

  /** Leaves nothing stale for the next load. */
  private clearStale(): void {
    const { endByte, staleEnd } = this;
    this.staleEnd = 0;
    if (endByte >= staleEnd) return;
    const zeros = new Uint8Array(staleEnd - endByte);
    this.files.write(zeros, 0, zeros.length, endByte);
    this.markUnsynced(endByte);
  }

  /**
   * Whether a unit that points beyond `confirmOffset` is damaged, and not only unconfirmed: units are in the log's order,
   * and the last one is confirmed. It must not keep readers from those behind it. Says so.
   */
  isDamaged(position: number, confirmOffset: number): boolean {
    const { context, coveredPhysicalOffset, queueId, topic, unitBytes } = this;
    if (coveredPhysicalOffset > confirmOffset) return false;
    context.log.error(
      "a queue's entry points behind the log and is left out: 'store check' tells what is damaged",
      { topic, queueId, entry: position / unitBytes },
    );
    return true;
  }

  /** The end is somewhere else than an append would put it; see `cutAt`. */
  protected endMoved(physicalEnd?: number): void {
    this.coveredPhysicalOffset = this.isEmpty
      ? 0
      : physicalEnd ?? this.physicalEndAt(this.endByte - this.unitBytes);
    this.nextOffset = this.maxOffset;
    if (this.isEmpty || this.minOffset >= this.maxOffset) this.minPhysicalKnown = NOTHING_KNOWN;
    this.minOffset = Math.min(this.minOffset, this.maxOffset);
  }

  /**
   * Cuts what doesn't belong to the log: past its end, left over from an earlier truncation (by Apache), or to be appended
   * again from `replayFrom` on. With a replay to come, which mostly writes over what was cut, the disk is only cleared by
   * the `truncate` that must end it.
   */
  recover(probe: LogProbe, replayFrom: number): void {
    if (this.told !== null) return;
    const limit = Math.min(replayFrom, probe.maxPhysicalOffset);
    const seen = this.seenEnd?.limit === limit ? this.seenEnd : null;
    this.seenEnd = null;
    if (seen === null) this.cutPast(limit);
    else if (seen.end < this.endByte) this.cutAt(seen.end, seen.lastPhysicalEnd);
    this.isEndSound = true;
    // A light queue's entries point to records of other topics.
    const isLight = isLmq(this.topic);
    if (!this.isEmpty && !isLight && !this.lastBelongs(probe, seen)) {
      const before = this.maxOffset;
      const isStale = (position: number) => !this.belongs(position, probe);
      this.cutAt(this.firstWhere(this.files.first, this.endByte, isStale));
      this.context.log.warn("cut stale entries off a consume queue", {
        topic: this.topic,
        queueId: this.queueId,
        from: this.maxOffset,
        to: before,
      });
    }
    if (replayFrom === Infinity) this.clearStale();
    this.correctMinOffset();
  }

  /**
   * Looks at the files of a queue that was taken as the checkpoint has it; gives what is wrong with them, in words. Rejects
   * with DiskError.
   */
  async settle(): Promise<string | null> {
    const { context: { disk }, told } = this;
    if (told === null || this.isDeleted) return null;
    const problem = await compareWithFiles(disk, this, told);
    if (problem === null && !this.isDeleted) await clearBehind(disk, this);
    this.told = null;
    return problem;
  }

  private lastBelongs(probe: LogProbe, seen: SeenEnd | null): boolean {
    if (seen === null) return this.belongs(this.endByte - this.unitBytes, probe);
    return this.isHeld(seen.lastPhysical, seen.lastPhysicalEnd, seen.lastOffset, probe);
  }

  private belongs(position: number, probe: LogProbe): boolean {
    if (!this.isUnit(this.bytesAt(position), this.at)) return false;
    const physicalOffset = this.physicalOffsetAt(position);
    const physicalEnd = this.physicalEndAt(position);
    return this.isHeld(physicalOffset, physicalEnd, this.offsetAt(position), probe);
  }

  /** Whether the log has the record of an entry, or had it before its first files were deleted. */
  private isHeld(offset: number, end: number, queueOffset: number, probe: LogProbe): boolean {
    if (offset < probe.minPhysicalOffset) return true;
    return probe.holds(offset, end - offset, this.topic, this.queueId, queueOffset);
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
    this.staleEnd = 0;
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
    this.staleEnd = 0;
    this.endByte = this.writtenByte = this.tailStart = this.files.first;
    this.endMoved();
  }
}

const NOTHING_KNOWN = -1;
const BEFORE_THE_LOG = -1;
/** No position of a unit: a deleted queue takes and shows nothing. */
const GONE = -1;

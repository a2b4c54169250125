// The queue of a BatchCQ topic: one 46-byte unit an inner batch, which stands for several offsets. Units are found by
// binary search, since their positions say nothing of offsets. Mirrors Apache's BatchConsumeQueue.
import {
  readI32,
  readI64,
  readU16,
  writeI32,
  writeI64,
  writeU16,
} from "../../core/bytes/big_endian.ts";
import type { RecordFacts } from "../commit_log/record_facts.ts";
import type { QueueCursor, TimestampBoundary } from "../message_store.ts";
import { READ_BYTES_FIRST, READ_BYTES_MAX } from "./limits.ts";
import type { FoundRecord, WrongRun } from "./mendable_queue.ts";
import { MendableUnits } from "./mendable_units.ts";
import type { QueueContext, QueueExtent } from "./queue_context.ts";
import {
  BASE_OFFSET_AT,
  BATCH_COUNT_AT,
  BATCH_UNIT_BYTES,
  COMPACT_OFFSET_AT,
  RESERVED_AT,
  SIZE_AT,
  STORE_TIME_AT,
  TAGS_CODE_AT,
} from "./unit.ts";

export class BatchConsumeQueue extends MendableUnits {
  override readonly kind = "batch";
  override readonly isNumbered = false;
  private endOffset = 0;

  constructor(
    context: QueueContext,
    topic: string,
    queueId: number,
    directory: string,
    fileBytes: number,
    extent: QueueExtent,
  ) {
    super(context, topic, queueId, BATCH_UNIT_BYTES, directory, fileBytes, extent);
    this.load(extent);
  }

  override get maxOffset(): number {
    return this.endOffset;
  }

  override offsetAt(position: number): number {
    const bytes = this.bytesAt(position);
    return readI64(bytes, this.at + BASE_OFFSET_AT);
  }

  protected override isUnit(bytes: Uint8Array, at: number): boolean {
    return bytes[at]! < 128 && readI32(bytes, at + SIZE_AT) > 0 &&
      bytes[at + BASE_OFFSET_AT]! < 128 && readU16(bytes, at + BATCH_COUNT_AT) > 0;
  }

  protected override endMoved(physicalEnd?: number): void {
    this.endOffset = this.isEmpty ? 0 : this.endAt(this.endByte - this.unitBytes);
    super.endMoved(physicalEnd);
  }

  /** One past the last offset that the unit stands for. */
  private endAt(position: number): number {
    const bytes = this.bytesAt(position);
    return readI64(bytes, this.at + BASE_OFFSET_AT) + readU16(bytes, this.at + BATCH_COUNT_AT);
  }

  private timeAt(position: number): number {
    const bytes = this.bytesAt(position);
    return readI64(bytes, this.at + STORE_TIME_AT);
  }

  override get mendableFrom(): number {
    const { endByte, firstByte, minPhysicalOffset } = this;
    const isThere = (unit: number) => this.physicalOffsetAt(unit) >= minPhysicalOffset;
    return this.isEmpty || isThere(firstByte)
      ? firstByte
      : this.firstWhere(firstByte, endByte, isThere);
  }

  /** Where the unit is that holds an offset. */
  override positionOf(queueOffset: number): number {
    return this.firstWhere(this.firstByte, this.endByte, (unit) => this.endAt(unit) > queueOffset);
  }

  override numbersOf({ from, isOpen, to }: WrongRun): [first: number, end: number] {
    return [
      from > this.firstByte ? this.endAt(from - this.unitBytes) : 0,
      isOpen || to >= this.endByte ? Infinity : this.offsetAt(to),
    ];
  }

  /** One after the other; when some are missing before the next sound unit, nothing tells which. */
  override placesOf(
    { from, isOpen, to }: WrongRun,
    records: readonly FoundRecord[],
  ): Map<number, FoundRecord> {
    const count = (to - from) / this.unitBytes;
    if (isOpen ? records.length > count : records.length !== count) return new Map();
    return new Map(records.map((each, index) => [from + index * this.unitBytes, each]));
  }

  /** Its place says nothing of its number: a copy of another unit is one that isn't in the log's order. */
  override isOf(position: number, queueOffset: number, facts: RecordFacts): boolean {
    const { endByte, firstByte, unitBytes } = this;
    const begin = this.physicalOffsetAt(position);
    const end = this.physicalEndAt(position);
    const next = position + unitBytes;
    if (position > firstByte && this.physicalEndAt(position - unitBytes) > begin) return false;
    if (next < endByte && this.physicalOffsetAt(next) < end) return false;
    const bytes = this.bytesAt(position);
    const { at } = this;
    return readI64(bytes, at + BASE_OFFSET_AT) === queueOffset &&
      readU16(bytes, at + BATCH_COUNT_AT) === facts.batchCount &&
      readI64(bytes, at + STORE_TIME_AT) === facts.storeTimestampMs;
  }

  protected override fill(unit: Uint8Array, record: FoundRecord): void {
    this.fillAt(unit, 0, record.storeTimestampMs, record.queueOffset, record.batchCount);
  }

  private fillAt(
    bytes: Uint8Array,
    at: number,
    storeTimestampMs: number,
    queueOffset: number,
    batchCount: number,
  ): void {
    writeI64(bytes, at + STORE_TIME_AT, storeTimestampMs);
    writeI64(bytes, at + BASE_OFFSET_AT, queueOffset);
    writeU16(bytes, at + BATCH_COUNT_AT, batchCount);
    writeI32(bytes, at + COMPACT_OFFSET_AT, -1);
    writeI32(bytes, at + RESERVED_AT, 0);
  }

  /** Whether the entry at a position goes on where the one before it ends, in whichever file that is. */
  continues(position: number): boolean {
    const isWithin = position > this.firstByte && position < this.endByte;
    return !isWithin || this.endAt(position - this.unitBytes) === this.offsetAt(position);
  }

  /** Whether an entry of an earlier run doesn't go on where the one before it ends, or the next one doesn't where it ends. */
  isOutOfLine(bytes: Uint8Array, at: number, endOffsetBefore: number): boolean {
    const { block } = this;
    if (bytes !== block.bytes) return false;
    const base = readI64(bytes, at + BASE_OFFSET_AT);
    const count = readU16(bytes, at + BATCH_COUNT_AT);
    if (count === 0 || endOffsetBefore >= 0 && base !== endOffsetBefore) return true;
    const next = at + this.unitBytes;
    return next < block.length && readI64(bytes, next + BASE_OFFSET_AT) !== base + count;
  }

  override append(
    queueOffset: number,
    physicalOffset: number,
    size: number,
    tagsCode: number,
    storeTimestampMs: number,
    batchCount: number,
  ): void {
    if (queueOffset < this.endOffset) this.forgetEarlierLife(queueOffset, physicalOffset);
    if (queueOffset < this.endOffset || this.isDeleted) return;
    const at = this.reserve();
    const bytes = this.tail;
    writeI64(bytes, at, physicalOffset);
    writeI32(bytes, at + SIZE_AT, size);
    writeI64(bytes, at + TAGS_CODE_AT, tagsCode);
    this.fillAt(bytes, at, storeTimestampMs, queueOffset, batchCount);
    if (this.isEmpty) this.minOffset = queueOffset;
    this.endOffset = queueOffset + batchCount;
    if (this.nextOffset < this.endOffset) this.nextOffset = this.endOffset;
    this.grew(physicalOffset + size);
  }

  override openCursor(queueOffset: number, confirmOffset: number): QueueCursor {
    return new BatchConsumeQueueCursor(this, queueOffset, confirmOffset);
  }

  override offsetByTimestamp(
    timestampMs: number,
    boundary: TimestampBoundary,
  ): Promise<number> {
    return Promise.resolve(this.searchByTime(timestampMs, boundary));
  }

  /** BatchConsumeQueue.getOffsetInQueueByTime; −1 when nothing fits. A time past the end gives the last batch. */
  private searchByTime(timestampMs: number, boundary: TimestampBoundary): number {
    if (this.isEmpty) return -1;
    const first = this.fileByTime(timestampMs);
    const last = Math.min(first + this.files.fileBytes, this.endByte) - this.unitBytes;
    if (timestampMs >= this.timeAt(last)) return this.offsetAt(last);
    const position = this.searchInFile(first, last, timestampMs, boundary);
    return position < 0 ? -1 : this.offsetAt(position);
  }

  /** The last file whose first batch isn't younger than the time; the first file when there is none. */
  private fileByTime(timestampMs: number): number {
    const lastUnit = this.endByte - this.unitBytes;
    let base = this.files.baseOf(lastUnit);
    while (base > this.firstByte && this.timeAt(base) > timestampMs) base -= this.files.fileBytes;
    return base;
  }

  private searchInFile(
    first: number,
    last: number,
    timestampMs: number,
    boundary: TimestampBoundary,
  ): number {
    let left = 0;
    let right = (last - first) / this.unitBytes;
    while (left <= right) {
      const middle = (left + right) >>> 1;
      const position = first + middle * this.unitBytes;
      const time = this.timeAt(position);
      if (middle === right) return time >= timestampMs ? position : -1;
      if (middle === left) {
        if (time >= timestampMs) return position;
        left = middle + 1;
      } else if (boundary === "lower") {
        if (time < timestampMs) left = middle + 1;
        else right = middle;
      } else if (time <= timestampMs) left = middle;
      else right = middle - 1;
    }
    return -1;
  }
}

/** A cursor that stood before a damaged entry: units are found by what they say, so that it may have been led there. */
const SOUGHT_AGAIN = -1;

class BatchConsumeQueueCursor implements QueueCursor {
  queueOffset = -1;
  physicalOffset = 0;
  size = 0;
  tagsCode = 0;
  batchCount = 0;
  private position = SOUGHT_AGAIN;
  private readAhead = READ_BYTES_FIRST;
  /** Where the last record ends that an entry named, and one past its offsets; −1: nothing tells. */
  private end = -1;
  private endOffset = -1;

  constructor(
    private readonly queue: BatchConsumeQueue,
    /** The next offset that is asked for. */
    private wanted: number,
    private readonly confirmOffset: number,
  ) {}

  next(): boolean {
    const queue = this.queue;
    if (this.position === SOUGHT_AGAIN && !this.seek()) return false;
    if (this.position < queue.firstByte) this.position = queue.firstByte;
    while (this.position < queue.endByte) {
      const bytes = queue.bytesAt(this.position, this.readAhead);
      const at = queue.at;
      this.readAhead = READ_BYTES_MAX;
      const physicalOffset = readI64(bytes, at);
      const size = readI32(bytes, at + SIZE_AT);
      const base = readI64(bytes, at + BASE_OFFSET_AT);
      const count = readU16(bytes, at + BATCH_COUNT_AT);
      if (
        !queue.isOdd(bytes, at, physicalOffset, size, this.end) &&
        !queue.isOutOfLine(bytes, at, this.endOffset)
      ) {
        this.end = physicalOffset + size;
        this.endOffset = base + count;
      } else {
        if (queue.isMended(this.position)) return this.wait();
        this.endOffset = -1;
      }
      let isGone = physicalOffset < queue.minPhysicalOffset;
      if (!isGone && physicalOffset + size > this.confirmOffset) {
        const isEndKnown = queue.coveredPhysicalOffset <= this.confirmOffset;
        if (isEndKnown && queue.isMended(this.position)) return this.wait();
        isGone = queue.isDamaged(this.position, this.confirmOffset);
        if (!isGone) return false;
      }
      this.position += BATCH_UNIT_BYTES;
      if (isGone) continue;
      this.queueOffset = base;
      this.physicalOffset = physicalOffset;
      this.size = size;
      this.tagsCode = readI64(bytes, at + TAGS_CODE_AT);
      this.batchCount = count;
      this.wanted = base + count;
      return true;
    }
    return false;
  }

  areTagsDoubted(): boolean {
    return this.queue.areTagsDoubted(this.position - BATCH_UNIT_BYTES, this.tagsCode);
  }

  /** False: what stands before the place may have led here wrongly, and is mended first. */
  private seek(): boolean {
    const { queue } = this;
    this.position = queue.positionOf(this.wanted);
    if (!queue.continues(this.position) && queue.isMended(this.position)) return this.wait();
    this.end = queue.endBefore(this.position, this.readAhead);
    this.endOffset = -1;
    return true;
  }

  private wait(): false {
    this.position = SOUGHT_AGAIN;
    return false;
  }
}

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
import type { QueueCursor, TimestampBoundary } from "../message_store.ts";
import { READ_BYTES_FIRST, READ_BYTES_MAX } from "./limits.ts";
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
import { UnitQueue } from "./unit_queue.ts";

export class BatchConsumeQueue extends UnitQueue {
  override readonly kind = "batch";
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
    writeI64(bytes, at + STORE_TIME_AT, storeTimestampMs);
    writeI64(bytes, at + BASE_OFFSET_AT, queueOffset);
    writeU16(bytes, at + BATCH_COUNT_AT, batchCount);
    writeI32(bytes, at + COMPACT_OFFSET_AT, -1);
    writeI32(bytes, at + RESERVED_AT, 0);
    if (this.isEmpty) this.minOffset = queueOffset;
    this.endOffset = queueOffset + batchCount;
    if (this.nextOffset < this.endOffset) this.nextOffset = this.endOffset;
    this.grew(physicalOffset + size);
  }

  override openCursor(queueOffset: number, confirmOffset: number): QueueCursor {
    const position = this.firstWhere(
      this.firstByte,
      this.endByte,
      (unit) => this.endAt(unit) > queueOffset,
    );
    return new BatchConsumeQueueCursor(this, position, confirmOffset);
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

class BatchConsumeQueueCursor implements QueueCursor {
  queueOffset = -1;
  physicalOffset = 0;
  size = 0;
  tagsCode = 0;
  batchCount = 0;
  private readAhead = READ_BYTES_FIRST;

  constructor(
    private readonly queue: BatchConsumeQueue,
    private position: number,
    private readonly confirmOffset: number,
  ) {}

  next(): boolean {
    const queue = this.queue;
    if (this.position < queue.firstByte) this.position = queue.firstByte;
    while (this.position < queue.endByte) {
      const bytes = queue.bytesAt(this.position, this.readAhead);
      const at = queue.at;
      this.readAhead = READ_BYTES_MAX;
      const physicalOffset = readI64(bytes, at);
      const size = readI32(bytes, at + SIZE_AT);
      let isGone = physicalOffset < queue.minPhysicalOffset;
      if (!isGone && physicalOffset + size > this.confirmOffset) {
        isGone = queue.isDamaged(this.position, this.confirmOffset);
        if (!isGone) return false;
      }
      this.position += BATCH_UNIT_BYTES;
      if (isGone) continue;
      this.queueOffset = readI64(bytes, at + BASE_OFFSET_AT);
      this.physicalOffset = physicalOffset;
      this.size = size;
      this.tagsCode = readI64(bytes, at + TAGS_CODE_AT);
      this.batchCount = readU16(bytes, at + BATCH_COUNT_AT);
      return true;
    }
    return false;
  }
}

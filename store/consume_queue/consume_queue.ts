// A plain consume queue: one 20-byte unit a message, at byte position offset × 20. Mirrors Apache's ConsumeQueue.
// Knows nothing of records beyond where they are and what their tags hash to.
import {
  readI32,
  readI64,
  readU63,
  writeI32,
  writeI64,
  writeU63Negative,
} from "../../core/bytes/big_endian.ts";
import type { QueueCursor, TimestampBoundary } from "../message_store.ts";
import { isExtAddress } from "./consume_queue_ext.ts";
import { GAP_FILES_MAX, READ_BYTES_FIRST, READ_BYTES_MAX } from "./limits.ts";
import type { FoundRecord, WrongRun } from "./mendable_queue.ts";
import { MendableUnits } from "./mendable_units.ts";
import type { QueueContext, QueueExtent } from "./queue_context.ts";
import type { StoreTimeOf } from "./stored_queue.ts";
import { searchByTime } from "./time_search.ts";
import { BLANK_SIZE, SIZE_AT, TAGS_CODE_AT, UNIT_BYTES } from "./unit.ts";

/** Of an entry that carries its tags code itself. */
const NOT_EXTENDED = -1;

export class ConsumeQueue extends MendableUnits {
  override readonly kind = "simple";
  override readonly isNumbered = true;

  constructor(
    context: QueueContext,
    topic: string,
    queueId: number,
    directory: string,
    fileBytes: number,
    extent: QueueExtent,
  ) {
    super(context, topic, queueId, UNIT_BYTES, directory, fileBytes, extent);
    this.load(extent);
  }

  override get maxOffset(): number {
    return this.endByte / UNIT_BYTES;
  }

  override offsetAt(position: number): number {
    return position / UNIT_BYTES;
  }

  protected override isUnit(bytes: Uint8Array, at: number): boolean {
    return bytes[at]! < 128 && readI32(bytes, at + SIZE_AT) > 0;
  }

  override append(
    queueOffset: number,
    physicalOffset: number,
    size: number,
    tagsCode: number,
    storeTimestampMs: number,
    _batchCount: number,
    bitMap: Uint8Array | null = null,
  ): void {
    const position = queueOffset * UNIT_BYTES;
    if (position !== this.endByte && !this.prepareAt(position, queueOffset, physicalOffset)) return;
    const { ext } = this.context;
    const extOffset = ext.isWritten
      ? ext.append(this.topic, this.queueId, tagsCode, storeTimestampMs, bitMap)
      : NOT_EXTENDED;
    this.put(physicalOffset, size, tagsCode, extOffset);
    if (this.nextOffset <= queueOffset) this.nextOffset = queueOffset + 1;
  }

  private put(
    physicalOffset: number,
    size: number,
    tagsCode: number,
    extOffset = NOT_EXTENDED,
  ): void {
    const at = this.reserve();
    const bytes = this.tail;
    writeI64(bytes, at, physicalOffset);
    writeI32(bytes, at + SIZE_AT, size);
    if (extOffset === NOT_EXTENDED) writeI64(bytes, at + TAGS_CODE_AT, tagsCode);
    else writeU63Negative(bytes, at + TAGS_CODE_AT, extOffset);
    this.grew(physicalOffset + size);
  }

  override get mendableFrom(): number {
    return this.minOffset * UNIT_BYTES;
  }

  override positionOf(queueOffset: number): number {
    return queueOffset * UNIT_BYTES;
  }

  override numbersOf({ from, to }: WrongRun): [first: number, end: number] {
    return [from / UNIT_BYTES, to / UNIT_BYTES];
  }

  override placesOf(_run: WrongRun, records: readonly FoundRecord[]): Map<number, FoundRecord> {
    return new Map(records.map((each) => [each.queueOffset * UNIT_BYTES, each]));
  }

  override isOf(position: number, queueOffset: number): boolean {
    return queueOffset * UNIT_BYTES === position;
  }

  protected override fill(): void {}

  /** For an entry that isn't the next one. False: there already, or too far away to be true. */
  private prepareAt(position: number, queueOffset: number, physicalOffset: number): boolean {
    this.forgetEarlierLife(queueOffset, physicalOffset);
    if (this.isDeleted || (position < this.endByte && !this.isEmpty)) return false;
    const isNew = this.isEmpty && (position < this.endByte || !this.files.exist);
    if (isNew) {
      this.files.dropFrom(this.files.first);
      this.restartAt(position);
    } else if (position - this.endByte > GAP_FILES_MAX * this.files.fileBytes) {
      this.context.log.error("an entry far behind the end of its queue is not taken", {
        topic: this.topic,
        queueId: this.queueId,
        queueOffset,
        maxOffset: this.maxOffset,
      });
      return false;
    }
    const isWithoutEntries = isNew || this.minOffset === this.maxOffset;
    const covered = this.coveredPhysicalOffset;
    while (this.endByte < position) this.put(0, BLANK_SIZE, 0);
    this.coveredPhysicalOffset = covered;
    if (isWithoutEntries) this.minOffset = queueOffset;
    return true;
  }

  /** And the extended units that nothing points to any more. */
  override async deleteExpired(): Promise<void> {
    await super.deleteExpired();
    if (this.isDeleted || this.isEmpty || this.minOffset === this.maxOffset) return;
    const bytes = this.bytesAt(this.minOffset * UNIT_BYTES);
    const at = this.at + TAGS_CODE_AT;
    if (!isExtAddress(bytes, at)) return;
    await this.context.ext.deleteBefore(this.topic, this.queueId, readU63(bytes, at));
  }

  override openCursor(queueOffset: number, confirmOffset: number): QueueCursor {
    return new ConsumeQueueCursor(this, queueOffset * UNIT_BYTES, confirmOffset);
  }

  override offsetByTimestamp(
    timestampMs: number,
    boundary: TimestampBoundary,
    storeTimeOf: StoreTimeOf,
  ): Promise<number> {
    return searchByTime(this, timestampMs, boundary, storeTimeOf);
  }
}

/** Walks the units in blocks; what isn't written yet comes from the queue's tail. Allocates nothing after its making. */
class ConsumeQueueCursor implements QueueCursor {
  queueOffset = -1;
  physicalOffset = 0;
  size = 0;
  tagsCode = 0;
  readonly batchCount = 1;
  private readAhead = READ_BYTES_FIRST;
  /** Where the last record ends that an entry named; −1 before the first look. */
  private end = -1;

  constructor(
    private readonly queue: ConsumeQueue,
    private position: number,
    private readonly confirmOffset: number,
  ) {}

  next(): boolean {
    const queue = this.queue;
    if (this.position < queue.firstByte) this.position = queue.firstByte;
    if (this.end < 0) this.end = queue.endBefore(this.position, this.readAhead);
    while (this.position < queue.endByte) {
      const bytes = queue.bytesAt(this.position, this.readAhead);
      const at = queue.at;
      this.readAhead = READ_BYTES_MAX;
      const physicalOffset = readI64(bytes, at);
      const size = readI32(bytes, at + SIZE_AT);
      const position = this.position;
      if (size !== BLANK_SIZE) {
        if (!queue.isOdd(bytes, at, physicalOffset, size, this.end)) {
          this.end = physicalOffset + size;
        } else if (queue.isMended(position)) return false;
      }
      let isGone = physicalOffset < queue.minPhysicalOffset || size === BLANK_SIZE;
      if (!isGone && physicalOffset + size > this.confirmOffset) {
        if (queue.coveredPhysicalOffset <= this.confirmOffset && queue.isMended(position)) {
          return false;
        }
        isGone = queue.isDamaged(position, this.confirmOffset);
        if (!isGone) return false;
      }
      this.position = position + UNIT_BYTES;
      if (isGone) continue;
      this.queueOffset = position / UNIT_BYTES;
      this.physicalOffset = physicalOffset;
      this.size = size;
      this.tagsCode = isExtAddress(bytes, at + TAGS_CODE_AT)
        ? queue.context.ext.tagsCode(queue.topic, queue.queueId, bytes, at + TAGS_CODE_AT)
        : readI64(bytes, at + TAGS_CODE_AT);
      return true;
    }
    return false;
  }

  areTagsDoubted(): boolean {
    return this.queue.areTagsDoubted(this.position - UNIT_BYTES, this.tagsCode);
  }
}

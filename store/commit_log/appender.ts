// Stages records in place and appends them in bursts: one positional write for all that one turn of the event loop
// brought. The hot path of sending; allocates nothing for a message. Never reads the log and never waits.
//
//   const at = appender.begin(sizeMax);          // < 0: STAGING_FULL → commit() and again; REFUSED → appender.lastRefusal
//   …write the record at appender.buffer[at…], its place is appender.physicalOffset, its time storeTimestampMs,
//     its number queue.nextOffset; appender.addKey(hash) for each key…
//   appender.end(size, queue, tagsCode, 1, owner, token);
//   …the bytes may still be changed in place (a CRC tail, LMQ offsets) until…
//   appender.commit();                            // owner.onStored(token, status, …) once for each record
import { Buffer } from "node:buffer";
import { writeI64 } from "../../core/bytes/big_endian.ts";
import { DiskError } from "../../core/disk/disk.ts";
import {
  BLANK_RECORD_BYTES_MIN,
  PHYSICAL_OFFSET_AT,
  QUEUE_OFFSET_AT,
  writeBlankRecord,
} from "../../core/message/record_layout.ts";
import type { Clock } from "../../core/time/clock.ts";
import type { DispatchQueue } from "../dispatch.ts";
import type { PutStatus } from "../message_store.ts";
import { AppendMeter } from "./append_meter.ts";
import type { HotChunk, HotTail } from "./hot_tail.ts";
import type { Settlement } from "./settlement.ts";
import type { AppendOwner, StagedRecords } from "./staged_records.ts";

/** From `begin` and `reserve`: as much is staged as fits; commit and begin again. */
export const STAGING_FULL = -1;
/** From `begin` and `reserve`: not taken; `lastRefusal` says why. */
export const REFUSED = -2;

/** Zeros written after a burst, so that bytes of an earlier, failed or cut one never follow it as records. */
const TERMINATOR_BYTES = 8;
/** Room kept at the end of every chunk for a blank record or a terminator. */
const CHUNK_SPARE_BYTES = Math.max(BLANK_RECORD_BYTES_MIN, TERMINATOR_BYTES);

export interface Refusal {
  status: PutStatus;
  detail: string;
}

/** Where bursts go: the log's files. */
export interface BurstWriter {
  readonly fileSizeBytes: number;
  /** Writes within one file, which is made when the offset begins it. Throws DiskError; part may be on disk. */
  writeSync(buffer: Uint8Array, start: number, length: number, physicalOffset: number): void;
  /** True while bytes of an earlier life may stand after `physicalOffset` in its file. */
  hasStaleTail(physicalOffset: number): boolean;
  /** Notes that a failed write may have left bytes in the file of `physicalOffset`. */
  markStaleTail(physicalOffset: number): void;
}

/** A stretch of a burst that goes to the disk by one write. */
interface Segment {
  chunk: HotChunk;
  start: number;
  end: number;
  /** Rows that were staged when it ended; written ones in front of them may leave meanwhile. */
  stagedRows: number;
}

export interface AppenderOptions {
  /** Bytes before each record in the file that aren't part of it (DLedger's entry header); the caller fills them. */
  entryHeaderBytes: number;
}

export class Appender {
  /** The staging buffer; another one after each `begin` that moved to a new chunk. */
  buffer: Buffer = Buffer.alloc(0);
  /** Of the record begun or ended last: what its physical offset field holds and its answer says. */
  physicalOffset = 0;
  /** Of the record ended last. */
  queueOffset = 0;
  /** The store time of all records of this burst; read once, by the first `begin`. */
  storeTimestampMs = 0;
  /** Set by the store while nothing is taken: what `begin` answers REFUSED with. */
  refusal: Refusal | null = null;
  /** Why the last `begin` or `reserve` said REFUSED. */
  lastRefusal: Refusal = { status: "not_writeable", detail: "" };
  /** Told of the first burst that can't be written, and by null of the first that can again. */
  onWriteState: (error: DiskError | null) => void = () => {};
  readonly meter = new AppendMeter();
  private readonly records: StagedRecords;
  private readonly fileSizeBytes: number;
  private chunk: HotChunk;
  /** Position in the chunk of the next record, and its physical offset. */
  private at = 0;
  private physicalEnd = 0;
  private fileEnd = 0;
  private chunkLimit = 0;
  private segmentStart = 0;
  private readonly segments: Segment[] = [];
  private segmentCount = 0;
  private recordStart = -1;
  private committing = false;
  private failing = false;
  /** Staged rows that aren't records of their own. */
  private furtherRows = 0;

  constructor(
    private readonly writer: BurstWriter,
    private readonly hot: HotTail,
    private readonly settlement: Settlement,
    private readonly clock: Clock,
    physicalEnd: number,
    private readonly options: AppenderOptions = { entryHeaderBytes: 0 },
  ) {
    this.records = settlement.records;
    this.fileSizeBytes = writer.fileSizeBytes;
    this.chunk = hot.advance(physicalEnd, 0);
    this.useChunk(this.chunk, 0);
  }

  /** What the last status other than "ok" that an owner was told meant, in words. */
  get failureDetail(): string {
    return this.settlement.failureDetail;
  }

  /** Where the next record will be placed, when it fits its file. */
  get stagedEnd(): number {
    return this.physicalEnd;
  }

  /** Records staged and not yet committed. */
  get stagedCount(): number {
    return this.records.count - this.records.written;
  }

  /**
   * Begins a record of at most `sizeMax` bytes; gives its position in `buffer`, or STAGING_FULL or REFUSED. A record
   * that is begun and not ended is dropped by the next `begin`.
   */
  begin(sizeMax: number): number {
    const bytes = sizeMax + this.options.entryHeaderBytes;
    const room = this.reserve(bytes);
    if (room < 0) return room;
    this.records.dropOpenKeys();
    if (this.records.count === this.records.written) this.storeTimestampMs = this.clock.nowMs();
    this.recordStart = this.at + this.options.entryHeaderBytes;
    this.physicalOffset = this.physicalEnd + this.options.entryHeaderBytes;
    return this.recordStart;
  }

  /**
   * Makes sure that the records to come, `bytes` in all, go to one file by one write: stored together or not at all.
   * Gives 0, STAGING_FULL or REFUSED.
   */
  reserve(bytes: number): number {
    if (this.refusal !== null) {
      this.lastRefusal = this.refusal;
      return REFUSED;
    }
    if (this.physicalEnd + bytes + BLANK_RECORD_BYTES_MIN > this.fileEnd) {
      if (bytes + BLANK_RECORD_BYTES_MIN > this.fileSizeBytes) return this.refuseSize(bytes);
      if (this.isRingFull()) return STAGING_FULL;
      this.roll(bytes);
    } else if (this.at + bytes > this.chunkLimit) {
      if (this.isRingFull()) return STAGING_FULL;
      this.nextChunk(bytes);
    }
    return 0;
  }

  /** Adds a key's hash (String.hashCode of "topic#key") to the record that is begun. */
  addKey(keyHash: number): void {
    this.records.addKey(keyHash);
  }

  /**
   * Ends the record begun: gives it its physical offset and its number in `queue` (0 and no entry without a queue) and
   * notes what follows from it. The store time and all else are the caller's to write.
   */
  end(
    size: number,
    queue: DispatchQueue | null,
    tagsCode: number,
    batchCount: number,
    owner: AppendOwner | null,
    token: number,
  ): void {
    const start = this.recordStart;
    const physicalOffset = this.physicalOffset;
    let queueOffset = 0;
    if (queue !== null) {
      queueOffset = queue.nextOffset;
      queue.nextOffset = queueOffset + batchCount;
    }
    this.queueOffset = queueOffset;
    writeI64(this.buffer, start + QUEUE_OFFSET_AT, queueOffset);
    writeI64(this.buffer, start + PHYSICAL_OFFSET_AT, physicalOffset);
    this.records.add(
      queue,
      queueOffset,
      physicalOffset,
      size,
      tagsCode,
      this.storeTimestampMs,
      batchCount,
      owner,
      token,
    );
    this.at = start + size;
    this.physicalEnd = physicalOffset + size;
    this.recordStart = -1;
  }

  /**
   * Gives the record that was ended last a number and an entry in one more queue, of which its bytes must tell already.
   * Hidden records have none.
   */
  alsoIn(queue: DispatchQueue, size: number, tagsCode: number): void {
    const { physicalOffset, storeTimestampMs } = this;
    const queueOffset = queue.nextOffset++;
    this.furtherRows++;
    this.records.add(
      queue,
      queueOffset,
      physicalOffset,
      size,
      tagsCode,
      storeTimestampMs,
      1,
      null,
      0,
    );
  }

  /**
   * Writes what is staged and tells each record's owner: now under ASYNC_FLUSH, after the covering fdatasync under
   * SYNC_FLUSH. When a write fails, its records and those after it are taken back (queue numbers too) and their owners
   * are told why; those before it stand. Called from within an owner's callback it does nothing: the outer call goes on.
   */
  commit(): void {
    if (this.committing) return;
    this.committing = true;
    try {
      while (this.hasStaged()) this.commitBurst();
    } finally {
      this.committing = false;
    }
  }

  private hasStaged(): boolean {
    return this.segmentCount > 0 || this.at > this.segmentStart;
  }

  private commitBurst(): void {
    this.closeSegment();
    const segmentCount = this.segmentCount;
    const startedMs = this.clock.monotonicMs();
    const bytes = this.physicalEnd - this.settlement.end;
    for (let index = 0; index < segmentCount; index++) {
      const segment = this.segments[index]!;
      const failure = this.writeSegment(segment);
      if (failure === null) continue;
      this.fail(index, failure);
      return;
    }
    this.segmentCount = 0;
    if (this.failing) this.noteWriteState(null);
    const tookMs = this.clock.monotonicMs() - startedMs;
    const rows = this.records.count - this.records.written;
    this.meter.noteWrite(rows - this.furtherRows, bytes, tookMs);
    this.furtherRows = 0;
    this.settlement.written(this.physicalEnd, this.records.count);
  }

  /** Writes one segment; null when it is in the file. */
  private writeSegment(segment: Segment): DiskError | null {
    const { chunk, start, end } = segment;
    const physicalOffset = chunk.base + start;
    let length = end - start;
    if (
      this.writer.hasStaleTail(physicalOffset) && !endsFile(chunk.base + end, this.fileSizeBytes)
    ) {
      chunk.buffer.fill(0, end, end + TERMINATOR_BYTES);
      length += TERMINATOR_BYTES;
    }
    try {
      this.writer.writeSync(chunk.buffer, start, length, physicalOffset);
    } catch (error) {
      if (error instanceof DiskError) return error;
      throw error;
    }
    chunk.written = end;
    return null;
  }

  /** Takes back the segments from `index` on; the records before them stand. */
  private fail(index: number, error: DiskError): void {
    const first = this.segments[index]!;
    const stagedBefore = index === 0 ? 0 : this.segments[index - 1]!.stagedRows;
    const row = this.records.written + stagedBefore;
    this.segmentCount = 0;
    this.hot.backTo(first.chunk);
    this.useChunk(first.chunk, first.start);
    this.eraseRemains(first);
    const lost = this.records.takeFrom(row);
    this.meter.failed += lost.length;
    if (row > this.records.written) this.settlement.written(this.physicalEnd, row);
    const isDiskFull = isFull(error);
    // Producers are told the cause; where the file is stays between the store and its log.
    const what = isDiskFull ? "the disk is full" : "the log can't be written";
    this.settlement.failureDetail = `${what} (${error.code})`;
    if (!this.failing) this.noteWriteState(error);
    const status = isDiskFull ? "disk_full" : "write_failed";
    for (const { owner, token, physicalOffset, queueOffset } of lost) {
      owner?.onStored(token, status, physicalOffset, queueOffset);
    }
  }

  private noteWriteState(error: DiskError | null): void {
    this.failing = error !== null;
    this.onWriteState(error);
  }

  /** What the failed write left must not be found by a recovery as records that nobody was promised. */
  private eraseRemains({ chunk, start, end }: Segment): void {
    this.writer.markStaleTail(this.physicalEnd);
    chunk.buffer.fill(0, start, end);
    try {
      this.writer.writeSync(chunk.buffer, start, end - start, this.physicalEnd);
    } catch (error) {
      // Behind what was allocated nothing was left; or the device is failing and recovery decides.
      if (!(error instanceof DiskError)) throw error;
    }
  }

  private closeSegment(): void {
    if (this.at === this.segmentStart) return;
    const segment = this.segments[this.segmentCount] ??
      { chunk: this.chunk, start: 0, end: 0, stagedRows: 0 };
    segment.chunk = this.chunk;
    segment.start = this.segmentStart;
    segment.end = this.at;
    segment.stagedRows = this.stagedCount;
    this.segments[this.segmentCount++] = segment;
    this.segmentStart = this.at;
  }

  /** Fills the rest of the file with a blank record and goes on in the next file. */
  private roll(bytes: number): void {
    writeBlankRecord(this.buffer, this.at, this.fileEnd - this.physicalEnd);
    this.at += BLANK_RECORD_BYTES_MIN;
    this.physicalEnd = this.fileEnd;
    this.nextChunk(bytes);
  }

  private nextChunk(bytes: number): void {
    this.closeSegment();
    this.useChunk(this.hot.advance(this.physicalEnd, bytes + CHUNK_SPARE_BYTES), 0);
  }

  private useChunk(chunk: HotChunk, at: number): void {
    this.chunk = chunk;
    this.buffer = chunk.buffer;
    this.chunkLimit = chunk.buffer.length - CHUNK_SPARE_BYTES;
    this.at = at;
    this.segmentStart = at;
    this.physicalEnd = chunk.base + at;
    const within = this.physicalEnd % this.fileSizeBytes;
    this.fileEnd = this.physicalEnd - within + this.fileSizeBytes;
  }

  /** The ring must not come round to the first chunk of the burst; an empty one may be lost. */
  private isRingFull(): boolean {
    const open = this.at > this.segmentStart ? 1 : 0;
    return this.segmentCount + open >= this.hot.options.chunkCount - 1;
  }

  private refuseSize(bytes: number): number {
    const detail = `${bytes} bytes don't fit a log file of ${this.fileSizeBytes} bytes`;
    this.lastRefusal = { status: "message_illegal", detail };
    return REFUSED;
  }
}

function endsFile(physicalOffset: number, fileSizeBytes: number): boolean {
  const within = physicalOffset % fileSizeBytes;
  return within === 0 || fileSizeBytes - within < TERMINATOR_BYTES;
}

function isFull(error: DiskError): boolean {
  return error.code === "ENOSPC" || error.code === "EDQUOT";
}

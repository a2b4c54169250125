// The log's files as the appender, the flusher and the readers use them: where bursts are written, what must be synced,
// the next file made ready. Never interprets records.
import { DiskError } from "../../core/disk/disk.ts";
import type { Disk } from "../../core/disk/disk.ts";
import type { Logger } from "../../core/log.ts";
import type { Clock } from "../../core/time/clock.ts";
import { type Segment, SegmentFiles } from "../file/segment_files.ts";
import type { BurstWriter } from "./appender.ts";

/** Allocating the next file keeps this far ahead of twice what the current one has taken, and no further. */
const FILL_AHEAD_BYTES = 16 * 1024 * 1024;
const FILL_PAUSE_MS = 50;

export interface CommitLogOptions {
  clock: Clock;
  disk: Disk;
  log: Logger;
  /** The folder of the log's files. */
  path: string;
  fileSizeBytes: number;
  /** Allocate the next file's blocks in advance (SYNC_FLUSH). */
  zeroFillNext: boolean;
}

export class CommitLog implements BurstWriter {
  readonly files: SegmentFiles;
  /** The file that was written last. */
  private current: Segment | null = null;
  /** Up to this offset bytes of an earlier life may stand in a file. */
  private staleEnd = 0;
  private folderDirty = false;
  private preparing: Promise<void> | null = null;
  private writtenEnd = 0;
  private readonly closing = new AbortController();

  constructor(private readonly options: CommitLogOptions) {
    this.files = new SegmentFiles(options);
  }

  get fileSizeBytes(): number {
    return this.options.fileSizeBytes;
  }

  /** Offset of the log's first byte. */
  get minOffset(): number {
    return this.files.startOffset;
  }

  /** The log ends at `physicalOffset`, as recovery found: what stands behind it in its file is not of the log. */
  startAt(physicalOffset: number): void {
    const within = physicalOffset % this.fileSizeBytes;
    const fileStart = physicalOffset - within;
    const end = Math.max(fileStart + this.fileSizeBytes, this.fileSizeBytes);
    this.staleEnd = this.files.find(physicalOffset) === null ? 0 : end;
    this.files.truncate(end);
  }

  writeSync(buffer: Uint8Array, start: number, length: number, physicalOffset: number): void {
    const segment = this.segmentAt(physicalOffset);
    const file = this.files.open(segment);
    const within = physicalOffset - segment.startOffset;
    this.writtenEnd = physicalOffset + length;
    try {
      file.writeSync(buffer, start, length, within);
    } catch (error) {
      // The next file, allocated in advance, must not keep messages out of this one.
      const isFull = error instanceof DiskError && error.code === "ENOSPC";
      if (!isFull || !this.files.dropPrepared()) throw error;
      file.writeSync(buffer, start, length, within);
    }
  }

  hasStaleTail(physicalOffset: number): boolean {
    return physicalOffset < this.staleEnd;
  }

  markStaleTail(physicalOffset: number): void {
    const fileStart = physicalOffset - physicalOffset % this.fileSizeBytes;
    this.staleEnd = Math.max(this.staleEnd, fileStart + this.fileSizeBytes);
  }

  /**
   * Makes the bytes from `start` to `end` durable: their files, and the folder when it got a new one. Throws
   * DiskError; what is durable is then unknown.
   */
  async sync(start: number, end: number): Promise<void> {
    const folderDirty = this.folderDirty;
    this.folderDirty = false;
    for (const segment of this.files.segments) {
      const segmentEnd = segment.startOffset + this.fileSizeBytes;
      if (segmentEnd > start && segment.startOffset < end) {
        await this.files.open(segment).datasync();
      }
    }
    if (folderDirty) await this.options.disk.syncDirectory(this.options.path);
  }

  /** Makes the next file ready in the background, unless that is done or under way. */
  prepareNext(): void {
    if (this.preparing !== null || this.files.hasPrepared) return;
    this.preparing = this.files.prepare(this.options.zeroFillNext ? this.pace : null).catch(
      (error: unknown) => {
        // Rolling over makes the file itself then, and says what is wrong.
        if (!(error instanceof DiskError)) throw error;
        this.options.log.warn("the log's next file can't be made ready", { error });
      },
    ).finally(() => this.preparing = null);
  }

  /** The device belongs to the messages: the next file is filled as fast as it will be needed. */
  private readonly pace = async (position: number): Promise<void> => {
    const { signal } = this.closing;
    while (!signal.aborted && position > this.fillTarget()) {
      // Closing wakes it; what it was waiting for doesn't matter then.
      await this.options.clock.sleep(FILL_PAUSE_MS, signal).catch(() => {});
    }
  };

  private fillTarget(): number {
    return FILL_AHEAD_BYTES + 2 * (this.writtenEnd - (this.current?.startOffset ?? 0));
  }

  async close(): Promise<void> {
    this.files.stop();
    this.closing.abort();
    await this.preparing;
    await this.files.close();
  }

  private segmentAt(physicalOffset: number): Segment {
    const current = this.current;
    if (
      current !== null && physicalOffset >= current.startOffset &&
      physicalOffset < current.startOffset + this.fileSizeBytes
    ) return current;
    const endBefore = this.files.endOffset;
    const segment = this.files.findOrCreate(physicalOffset);
    this.current = segment;
    if (this.files.endOffset !== endBefore) this.folderDirty = true;
    this.prepareNext();
    return segment;
  }
}

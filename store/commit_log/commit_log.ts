// The log's files as the appender, the flusher and the readers use them: where bursts are written, what must be synced,
// the next file made ready. Never interprets records.
import { DiskError } from "../../core/disk/disk.ts";
import type { Disk, DiskFile } from "../../core/disk/disk.ts";
import type { Logger } from "../../core/log.ts";
import { type Segment, SegmentFiles } from "../file/segment_files.ts";
import type { BurstWriter } from "./appender.ts";

/**
 * Under SYNC_FLUSH so many bytes behind the end are zeros on disk already, so that most syncs find their blocks
 * allocated and change no metadata. A larger piece makes the sync that carries it slow, a smaller one comes too often.
 */
const FILL_AHEAD_BYTES = 64 * 1024;
const ZEROS = new Uint8Array(FILL_AHEAD_BYTES);

export interface CommitLogOptions {
  disk: Disk;
  log: Logger;
  /** The folder of the log's files. */
  path: string;
  fileSizeBytes: number;
  /** Allocate blocks a little ahead of the end (SYNC_FLUSH). */
  fillAhead: boolean;
}

export class CommitLog implements BurstWriter {
  readonly files: SegmentFiles;
  /** The file that was written last. */
  private current: Segment | null = null;
  /** Up to this offset bytes of an earlier life may stand in a file. */
  private staleEnd = 0;
  /** What a killed process named may not be durable: the first sync sees to it. */
  private folderDirty = true;
  private preparing: Promise<void> | null = null;
  /** Up to this offset the current file's blocks are allocated. */
  private filledEnd = 0;

  constructor(private readonly options: CommitLogOptions) {
    this.files = new SegmentFiles(options);
  }

  /** The folder of the files. */
  get path(): string {
    return this.options.path;
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
    file.writeSync(buffer, start, length, within);
    const end = physicalOffset + length;
    if (this.options.fillAhead && end > this.filledEnd) this.fillBehind(file, segment, end);
  }

  /** Zeros from `end` on. What the file system refuses here, the append that needs it will report. */
  private fillBehind(file: DiskFile, segment: Segment, end: number): void {
    const fileEnd = segment.startOffset + this.fileSizeBytes;
    this.filledEnd = Math.min(end + FILL_AHEAD_BYTES, fileEnd);
    try {
      file.writeSync(ZEROS, 0, this.filledEnd - end, end - segment.startOffset);
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
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
    // Of a copy: retention may take the first files away meanwhile.
    for (const segment of [...this.files.segments]) {
      const segmentEnd = segment.startOffset + this.fileSizeBytes;
      if (segmentEnd > start && segment.startOffset < end) {
        await this.files.open(segment).datasync();
      }
    }
    if (folderDirty) await this.options.disk.syncDirectory(this.options.path);
  }

  /** As `sync`, on the event loop; false, and nothing done, when it takes more than one file's sync. */
  syncNow(start: number, end: number): boolean {
    const segment = this.files.find(start);
    const isOne = segment !== null && end <= segment.startOffset + this.fileSizeBytes;
    if (!isOne || this.folderDirty) return false;
    this.files.open(segment).datasyncSync();
    return true;
  }

  /** Makes the next file ready in the background, unless that is done or under way. */
  prepareNext(): void {
    if (this.preparing !== null || this.files.hasPrepared) return;
    this.preparing = this.files.prepare().catch(
      (error: unknown) => {
        // Rolling over makes the file itself then, and says what is wrong.
        if (!(error instanceof DiskError)) throw error;
        this.options.log.warn("the log's next file can't be made ready", { error });
      },
    ).finally(() => this.preparing = null);
  }

  async close(): Promise<void> {
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

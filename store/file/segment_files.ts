// A long byte sequence in files of one fixed length, each named by the 20-digit offset of its first byte, as Apache's
// MappedFileQueue keeps them, by positional I/O. Knows nothing of what the bytes mean.
import { type Disk, DiskError, type DiskFile } from "../../core/disk/disk.ts";
import { assert, OperationError } from "../../core/errors.ts";
import type { Logger } from "../../core/log.ts";
import { refuseFolder } from "./folder_in_place.ts";

const NAME_DIGITS = 20;

export interface SegmentFilesOptions {
  disk: Disk;
  log: Logger;
  /** The folder; made when absent. */
  path: string;
  fileSizeBytes: number;
  /** Files are opened for reading only (inspections). */
  isReadOnly?: boolean;
}

/** One file; opened when it is first used. */
export interface Segment {
  readonly startOffset: number;
  readonly path: string;
  file: DiskFile | null;
}

export function segmentName(startOffset: number): string {
  return String(startOffset).padStart(NAME_DIGITS, "0");
}

/** Whether a folder's entry is a file of a sequence, by its name. */
export function isSegmentName(name: string): boolean {
  return /^\d{20}$/.test(name);
}

/** Whether a file with another name is as long as those of the sequence and named for one that isn't there. */
export function isRenamed(
  name: string,
  sizeBytes: number,
  fileSizeBytes: number,
  names: readonly string[],
): boolean {
  const named = /^\d{20}(?=\D)/.exec(name)?.[0];
  return named !== undefined && sizeBytes === fileSizeBytes && !names.includes(named);
}

export class SegmentFiles {
  /** In order, without gaps. */
  readonly segments: Segment[] = [];
  readonly fileSizeBytes: number;
  /** Behind this offset there is nothing but zeros: the last file was cut short there. */
  contentEnd = Infinity;
  private prepared: DiskFile | null = null;

  constructor(private readonly options: SegmentFilesOptions) {
    this.fileSizeBytes = options.fileSizeBytes;
  }

  /**
   * Finds the files. A last file of length 0 is deleted (a crash left it); any other length than the configured one is
   * refused, since the offsets in the names would be wrong, and so is a folder in a file's place. What has another name isn't of the sequence and is passed over
   * with a word: an editor's backup must not keep a store closed. One of the files under another name is refused, since
   * without it those behind it would be lost. Throws OperationError.
   */
  load(): void {
    const { disk, path, log } = this.options;
    disk.makeDirectorySync(path);
    this.removePrepared();
    this.removeIfThere(this.temporaryPath);
    const all = disk.listSync(path);
    const names = all.filter(isSegmentName);
    for (const name of all) if (!names.includes(name)) this.passOver(name, names);
    names.forEach((name, index) => {
      const filePath = `${path}/${name}`;
      refuseFolder(disk, filePath);
      const sizeBytes = disk.statSync(filePath)?.sizeBytes ?? 0;
      if (sizeBytes === 0 && index === names.length - 1) {
        log.warn("deleted an empty last file", { path: filePath });
        disk.unlinkSync(filePath);
        return;
      }
      this.checkFile(filePath, Number(name), sizeBytes);
      this.segments.push({ startOffset: Number(name), path: filePath, file: null });
    });
  }

  /** Offset of the first byte; 0 when there are no files. */
  get startOffset(): number {
    return this.segments[0]?.startOffset ?? 0;
  }

  /** Offset one past the last file's last byte; 0 when there are no files. */
  get endOffset(): number {
    const last = this.segments.at(-1);
    return last === undefined ? 0 : last.startOffset + this.fileSizeBytes;
  }

  /** The file that holds an offset; null when none does. */
  find(offset: number): Segment | null {
    const index = Math.floor((offset - this.startOffset) / this.fileSizeBytes);
    return this.segments[index] ?? null;
  }

  /** The file of an offset, which is made when the offset is where the next one begins. Throws DiskError. */
  findOrCreate(offset: number): Segment {
    const last = this.segments.at(-1);
    if (last !== undefined && offset >= last.startOffset && offset < this.endOffset) return last;
    const found = this.find(offset);
    if (found !== null) return found;
    const startOffset = offset - offset % this.fileSizeBytes;
    assert(last === undefined || startOffset === this.endOffset, "files follow each other");
    return this.create(startOffset);
  }

  open(segment: Segment): DiskFile {
    segment.file ??= this.options.disk.openSync(
      segment.path,
      this.options.isReadOnly ? "read" : "write",
    );
    return segment.file;
  }

  /** Reads within one file; fewer bytes at its end; 0 outside. */
  readSync(target: Uint8Array, start: number, length: number, offset: number): number {
    const segment = this.find(offset);
    if (segment === null) return 0;
    const within = offset - segment.startOffset;
    const count = Math.min(length, this.fileSizeBytes - within);
    const read = this.open(segment).readSync(target, start, count, within);
    return this.lengthened(target, start, read, count);
  }

  async read(target: Uint8Array, start: number, length: number, offset: number): Promise<number> {
    const segment = this.find(offset);
    if (segment === null) return 0;
    const within = offset - segment.startOffset;
    const count = Math.min(length, this.fileSizeBytes - within);
    const read = await this.open(segment).read(target, start, count, within);
    return this.lengthened(target, start, read, count);
  }

  /** What is only looked at isn't lengthened: where a file was cut short zeros are read, as if it had been. */
  private lengthened(target: Uint8Array, start: number, read: number, wanted: number): number {
    if (!this.options.isReadOnly) return read;
    target.fill(0, start + read, start + wanted);
    return wanted;
  }

  /** As `read`, past the page cache where the disk can; null in the last file, whose writers might wait for it. */
  readUncached(
    target: Uint8Array,
    start: number,
    length: number,
    offset: number,
  ): Promise<number> | null {
    const segment = this.find(offset);
    if (segment === null || segment === this.segments.at(-1)) return null;
    const within = offset - segment.startOffset;
    const count = Math.min(length, this.fileSizeBytes - within);
    return this.open(segment).readUncached?.(target, start, count, within) ?? null;
  }

  /** Deletes the files that begin at or after an offset. */
  truncate(offset: number): void {
    while (this.segments.length > 0 && this.segments.at(-1)!.startOffset >= offset) {
      const segment = this.segments.pop()!;
      void segment.file?.close();
      this.options.disk.unlinkSync(segment.path);
      this.options.log.info("deleted a file beyond the end", { path: segment.path });
    }
  }

  /** Takes the last file out, which then has another path: what it holds is no longer of the sequence. */
  removeLast(move: (path: string) => void): void {
    const last = this.segments.at(-1);
    if (last === undefined) return;
    void last.file?.close();
    last.file = null;
    move(last.path);
    this.segments.pop();
  }

  /** Takes the first file out, for the caller to delete; null without one. Waits for reads under way. */
  async takeFirst(): Promise<string | null> {
    const segment = this.segments.shift();
    if (segment === undefined) return null;
    await segment.file?.close();
    return segment.path;
  }

  /** Deletes the first file without blocking. */
  async deleteFirst(): Promise<void> {
    const path = await this.takeFirst();
    if (path !== null) await this.options.disk.unlink(path);
  }

  /** Where the next file is made ready: beside the folder, so that no half-made file ever stands in it. */
  get preparedPath(): string {
    return `${this.options.path}.next`;
  }

  get hasPrepared(): boolean {
    return this.prepared !== null;
  }

  /** Makes the next file ready, so that rolling over costs a rename. */
  async prepare(): Promise<void> {
    if (this.prepared !== null) return;
    const file = this.options.disk.openSync(this.preparedPath, "create");
    try {
      file.truncateSync(0);
      file.truncateSync(this.fileSizeBytes);
      await file.datasync();
    } catch (error) {
      await file.close();
      this.removePrepared();
      throw error;
    }
    this.prepared = file;
  }

  /** Gives up the file that was made ready. */
  private dropPrepared(): void {
    if (this.prepared === null) return;
    void this.prepared.close();
    this.prepared = null;
    this.removePrepared();
  }

  async close(): Promise<void> {
    for (const segment of this.segments) {
      await segment.file?.close();
      segment.file = null;
    }
    this.dropPrepared();
  }

  private create(startOffset: number): Segment {
    const { disk, path } = this.options;
    const filePath = `${path}/${segmentName(startOffset)}`;
    if (!this.usePrepared(filePath)) {
      // Not at the prepared path: a preparation may be under way there.
      this.makeFile(this.temporaryPath);
      if (!this.rename(this.temporaryPath, filePath)) {
        disk.unlinkSync(this.temporaryPath);
        this.makeFile(filePath);
      }
    }
    const segment: Segment = { startOffset, path: filePath, file: null };
    this.segments.push(segment);
    return segment;
  }

  private usePrepared(filePath: string): boolean {
    if (this.prepared === null) return false;
    void this.prepared.close();
    this.prepared = null;
    if (this.rename(this.preparedPath, filePath)) return true;
    this.removePrepared();
    return false;
  }

  /** False when the folder is on another file system than what stands beside it. */
  private rename(from: string, to: string): boolean {
    try {
      this.options.disk.renameSync(from, to);
      return true;
    } catch (error) {
      if (error instanceof DiskError && error.code === "EXDEV") return false;
      throw error;
    }
  }

  /** Its length is durable before its name can be: a power cut must not leave a short file among the others. */
  private makeFile(filePath: string): void {
    const file = this.options.disk.openSync(filePath, "create");
    try {
      file.truncateSync(0);
      file.truncateSync(this.fileSizeBytes);
      file.datasyncSync();
    } catch (error) {
      this.options.disk.unlinkSync(filePath);
      throw error;
    } finally {
      void file.close();
    }
  }

  private get temporaryPath(): string {
    return `${this.options.path}.new`;
  }

  private removePrepared(): void {
    this.removeIfThere(this.preparedPath);
  }

  private removeIfThere(path: string): void {
    const { disk } = this.options;
    if (disk.statSync(path) !== null) disk.unlinkSync(path);
  }

  private passOver(name: string, names: readonly string[]): void {
    const { disk, fileSizeBytes, log } = this.options;
    const path = `${this.options.path}/${name}`;
    if (isRenamed(name, disk.statSync(path)?.sizeBytes ?? 0, fileSizeBytes, names)) {
      throw new OperationError(`${path} seems to be a file of the store under another name`);
    }
    log.warn("a folder of the store holds something else, which is passed over", { path });
  }

  private checkFile(path: string, startOffset: number, sizeBytes: number): void {
    const { fileSizeBytes } = this.options;
    if (sizeBytes !== fileSizeBytes) {
      throw new OperationError(
        `${path} has ${sizeBytes} bytes where files of ${fileSizeBytes} are configured`,
      );
    }
    if (startOffset % fileSizeBytes !== 0) {
      throw new OperationError(
        `${path}: its name is no multiple of the file size ${fileSizeBytes}`,
      );
    }
    const previous = this.segments.at(-1);
    if (previous !== undefined && startOffset !== previous.startOffset + fileSizeBytes) {
      throw new OperationError(
        `${path} doesn't follow ${previous.path}: a file is missing between`,
      );
    }
  }
}

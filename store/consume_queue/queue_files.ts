// The files of one queue: adjacent, all of one length, named by the byte position at which they start. Opens them through
// the descriptor cache. Knows nothing of units.
import { DiskError, type DiskFile } from "../../core/disk/disk.ts";
import type { OpenFile } from "./descriptor_cache.ts";
import type { QueueContext, QueueExtent } from "./queue_context.ts";
import { queueFileName } from "./unit.ts";

export class QueueFiles {
  /** Byte positions: the files are those in [first, end); none when both are the same. */
  first: number;
  end: number;
  private hasDirectory: boolean;
  private lastFile: OpenFile | null = null;
  private readFile: OpenFile | null = null;

  constructor(
    private readonly context: Pick<QueueContext, "disk" | "descriptors" | "writer">,
    readonly directory: string,
    readonly fileBytes: number,
    extent: QueueExtent,
  ) {
    this.first = extent.firstByte;
    this.end = extent.filesEnd;
    this.hasDirectory = this.end > this.first;
  }

  get exist(): boolean {
    return this.end > this.first;
  }

  baseOf(position: number): number {
    return position - position % this.fileBytes;
  }

  /** Reads within one file. Throws DiskError when the bytes aren't there. */
  read(target: Uint8Array, position: number, length: number): void {
    const base = this.baseOf(position);
    const count = this.at(base).readSync(target, 0, length, position - base);
    if (count < length) throw new DiskError("EIO", "short read", this.pathOf(base));
  }

  /** Writes within one file, which is made when it is the next one. */
  write(source: Uint8Array, start: number, length: number, position: number): void {
    const base = this.baseOf(position);
    this.at(base).writeSync(source, start, length, position - base);
  }

  /** Makes the files that hold [from, to) durable. */
  async sync(from: number, to: number): Promise<void> {
    for (let base = Math.max(this.baseOf(from), this.first); base < to; base += this.fileBytes) {
      if (base >= this.end) return;
      await this.at(base).datasync();
    }
  }

  close(): void {
    if (this.lastFile !== null) void this.context.descriptors.close(this.lastFile);
    if (this.readFile !== null) void this.context.descriptors.close(this.readFile);
    this.lastFile = this.readFile = null;
  }

  /** Removes the files from a position on, which is where one begins. */
  dropFrom(position: number): void {
    if (this.end <= position) return;
    this.close();
    for (; this.end > position; this.end -= this.fileBytes) {
      this.context.disk.unlinkSync(this.pathOf(this.end - this.fileBytes));
    }
    this.context.writer.directoryChanged(this.directory);
  }

  /**
   * Takes the first file's name at once, so that a new one can have it; its blocks are freed in the background. Should
   * that not happen any more, it stands beside the queue's folder: in it Apache's broker would stumble over its name.
   */
  discardFirst(): Promise<void> {
    const { disk } = this.context;
    const path = this.pathOf(this.first);
    const discarded = `${this.directory}.${queueFileName(this.first)}.deleted`;
    this.close();
    disk.renameSync(path, discarded);
    this.context.writer.directoryChanged(this.directory);
    this.first += this.fileBytes;
    return disk.unlink(discarded);
  }

  /** Without files, the next one is the one that holds `position`. */
  restartAt(position: number): void {
    this.first = this.end = this.baseOf(position);
  }

  private pathOf(base: number): string {
    return `${this.directory}/${queueFileName(base)}`;
  }

  private at(base: number): DiskFile {
    const isLast = base + this.fileBytes >= this.end;
    const known = isLast ? this.lastFile : this.readFile;
    if (known !== null && known.base === base) {
      const file = this.context.descriptors.use(known);
      if (file !== null) return file;
    }
    if (base >= this.end) return this.create(base);
    const opened = this.context.descriptors.open(this.pathOf(base), base, "write");
    if (known !== null) void this.context.descriptors.close(known);
    if (isLast) this.lastFile = opened;
    else this.readFile = opened;
    return opened.file!;
  }

  /** A new file has its full length at once: Apache refuses any other. */
  private create(base: number): DiskFile {
    const { disk, descriptors, writer } = this.context;
    if (!this.hasDirectory) disk.makeDirectorySync(this.directory);
    this.hasDirectory = true;
    const opened = descriptors.open(this.pathOf(base), base, "create");
    // Of an earlier life that knew more than the checkpoint did.
    if (opened.file!.sizeSync() > 0) opened.file!.truncateSync(0);
    opened.file!.truncateSync(this.fileBytes);
    writer.directoryChanged(this.directory);
    if (this.lastFile !== null) void descriptors.close(this.lastFile);
    this.lastFile = opened;
    this.end = base + this.fileBytes;
    return opened.file!;
  }
}

// Open files of queues, least recently used closed first. Holders keep the entry and look whether it is still open,
// so that the common case costs no look-up.
import { type Disk, DiskError, type DiskFile } from "../../core/disk/disk.ts";
import type { Logger } from "../../core/log.ts";

/** An entry of the cache; `file` is null once it was closed. */
export class OpenFile {
  newer: OpenFile | null = null;
  older: OpenFile | null = null;

  constructor(public file: DiskFile | null, readonly base: number) {}
}

export class DescriptorCache {
  private newest: OpenFile | null = null;
  private oldest: OpenFile | null = null;
  private count = 0;

  constructor(
    private readonly disk: Disk,
    private readonly log: Logger,
    private limit: number,
  ) {}

  get openCount(): number {
    return this.count;
  }

  /** Opens for reading and writing; "create" makes the file when it is absent. */
  open(path: string, base: number, mode: "write" | "create"): OpenFile {
    while (this.count >= this.limit) this.evict();
    const entry = new OpenFile(this.openOrMakeRoom(path, mode), base);
    this.count++;
    this.link(entry);
    return entry;
  }

  /** The entry's file, now the most recently used; null when it was closed meanwhile. */
  use(entry: OpenFile): DiskFile | null {
    if (entry !== this.newest && entry.file !== null) {
      this.unlink(entry);
      this.link(entry);
    }
    return entry.file;
  }

  /** Resolves when the file's operations in flight are over too; nobody but the last closing waits for that. */
  close(entry: OpenFile): Promise<void> {
    const file = entry.file;
    if (file === null) return Promise.resolve();
    entry.file = null;
    this.unlink(entry);
    this.count--;
    return file.close().catch((error: unknown) => {
      this.log.error("closing a queue file failed", { path: file.path, error });
    });
  }

  async closeAll(): Promise<void> {
    const closing: Promise<void>[] = [];
    for (let entry = this.newest; entry !== null; entry = this.newest) {
      closing.push(this.close(entry));
    }
    await Promise.all(closing);
  }

  /** The process may have fewer descriptors than the limit says: then a smaller limit serves. */
  private openOrMakeRoom(path: string, mode: "write" | "create"): DiskFile {
    try {
      return this.disk.openSync(path, mode);
    } catch (error) {
      const isExhausted = error instanceof DiskError &&
        (error.code === "EMFILE" || error.code === "ENFILE");
      if (!isExhausted || this.count === 0) throw error;
    }
    this.limit = Math.max(1, this.count >> 1);
    this.log.warn("too few file descriptors, holding fewer queue files open", {
      limit: this.limit,
    });
    while (this.count >= this.limit) this.evict();
    return this.disk.openSync(path, mode);
  }

  private evict(): void {
    if (this.oldest !== null) void this.close(this.oldest);
  }

  private link(entry: OpenFile): void {
    entry.older = this.newest;
    entry.newer = null;
    if (this.newest !== null) this.newest.newer = entry;
    else this.oldest = entry;
    this.newest = entry;
  }

  private unlink(entry: OpenFile): void {
    if (entry.newer !== null) entry.newer.older = entry.older;
    else this.newest = entry.older;
    if (entry.older !== null) entry.older.newer = entry.newer;
    else this.oldest = entry.newer;
    entry.newer = entry.older = null;
  }
}

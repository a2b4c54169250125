// Full index files whose slots are still in memory: writes them back and syncs the file, a slice at a time off this
// thread, while the next file takes items. A failure is told, and tried again when it is asked for.
import { DiskError } from "../../core/disk/disk.ts";
import type { IndexFile } from "./index_file.ts";
import type { SlotTable } from "./slot_table.ts";

export class RetiringFiles {
  /** Oldest first. */
  private readonly files: IndexFile[] = [];
  private running: Promise<void> | null = null;
  private failure: DiskError | null = null;

  constructor(
    /** The file is whole on disk and synced; its table is free and clear. */
    private readonly onComplete: (file: IndexFile, table: SlotTable) => void,
    /** Must throw what isn't the disk's. */
    private readonly onFailure: (error: unknown) => void,
  ) {}

  get count(): number {
    return this.files.length;
  }

  add(file: IndexFile): Promise<void> {
    this.files.push(file);
    return this.finish();
  }

  /** Goes on until none is left or the disk refuses. */
  finish(): Promise<void> {
    if (this.files.length === 0) return Promise.resolve();
    this.failure = null;
    return this.running ??= this.writeAll().catch((error: unknown) => {
      this.onFailure(error);
      if (error instanceof DiskError) this.failure = error;
    }).finally(() => this.running = null);
  }

  /** Throws why files are left, when they are. */
  throwFailure(): void {
    if (this.files.length > 0 && this.failure !== null) throw this.failure;
  }

  private async writeAll(): Promise<void> {
    for (let file = this.files[0]; file !== undefined; file = this.files[0]) {
      const table = file.table!;
      file.writeItems();
      while (file.retiredPages < table.pageCount) {
        const first = file.retiredPages;
        file.retiredPages = await table.writeSlice(file.file, first);
        table.clearPages(first, file.retiredPages);
      }
      await file.file.datasync();
      file.table = null;
      file.releaseTail();
      this.files.shift();
      this.onComplete(file, table);
    }
  }
}

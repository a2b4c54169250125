// A small text file that is replaced as a whole (config/*.json): temporary file, sync, rename, folder sync. The version
// before is kept as .bak, as Apache does, and of the first one a copy; it is read when the newest is torn. Knows no format
// beyond being whole.
import { Buffer } from "node:buffer";
import { dirname } from "node:path";
import { type Disk, DiskError } from "../../core/disk/disk.ts";
import { OperationError } from "../../core/errors.ts";
import type { Logger } from "../../core/log.ts";
import { refuseFolder } from "./folder_in_place.ts";
import { isWholeTable } from "./table_text.ts";
import { writeBytes } from "./whole_file.ts";

export interface MetadataFileOptions {
  disk: Disk;
  log: Logger;
  path: string;
  /** Whether a text is complete; by default whether it is a table as Apache writes it. */
  isWhole?: (text: string) => boolean;
}

/** Of `save` and of `saveInBackground`, which may be under way when the other is called. */
const TEMPORARY = [".tmp", ".tmp2"] as const;

export class MetadataFile {
  /** Whether `load` gave a backup after which something was saved that is lost. */
  isBackupUsed = false;
  /** Whether it gave a backup at all: the file itself is damaged or missing. */
  isAbsent = false;
  private saved: string | null = null;
  private hasBackup = false;
  private saving: Promise<void> = Promise.resolve();
  private readonly isWhole: (text: string) => boolean;

  constructor(private readonly options: MetadataFileOptions) {
    this.isWhole = options.isWhole ?? ((text) => isWholeTable(options.path, text));
  }

  /**
   * The text as saved last, or its backup with a warning; null when there is neither. Throws OperationError when what
   * there is can't be used: starting without it would lose what it says.
   */
  load(): string | null {
    const { disk, path, log } = this.options;
    const backupPath = `${path}.bak`;
    for (const each of [path, backupPath]) refuseFolder(disk, each);
    const text = this.readText(path);
    if (text !== null && this.isWhole(text)) return text;
    const backup = this.readText(backupPath);
    if (backup !== null && this.isWhole(backup)) {
      log.warn("a metadata file is torn or missing: its backup is used", { path });
      this.isAbsent = true;
      this.isBackupUsed = text !== null || !this.wasReplacing();
      return backup;
    }
    // Apache leaves an empty file where it crashed before anything was saved.
    if ((text ?? "") === "" && (backup ?? "") === "") return null;
    throw new OperationError(
      `${path} is damaged and ${backupPath} can't replace it: restore one of them, ` +
        `or move both away to start without what they held`,
    );
  }

  /** Returns when the text would survive a crash; the text saved last isn't written again. Throws DiskError. */
  save(text: string): void {
    if (text === this.saved) return;
    const { disk, path } = this.options;
    const folder = dirname(path);
    disk.makeDirectorySync(folder);
    const temporary = `${path}${TEMPORARY[0]}`;
    this.writeTemporary(temporary, text);
    this.replace(temporary);
    disk.syncDirectorySync(folder);
    this.saved = text;
    this.copyFirst(text);
  }

  /**
   * The same without holding up the event loop while the device writes. Overlapping saves come one after the other.
   * Rejects with DiskError.
   */
  saveInBackground(text: string): Promise<void> {
    const saved = this.saving.then(() => this.saveLater(text));
    this.saving = saved.catch(() => {});
    return saved;
  }

  private async saveLater(text: string): Promise<void> {
    if (text === this.saved) return;
    const { disk, path } = this.options;
    const folder = dirname(path);
    disk.makeDirectorySync(folder);
    const bytes = Buffer.from(text, "utf8");
    const temporary = `${path}${TEMPORARY[1]}`;
    await writeBytes(disk, temporary, bytes);
    this.replace(temporary);
    await disk.syncDirectory(folder);
    this.saved = text;
    this.copyFirst(text);
  }

  /** After the first save, of which there is no version before, a copy stands in for it; without one nothing is lost yet. */
  private copyFirst(text: string): void {
    if (this.hasBackup) return;
    this.hasBackup = true;
    const { disk, path } = this.options;
    try {
      if (disk.statSync(`${path}.bak`) === null) this.writeTemporary(`${path}.bak`, text);
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      this.options.log.warn("a metadata file has no backup yet", { path, error });
    }
  }

  /** Whether a broker died between the two renames of a save: then the backup is what was saved last. */
  private wasReplacing(): boolean {
    return TEMPORARY.some((suffix) => {
      const text = this.readText(`${this.options.path}${suffix}`);
      return text !== null && this.isWhole(text);
    });
  }

  /** Puts a temporary file in place. A torn file never takes the place of the backup that stands in for it. */
  private replace(temporary: string): void {
    const { disk, path } = this.options;
    const text = this.saved === null ? this.readText(path) : null;
    const isWhole = this.saved !== null || (text !== null && this.isWhole(text));
    if (isWhole) disk.renameSync(path, `${path}.bak`);
    disk.renameSync(temporary, path);
  }

  private writeTemporary(path: string, text: string): void {
    const bytes = Buffer.from(text, "utf8");
    const file = this.options.disk.openSync(path, "create");
    try {
      file.truncateSync(0);
      file.writeSync(bytes, 0, bytes.length, 0);
      file.datasyncSync();
    } finally {
      void file.close();
    }
  }

  private readText(path: string): string | null {
    const { disk } = this.options;
    if (disk.statSync(path) === null) return null;
    const file = disk.openSync(path, "read");
    try {
      const bytes = Buffer.alloc(file.sizeSync());
      return bytes.toString("utf8", 0, file.readSync(bytes, 0, bytes.length, 0));
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      this.options.log.warn("a metadata file can't be read", { path, error });
      return "";
    } finally {
      void file.close();
    }
  }
}

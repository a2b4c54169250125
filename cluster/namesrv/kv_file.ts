// The KV configuration's file: replaced as a whole, durable before a change is acknowledged, with Apache's .bak.
// Knows the text only; what is in it is kv_config.ts's business.
import { Buffer } from "node:buffer";
import { dirname } from "node:path";
import type { Disk } from "../../core/disk/disk.ts";
import { OperationError } from "../../core/errors.ts";
import type { Logger } from "../../core/log.ts";
import type { KvFile } from "./kv_config.ts";

export interface KvFileOptions {
  path: string;
  disk: Disk;
  log: Logger;
  /** Throws when the text isn't whole. */
  validate: (text: string) => void;
}

export class DurableKvFile implements KvFile {
  private text: string | null = null;

  constructor(private readonly options: KvFileOptions) {}

  /** The file, or its backup when it is torn; throws OperationError when neither can be read. */
  load(): string | null {
    const { path, log } = this.options;
    const text = this.read(path);
    if (text === null || this.problemOf(text) === null) return this.text = text;
    const problem = this.problemOf(text);
    const backup = this.read(backupPath(path));
    if (backup === null || this.problemOf(backup) !== null) {
      throw new OperationError(
        `${path} can't be read (${problem}), and there is no backup that can: ` +
          "restore or remove it",
      );
    }
    log.error("the KV configuration is torn, its backup is used", { path, problem });
    return this.text = backup;
  }

  save(text: string): void {
    const { path, disk } = this.options;
    disk.makeDirectorySync(dirname(path));
    if (this.text !== null) this.replace(backupPath(path), this.text);
    this.replace(path, text);
    disk.syncDirectorySync(dirname(path));
    this.text = text;
  }

  private replace(path: string, text: string): void {
    const { disk } = this.options;
    const temporary = `${path}.tmp`;
    const bytes = Buffer.from(text);
    const file = disk.openSync(temporary, "create");
    try {
      file.truncateSync(0);
      file.writeSync(bytes, 0, bytes.length, 0);
      file.datasyncSync();
    } finally {
      void file.close();
    }
    disk.renameSync(temporary, path);
  }

  private read(path: string): string | null {
    const { disk } = this.options;
    if (disk.statSync(path) === null) return null;
    const file = disk.openSync(path, "read");
    try {
      const bytes = Buffer.alloc(file.sizeSync());
      const length = file.readSync(bytes, 0, bytes.length, 0);
      return bytes.toString("utf8", 0, length);
    } finally {
      void file.close();
    }
  }

  private problemOf(text: string): string | null {
    try {
      this.options.validate(text);
      return null;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }
}

function backupPath(path: string): string {
  return `${path}.bak`;
}

// A log file that is rotated by size: roquet.log, then roquet.log.1 … the oldest is dropped.
// Writes one batch at a time off the event loop; what can't be written is counted and said, never waited for.
import { Buffer } from "node:buffer";
import { dirname } from "node:path";
import type { Disk, DiskFile } from "./disk/disk.ts";
import { MIB } from "./limits.ts";
import type { LogOutput } from "./log_sink.ts";

export interface LogFileOptions {
  disk: Disk;
  /** Absolute; its folder is made. */
  path: string;
  /** The file is rotated before it grows beyond this. Default 64 MiB. */
  sizeBytesMax?: number;
  /** Rotated files that are kept. Default 5. */
  keepCount?: number;
  /** Told once when the file can't be written any more, and again when it can. */
  report?: (text: string) => void;
}

/** Text waiting for the disk, above which lines are dropped. */
export const LOG_PENDING_CHARACTERS_MAX = 4 * MIB;

export class LogFile implements LogOutput {
  private file: DiskFile | null = null;
  private sizeBytes = 0;
  private pending = "";
  private droppedLines = 0;
  private failing = false;
  private writing: Promise<void> | null = null;

  private constructor(
    private readonly disk: Disk,
    private readonly path: string,
    private readonly sizeBytesMax: number,
    private readonly keepCount: number,
    private readonly report: (text: string) => void,
  ) {}

  /** Opens the file at its end. Throws DiskError when it can't be written. */
  static open(options: LogFileOptions): LogFile {
    const { disk, path, sizeBytesMax = 64 * MIB, keepCount = 5, report = () => {} } = options;
    const log = new LogFile(disk, path, sizeBytesMax, keepCount, report);
    disk.makeDirectorySync(dirname(path));
    log.reopen();
    return log;
  }

  write(lines: string): void {
    if (this.pending.length + lines.length > LOG_PENDING_CHARACTERS_MAX) {
      this.droppedLines += countLines(lines);
      return;
    }
    this.pending += lines;
    this.writing ??= this.drain();
  }

  async close(): Promise<void> {
    await this.writing;
    await this.file?.close();
    this.file = null;
  }

  private async drain(): Promise<void> {
    while (this.pending !== "") {
      const batch = this.takeBatch();
      try {
        await this.append(Buffer.from(batch, "utf8"));
        if (this.failing) this.report(`log file ${this.path} is written again`);
        this.failing = false;
      } catch (error) {
        this.droppedLines += countLines(batch);
        if (!this.failing) this.report(`log file can't be written: ${messageOf(error)}`);
        this.failing = true;
      }
    }
    this.writing = null;
  }

  private takeBatch(): string {
    let batch = this.pending;
    this.pending = "";
    if (this.droppedLines > 0) batch = `(${this.droppedLines} log lines lost)\n${batch}`;
    this.droppedLines = 0;
    return batch;
  }

  private async append(bytes: Buffer): Promise<void> {
    if (this.sizeBytes > 0 && this.sizeBytes + bytes.length > this.sizeBytesMax) {
      await this.rotate();
    }
    if (this.file === null) this.reopen();
    await this.file!.write(bytes, 0, bytes.length, this.sizeBytes);
    this.sizeBytes += bytes.length;
  }

  private async rotate(): Promise<void> {
    const { disk, path, keepCount } = this;
    await this.file?.close();
    this.file = null;
    for (let number = keepCount; number >= 1; number--) {
      const from = number === 1 ? path : `${path}.${number - 1}`;
      if (disk.statSync(from) !== null) disk.renameSync(from, `${path}.${number}`);
    }
    if (keepCount === 0) disk.unlinkSync(path);
    this.reopen();
  }

  private reopen(): void {
    this.file = this.disk.openSync(this.path, "create");
    this.sizeBytes = this.file.sizeSync();
  }
}

function countLines(lines: string): number {
  return lines.split("\n").length - 1;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

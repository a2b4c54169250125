// Reads fixed-size units one after the other over the files of one queue, a small block at a time, so that thousands of
// queues can be walked side by side. Read-only; opens a file for each block only.
import { Buffer } from "node:buffer";
import { type Disk, DiskError } from "../../core/disk/disk.ts";

const BLOCK_UNITS = 64;

export interface UnitFile {
  path: string;
  /** Byte position of its first unit in the sequence. */
  base: number;
}

export class SequenceReader {
  /** The unit at `position` begins at `at` of these bytes. */
  bytes: Buffer = Buffer.alloc(0);
  at = 0;
  position: number;
  private start = 0;

  constructor(
    private readonly disk: Disk,
    private readonly files: readonly UnitFile[],
    private readonly fileBytes: number,
    private readonly unitBytes: number,
  ) {
    this.position = files[0]?.base ?? 0;
  }

  get end(): number {
    const last = this.files.at(-1);
    return last === undefined ? 0 : last.base + this.fileBytes;
  }

  /** Whether there is a unit at the position; its bytes are then there. Throws DiskError. */
  load(): boolean {
    if (this.position >= this.end) return false;
    const within = this.position - this.start;
    if (within < 0 || within >= this.bytes.length) this.read();
    this.at = this.position - this.start;
    return this.at + this.unitBytes <= this.bytes.length;
  }

  advance(): void {
    this.position += this.unitBytes;
  }

  private read(): void {
    const index = Math.floor((this.position - this.files[0]!.base) / this.fileBytes);
    const { base, path } = this.files[index]!;
    const within = this.position - base;
    const length = Math.min(BLOCK_UNITS * this.unitBytes, this.fileBytes - within);
    const block = Buffer.allocUnsafe(length);
    const file = this.disk.openSync(path, "read");
    try {
      const count = file.readSync(block, 0, length, within);
      if (count < length) throw new DiskError("EIO", "short read", path);
    } finally {
      void file.close();
    }
    this.bytes = block;
    this.start = this.position;
  }
}

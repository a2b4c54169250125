// config/timersums, a file of Roquet's own that Apache ignores: checksums over wheel and timer log as a clean stop left
// them. Both have no checksums of their own, so that at the next start bytes that changed in between would be believed.
// The note is taken away as it is read, and counts only beside the check that it was written with: an Apache broker that
// had the store meanwhile has moved that on.
import { Buffer } from "node:buffer";
import { crc32 } from "../../core/bytes/crc32.ts";
import { type Disk, DiskError } from "../../core/disk/disk.ts";
import type { Logger } from "../../core/log.ts";
import { SUM_PIECE_BYTES } from "./limits.ts";

/** What a clean stop left. */
export interface TimerSumsNote {
  /** CRC of config/timercheck's state. */
  check: number;
  /** Pages of the wheel, from a page on around its end, and their CRC. */
  wheel: { page: number; pages: number; crc: number };
  /** A stretch of the timer log and its CRC. */
  log: { start: number; end: number; crc: number };
}

/** Reads up to `length` bytes at `position` into the beginning of `target`; gives the count. */
export type ReadPiece = (target: Buffer, length: number, position: number) => number;

export class TimerSums {
  private readonly path: string;

  constructor(private readonly disk: Disk, private readonly folder: string) {
    this.path = `${folder}/timersums`;
  }

  /** Reads the note and takes it away, durably; null when there is none, or one that isn't whole. Throws DiskError. */
  take(): TimerSumsNote | null {
    const { disk, path } = this;
    const stat = disk.statSync(path);
    if (stat === null) return null;
    const bytes = Buffer.alloc(Math.min(stat.sizeBytes, SUM_PIECE_BYTES));
    const file = disk.openSync(path, "read");
    const count = file.readSync(bytes, 0, bytes.length, 0);
    void file.close();
    disk.unlinkSync(path);
    disk.syncDirectorySync(this.folder);
    return noteOf(bytes.toString("utf8", 0, count));
  }

  /** Survives a power cut when it resolves. Rejects with DiskError. */
  async write(note: TimerSumsNote): Promise<void> {
    const { disk, path } = this;
    const text = JSON.stringify(note);
    const bytes = Buffer.from(`${text}\n${crc32(Buffer.from(text))}\n`);
    const file = disk.openSync(path, "create");
    try {
      file.truncateSync(0);
      file.writeSync(bytes, 0, bytes.length, 0);
      await file.datasync();
    } finally {
      await file.close();
    }
    await disk.syncDirectory(this.folder);
  }
}

/** The CRC of bytes [start, end); of what there is when the file ends before. Throws DiskError. */
export function sumOf(read: ReadPiece, start: number, end: number): number {
  const piece = Buffer.allocUnsafeSlow(Math.min(SUM_PIECE_BYTES, Math.max(1, end - start)));
  let crc = 0;
  for (let at = start; at < end;) {
    const count = read(piece, Math.min(piece.length, end - at), at);
    if (count === 0) break;
    crc = crc32(piece, 0, count, crc);
    at += count;
  }
  return crc;
}

/** Without its note a start believes what is there, as before: a disk that fails here fails nothing. */
export function takeSums(sums: TimerSums, log: Logger): TimerSumsNote | null {
  try {
    return sums.take();
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    log.warn("the timer files' checksums can't be read", { error });
    return null;
  }
}

function noteOf(text: string): TimerSumsNote | null {
  const [json = "", crc] = text.split("\n");
  return crc === String(crc32(Buffer.from(json))) ? JSON.parse(json) as TimerSumsNote : null;
}

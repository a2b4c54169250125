// What a scan has of the log in memory: one piece of it, and, once it goes on from piece to piece, the next one on its
// way meanwhile, so that records are checked while the disk is read. Never writes.
import { Buffer } from "node:buffer";
import type { SegmentFiles } from "../file/segment_files.ts";

const PIECE_BYTES = 1024 * 1024;
/** Room before a piece that is read ahead, for the beginning of a record that the piece before doesn't hold whole. */
const HEAD_BYTES = 64 * 1024;

/** A piece that is read ahead: where in the log it begins, its bytes from HEAD_BYTES on, and how many came. */
interface Ahead {
  offset: number;
  buffer: Buffer;
  /** −1: it couldn't be read. Whoever needs it reads it again, and hears why. */
  read: Promise<number>;
}

export class ScanPieces {
  buffer: Buffer;
  /** The log's offset of the buffer's first byte; the buffer has the log's bytes of [from, to). */
  base = 0;
  private from = 0;
  private to = 0;
  private ahead: Ahead | null = null;
  private spare: Buffer | null = null;

  /** `own`: to read into, where scans are many and short; nothing is read ahead then. */
  constructor(private readonly files: SegmentFiles, private readonly own?: Buffer) {
    this.buffer = own ?? newBuffer();
  }

  /** How many bytes are there from an offset on; 0 or less when it isn't there itself. */
  buffered(offset: number): number {
    return offset < this.from ? 0 : this.to - offset;
  }

  /** Makes sure that `size` bytes from `offset` on are there; fewer at a file's end. True when the disk was asked. */
  async fill(offset: number, size: number): Promise<boolean> {
    if (this.buffered(offset) >= size) return false;
    const goesOn = offset >= this.from && offset <= this.to && this.to > 0;
    if (!await this.takeAhead(offset, size)) await this.read(offset, size);
    if (goesOn && this.own === undefined) this.readAhead();
    return true;
  }

  /** Waits for what is on its way. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.ahead?.read;
    this.ahead = null;
  }

  private async read(offset: number, size: number): Promise<void> {
    if (this.buffer.length < size) this.buffer = Buffer.allocUnsafeSlow(size);
    this.from = this.to = this.base = offset;
    const length = Math.min(this.buffer.length, Math.max(size, PIECE_BYTES));
    this.to += await this.files.read(this.buffer, 0, length, offset);
  }

  /** Goes on with the piece that was read ahead, behind what is left of the one before; false when it doesn't do. */
  private async takeAhead(offset: number, size: number): Promise<boolean> {
    const { ahead, from, to } = this;
    if (ahead === null) return false;
    this.ahead = null;
    const count = await ahead.read;
    const end = ahead.offset + count;
    const left = Math.max(0, ahead.offset - offset);
    const isLeftHere = left === 0 || offset >= from && ahead.offset === to && left <= HEAD_BYTES;
    if (!isLeftHere || end < offset + size) {
      this.spare = ahead.buffer;
      return false;
    }
    const start = offset - this.base;
    if (left > 0) this.buffer.copy(ahead.buffer, HEAD_BYTES - left, start, start + left);
    this.spare = this.buffer;
    this.buffer = ahead.buffer;
    this.base = ahead.offset - HEAD_BYTES;
    this.from = offset;
    this.to = end;
    return true;
  }

  private readAhead(): void {
    const { files, spare, to } = this;
    if (files.find(to) === null) return;
    const buffer = spare ?? newBuffer();
    this.spare = null;
    const read = files.read(buffer, HEAD_BYTES, PIECE_BYTES, to).catch(() => -1);
    this.ahead = { offset: to, buffer, read };
  }
}

function newBuffer(): Buffer {
  return Buffer.allocUnsafeSlow(HEAD_BYTES + PIECE_BYTES);
}

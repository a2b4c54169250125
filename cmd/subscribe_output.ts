// Standard output as subscribe writes to it: what is handed over together is written together, one write at a time, and
// everybody learns when theirs is written. Waits for a slow reader for as long as it takes.
import { Buffer } from "node:buffer";
import fs from "node:fs";

/** Takes bytes; resolves when all of them are written. Rejects with the system's error (EPIPE: the reader went away). */
export type WriteBytes = (bytes: Uint8Array) => Promise<void>;

const STDOUT = 1;
const FULL_PIPE_WAIT_MS = 5;
const FIRST_BYTES = 64 * 1024;
const LINE_END = 0x0a;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const FIRST_PRINTABLE = 0x20;
const LAST_ASCII = 0x7f;
const DIGIT_0 = 0x30;
const DIGITS_MAX = 20;

/** Writes to this process's standard output on the thread pool. */
export async function writeToStandardOutput(bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const written = await new Promise<number | null>((resolve, reject) => {
      fs.write(STDOUT, bytes, done, bytes.length - done, null, (error, count) => {
        if (error === null) resolve(count);
        else if (error.code === "EAGAIN") resolve(null);
        else reject(error);
      });
    });
    if (written !== null) done += written;
    // The descriptor was made non-blocking, maybe by another process that shares it.
    else await new Promise((resolve) => setTimeout(resolve, FULL_PIPE_WAIT_MS));
  }
}

/** Parts of lines, as they are written. */
export class LineBuffer {
  private bytes = Buffer.allocUnsafe(FIRST_BYTES);
  private length = 0;

  get isEmpty(): boolean {
    return this.length === 0;
  }

  text(text: string): void {
    this.reserve(text.length * 3);
    this.length += this.bytes.write(text, this.length, "utf8");
  }

  add(part: Uint8Array): void {
    this.reserve(part.length);
    this.bytes.set(part, this.length);
    this.length += part.length;
  }

  /** Short text of ASCII alone. */
  ascii(text: string): void {
    this.reserve(text.length);
    const { bytes } = this;
    let at = this.length;
    for (let index = 0; index < text.length; index++) bytes[at++] = text.charCodeAt(index);
    this.length = at;
  }

  /** A whole number from 0 up, in decimal digits. */
  number(value: number): void {
    this.reserve(DIGITS_MAX);
    let digits = 1;
    for (let bound = 10; bound <= value; bound *= 10) digits++;
    for (let index = this.length + digits - 1, rest = value; index >= this.length; index--) {
      const tenth = Math.floor(rest / 10);
      this.bytes[index] = DIGIT_0 + (rest - tenth * 10);
      rest = tenth;
    }
    this.length += digits;
  }

  /** These bytes as a JSON string; false, with a part written, when they need escapes or aren't ASCII. */
  jsonString(source: Uint8Array, start: number, end: number): boolean {
    this.reserve(end - start + 2);
    const { bytes } = this;
    let at = this.length;
    bytes[at++] = QUOTE;
    for (let index = start; index < end; index++) {
      const byte = source[index]!;
      if (byte < FIRST_PRINTABLE || byte > LAST_ASCII || byte === QUOTE || byte === BACKSLASH) {
        return false;
      }
      bytes[at++] = byte;
    }
    bytes[at++] = QUOTE;
    this.length = at;
    return true;
  }

  /** For `rewind`. */
  mark(): number {
    return this.length;
  }

  /** Takes back what was added since the mark, before anything was taken. */
  rewind(mark: number): void {
    this.length = mark;
  }

  endLine(): void {
    this.reserve(1);
    this.bytes[this.length++] = LINE_END;
  }

  /** What was added; the buffer goes on empty, with other memory. */
  take(): Uint8Array {
    const taken = this.bytes.subarray(0, this.length);
    this.bytes = Buffer.allocUnsafe(Math.max(FIRST_BYTES, this.bytes.length >> 1));
    this.length = 0;
    return taken;
  }

  private reserve(more: number): void {
    const wanted = this.length + more;
    if (wanted <= this.bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(wanted, this.bytes.length * 2));
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
  }
}

interface Batch {
  written: Promise<"success">;
  resolve: (outcome: "success") => void;
}

/** Lines on their way out. After a failed write nothing is written any more, and what waits never resolves. */
export class LineOutput {
  readonly lines = new LineBuffer();
  /** Resolves with the error that ended writing. */
  readonly failed: Promise<unknown>;
  private readonly fail: (error: unknown) => void;
  private batch: Batch = newBatch();
  private writing: Promise<void> | null = null;
  private hasFailed = false;

  constructor(private readonly write: WriteBytes) {
    const failed = Promise.withResolvers<unknown>();
    this.failed = failed.promise;
    this.fail = failed.resolve;
  }

  /** Call after adding to `lines`. Resolves when it is written; all that is written together gets the same promise. */
  written(): Promise<"success"> {
    // The rest of this turn's messages come along with the first.
    this.writing ??= new Promise<void>((resolve) => setImmediate(resolve))
      .then(() => this.drain());
    return this.batch.written;
  }

  /** Resolves when nothing waits any more, or writing has failed. */
  async drained(): Promise<void> {
    while (this.writing !== null && !this.hasFailed) {
      await Promise.race([this.writing, this.failed]);
    }
  }

  private async drain(): Promise<void> {
    while (!this.lines.isEmpty) {
      const { resolve } = this.batch;
      this.batch = newBatch();
      try {
        await this.write(this.lines.take());
      } catch (error) {
        this.hasFailed = true;
        this.fail(error);
        return;
      }
      resolve("success");
    }
    this.writing = null;
  }
}

function newBatch(): Batch {
  const { promise, resolve } = Promise.withResolvers<"success">();
  return { written: promise, resolve };
}

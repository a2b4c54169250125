// Standard output and standard error: lines that must come out whole, and logs that must never hold anything up.
// A reader that went away is no error: what nobody reads is dropped.
import { Buffer } from "node:buffer";
import fs from "node:fs";
import type { LogOutput } from "../core/log_sink.ts";

/** What commands print to. Each call is one or more whole lines without the last line end. */
export interface Console {
  /** Results: the ready line, listings. */
  print(text: string): void;
  /** Errors and warnings. */
  complain(text: string): void;
  /** Whether the reader of what is printed went away: a long listing can end. */
  isReaderGone?(): boolean;
}

const STDOUT = 1;
const STDERR = 2;
/** How long a full, non-blocking pipe is waited for before the rest is dropped. */
const FULL_PIPE_WAITS_MAX = 500;
const FULL_PIPE_WAIT_MS = 10;
/** Log text waiting for a slow reader, above which lines are dropped. */
const PENDING_CHARACTERS_MAX = 4 * 1024 * 1024;

let isStdoutOpen = true;

export const systemConsole: Console = {
  print(text) {
    isStdoutOpen &&= writeWhole(STDOUT, `${text}\n`);
  },
  complain: (text) => void writeWhole(STDERR, `${text}\n`),
  isReaderGone: () => !isStdoutOpen,
};

/** Whether all of it was written. */
function writeWhole(descriptor: number, text: string): boolean {
  const bytes = Buffer.from(text, "utf8");
  let waits = 0;
  for (let done = 0; done < bytes.length;) {
    try {
      done += fs.writeSync(descriptor, bytes, done);
    } catch (error) {
      if (codeOf(error) !== "EAGAIN" || ++waits > FULL_PIPE_WAITS_MAX) return false;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, FULL_PIPE_WAIT_MS);
    }
  }
  return true;
}

/** Log lines to standard error, one batch at a time on the thread pool. */
export function standardErrorOutput(): LogOutput {
  let pending = "";
  let dropped = 0;
  let writing: Promise<void> | null = null;

  async function drain(): Promise<void> {
    while (pending !== "") {
      const lost = dropped > 0 ? `(${dropped} log lines lost)\n` : "";
      const bytes = Buffer.from(lost + pending, "utf8");
      pending = "";
      dropped = 0;
      await writeAll(STDERR, bytes);
    }
    writing = null;
  }

  return {
    write(lines) {
      if (pending.length + lines.length > PENDING_CHARACTERS_MAX) {
        dropped += lines.split("\n").length - 1;
        return;
      }
      pending += lines;
      writing ??= drain();
    },
    async close() {
      await writing;
    },
  };
}

async function writeAll(descriptor: number, bytes: Buffer): Promise<void> {
  let waits = 0;
  for (let done = 0; done < bytes.length;) {
    const result = await new Promise<number | string>((resolve) => {
      fs.write(descriptor, bytes, done, (error, count) => resolve(error ? codeOf(error) : count));
    });
    if (typeof result === "number") done += result;
    else if (result !== "EAGAIN" || ++waits > FULL_PIPE_WAITS_MAX) return;
    else await new Promise((resolve) => setTimeout(resolve, FULL_PIPE_WAIT_MS));
  }
}

function codeOf(error: unknown): string {
  return String((error as { code?: unknown }).code);
}

// One line on a terminal that is drawn over and over: how far a benchmark is. Never written anywhere else.
import fs from "node:fs";
import process from "node:process";

export interface Screen {
  /** Characters a line; a line that is longer would wrap. */
  readonly columns: number;
  write(text: string): void;
}

const STDERR = 2;
const ERASE_LINE = "\r\x1b[K";
const BAR_WIDTH = 24;

/** Standard error as a screen. */
export function errorScreen(): Screen {
  return {
    get columns() {
      return process.stderr.columns || 80;
    },
    write(text) {
      try {
        fs.writeSync(STDERR, text);
      } catch {
        // The terminal is busy or gone: the next drawing shows it all again.
      }
    },
  };
}

export class ProgressBar {
  private shown = false;

  constructor(private readonly screen: Screen | null) {}

  /** `done` from 0 to 1; null when there is no end to come closer to. */
  draw(done: number | null, text: string): void {
    if (this.screen === null) return;
    const line = done === null ? text : `${bar(done)} ${text}`;
    this.screen.write(`${ERASE_LINE}${line.slice(0, this.screen.columns - 1)}`);
    this.shown = true;
  }

  /** Takes the line away, so that something else can be printed there. */
  erase(): void {
    if (this.shown) this.screen?.write(ERASE_LINE);
    this.shown = false;
  }
}

function bar(done: number): string {
  const share = Math.min(1, Math.max(0, done));
  const filled = Math.round(share * BAR_WIDTH);
  const percent = String(Math.floor(share * 100)).padStart(3);
  return `[${"#".repeat(filled)}${".".repeat(BAR_WIDTH - filled)}] ${percent}%`;
}

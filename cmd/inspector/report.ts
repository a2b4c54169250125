// What a command prints: text in Apache's columns, or with --json the same as JSON. A command always says both; the
// report prints the one that was asked for. Stops the command when nobody reads any more.
import type { JsonValue } from "../../core/json/json_value.ts";
import { writeJson } from "../../core/json/json_writer.ts";
import { type Printable, printf } from "./printf.ts";

export interface ReportOutput {
  /** Whole lines without the last line end. */
  print(text: string): void;
  complain(text: string): void;
  /** Whether the reader of standard output went away. */
  isReaderGone?(): boolean;
}

export interface ReportOptions {
  output: ReportOutput;
  asJson: boolean;
  /** On a terminal: headings are bold and JSON is indented. */
  isTerminal: boolean;
  colors: boolean;
}

/** The columns of a listing, by Java's format strings. */
export interface Layout<R> {
  titles: readonly string[];
  head: string;
  /** Default: the head's. */
  row?: string;
  cells: (row: R) => readonly Printable[];
}

/** Thrown inside a command when its output goes nowhere: the command ends, and that is no failure. */
export class ReaderGone extends Error {
  override readonly name = "ReaderGone";
}

/** Text that waits to be written together. */
const PENDING_CHARACTERS_MAX = 64 * 1024;

export class Report {
  private pending = "";
  /** Whether a part of the command failed: the exit code says so. */
  hasFailed = false;

  constructor(private readonly options: ReportOptions) {}

  get asJson(): boolean {
    return this.options.asJson;
  }

  /** Text only. */
  line(text = ""): void {
    if (!this.asJson) this.write(text);
  }

  /** Text only, without the trailing line end in the format. */
  printf(format: string, ...values: Printable[]): void {
    this.line(printf(format, ...values));
  }

  /** Text only: the heading and a line for each row. */
  table<R>(layout: Layout<R>, rows: Iterable<R>): void {
    this.heading(layout);
    for (const row of rows) this.row(layout, row);
  }

  heading<R>({ head, titles }: Layout<R>): void {
    this.line(this.bold(printf(head, ...titles)));
  }

  row<R>({ head, row = head, cells }: Layout<R>, value: R): void {
    this.line(printf(row, ...cells(value)));
  }

  /** JSON only: the one document that the command answers. */
  json(value: JsonValue): void {
    if (!this.asJson) return;
    const { isTerminal } = this.options;
    this.write(
      isTerminal ? JSON.stringify(JSON.parse(writeJson(value)), null, 2) : writeJson(value),
    );
  }

  /** JSON only: one of many documents, a line each. */
  jsonLine(value: JsonValue): void {
    if (this.asJson) this.write(writeJson(value));
  }

  /** A part failed while the rest goes on. */
  fail(problem: string): void {
    this.hasFailed = true;
    this.flush();
    this.options.output.complain(`roquet: ${problem}`);
  }

  /** Something worth knowing that isn't part of the answer, on standard error. */
  note(text: string): void {
    this.flush();
    this.options.output.complain(text);
  }

  /** Throws ReaderGone. */
  flush(): void {
    const text = this.pending;
    this.pending = "";
    if (text !== "") this.options.output.print(text.slice(0, -1));
    if (this.options.output.isReaderGone?.()) throw new ReaderGone();
  }

  private write(text: string): void {
    this.pending += `${text}\n`;
    if (this.pending.length >= PENDING_CHARACTERS_MAX) this.flush();
  }

  private bold(text: string): string {
    return this.options.colors ? `\x1b[1m${text}\x1b[0m` : text;
  }
}

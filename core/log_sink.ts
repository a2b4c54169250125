// Where log entries become lines: formatted when they are made, written in one piece at the end of the turn.
// Never blocks and never throws: an output that can't keep up loses lines and says how many.
import { createLogger, type LogEntry, type LogFields, type Logger, type LogLevel } from "./log.ts";
import type { Clock } from "./time/clock.ts";

/** Somewhere lines go. `write` takes whole lines, returns at once and never throws. */
export interface LogOutput {
  write(lines: string): void;
  /** Waits for what was taken, then closes. */
  close(): Promise<void>;
}

export interface LogSinkOptions {
  clock: Clock;
  outputs: readonly LogOutput[];
  /** Entries below are dropped before they are formatted. */
  level: LogLevel;
  /** One JSON object a line instead of text. */
  json?: boolean;
  /** Adds the stacks of logged errors. */
  stacks?: boolean;
}

export const LOG_LINE_CHARACTERS_MAX = 16 * 1024;
/** Errors in `cause` of each other that one line shows. */
const CAUSES_MAX = 5;

const RANK: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 };
const SHOWN: Record<LogLevel, string> = {
  debug: "DEBUG",
  info: "INFO ",
  warn: "WARN ",
  error: "ERROR",
};

export class LogSink implements AsyncDisposable {
  readonly logger: Logger;
  private lines = "";

  constructor(private readonly options: LogSinkOptions) {
    this.logger = createLogger((entry) => this.take(entry));
  }

  get level(): LogLevel {
    return this.options.level;
  }

  set level(level: LogLevel) {
    this.options.level = level;
  }

  /** Hands over what the present turn has logged so far; needed only before the process ends. */
  flush(): void {
    const { lines } = this;
    this.lines = "";
    if (lines !== "") { for (const output of this.options.outputs) output.write(lines); }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.flush();
    await Promise.all(this.options.outputs.map((output) => output.close()));
  }

  private take(entry: LogEntry): void {
    const { clock, level, json = false, stacks = false } = this.options;
    if (RANK[entry.level] < RANK[level]) return;
    if (this.lines === "") clock.endOfTurn(() => this.flush());
    const format = json ? formatJsonLine : formatTextLine;
    this.lines += format(entry, clock.nowMs(), stacks) + "\n";
  }
}

/** "2026-01-31T12:00:00.000Z INFO  broker.send text key=value", without a line end inside. */
export function formatTextLine(entry: LogEntry, nowMs: number, stacks = false): string {
  const time = new Date(nowMs).toISOString();
  const component = entry.component === "" ? "" : `${entry.component}: `;
  let line = `${time} ${SHOWN[entry.level]} ${component}${plain(entry.text)}`;
  for (const [name, value] of Object.entries(entry.fields ?? {})) {
    if (value !== undefined) line += ` ${name}=${fieldText(value, stacks)}`;
  }
  return shorten(line);
}

/** One JSON object: time, level, component, text, then the fields under their own names. */
export function formatJsonLine(entry: LogEntry, nowMs: number, stacks = false): string {
  const { level, component, text, fields } = entry;
  const head = { time: new Date(nowMs).toISOString(), level, component, text };
  const line = stringify({ ...jsonFields(fields ?? {}, stacks), ...head });
  if (line.length <= LOG_LINE_CHARACTERS_MAX) return line;
  return stringify({ ...head, text: shorten(text), shortened: true });
}

function jsonFields(fields: LogFields, stacks: boolean): LogFields {
  const shown: LogFields = {};
  for (const [name, value] of Object.entries(fields)) {
    shown[name] = value instanceof Error ? errorText(value, stacks) : value;
  }
  return shown;
}

function fieldText(value: unknown, stacks: boolean): string {
  if (value instanceof Error) return JSON.stringify(errorText(value, stacks));
  if (typeof value !== "string") {
    return typeof value === "object" && value !== null ? stringify(value) : String(value);
  }
  return /^[^\s"=\p{Cc}]+$/u.test(value) ? value : JSON.stringify(value);
}

/** The message with its causes; a stack only where it was asked for. */
function errorText(error: Error, stacks: boolean): string {
  if (stacks && error.stack) return error.stack;
  const texts = [error.message || error.name];
  let cause = error.cause;
  while (cause instanceof Error && texts.length < CAUSES_MAX) {
    texts.push(cause.message || cause.name);
    cause = cause.cause;
  }
  return texts.join(": ");
}

function stringify(value: unknown): string {
  try {
    return JSON.stringify(value, (_, item) => typeof item === "bigint" ? String(item) : item);
  } catch {
    return '"(can\'t be shown)"';
  }
}

/** Line ends and other control characters escaped, so that one entry is one line. */
function plain(text: string): string {
  // deno-lint-ignore no-control-regex -- control characters are what is looked for
  return text.replace(/[\x00-\x1f\x7f\u2028\u2029]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

function shorten(line: string): string {
  return line.length <= LOG_LINE_CHARACTERS_MAX
    ? line
    : line.slice(0, LOG_LINE_CHARACTERS_MAX - 1) + "…";
}

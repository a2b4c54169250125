// Options of inspector commands: how each is spelled, what it means and how its text becomes a typed value.
// Declares only; parse_arguments.ts reads the command line, help.ts and docs/CLI.md print it.
import { UsageError } from "../../core/errors.ts";

/** How an option's text is read. `parse` throws UsageError with what it should be. */
export interface ValueKind<V> {
  /** Shown in help in place of the value. */
  metavar: string;
  parse(text: string): V;
}

export interface Option<V = unknown> {
  /** Without dashes; null for an option that has a long name only. */
  short: string | null;
  long: string;
  summary: string;
  /** Null for a flag. */
  kind: ValueKind<unknown> | null;
  required: boolean;
  /** The value when it isn't given; undefined for most. */
  fallback: V | undefined;
}

export type OptionTable = Readonly<Record<string, Option>>;

/** The values of a command's options: undefined stands for what may be left out. */
export type OptionValues<T extends OptionTable> = {
  readonly [N in keyof T]: T[N] extends Option<infer V> ? V : never;
};

function isInteger(text: string, min: number, max: number): boolean {
  return /^[+-]?\d{1,16}$/.test(text) && Number(text) >= min && Number(text) <= max;
}

function integerKind(what: string, min: number, max: number): ValueKind<number> {
  return {
    metavar: "N",
    parse(text) {
      if (!isInteger(text, min, max)) throw new UsageError(`'${text}' isn't ${what}`);
      return Number(text);
    },
  };
}

function textKind(metavar: string): ValueKind<string> {
  return { metavar, parse: (value) => value };
}

const INT_MAX = 2 ** 31 - 1;

export const text = textKind("TEXT");
export const topicName = textKind("TOPIC");
export const groupName = textKind("GROUP");
export const clusterName = textKind("CLUSTER");
export const brokerName = textKind("BROKER");
export const address = textKind("HOST:PORT");
export const file = textKind("PATH");
export const count = integerKind("a number from 1 up", 1, INT_MAX);
export const int = integerKind("a whole number", -INT_MAX - 1, INT_MAX);
export const queueNumber = integerKind("a queue's number", 0, INT_MAX);
export const long = integerKind(
  "a whole number",
  -Number.MAX_SAFE_INTEGER,
  Number.MAX_SAFE_INTEGER,
);

export const bool: ValueKind<boolean> = {
  metavar: "true|false",
  parse(value) {
    const lower = value.toLowerCase();
    if (lower !== "true" && lower !== "false") {
      throw new UsageError(`'${value}' isn't true or false`);
    }
    return lower === "true";
  },
};

/** "*", or tags with "||" between them. */
export const tagExpression: ValueKind<string> = {
  metavar: "TAG||TAG",
  parse(value) {
    if (value !== "" && value.split("||").some((tag) => tag.trim() !== "")) return value;
    throw new UsageError(`'${value}' names no tag`);
  },
};

/** A body's charset, by any name that TextDecoder knows. */
export const charset: ValueKind<TextDecoder> = {
  metavar: "CHARSET",
  parse(value) {
    try {
      return new TextDecoder(value);
    } catch {
      throw new UsageError(`'${value}' isn't a known charset`);
    }
  },
};

const TIME = /^(\d{4})-(\d{1,2})-(\d{1,2})#(\d{1,2}):(\d{1,2}):(\d{1,2}):(\d{1,3})$/;

/** Milliseconds since 1970, given so or as a local time. */
export const time: ValueKind<number> = {
  metavar: "MS|yyyy-MM-dd#HH:mm:ss:SSS",
  parse: parseTime,
};

/** A time as it was given; `atMs` is null for "now", since the command has the clock. */
export interface GivenTime {
  text: string;
  atMs: number | null;
}

export const timeOrNow: ValueKind<GivenTime> = {
  metavar: "now|MS|yyyy-MM-dd#HH:mm:ss:SSS",
  parse: (text) => ({ text, atMs: text === "now" ? null : parseTime(text) }),
};

function parseTime(value: string): number {
  if (isInteger(value, -1, Number.MAX_SAFE_INTEGER)) return Number(value);
  const parts = TIME.exec(value)?.slice(1).map(Number);
  if (parts) {
    const [year, month, day, hour, minute, second, ms] = parts as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    const date = new Date(year, month - 1, day, hour, minute, second, ms);
    if (date.getMonth() === month - 1 && date.getDate() === day) return date.getTime();
  }
  throw new UsageError(`'${value}' isn't milliseconds or a time as 2026-11-21#08:30:00:000`);
}

export function required<V>(
  short: string,
  long: string,
  kind: ValueKind<V>,
  summary: string,
): Option<V> {
  return { short, long, summary, kind, required: true, fallback: undefined };
}

export function optional<V>(
  short: string | null,
  long: string,
  kind: ValueKind<V>,
  summary: string,
): Option<V | undefined> {
  return { short, long, summary, kind, required: false, fallback: undefined };
}

export function defaulted<V>(
  short: string | null,
  long: string,
  kind: ValueKind<V>,
  fallback: V,
  summary: string,
): Option<V> {
  return { short, long, summary, kind, required: false, fallback };
}

export function flag(short: string | null, long: string, summary: string): Option<boolean> {
  return { short, long, summary, kind: null, required: false, fallback: false };
}

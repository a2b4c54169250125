// The vocabulary of the configuration tables: what a key's entry says, and the few shapes its value can have.
// Nothing here knows a particular key, reads a file or looks at the machine.
import { z } from "zod";

/** What some defaults depend on; a test gives its own. */
export interface Machine {
  readonly processors: number;
  readonly hostName: string;
  /** The first non-loopback IPv4 address, else the first IPv6 one, else 127.0.0.1. */
  readonly localAddress: string;
  readonly homeDirectory: string;
  /** Relative paths start here. */
  readonly currentDirectory: string;
  /** ROCKETMQ_HOME. */
  readonly rocketmqHome: string | null;
  /** NAMESRV_ADDR. */
  readonly namesrvAddr: string | null;
}

export type Default<T> = T | ((machine: Machine) => T);
export type JavaType = "int" | "long" | "double" | "boolean" | "String" | "enum";
export type Unit =
  | "ms"
  | "s"
  | "min"
  | "h"
  | "bytes"
  | "percent"
  | "pages"
  | "files"
  | "messages"
  | "threads"
  | "requests"
  | "";

/** The shape of a value: Java type, default, bounds, and the schema that reads it from text. */
export interface Kind<T> {
  readonly type: JavaType;
  readonly fallback: Default<T>;
  readonly unit: Unit;
  readonly min?: number;
  readonly max?: number;
  readonly choices?: readonly string[];
  /** True for a path: `${…}` and a leading ~ are expanded, and it is never changeable remotely. */
  readonly path?: boolean;
  /** Built on first use: most keys of most files are never set. */
  readonly schema: () => z.ZodType<T, string>;
}

/** Which values of a key stop the start, and what to tell the operator. */
export interface Refusal<T> {
  /** A method, not a field, so that keys of all value types fit one table. */
  when(value: T): boolean;
  /** Reads on after "is refused: ". */
  readonly because: string;
  readonly instead: string;
}

export interface KeyFlags {
  /** Changeable at run time by UPDATE_BROKER_CONFIG or UPDATE_NAMESRV_CONFIG. */
  readonly live?: boolean;
  /** Printed by -m (Apache's @ImportantField). */
  readonly important?: boolean;
  /** Never shown: masked in every listing. */
  readonly secret?: boolean;
  /** Other spellings that a file may use. */
  readonly aliases?: readonly string[];
  /** What Apache's class says ("null" for unset), where its start-up code or a derivation overrides it. */
  readonly apacheDefault?: string;
  /** How docs show a default that depends on the machine or on another key. */
  readonly defaultText?: string;
}

/** One configuration key. */
export interface Key<T> extends Kind<T>, KeyFlags {
  /** "ignored" is accepted without effect; "refused" has no effect either, and stops the start for some values. */
  readonly use: "used" | "ignored" | "refused";
  /** What it does, in one or two sentences. */
  readonly meaning: string;
  /** Why an ignored key has no effect here. */
  readonly because?: string;
  readonly refusal?: Refusal<T>;
  /** Apache's class that declares it, or "Roquet". */
  readonly owner: string;
}

type Entry<T> = Omit<Key<T>, "owner">;
export type KeyTable = Readonly<Record<string, Key<unknown>>>;
type EntryTable = Readonly<Record<string, Entry<unknown>>>;
type Owned<T> = { readonly [K in keyof T]: T[K] extends Entry<infer V> ? Key<V> : never };

/** The plain fields of a table: `config.listenPort` is a number. */
export type ValuesOf<T> = { readonly [K in keyof T]: T[K] extends Key<infer V> ? V : never };

export const INT_MAX = 2 ** 31 - 1;

interface Bounds {
  readonly min?: number;
  readonly max?: number;
}

/** A 32-bit whole number; not negative unless `bounds` says so. */
export function int(fallback: Default<number>, unit: Unit = "", bounds: Bounds = {}): Kind<number> {
  const { min = 0, max = INT_MAX } = bounds;
  return { type: "int", fallback, unit, min, max, schema: () => wholeNumber(min, max) };
}

/** A whole number up to 2^53 − 1; not negative unless `bounds` says so. */
export function long(
  fallback: Default<number>,
  unit: Unit = "",
  bounds: Bounds = {},
): Kind<number> {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = bounds;
  return { type: "long", fallback, unit, min, max, schema: () => wholeNumber(min, max) };
}

export function double(
  fallback: Default<number>,
  unit: Unit = "",
  bounds: Bounds = {},
): Kind<number> {
  const { min = 0, max = Number.MAX_VALUE } = bounds;
  const schema = () =>
    z.string().trim().regex(/^[+-]?(\d+\.?\d*|\.\d+)$/, "must be a number").transform(Number)
      .pipe(z.number().min(min, `must be at least ${min}`).max(max, `must be at most ${max}`));
  return { type: "double", fallback, unit, min, max, schema };
}

export function bool(fallback: boolean): Kind<boolean> {
  return {
    type: "boolean",
    fallback,
    unit: "",
    choices: ["true", "false"],
    schema: () =>
      z.string().trim().toLowerCase().pipe(
        z.enum(["true", "false"], { error: "must be true or false" }),
      ).transform((text) => text === "true"),
  };
}

export function text(fallback: Default<string>): Kind<string> {
  return { type: "String", fallback, unit: "", schema: () => z.string().trim() };
}

/** A text that may be unset; set to nothing is unset too. */
export function optionalText(fallback: Default<string | null> = null): Kind<string | null> {
  return {
    type: "String",
    fallback,
    unit: "",
    schema: () => z.string().trim().transform((value) => value === "" ? null : value),
  };
}

/** Host names or addresses with their ports, separated by semicolons; set to nothing is unset. */
export function optionalAddresses(fallback: Default<string | null> = null): Kind<string | null> {
  const schema = () =>
    z.string().trim().transform((value) => value === "" ? null : value)
      .refine((value) => value === null || value.split(";").every(isAddressOrBlank), {
        error: "must be host:port, separated by semicolons",
      });
  return { type: "String", fallback, unit: "", schema };
}

function isAddressOrBlank(text: string): boolean {
  const match = /^\s*([^\s;]+):(\d{1,5})\s*$/.exec(text);
  return text.trim() === "" ||
    (match !== null && Number(match[2]) >= 1 && Number(match[2]) <= 65535);
}

/** A text of one form, described to the operator by `form` ("must be …"). */
export function pattern(fallback: Default<string>, expression: RegExp, form: string): Kind<string> {
  return {
    type: "String",
    fallback,
    unit: "",
    schema: () => z.string().trim().regex(expression, `must be ${form}`),
  };
}

export function path(fallback: Default<string>): Kind<string> {
  const schema = () => z.string().trim().min(1, "must be a path");
  return { type: "String", fallback, unit: "", path: true, schema };
}

/** A path that, left empty, is derived from another key when the file has been read (load.ts). */
export function derivedPath(): Kind<string> {
  return { type: "String", fallback: "", unit: "", path: true, schema: () => z.string().trim() };
}

export function optionalPath(fallback: Default<string | null> = null): Kind<string | null> {
  return { ...optionalText(fallback), path: true };
}

export function choice<const C extends readonly [string, ...string[]]>(
  fallback: C[number],
  choices: C,
): Kind<C[number]> {
  const schema = () =>
    z.string().trim().pipe(z.enum(choices, { error: `must be one of ${choices.join(", ")}` }));
  return { type: "enum", fallback, unit: "", choices, schema };
}

function wholeNumber(min: number, max: number): z.ZodType<number, string> {
  return z.string().trim().regex(/^[+-]?\d{1,19}$/, "must be a whole number").transform(Number)
    .pipe(z.number().min(min, `must be at least ${min}`).max(max, `must be at most ${max}`));
}

/** A key that Roquet obeys, read at start. */
export function used<T>(kind: Kind<T>, meaning: string, flags: KeyFlags = {}): Entry<T> {
  return { ...kind, ...flags, use: "used", meaning };
}

/** A key that Roquet obeys and that an operator may change at run time. */
export function live<T>(kind: Kind<T>, meaning: string, flags: KeyFlags = {}): Entry<T> {
  return { ...kind, ...flags, use: "used", live: true, meaning };
}

/** A key that is accepted and has no effect; `because` says why. */
export function ignored<T>(
  kind: Kind<T>,
  because: string,
  meaning: string,
  flags: KeyFlags = {},
): Entry<T> {
  return { ...kind, ...flags, use: "ignored", because, meaning };
}

/** A key some of whose values would change safety or format in a way that isn't built: they stop the start. */
export function refused<T>(
  kind: Kind<T>,
  refusal: Refusal<T>,
  meaning: string,
  flags: KeyFlags = {},
): Entry<T> {
  return { ...kind, ...flags, use: "refused", refusal, meaning };
}

/** Marks a key as one that -m prints. */
export function important<T>(entry: Entry<T>): Entry<T> {
  return { ...entry, important: true };
}

/** A table of one of Apache's classes. */
export function keysOf<const T extends EntryTable>(owner: string, entries: T): Owned<T> {
  const owned: Record<string, unknown> = {};
  for (const [name, entry] of Object.entries(entries)) owned[name] = { ...entry, owner };
  return owned as Owned<T>;
}

export function defaultOf<T>(key: Kind<T>, machine: Machine): T {
  return typeof key.fallback === "function"
    ? (key.fallback as (machine: Machine) => T)(machine)
    : key.fallback;
}

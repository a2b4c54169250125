// A configuration in use: plain values, of which live keys may change at run time, one listing, and notification.
// Knows nothing of files or requests; where changes are kept is the `persist` it is given.
import type { Key, KeyTable } from "./key.ts";
import { suggestion } from "./suggestion.ts";

/** Why one entry of an update isn't applied. */
export interface UpdateProblem {
  readonly name: string;
  /** "locked": known, and changeable only by a restart (or, for paths and secrets, never remotely). */
  readonly kind: "unknown" | "locked" | "bad_value";
  readonly text: string;
}

export type UpdateResult =
  | { readonly status: "applied"; readonly changed: readonly string[] }
  | { readonly status: "refused"; readonly problems: readonly UpdateProblem[] };

export interface LiveConfigOptions<V> {
  readonly table: KeyTable;
  /** Owned by the LiveConfig from here on: changed in place. */
  readonly values: V;
  /** Keys of the file that no table knows; listed as Apache lists them. */
  readonly extras?: Readonly<Record<string, string>>;
  /** Keeps the texts of changed keys over a restart. What it throws goes to the caller of `update`. */
  readonly persist?: (changes: ReadonlyMap<string, string>) => void;
}

const MASK = "******";

export class LiveConfig<V extends object> {
  /** Plain fields. Live keys change in place: keep this object, not copies of what is in it. */
  readonly values: Readonly<V>;
  private readonly listeners = new Set<{ names: ReadonlySet<string>; callback: () => void }>();

  constructor(private readonly options: LiveConfigOptions<V>) {
    this.values = options.values;
  }

  /** Calls back after an update changed one of the keys; returns what stops that. */
  onChange(names: readonly (keyof V & string)[], callback: () => void): () => void {
    const listener = { names: new Set<string>(names), callback };
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /** Every key with its value, sorted by name, "key=value" and "\n" each; unset ones left out (Configuration). */
  render(): string {
    const lines = this.entries().filter(([, value]) => value !== null);
    return lines.map(([name, value]) => `${name}=${value}\n`).join("");
  }

  /** Sorted by name, values as text, secrets masked, null when unset. */
  entries(): [name: string, value: string | null][] {
    const { table, extras = {} } = this.options;
    const listed = Object.entries(table).map(([name, key]): [string, string | null] => [
      name,
      shownValue(key, this.values[name as keyof V]),
    ]);
    return [...listed, ...Object.entries(extras)].sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0);
  }

  /**
   * Applies all of the changes or, when one of them can't be, none. Blank texts are values like others.
   * Throws what `persist` throws; then nothing has changed either.
   */
  update(changes: ReadonlyMap<string, string>): UpdateResult {
    const problems: UpdateProblem[] = [];
    const parsed = new Map<string, unknown>();
    for (const [name, text] of changes) {
      const problem = this.check(name, text, parsed);
      if (problem) problems.push(problem);
    }
    if (problems.length > 0) return { status: "refused", problems };
    this.options.persist?.(changes);
    return { status: "applied", changed: this.apply(parsed) };
  }

  private check(name: string, text: string, parsed: Map<string, unknown>): UpdateProblem | null {
    const { table } = this.options;
    const key: Key<unknown> | undefined = Object.hasOwn(table, name) ? table[name] : undefined;
    if (!key) {
      return {
        name,
        kind: "unknown",
        text: `unknown key '${name}'${suggestion(name, Object.keys(table))}`,
      };
    }
    if (key.live !== true || key.path || key.secret || this.blackList().has(name)) {
      return { name, kind: "locked", text: `'${name}' can't be changed at run time` };
    }
    const result = key.schema().safeParse(text);
    if (!result.success) {
      const problem = result.error.issues[0]?.message ?? "isn't valid";
      return { name, kind: "bad_value", text: `${name}=${text}: ${problem}` };
    }
    parsed.set(name, result.data);
    return null;
  }

  private blackList(): Set<string> {
    const list = (this.values as Record<string, unknown>)["configBlackList"];
    return new Set(typeof list === "string" ? list.split(";").map((name) => name.trim()) : []);
  }

  private apply(parsed: ReadonlyMap<string, unknown>): string[] {
    const values = this.values as Record<string, unknown>;
    const changed = [...parsed].filter(([name, value]) => values[name] !== value);
    for (const [name, value] of changed) values[name] = value;
    const names = changed.map(([name]) => name);
    for (const listener of [...this.listeners]) {
      if (names.some((name) => listener.names.has(name))) listener.callback();
    }
    return names;
  }
}

/** A value as a listing shows it: null when unset, never a secret. */
export function shownValue(key: Key<unknown>, value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (key.secret && value !== "" && value !== "{}") return MASK;
  return key.type === "double" && Number.isInteger(value) ? `${value}.0` : String(value);
}

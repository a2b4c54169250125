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
  /** Keys that the file or the command line set. */
  readonly given: ReadonlySet<string>;
  /** Apache's classes whose keys are listed even when they weren't set. */
  readonly listedOwners: readonly string[];
  /** Keys that follow from others unless they are set: only listed when they are, as in Apache. */
  readonly derived?: ReadonlySet<string>;
  /** Keys of the file that no table knows; listed as Apache lists them. */
  readonly extras: Readonly<Record<string, string>>;
  /** Keeps the texts of changed keys over a restart. What it throws goes to the caller of `update`. */
  readonly persist?: (changes: ReadonlyMap<string, string>) => void;
}

const MASK = "******";
/** Unknown keys whose names look like a secret's are masked too. */
const SECRET_NAME = /secret|password|token|credential|accessKey/i;

export class LiveConfig<V extends object> {
  /** Plain fields. Live keys change in place: keep this object, not copies of what is in it. */
  readonly values: Readonly<V>;
  private updates = 0;
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

  /** The body of GET_BROKER_CONFIG: "key=value\n" each, sorted, unset ones left out (Configuration). */
  render(): string {
    const { table, given, listedOwners, derived } = this.options;
    return this.entries().filter(([name, value]) => {
      const owner = table[name]?.owner;
      return value !== null &&
        (owner === undefined || given.has(name) ||
          (listedOwners.includes(owner) && !derived?.has(name)));
    }).map(([name, value]) => `${name}=${value}\n`).join("");
  }

  /** Every key, sorted by name: its value as text, masked when secret, null when unset. */
  entries(): [name: string, value: string | null][] {
    const { table, extras } = this.options;
    const known = Object.entries(table).map(([name, key]): [string, string | null] => [
      name,
      shownValue(key, this.values[name as keyof V]),
    ]);
    const unknown = Object.entries(extras).map(([name, value]): [string, string | null] => [
      name,
      SECRET_NAME.test(name) ? MASK : value,
    ]);
    return [...known, ...unknown].sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0);
  }

  /** Updates applied since the start; the counter of the version that answers carry. */
  get updateCount(): number {
    return this.updates;
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
    if (!isChangeable(key) || this.blackList().has(name)) {
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
    this.updates++;
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

/** What has no effect may be set to anything, as Apache lets it; what needs a restart may not, since it would only seem set. */
function isChangeable(key: Key<unknown>): boolean {
  return (key.live === true || key.use === "ignored") && !key.path && !key.secret;
}

/** A value as a listing shows it: null when unset, never a secret. */
export function shownValue(key: Key<unknown>, value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (key.secret && value !== "" && value !== "{}") return MASK;
  return key.type === "double" && Number.isInteger(value) ? `${value}.0` : String(value);
}

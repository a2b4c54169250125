// From a file's bytes, --set overrides and flags to a typed configuration, with every problem named at once.
// Pure: the bytes and the machine's facts are given; nothing is opened, and no default is looked up elsewhere.
import { isAbsolute, resolve } from "node:path";
import { UsageError } from "../errors.ts";
import { defaultOf, type Key, type KeyTable, type Machine } from "./key.ts";
import { parseProperties } from "./properties_file.ts";
import { suggestion } from "./suggestion.ts";

/** Everything that is wrong with a configuration, one line each. */
export class ConfigError extends UsageError {
  constructor(readonly problems: readonly string[], options?: ErrorOptions) {
    super(problems.join("\n"), options);
  }
}

export interface ConfigSource {
  /** The file of -c: its name as the operator gave it, and its bytes. */
  readonly file?: { readonly name: string; readonly bytes: Uint8Array };
  /** "key=value" of each --set, in order; they beat the file. */
  readonly overrides?: readonly string[];
  /** Keys that a flag of their own sets, and that flag ("-n"); they beat everything. */
  readonly flags?: readonly {
    readonly flag: string;
    readonly name: string;
    readonly value: string;
  }[];
  /** Unknown and repeated keys are errors, not warnings. */
  readonly strict?: boolean;
}

export interface LoadedConfig<V> {
  readonly values: V;
  /** Names set by the file, an override or a flag. */
  readonly given: ReadonlySet<string>;
  /** Keys of the file that no table knows. */
  readonly extras: Readonly<Record<string, string>>;
  readonly warnings: readonly string[];
  /** Keys that were set and have no effect, with the reason. */
  readonly ignored: readonly { readonly name: string; readonly because: string }[];
}

/** One value as it was given. */
interface Setting {
  readonly name: string;
  readonly text: string;
  /** "broker.conf:12", "--set" or "-n". */
  readonly where: string;
  /** Its line; what the command line gives comes after every line. */
  readonly order: number;
}

const COMMAND_LINE_ORDER = Number.MAX_SAFE_INTEGER;

/** What several keys together come to. */
export interface Findings {
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

/** Adds what follows from several keys. `given` tells a set value from a default. */
export type Derivation = (
  values: Record<string, unknown>,
  given: ReadonlySet<string>,
) => Findings;

/** Throws ConfigError with all problems. */
export function loadConfig<V>(
  table: KeyTable,
  derive: Derivation,
  source: ConfigSource,
  machine: Machine,
): LoadedConfig<V> {
  return new Loading(table, source, machine).load(derive) as LoadedConfig<V>;
}

class Loading {
  private readonly problems: { readonly order: number; readonly text: string }[] = [];
  private readonly warnings: string[] = [];
  private readonly extras: Record<string, string> = {};
  private readonly aliases = new Map<string, string>();
  private readonly settings = new Map<string, Setting>();
  private readonly values: Record<string, unknown> = {};

  constructor(
    private readonly table: KeyTable,
    private readonly source: ConfigSource,
    private readonly machine: Machine,
  ) {
    for (const [name, key] of Object.entries(table)) {
      for (const alias of key.aliases ?? []) this.aliases.set(alias, name);
    }
  }

  load(derive: Derivation): LoadedConfig<Record<string, unknown>> {
    this.readFile();
    this.readOverrides();
    for (const { flag, name, value } of this.source.flags ?? []) {
      this.settings.set(name, { name, text: value, where: flag, order: COMMAND_LINE_ORDER });
    }
    this.parseValues();
    const given = new Set(this.settings.keys());
    const problems = this.problems.sort((a, b) => a.order - b.order).map(({ text }) => text);
    if (problems.length > 0) throw new ConfigError(problems);
    const found = derive(this.values, given);
    if (found.problems.length > 0) throw new ConfigError(found.problems);
    this.warnings.push(...found.warnings);
    const { values, extras, warnings } = this;
    return { values, given, extras, warnings, ignored: this.ignoredKeys() };
  }

  private readFile(): void {
    const { file, strict } = this.source;
    if (!file) return;
    const { properties, problems } = parseProperties(file.bytes);
    for (const { line, text } of problems) this.problem(line, `${file.name}:${line}: ${text}`);
    const lineByName = new Map<string, number>();
    for (const { name: spelled, value, line } of properties) {
      const where = `${file.name}:${line}`;
      const name = this.knownName(spelled);
      const repeated = lineByName.get(name ?? spelled);
      if (repeated !== undefined) {
        const text = `${where}: '${spelled}' is set again, line ${repeated} has no effect`;
        if (strict) this.problem(line, text);
        else this.warnings.push(text);
      }
      lineByName.set(name ?? spelled, line);
      if (name === null) this.unknown({ name: spelled, text: value, where, order: line });
      else this.settings.set(name, { name, text: value, where, order: line });
    }
  }

  private readOverrides(): void {
    for (const override of this.source.overrides ?? []) {
      const equals = override.indexOf("=");
      if (equals < 1) {
        this.problem(COMMAND_LINE_ORDER, `--set ${override}: must be key=value`);
        continue;
      }
      const spelled = override.slice(0, equals).trim();
      const text = override.slice(equals + 1);
      const name = this.knownName(spelled);
      const given = { text, where: "--set", order: COMMAND_LINE_ORDER };
      if (name === null) this.unknown({ name: spelled, ...given });
      else this.settings.set(name, { name, ...given });
    }
  }

  private knownName(spelled: string): string | null {
    if (Object.hasOwn(this.table, spelled)) return spelled;
    return this.aliases.get(spelled) ?? null;
  }

  private problem(order: number, text: string): void {
    this.problems.push({ order, text });
  }

  private unknown({ name, text: value, where, order }: Setting): void {
    const text = `${where}: unknown key '${name}'${suggestion(name, Object.keys(this.table))}`;
    if (this.source.strict) this.problem(order, text);
    else this.warnings.push(text);
    if (name !== "") this.extras[name] = value;
  }

  private parseValues(): void {
    for (const [name, key] of Object.entries(this.table)) {
      const setting = this.settings.get(name);
      const value = setting ? this.parseValue(key, setting) : defaultOf(key, this.machine);
      this.values[name] = key.path ? this.absolutePath(value) : value;
    }
  }

  private parseValue(key: Key<unknown>, setting: Setting): unknown {
    const { name, text, where, order } = setting;
    const result = key.schema().safeParse(text);
    const shown = key.secret ? name : `${name}=${text.trim()}`;
    if (!result.success) {
      const problem = result.error.issues[0]?.message ?? "isn't valid";
      this.problem(order, `${where}: ${shown}: ${problem}`);
      return defaultOf(key, this.machine);
    }
    if (key.refusal?.when(result.data)) {
      const { because, instead } = key.refusal;
      this.problem(order, `${where}: ${shown} is refused: ${because}; ${instead}`);
    }
    return result.data;
  }

  private absolutePath(value: unknown): unknown {
    if (typeof value !== "string" || value === "") return value;
    const { homeDirectory, currentDirectory } = this.machine;
    const rocketmqHome = this.settings.get("rocketmqHome")?.text.trim() ??
      this.machine.rocketmqHome;
    const expanded = value
      .replaceAll("${user.home}", homeDirectory)
      .replaceAll("${ROCKETMQ_HOME}", rocketmqHome ?? "${ROCKETMQ_HOME}")
      .replace(/^~(?=\/|$)/, homeDirectory);
    return isAbsolute(expanded) ? expanded : resolve(currentDirectory, expanded);
  }

  private ignoredKeys(): { name: string; because: string }[] {
    return [...this.settings.keys()].flatMap((name) => {
      const key = this.table[name]!;
      return key.use === "ignored" ? [{ name, because: key.because ?? "" }] : [];
    });
  }
}

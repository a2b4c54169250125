// Reads a command's arguments as Apache's tool takes them: -t T, -tT, -t=T, --topic T, --topic=T, -topic T, flags run
// together (-am). Unlike it, unknown words, doubled options and malformed values are errors. Pure.
import { UsageError } from "../../core/errors.ts";
import { suggestion } from "../../core/config/suggestion.ts";
import type { CommandArguments } from "./command.ts";
import { bool, flag, type Option, optional, type OptionTable, text } from "./option.ts";

/** Options that every command takes. */
export const COMMON_OPTIONS = {
  namesrvAddr: optional(
    "n",
    "namesrvAddr",
    { ...text, metavar: "ADDRESSES" },
    "name servers, host:port separated by semicolons; else NAMESRV_ADDR or ROCKETMQ_NAMESRV_ADDR",
  ),
  json: flag(null, "json", "print JSON with stable field names"),
  help: flag("h", "help", "print this help"),
  debug: flag(null, "debug", "show the stack of an error"),
} satisfies OptionTable;

export interface ParsedArguments {
  namesrvAddr: string | undefined;
  json: boolean;
  help: boolean;
  debug: boolean;
  /** By the names of the command's options. */
  values: Record<string, unknown>;
}

/** Throws UsageError. With --help nothing else is checked. */
export function parseArguments(row: CommandArguments, args: readonly string[]): ParsedArguments {
  const given = new ArgumentReader({ ...row.options, ...COMMON_OPTIONS }, row.operand).read(args);
  const common = {
    namesrvAddr: given.get("namesrvAddr") as string | undefined,
    json: given.get("json") === true,
    help: given.get("help") === true,
    debug: given.get("debug") === true,
  };
  if (common.help) return { ...common, values: {} };
  const values: Record<string, unknown> = {};
  for (const [name, option] of Object.entries(row.options)) {
    if (option.required && !given.has(name)) {
      throw new UsageError(`${spelling(option)} is missing: ${option.summary}`);
    }
    values[name] = given.has(name) ? given.get(name) : option.fallback;
  }
  checkOneOf(row, given);
  return { ...common, values };
}

function checkOneOf(row: CommandArguments, given: ReadonlyMap<string, unknown>): void {
  if (row.oneOf.length === 0) return;
  const present = row.oneOf.filter((name) => given.has(name));
  if (present.length === 1) return;
  const spellings = row.oneOf.map((name) => spelling(row.options[name]!));
  throw new UsageError(
    present.length === 0
      ? `one of ${spellings.join(", ")} is needed`
      : `only one of ${spellings.join(", ")} can be given`,
  );
}

/** How an option is called in messages: "-t (--topic)". */
export function spelling({ short, long }: Option): string {
  return short === null ? `--${long}` : `-${short} (--${long})`;
}

type Named = [name: string, option: Option];

class ArgumentReader {
  private readonly byShort = new Map<string, Named>();
  private readonly byLong = new Map<string, Named>();
  private readonly given = new Map<string, unknown>();

  constructor(private readonly options: OptionTable, private readonly operand?: string) {
    for (const named of Object.entries(options)) {
      const [, option] = named;
      // A command's own option comes first and hides a common one of the same letter.
      if (option.short !== null && !this.byShort.has(option.short)) {
        this.byShort.set(option.short, named);
      }
      this.byLong.set(option.long, named);
    }
  }

  read(args: readonly string[]): ReadonlyMap<string, unknown> {
    for (let at = 0; at < args.length; at++) {
      const word = args[at]!;
      if (!word.startsWith("-") || word === "-") {
        if (this.takeOperand(word)) continue;
        throw new UsageError(`unexpected '${word}': options begin with a dash`);
      }
      const next = args[at + 1];
      if (this.take(word, next)) at++;
    }
    return this.given;
  }

  private takeOperand(word: string): boolean {
    const { operand } = this;
    if (operand === undefined || this.given.has(operand)) return false;
    this.store([operand, this.options[operand]!], word, undefined);
    return true;
  }

  /** Whether the next word was its value. */
  private take(word: string, next: string | undefined): boolean {
    const equals = word.indexOf("=");
    const name = equals < 0 ? word : word.slice(0, equals);
    const attached = equals < 0 ? undefined : word.slice(equals + 1);
    const found = this.find(name);
    if (found !== undefined) return this.store(found, attached, next);
    if (!word.startsWith("--")) return this.takeRun(word, next);
    throw this.unknown(name);
  }

  /** -tT, or flags written together with maybe an option with its value at the end. */
  private takeRun(word: string, next: string | undefined): boolean {
    for (let at = 1; at < word.length; at++) {
      const found = this.byShort.get(word[at]!);
      if (found === undefined) throw this.unknown(word);
      if (found[1].kind !== null) {
        const rest = word.slice(at + 1);
        return this.store(found, rest === "" ? undefined : rest, next);
      }
      this.store(found, undefined, undefined);
    }
    return false;
  }

  private find(word: string): Named | undefined {
    const name = word.replace(/^--?/, "");
    const isLong = word.startsWith("--");
    const exact = (isLong ? undefined : this.byShort.get(name)) ?? this.byLong.get(name);
    if (exact !== undefined || (!isLong && name.length < 2)) return exact;
    const starting = [...this.byLong].filter(([long]) => long.startsWith(name));
    if (!isLong && starting.length > 0 && this.isRun(name)) return undefined;
    if (starting.length > 1) {
      const names = starting.map(([long]) => `--${long}`).join(", ");
      throw new UsageError(`'${word}' may be ${names}`);
    }
    return starting[0]?.[1];
  }

  /** Whether the letters can be read as short options. */
  private isRun(name: string): boolean {
    return this.byShort.has(name[0]!);
  }

  private store(
    [name, option]: Named,
    attached: string | undefined,
    next: string | undefined,
  ): boolean {
    if (this.given.has(name)) throw new UsageError(`${spelling(option)} is given twice`);
    if (option.kind === null) {
      this.given.set(name, attached === undefined ? true : this.parse(option, bool, attached));
      return false;
    }
    const value = attached ?? next;
    if (value === undefined || (attached === undefined && this.isOption(value))) {
      throw new UsageError(`${spelling(option)} needs a value: ${option.kind.metavar}`);
    }
    this.given.set(name, this.parse(option, option.kind, value.trim()));
    return attached === undefined;
  }

  private parse(option: Option, kind: NonNullable<Option["kind"]>, value: string): unknown {
    try {
      return kind.parse(value);
    } catch (error) {
      if (error instanceof UsageError) {
        throw new UsageError(`${spelling(option)}: ${error.message}`);
      }
      throw error;
    }
  }

  /** Whether a word is an option rather than a value; a negative number is a value. */
  private isOption(word: string): boolean {
    if (!/^-[^\d.]/.test(word)) return false;
    const name = word.replace(/=.*$/s, "");
    const bare = name.replace(/^--?/, "");
    return this.byLong.has(bare) || (!name.startsWith("--") && this.byShort.has(bare));
  }

  private unknown(word: string): UsageError {
    const bare = word.replace(/^--?/, "");
    return new UsageError(`unknown option '${word}'${suggestion(bare, this.byLong.keys())}`);
  }
}

// The inspector's help: the list of commands and a page for each, derived from the rows. Pure.
import type { CommandArguments, CommandFace, CommandRow } from "./command.ts";
import type { Option, OptionTable } from "./option.ts";
import { COMMON_OPTIONS } from "./parse_arguments.ts";

export interface HelpStyle {
  /** How the program was called: "roquet inspector". */
  program: string;
  colors: boolean;
}

const NAME_COLUMN = 26;

/** All commands with their summaries. */
export function listHelp(rows: readonly CommandRow[], style: HelpStyle): string {
  const { program } = style;
  const lines = [...rows].sort((one, other) => one.name < other.name ? -1 : 1)
    .map(({ name, summary }) => `  ${name.padEnd(NAME_COLUMN)}${summary}`);
  return [
    `${heading("Usage:", style)} ${program} COMMAND [-n HOST:PORT] [--json] [OPTIONS]`,
    "",
    heading("Commands (by the names and options of Apache's mqadmin):", style),
    ...lines,
    "",
    `${program} COMMAND --help tells more.`,
    `${heading("Example:", style)} ${program} clusterList -n 127.0.0.1:9876`,
  ].join("\n");
}

/** One command's page. */
export function commandHelp(row: CommandFace, style: HelpStyle): string {
  const { program } = style;
  return [
    `${heading("Usage:", style)} ${program} ${row.name}${usage(row)} [-n HOST:PORT] [--json]`,
    "",
    `${row.summary}.`,
    "",
    heading("Options:", style),
    ...optionLines({ ...row.options, ...COMMON_OPTIONS }),
    "",
    `${heading("Example:", style)} ${program} ${row.name}${row.example && ` ${row.example}`}`,
  ].join("\n");
}

/** " -t TOPIC [-l]": what must be given, then the rest in brackets. */
export function usage(row: CommandArguments): string {
  const chosen = row.oneOf.map((name) => row.options[name]!);
  const others = Object.entries(row.options).filter(([name]) => !row.oneOf.includes(name))
    .map(([, option]) => option);
  const operand = row.operand === undefined ? undefined : row.options[row.operand];
  return [
    ...others.filter((option) => option.required)
      .map((option) => option === operand ? option.kind?.metavar ?? "" : call(option)),
    ...(chosen.length > 0 ? [`(${chosen.map(call).join(" | ")})`] : []),
    ...others.filter((option) => !option.required).map((option) => `[${call(option)}]`),
  ].map((part) => ` ${part}`).join("");
}

function call({ short, long, kind }: Option): string {
  const name = short === null ? `--${long}` : `-${short}`;
  return kind === null ? name : `${name} ${kind.metavar}`;
}

/** "-t, --topic TOPIC" */
export function optionNames({ short, long, kind }: Option): string {
  const names = short === null ? `    --${long}` : `-${short}, --${long}`;
  return kind === null ? names : `${names} ${kind.metavar}`;
}

/** What is said of an option beside its names. */
export function optionText({ summary, required, fallback, kind }: Option): string {
  if (required) return `${summary} (must be given)`;
  const hasDefault = kind !== null && fallback !== undefined && typeof fallback !== "object";
  return hasDefault && fallback !== "" ? `${summary} (default ${fallback})` : summary;
}

function optionLines(options: OptionTable): string[] {
  const all = Object.values(options);
  const width = Math.min(44, Math.max(...all.map((option) => optionNames(option).length)));
  return all.map((option) => `  ${optionNames(option).padEnd(width)}  ${optionText(option)}`);
}

function heading(text: string, { colors }: HelpStyle): string {
  return colors ? `\x1b[1m${text}\x1b[0m` : text;
}

// What there is to say of every command, as docs/CLI.md and the man page say it. Derived from the parser and the tables
// of options; formats nothing.
import { getDocPageSync } from "@optique/core/parser";
import type { DocEntry } from "@optique/core/doc";
import { formatMessage, type Message } from "@optique/core/message";
import { consumerBench } from "../consumer_bench.ts";
import type { CommandFace } from "../inspector/command.ts";
import { commandFamilies } from "../inspector/commands.ts";
import { optionNames, optionText, usage } from "../inspector/help.ts";
import type { OptionTable } from "../inspector/option.ts";
import { COMMON_OPTIONS } from "../inspector/parse_arguments.ts";
import { rootParser } from "../parser.ts";
import { producerBench } from "../producer_bench.ts";

export interface OptionLine {
  /** "-c, --configFile FILE" */
  names: string;
  /** A phrase, without a full stop. */
  text: string;
}

export interface CommandPage {
  /** "broker", or "inspector topicRoute". */
  name: string;
  /** Sentences. */
  summary: string;
  /** What follows the name, with its leading blank; "" for nothing. */
  usage: string;
  options: readonly OptionLine[];
  example: string;
}

export interface PageFamily {
  title: string;
  pages: readonly CommandPage[];
}

/** The commands but the inspector's, in the order of the help. */
export function mainPages(): CommandPage[] {
  return [
    parserPage("namesrv"),
    parserPage("broker"),
    benchPage(producerBench),
    benchPage(consumerBench),
    parserPage("quickstart"),
    {
      name: "completion",
      summary:
        "Prints a script that completes commands, options and names of the cluster's topics " +
        "and groups: for bash, zsh, fish, pwsh or nu.",
      usage: " SHELL",
      options: [],
      example: "source <(roquet completion bash)",
    },
    {
      name: "man",
      summary: "Prints the man page.",
      usage: "",
      options: [],
      example: "roquet man > /usr/local/share/man/man1/roquet.1",
    },
  ];
}

/** The inspector's commands. */
export function inspectorPages(): PageFamily[] {
  return commandFamilies.map(({ title, rows }) => ({
    title,
    pages: rows.map((row) => ({
      ...facePage(row, `inspector ${row.name}`),
      summary: `${row.summary}.${row.changes ? " Changes the cluster." : ""}`,
    })),
  }));
}

/** What every command of the inspector takes. */
export function inspectorOptions(): OptionLine[] {
  return optionLines(COMMON_OPTIONS);
}

function benchPage(face: CommandFace): CommandPage {
  return facePage({ ...face, options: { ...face.options, ...COMMON_OPTIONS } }, face.name);
}

function facePage(face: CommandFace, name: string): CommandPage {
  return {
    name,
    summary: `${face.summary}.`,
    usage: usage(face),
    options: optionLines(face.options),
    example: `roquet ${name}${face.example && ` ${face.example}`}`,
  };
}

function optionLines(options: OptionTable): OptionLine[] {
  return Object.values(options).map((option) => ({
    names: optionNames(option).trim(),
    text: optionText(option),
  }));
}

function parserPage(name: string): CommandPage {
  const page = getDocPageSync(rootParser, [name]);
  // Options of the whole program's sections come first there; here those of logging come last.
  const sections = [...page?.sections ?? []].sort((one, other) =>
    Number(one.title !== undefined) - Number(other.title !== undefined)
  );
  const options = sections.flatMap(({ entries }) => entries).flatMap(entryLine);
  return {
    name,
    summary: plain(page?.description),
    usage: options.map(({ names }) => ` [${names.replace(/^-\w, --\w+/, shortName)}]`).join(""),
    options,
    example: plain(page?.footer).replace(/^Example: /, ""),
  };
}

function shortName(names: string): string {
  return names.slice(0, 2);
}

function entryLine({ term, description, default: fallback }: DocEntry): OptionLine[] {
  if (term.type !== "option") return [];
  const names = term.names.join(", ") + (term.metavar === undefined ? "" : ` ${term.metavar}`);
  const text = plain(description).replace(/\.$/, "");
  const shown = fallback === undefined ? "" : ` (default ${plain(fallback)})`;
  return [{ names, text: `${text.charAt(0).toLowerCase()}${text.slice(1)}${shown}` }];
}

/** A message on one line. */
function plain(message: Message | undefined): string {
  return formatMessage(message ?? [], { quotes: false }).replace(/\s+/g, " ").trim();
}

// The man page, in the macros of man(7): what `roquet man` prints and docs/roquet.1 holds. Pure.
import { VERSION } from "../version.ts";
import {
  type CommandPage,
  inspectorOptions,
  inspectorPages,
  mainPages,
  type OptionLine,
} from "./command_pages.ts";

const EXIT_CODES: readonly [string, string][] = [
  ["0", "Done."],
  ["1", "Failed, also in part."],
  ["2", "Wrong usage or configuration."],
];

const VARIABLES: readonly [string, string][] = [
  [
    "NAMESRV_ADDR",
    "Name servers, host:port separated by semicolons, where -n gives none. ROCKETMQ_NAMESRV_ADDR " +
    "is looked at next.",
  ],
  ["NO_COLOR", "When set, nothing is coloured."],
];

export function manPage(): string {
  return [
    `.TH ROQUET 1 "" "roquet ${escape(VERSION)}" "User Commands"`,
    section("NAME"),
    text("roquet - a message broker that speaks Apache RocketMQ's protocol"),
    section("SYNOPSIS"),
    ".B roquet",
    ".I COMMAND",
    text("[OPTIONS]"),
    section("DESCRIPTION"),
    text(
      "One program for name servers, brokers, their administration and their measurement. Clients, " +
        "tools and stored files are those of Apache RocketMQ. Called by the name mqnamesrv, mqbroker " +
        "or mqadmin, it acts as that command.",
    ),
    text(
      "A server that is ready prints a line 'ready' with a JSON object; logs go to standard error.",
    ),
    section("COMMANDS"),
    ...mainPages().flatMap((page) => pageLines(page)),
    section("INSPECTOR"),
    text(
      "The commands of Apache's mqadmin by their names, options and columns. Each takes also:",
    ),
    ...optionLines(inspectorOptions()),
    ...inspectorPages().flatMap(({ pages, title }) => [
      ".PP",
      `.B "${escape(title)}"`,
      ...pages.flatMap((page) => pageLines(page)),
    ]),
    section("EXIT STATUS"),
    ...EXIT_CODES.flatMap(([code, meaning]) => tagged(code, meaning)),
    section("ENVIRONMENT"),
    ...VARIABLES.flatMap(([name, meaning]) => tagged(name, meaning)),
    section("SEE ALSO"),
    text("The configuration keys are listed by roquet broker -p and roquet namesrv -p."),
    "",
  ].join("\n");
}

function pageLines({ name, summary, usage, options, example }: CommandPage): string[] {
  return [
    `.SS "${escape(name)}"`,
    `.B "roquet ${escape(name)}"`,
    ...(usage === "" ? [] : [text(usage.trim())]),
    ".PP",
    text(summary),
    ...optionLines(options),
    ".PP",
    text("Example:"),
    ".PP",
    ".RS 4",
    ".nf",
    text(example),
    ".fi",
    ".RE",
  ];
}

function optionLines(options: readonly OptionLine[]): string[] {
  return options.flatMap(({ names, text: meaning }) => tagged(names, meaning));
}

function tagged(tag: string, meaning: string): string[] {
  return [".TP", `.B "${escape(tag)}"`, text(meaning)];
}

function section(title: string): string {
  return `.SH ${title}`;
}

/** A line of text: one that begins with a control character isn't a request. */
function text(line: string): string {
  const escaped = escape(line);
  return /^[.']/.test(escaped) ? `\\&${escaped}` : escaped;
}

/** Backslashes, dashes that are typed, and quotes within a macro's argument. */
function escape(value: string): string {
  return value.replaceAll("\\", "\\e").replaceAll("-", "\\-").replaceAll('"', "\\(dq")
    .replaceAll("—", "\\(em").replaceAll("…", "...");
}

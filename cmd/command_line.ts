// From the process's arguments to a command, or to help, version, completion or a complaint and an exit code.
import { commandLine, message } from "@optique/core/message";
import { runParserSync } from "@optique/core/facade";
import type { Console } from "./console.ts";
import { type Command, rootParser } from "./parser.ts";
import { PROTOCOL_VERSION, VERSION } from "./version.ts";
import { EXIT_DONE, EXIT_USAGE } from "./server_process.ts";

const COMMANDS = new Set(["namesrv", "broker", "quickstart"]);

export interface Terminal {
  readonly console: Console;
  readonly colors: boolean;
  readonly columns: number | undefined;
}

/** Instead of a command: what was asked for has been printed, or what was wrong. */
export class Exit {
  constructor(readonly code: number) {}
}

/** Parses; help, version, completion and complaints are printed here. */
export function parseCommandLine(args: readonly string[], terminal: Terminal): Command | Exit {
  const { console, colors, columns } = terminal;
  // Nothing was asked for: help says what could be, and it is no success.
  const isBare = args.length === 0;
  return runParserSync<typeof rootParser, Exit, Exit>(
    rootParser,
    "roquet",
    isBare ? ["--help"] : args,
    {
      brief: message`A message broker that speaks Apache RocketMQ's protocol.`,
      footer: message`Example: ${commandLine("roquet quickstart")}`,
      help: {
        command: true,
        option: { names: ["-h", "--help"] },
        onShow: () => new Exit(isBare ? EXIT_USAGE : EXIT_DONE),
      },
      version: {
        value: `roquet ${VERSION} (as ${PROTOCOL_VERSION})`,
        option: { names: ["--version"] },
        onShow: () => new Exit(EXIT_DONE),
      },
      completion: { command: true, onShow: () => new Exit(EXIT_DONE) },
      commandList: "top-level",
      usageLine: [{ type: "argument", metavar: "COMMAND" }],
      aboveError: "none",
      colors,
      maxWidth: columns,
      stdout: (text) => isBare ? console.complain(text) : console.print(text),
      stderr: (text) => console.complain(text),
      onError() {
        const command = COMMANDS.has(args[0] ?? "") ? ` ${args[0]}` : "";
        console.complain(`Try: roquet${command} --help`);
        return new Exit(EXIT_USAGE);
      },
    },
  );
}

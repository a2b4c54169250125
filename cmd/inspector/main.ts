// roquet inspector: finds the command, reads its arguments, runs it, and tells by the exit code what came of it.
// What commands do stands in their own files.
import { basename } from "node:path";
import process from "node:process";
import { suggestion } from "../../core/config/suggestion.ts";
import { UsageError } from "../../core/errors.ts";
import { silentLogger } from "../../core/log.ts";
import { RemotingClient } from "../../core/remoting/client.ts";
import { createSystemTransport } from "../../core/remoting/system_transport.ts";
import type { Transport } from "../../core/remoting/transport.ts";
import type { Clock } from "../../core/time/clock.ts";
import { systemClock } from "../../core/time/system_clock.ts";
import { explain } from "../server_process.ts";
import { Cluster } from "./cluster.ts";
import type { CommandRow } from "./command.ts";
import { commands } from "./commands.ts";
import { commandHelp, type HelpStyle, listHelp } from "./help.ts";
import { parseArguments } from "./parse_arguments.ts";
import { ReaderGone, Report, type ReportOutput } from "./report.ts";

const EXIT_DONE = 0;
const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

export interface InspectorEnvironment {
  output: ReportOutput;
  /** Environment variables: NAMESRV_ADDR, ROCKETMQ_NAMESRV_ADDR, NO_COLOR. */
  variables: Readonly<Record<string, string | undefined>>;
  /** Whether standard output is a terminal. */
  isTerminal: boolean;
  clock: Clock;
  transport: Transport;
  /** How the program was called: "roquet inspector" or "mqadmin". */
  program: string;
}

/** The environment of this process. */
export function processEnvironment(output: ReportOutput): InspectorEnvironment {
  const { argv0, env, stdout } = process;
  const isMqadmin = basename(argv0) === "mqadmin";
  return {
    output,
    variables: env,
    isTerminal: stdout.isTTY === true,
    clock: systemClock,
    transport: createSystemTransport(systemClock),
    program: isMqadmin ? "mqadmin" : "roquet inspector",
  };
}

/** Runs one command; resolves with the exit code: 0 done, 1 failed, 2 wrong usage. */
export async function runInspector(
  args: readonly string[],
  environment: InspectorEnvironment,
): Promise<number> {
  const { isTerminal, output, program, variables } = environment;
  const style = { program, colors: isTerminal && !variables["NO_COLOR"] };
  const [first = ""] = args;
  if (first === "" || first === "help" || first === "-h" || first === "--help") {
    return showHelp(first, args.slice(1), environment, style);
  }
  const row = findCommand(args);
  if (row === undefined) {
    const family = commands.filter(({ name }) => name.startsWith(`${args[0]} `));
    if (family.length > 0 && args.length === 2 && /^(-h|--help)$/.test(args[1]!)) {
      output.print(listHelp(family, style));
      return EXIT_DONE;
    }
    output.complain(`${program}: ${unknownCommand(args)}`);
    output.complain(`Try: ${program} --help`);
    return EXIT_USAGE;
  }
  return await runCommand(row, args.slice(row.name.split(" ").length), environment, style);
}

function showHelp(
  word: string,
  names: readonly string[],
  { output, program }: InspectorEnvironment,
  style: HelpStyle,
): number {
  if (word === "help" && names.length > 0) {
    const row = findCommand(names);
    if (row === undefined) output.complain(`${program}: ${unknownCommand(names)}`);
    else output.print(commandHelp(row, style));
    return row === undefined ? EXIT_USAGE : EXIT_DONE;
  }
  if (word === "") output.complain(listHelp(commands, { ...style, colors: false }));
  else output.print(listHelp(commands, style));
  return word === "" ? EXIT_USAGE : EXIT_DONE;
}

/** By one word or two, in any case of letters, as in Apache's tool. */
function findCommand(words: readonly string[]): CommandRow | undefined {
  const [first = "", second = ""] = words.map((word) => word.toLowerCase());
  return commands.find(({ name }) =>
    name.toLowerCase() === first || name.toLowerCase() === `${first} ${second}`
  );
}

function unknownCommand(words: readonly string[]): string {
  const group = commands.map((row) => row.name.split(" "))
    .filter(([first, second]) => first === words[0] && second !== undefined);
  if (group.length > 0 && words.length === 1) {
    return `'${words[0]}' needs one of ${group.map(([, second]) => second).join(", ")}`;
  }
  const name = words.slice(0, group.length > 0 ? 2 : 1).join(" ");
  return `unknown command '${name}'${suggestion(name, commands.map((row) => row.name))}`;
}

async function runCommand(
  row: CommandRow,
  args: readonly string[],
  environment: InspectorEnvironment,
  style: HelpStyle,
): Promise<number> {
  const { clock, isTerminal, output, program, transport, variables } = environment;
  const hasDebug = args.includes("--debug");
  const client = new RemotingClient({ transport, clock, log: silentLogger });
  try {
    const given = parseArguments(row, args);
    if (given.help) {
      output.print(commandHelp(row, style));
      return EXIT_DONE;
    }
    const { NAMESRV_ADDR, ROCKETMQ_NAMESRV_ADDR } = variables;
    const nameServers = given.namesrvAddr || NAMESRV_ADDR || ROCKETMQ_NAMESRV_ADDR || undefined;
    const { colors } = style;
    const report = new Report({ output, asJson: given.json, isTerminal, colors });
    await row.run({
      options: given.values,
      cluster: new Cluster({ client, nameServers, clock, transport }),
      report,
      clock,
      sleep: (milliseconds) => {
        report.flush();
        return new Promise((resolve) => setTimeout(resolve, milliseconds));
      },
    });
    report.flush();
    return report.hasFailed ? EXIT_FAILED : EXIT_DONE;
  } catch (error) {
    if (error instanceof ReaderGone) return EXIT_DONE;
    const isUsage = error instanceof UsageError;
    output.complain(
      `${program} ${row.name}: ${isUsage ? error.message : explain(error, hasDebug)}`,
    );
    if (isUsage) output.complain(`Try: ${program} ${row.name} --help`);
    return isUsage ? EXIT_USAGE : EXIT_FAILED;
  } finally {
    await client[Symbol.asyncDispose]();
  }
}

// What a benchmark command is, and how one is run: arguments as Apache's scripts give them, help, signals, exit code.
// Measures nothing itself.
import process from "node:process";
import { ClientError } from "../../core/client/client_error.ts";
import type { ClientEnvironment } from "../../core/client/environment.ts";
import { UsageError } from "../../core/errors.ts";
import type { Clock } from "../../core/time/clock.ts";
import { systemClock } from "../../core/time/system_clock.ts";
import { type Console, systemConsole } from "../console.ts";
import type { CommandFace } from "../inspector/command.ts";
import { commandHelp } from "../inspector/help.ts";
import type { OptionTable, OptionValues } from "../inspector/option.ts";
import { parseArguments } from "../inspector/parse_arguments.ts";
import {
  EXIT_DONE,
  EXIT_FAILED,
  EXIT_USAGE,
  explain,
  processSignals,
  type SignalSource,
} from "../server_process.ts";
import { errorScreen, type Screen } from "./progress_bar.ts";

/** The process around a benchmark. */
export interface BenchEnvironment {
  console: Console;
  clock: Clock;
  /** What the clients are given; tests replace network and identity. */
  client: Partial<ClientEnvironment>;
  signals: SignalSource;
  variables: Readonly<Record<string, string | undefined>>;
  /** Where progress is drawn; null when standard error is no terminal. */
  screen: Screen | null;
  /** CPU time that this process has used, in µs. */
  cpuMicroseconds: () => number;
  colors: boolean;
}

export interface BenchContext<T extends OptionTable = OptionTable> {
  readonly options: OptionValues<T>;
  /** "host:port;host:port" */
  readonly nameServers: string;
  /** JSON lines instead of text. */
  readonly asJson: boolean;
  readonly environment: BenchEnvironment;
  /** Aborted by the first SIGINT or SIGTERM: no new load, then the last report. */
  readonly interrupted: AbortSignal;
}

export interface BenchCommand extends CommandFace {
  /** Resolves with whether all went well. Throws UsageError, OperationError or ClientError. */
  run(context: BenchContext): Promise<boolean>;
}

/** A command whose `run` sees its own options typed. */
export function defineBench<T extends OptionTable>(
  draft: Omit<CommandFace, "options" | "oneOf"> & {
    options: T;
    run(context: BenchContext<T>): Promise<boolean>;
  },
): BenchCommand {
  return { ...draft, oneOf: [], run: (context) => draft.run(context as BenchContext<T>) };
}

export function processBenchEnvironment(): BenchEnvironment {
  return {
    console: systemConsole,
    clock: systemClock,
    client: {},
    signals: processSignals,
    variables: process.env,
    screen: process.stderr.isTTY === true ? errorScreen() : null,
    cpuMicroseconds: () => {
      const { user, system } = process.cpuUsage();
      return user + system;
    },
    colors: process.stdout.isTTY === true && !process.env["NO_COLOR"],
  };
}

/** Runs a benchmark; resolves with the exit code: 0 done, 1 something failed, 2 wrong usage. */
export async function runBench(
  command: BenchCommand,
  args: readonly string[],
  environment: BenchEnvironment = processBenchEnvironment(),
): Promise<number> {
  const { colors, console, signals, variables } = environment;
  const debug = args.includes("--debug");
  const interrupted = new AbortController();
  using _ = signals.listen(() => {
    if (interrupted.signal.aborted) signals.exitAtOnce(EXIT_FAILED);
    interrupted.abort();
  });
  try {
    const { help, json, namesrvAddr, values } = parseArguments(command, args);
    if (help) {
      console.print(commandHelp(command, { program: "roquet", colors }));
      return EXIT_DONE;
    }
    const nameServers = namesrvAddr || variables["NAMESRV_ADDR"] ||
      variables["ROCKETMQ_NAMESRV_ADDR"];
    if (!nameServers) {
      throw new UsageError("no name server: give -n HOST:PORT or set NAMESRV_ADDR");
    }
    const context = { options: values, nameServers, asJson: json, environment };
    const isDone = await command.run({ ...context, interrupted: interrupted.signal });
    return isDone ? EXIT_DONE : EXIT_FAILED;
  } catch (error) {
    const isUsage = error instanceof UsageError ||
      (error instanceof ClientError && error.code === "invalid_options");
    console.complain(`roquet ${command.name}: ${explainFailure(error, debug)}`);
    if (isUsage) console.complain(`Try: roquet ${command.name} --help`);
    return isUsage ? EXIT_USAGE : EXIT_FAILED;
  }
}

function explainFailure(error: unknown, debug: boolean): string {
  if (error instanceof UsageError || error instanceof ClientError) {
    return debug && error.stack ? error.stack : error.message;
  }
  return explain(error, debug);
}

// The binary's entry: the command line to one command, its exit code to the system. Errors never show a stack here.
import process from "node:process";
import { UsageError } from "../core/errors.ts";
import { argumentsOf } from "./called_as.ts";
import { systemConsole } from "./console.ts";
import type { Command } from "./parser.ts";
import { EXIT_FAILED, EXIT_USAGE, explain } from "./server_process.ts";

async function main(): Promise<number> {
  const args = argumentsOf(process.argv0, process.argv.slice(2));
  const own = await runWithOwnArguments(args[0], args.slice(1));
  if (own !== null) return own;
  // Loaded here, since it costs as much as what the commands above do altogether.
  const { Exit, parseCommandLine } = await import("./command_line.ts");
  const command = parseCommandLine(args, {
    console: systemConsole,
    colors: process.stdout.isTTY === true && !process.env["NO_COLOR"],
    columns: process.stdout.columns,
  });
  if (command instanceof Exit) return command.code;
  const debug = "debug" in command && command.debug;
  stopOnBugs(debug);
  try {
    return await run(command);
  } catch (error) {
    if (error instanceof UsageError) {
      systemConsole.complain(error.message);
      return EXIT_USAGE;
    }
    systemConsole.complain(`roquet: ${explain(error, debug)}`);
    return EXIT_FAILED;
  }
}

/** Commands that read their own arguments: Apache's scripts use forms that the parser doesn't know. */
async function runWithOwnArguments(
  name: string | undefined,
  args: readonly string[],
): Promise<number | null> {
  switch (name) {
    case "inspector": {
      const { processEnvironment, runInspector } = await import("./inspector/main.ts");
      return await runInspector(args, processEnvironment(systemConsole));
    }
    case "completion": {
      const { completeWords } = await import("./inspector/complete_words.ts");
      return await completeWords(args, systemConsole);
    }
    case "man":
      return (await import("./pages/man.ts")).runMan(args, systemConsole);
    case "producer-bench": {
      const { runBench } = await import("./bench/bench_command.ts");
      return await runBench((await import("./producer_bench.ts")).producerBench, args);
    }
    case "consumer-bench": {
      const { runBench } = await import("./bench/bench_command.ts");
      return await runBench((await import("./consumer_bench.ts")).consumerBench, args);
    }
    default:
      return null;
  }
}

/** Each command is loaded when it is wanted: a name server doesn't wait for the broker's code. */
async function run(command: Command): Promise<number> {
  switch (command.command) {
    case "namesrv":
      return await (await import("./namesrv.ts")).runNamesrv(command);
    case "broker":
      return await (await import("./broker.ts")).runBroker(command);
    case "quickstart":
      return await (await import("./quickstart.ts")).runQuickstart(command);
    default:
      return await runWithOwnArguments(command.command, command.args) ?? EXIT_USAGE;
  }
}

/** What nobody caught is a bug: the process says so and stops, as after a crash. */
function stopOnBugs(debug: boolean): void {
  const stop = (error: unknown) => {
    systemConsole.complain(`roquet: ${explain(error, debug)}`);
    process.exit(EXIT_FAILED);
  };
  process.on("uncaughtException", stop);
  process.on("unhandledRejection", stop);
}

if (import.meta.main) {
  // A reader that goes away ends in EPIPE, which console.ts drops.
  process.stdout.on("error", () => {});
  process.stderr.on("error", () => {});
  process.exit(await main());
}

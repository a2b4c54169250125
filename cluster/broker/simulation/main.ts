// Runs simulated histories until so many crash points are lived through, in as many processes as there are processors.
//   deno task simulate [--points 20000] [--from SEED] [--seeds COUNT] [--verbose]
// A broken promise prints its seed and the command that replays it, and the exit code is 1.
import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import process from "node:process";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import type { LogEntry } from "../../../core/log.ts";
import { endOfTurn } from "../../../core/time/clock.ts";
import { systemClock } from "../../../core/time/system_clock.ts";
import { type HistoryResult, runHistory } from "./history.ts";
import { STANDARD_WORKLOADS } from "./workloads/standard.ts";

/** Crashes of one history: few enough to be read through, many enough to build on each other. */
export const POINTS_PER_HISTORY = 10;
const POINTS_DEFAULT = 20_000;
/** Broken histories that are told at length. */
const SHOWN_MAX = 10;
/** A history takes a fraction of a second: a process that says nothing for so long hangs. */
const SILENCE_MS_MAX = 120_000;

interface Options {
  from: number;
  seeds: number;
  verbose: boolean;
  /** Results go to standard output as lines of JSON, for the process that started this one. */
  isWorker: boolean;
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      points: { type: "string" },
      from: { type: "string", default: "0" },
      seeds: { type: "string" },
      verbose: { type: "boolean", default: false },
      worker: { type: "boolean", default: false },
    },
  });
  const points = Number(values.points ?? POINTS_DEFAULT);
  const seeds = Number(values.seeds ?? Math.ceil(points / POINTS_PER_HISTORY));
  return { from: Number(values.from), seeds, verbose: values.verbose, isWorker: values.worker };
}

async function* runHere({ from, seeds, verbose }: Options): AsyncGenerator<HistoryResult> {
  for (let seed = from; seed < from + seeds; seed++) {
    const result = await runHistory({
      seed,
      points: POINTS_PER_HISTORY,
      workloads: STANDARD_WORKLOADS,
      ...(verbose && { onLog: printEntry }),
    });
    // Never comes when something of a dead broker goes round and round: the history then hangs, and not a later one.
    await endOfTurn(systemClock);
    yield result;
  }
}

/** The same in processes of their own, each with its share of the seeds. */
async function* runShared(options: Options): AsyncGenerator<HistoryResult> {
  const workers = Math.max(1, Math.min(options.seeds, availableParallelism()));
  const share = Math.ceil(options.seeds / workers);
  const ready: HistoryResult[] = [];
  let wake = () => {};
  let running = 0;
  let failure: string | null = null;
  for (let worker = 0; worker < workers; worker++) {
    const from = options.from + worker * share;
    const seeds = Math.min(share, options.from + options.seeds - from);
    if (seeds <= 0) continue;
    running++;
    const args = [...process.execArgv, process.argv[1]!, "--worker"];
    const child = spawn(process.execPath, [...args, "--from", `${from}`, "--seeds", `${seeds}`], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let next = from;
    const watch = () =>
      systemClock.after(SILENCE_MS_MAX, () => {
        failure = `seed ${next} hangs: deno task simulate --from ${next} --seeds 1`;
        child.kill("SIGKILL");
      });
    let silence = watch();
    createInterface(child.stdout).on("line", (line) => {
      const result = JSON.parse(line) as HistoryResult;
      next = result.seed + 1;
      silence.cancel();
      silence = watch();
      ready.push(result);
      wake();
    });
    child.on("close", (code) => {
      silence.cancel();
      running--;
      if (code !== 0) failure ??= `a process of seeds ${from}… ended with ${code}`;
      wake();
    });
  }
  while (running > 0 || ready.length > 0) {
    if (ready.length === 0) await new Promise<void>((resolve) => wake = resolve);
    yield* ready.splice(0);
  }
  if (failure !== null) throw new Error(failure);
}

function printEntry({ level, component, text, fields }: LogEntry): void {
  const shown = JSON.stringify(
    fields ?? {},
    (_key, value) => value instanceof Error ? String(value) : value,
  );
  console.log(`  ${level} ${component}: ${text} ${shown}`);
}

function printBroken({ seed, problems }: HistoryResult): void {
  console.error(`seed ${seed} broke a promise:`);
  for (const problem of problems.slice(0, 5)) console.error(`  ${problem}`);
  console.error(`replay it: deno task simulate --from ${seed} --seeds 1 --verbose`);
}

async function main(): Promise<void> {
  const options = readOptions();
  if (options.isWorker) {
    for await (const result of runHere(options)) console.log(JSON.stringify(result));
    return;
  }
  const startedMs = systemClock.monotonicMs();
  let points = 0;
  let lives = 0;
  let broken = 0;
  const isAlone = options.verbose || options.seeds === 1;
  for await (const result of isAlone ? runHere(options) : runShared(options)) {
    points += result.points;
    lives += result.lives;
    if (result.problems.length === 0) continue;
    if (++broken <= SHOWN_MAX) printBroken(result);
  }
  const seconds = Math.round((systemClock.monotonicMs() - startedMs) / 1000);
  console.log(
    `${points} crash points in ${lives} lives of ${options.seeds} histories: ` +
      `${broken} broken, ${seconds} s`,
  );
  if (broken > 0) process.exitCode = 1;
}

if (import.meta.main) await main();

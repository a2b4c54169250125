// A producer at a fixed rate while a consumer reads the cold end of the log at full speed, the files of log and queues
// driven out of the page cache first: the rate must stay whole and its p99 at most twice what it is alone, which is
// measured in turns with it. Apache does the same beside it. Reader, load and broker share the machine's cores: how long
// Roquet's main thread waited for one is printed, and how late the load itself was, since no broker is quicker than that.
import { readdirSync, statSync } from "node:fs";
import { runToEnd, startProcess, waitFor } from "../../interop/support/processes.ts";
import { median, printTable, short } from "../support/figures.ts";
import { coreWaitMs } from "../support/process_cost.ts";
import { type Side, type SideName, SIDES, startSide } from "../support/side.ts";
import { atLeast, atMost, printGoals } from "./goals.ts";
import {
  paced,
  type PacedFigures,
  pipelined,
  type ScaleOptions,
  type ScaleResult,
} from "./scale.ts";

const RATE = 20_000;
const BODY_BYTES = 128;
const BACKLOG_BODY_BYTES = 1024;
/** The load alone and beside the reader in turns, so often. */
const ROUNDS = 3;
const TOPIC = "Cold";
const root = new URL("../..", import.meta.url).pathname;

interface Part extends PacedFigures {
  /** Of the broker's main thread, while the load ran. */
  coreWaitMs: number;
}

interface Run {
  alone: Part[];
  beside: Part[];
  readMbAs: number[];
}

export async function coldReader(options: ScaleOptions): Promise<ScaleResult> {
  const runs = {} as Record<SideName, Run>;
  for (const name of SIDES) {
    await using side = await startSide(name, `${options.folder}/cold`);
    runs[name] = await measure(side, options);
  }
  const apache = figuresOf(runs.apache);
  const figures = {
    ...figuresOf(runs.roquet),
    apacheRate: apache.rate,
    apacheP99MsAlone: apache.p99MsAlone,
    apacheP99MsBeside: apache.p99MsBeside,
    apacheReadMbAs: apache.readMbAs,
  };
  const row = (label: string, name: keyof Figures) => {
    const of = (side: SideName) => short(figuresOf(runs[side])[name]);
    return [label, of("apache"), of("roquet")];
  };
  console.log(`\n${RATE} msg/s while the cold end is read`);
  printTable([
    ["", "Apache", "Roquet"],
    row("msg/s alone", "rateAlone"),
    row("msg/s beside the reader", "rate"),
    row("p99 ms alone", "p99MsAlone"),
    row("p99 ms beside the reader", "p99MsBeside"),
    row("p99 ms the load is late, alone", "lateP99MsAlone"),
    row("p99 ms it is late beside the reader", "lateP99MsBeside"),
    row("read, MB/s", "readMbAs"),
  ]);
  const { coreWaitMsAlone, coreWaitMsBeside, p99MsAlone, p99MsBeside, rate } = figures;
  console.log(
    `Roquet's main thread waited for a core: ${short(coreWaitMsAlone)} ms in a run alone, ` +
      `${short(coreWaitMsBeside)} ms beside the reader`,
  );
  const goals = [
    atLeast("the rate beside the reader", rate / RATE, 0.98),
    atMost("p99 beside the reader / alone", p99MsBeside / p99MsAlone, 2),
  ];
  printGoals(goals);
  return { name: "cold reader", figures, goals };
}

type Figures = ReturnType<typeof figuresOf>;

/** Medians of the rounds. */
function figuresOf({ alone, beside, readMbAs }: Run) {
  const of = (parts: readonly Part[], figure: (part: Part) => number) => median(parts.map(figure));
  return {
    rateAlone: of(alone, ({ tps }) => tps),
    rate: of(beside, ({ tps }) => tps),
    p99MsAlone: of(alone, ({ p99Ms }) => p99Ms),
    p99MsBeside: of(beside, ({ p99Ms }) => p99Ms),
    lateP99MsAlone: of(alone, ({ lateP99Ms }) => lateP99Ms),
    lateP99MsBeside: of(beside, ({ lateP99Ms }) => lateP99Ms),
    coreWaitMsAlone: of(alone, (part) => part.coreWaitMs),
    coreWaitMsBeside: of(beside, (part) => part.coreWaitMs),
    readMbAs: median(readMbAs),
  };
}

async function measure(side: Side, options: ScaleOptions): Promise<Run> {
  const { folder, isShort } = options;
  const backlog = isShort ? 1_000_000 : 8_000_000;
  for (let sent = 0; sent < backlog;) {
    const args = [TOPIC, 4, 64, BACKLOG_BODY_BYTES, isShort ? 5 : 10];
    sent += (await pipelined(folder, side.broker.address, args)).sent;
  }
  const run: Run = { alone: [], beside: [], readMbAs: [] };
  for (let round = 0; round < ROUNDS; round++) {
    await evictAll(side);
    run.alone.push(await measurePart(side, options));
    await evictAll(side);
    await measureBeside(side, options, run);
  }
  return run;
}

async function measureBeside(side: Side, options: ScaleOptions, run: Run): Promise<void> {
  await using reader = startProcess({
    command: `${root}node_modules/.bin/bun`,
    args: [`${root}benchmarks/load/cold_reader.ts`, side.broker.address, TOPIC],
    logPath: `${options.folder}/cold-reader-${side.name}.log`,
  });
  await waitFor("the reader", 60_000, () => reader.output().includes("READING"));
  run.beside.push(await measurePart(side, options));
  reader.kill("SIGTERM");
  await reader.exited;
  const [, megabytes, took] = /^READ (\d+) MB in ([\d.]+) s/m.exec(reader.output()) ?? [];
  run.readMbAs.push(Number(megabytes) / Number(took));
}

async function measurePart({ broker }: Side, { folder, isShort }: ScaleOptions): Promise<Part> {
  const waitedMs = coreWaitMs(broker.process.pid);
  const load = ["Live", RATE, BODY_BYTES, isShort ? 4 : 10];
  const figures = await paced(folder, broker.address, load);
  return { ...figures, coreWaitMs: coreWaitMs(broker.process.pid) - waitedMs };
}

async function evictAll({ broker }: Side): Promise<void> {
  await runToEnd("sync", ["-f", broker.storePath]);
  for (const part of ["commitlog", "consumequeue"]) await evict(`${broker.storePath}/${part}`);
}

/** Drives the files below a folder out of the page cache, after they were written back. */
async function evict(folder: string): Promise<void> {
  for (const name of readdirSync(folder)) {
    const path = `${folder}/${name}`;
    if (statSync(path).isDirectory()) await evict(path);
    else await runToEnd("dd", [`of=${path}`, "oflag=nocache", "conv=notrunc", "count=0"]);
  }
}

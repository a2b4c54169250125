// A producer at a fixed rate while a consumer reads the cold end of the log at full speed, its files driven out of the
// page cache first: the rate must stay whole and its p99 at most twice what it is alone. Apache does the same beside it.
import { readdirSync } from "node:fs";
import { runToEnd, startProcess, waitFor } from "../../interop/support/processes.ts";
import { printTable, short } from "../support/figures.ts";
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
const TOPIC = "Cold";
const root = new URL("../..", import.meta.url).pathname;

interface Run {
  alone: PacedFigures;
  beside: PacedFigures;
  readMbAs: number;
}

export async function coldReader(options: ScaleOptions): Promise<ScaleResult> {
  const runs = {} as Record<SideName, Run>;
  for (const name of SIDES) {
    await using side = await startSide(name, `${options.folder}/cold`);
    runs[name] = await measure(side, options);
  }
  const { apache, roquet } = runs;
  const row = (
    name: string,
    of: (run: Run) => number,
  ) => [name, short(of(apache)), short(of(roquet))];
  console.log(`\n${RATE} msg/s while the cold end is read`);
  printTable([
    ["", "Apache", "Roquet"],
    row("msg/s alone", (run) => run.alone.tps),
    row("msg/s beside the reader", (run) => run.beside.tps),
    row("p99 ms alone", (run) => run.alone.p99Ms),
    row("p99 ms beside the reader", (run) => run.beside.p99Ms),
    row("read, MB/s", (run) => run.readMbAs),
  ]);
  const goals = [
    atLeast("the rate beside the reader", roquet.beside.tps / RATE, 0.98),
    atMost("p99 beside the reader / alone", roquet.beside.p99Ms / roquet.alone.p99Ms, 2),
  ];
  printGoals(goals);
  const figures = {
    rate: roquet.beside.tps,
    p99MsAlone: roquet.alone.p99Ms,
    p99MsBeside: roquet.beside.p99Ms,
    readMbAs: roquet.readMbAs,
    apacheRate: apache.beside.tps,
    apacheP99MsAlone: apache.alone.p99Ms,
    apacheP99MsBeside: apache.beside.p99Ms,
    apacheReadMbAs: apache.readMbAs,
  };
  return { name: "cold reader", figures, goals };
}

async function measure(side: Side, { folder, isShort }: ScaleOptions): Promise<Run> {
  const { address, storePath } = side.broker;
  const seconds = isShort ? 5 : 20;
  const backlog = isShort ? 1_000_000 : 8_000_000;
  for (let sent = 0; sent < backlog;) {
    const args = [TOPIC, 4, 64, BACKLOG_BODY_BYTES, isShort ? 5 : 10];
    sent += (await pipelined(folder, address, args)).sent;
  }
  const load = ["Live", RATE, BODY_BYTES, seconds];
  await evict(`${storePath}/commitlog`);
  const alone = await paced(folder, address, load);
  await evict(`${storePath}/commitlog`);
  await using reader = startProcess({
    command: `${root}node_modules/.bin/bun`,
    args: [`${root}benchmarks/load/cold_reader.ts`, side.namesrv.address, TOPIC],
    logPath: `${folder}/cold-reader-${side.name}.log`,
  });
  await waitFor("the reader", 60_000, () => reader.output().includes("READING"));
  const beside = await paced(folder, address, load);
  reader.kill("SIGTERM");
  await reader.exited;
  const [, megabytes, took] = /^READ (\d+) MB in ([\d.]+) s/m.exec(reader.output()) ?? [];
  return { alone, beside, readMbAs: Number(megabytes) / Number(took) };
}

/** Drives a folder's files out of the page cache, after they were written back. */
async function evict(folder: string): Promise<void> {
  await runToEnd("sync", ["-f", folder]);
  for (const name of readdirSync(folder)) {
    await runToEnd("dd", [`of=${folder}/${name}`, "oflag=nocache", "conv=notrunc", "count=0"]);
  }
}

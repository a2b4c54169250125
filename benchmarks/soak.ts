// A long full load on one Roquet broker, with its memory and handles looked at all the while: they must stay flat.
//   deno task soak [--seconds 600] [--every 5] [--connections 4] [--window 64] [--bytes 128]
// Ends early, and says so, before the disk gets full. Exits 1 when memory or handles grew. Linux only: it reads /proc.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { parseArgs } from "node:util";
import { startProcess } from "../interop/support/processes.ts";
import { startRoquetBroker, startRoquetNamesrv } from "../interop/support/roquet.ts";
import { median, printTable, short } from "./support/figures.ts";
import { cpuMicroseconds, residentMb } from "./support/process_cost.ts";

const RESIDENT_MB_MAX = 160;
/** What the last third may be above the second, beyond which memory is said to grow. */
const GROWTH_MB_MAX = 8;
/** Handles that come and go (a queue's file, a sync in flight). */
const HANDLES_SPREAD_MAX = 16;
/** A log file is one handle, and stays open. */
const LOG_FILE_BYTES = 1024 ** 3;
const FREE_BYTES_MIN = 8 * 1024 ** 3;
/** The first samples show memory on its way up. */
const WARM_UP_MS = 15_000;

interface Sample {
  atSeconds: number;
  residentMb: number;
  anonymousMb: number;
  /** Open descriptors without those of the log's files. */
  handles: number;
  logFiles: number;
  threads: number;
  cpuPercent: number;
}

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "600" },
    every: { type: "string", default: "5" },
    connections: { type: "string", default: "4" },
    window: { type: "string", default: "64" },
    bytes: { type: "string", default: "128" },
  },
});
const seconds = Number(values.seconds);
const everyMs = Number(values.every) * 1000;
const root = new URL("..", import.meta.url).pathname;
const folder = mkdtempSync(`${tmpdir()}/roquet-soak-`);

function statusMb(pid: number, field: string): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1] ?? 0) * 1024 / 1e6;
}

function handlesOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

async function run(): Promise<{ samples: Sample[]; load: Record<string, number> }> {
  await using namesrv = await startRoquetNamesrv(`${folder}/namesrv`);
  await using broker = await startRoquetBroker(`${folder}/broker`, namesrv.address, {
    conf: { diskMaxUsedSpaceRatio: 95 },
  });
  const { pid } = broker.process;
  await using load = startProcess({
    command: `${root}node_modules/.bin/bun`,
    args: [
      `${root}benchmarks/load/pipelined.ts`,
      broker.address,
      "SoakTopic",
      values.connections,
      values.window,
      values.bytes,
      String(seconds),
    ],
    logPath: `${folder}/load.log`,
  });
  let isOver = false;
  load.exited.then(() => isOver = true, () => isOver = true);
  const samples: Sample[] = [];
  const startedMs = performance.now();
  let cpuUs = cpuMicroseconds(pid);
  let atMs = startedMs;
  while (!isOver) {
    await new Promise((resolve) => setTimeout(resolve, everyMs));
    if (isOver) break;
    const nowMs = performance.now();
    const nowUs = cpuMicroseconds(pid);
    const logFiles = readdirSync(`${broker.storePath}/commitlog`).length;
    const sample = {
      atSeconds: Math.round((nowMs - startedMs) / 1000),
      residentMb: residentMb(pid),
      anonymousMb: statusMb(pid, "RssAnon"),
      handles: handlesOf(pid) - logFiles,
      logFiles,
      threads: Number(/Threads:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]),
      cpuPercent: (nowUs - cpuUs) / (nowMs - atMs) / 10,
    };
    samples.push(sample);
    console.log(line(sample));
    cpuUs = nowUs;
    atMs = nowMs;
    const { bavail, bsize } = statfsSync(folder);
    if (bavail * bsize < FREE_BYTES_MIN + LOG_FILE_BYTES) {
      console.log("the disk is getting full: the load ends here");
      break;
    }
  }
  const figures = /^LOAD (\{.*\})$/m.exec(load.output())?.[1];
  return { samples, load: figures ? JSON.parse(figures) as Record<string, number> : {} };
}

function line(sample: Sample): string {
  return `${String(sample.atSeconds).padStart(5)} s  ${short(sample.residentMb).padStart(6)} MB ` +
    `(${short(sample.anonymousMb)} its own)  ${sample.handles} handles + ${sample.logFiles} log ` +
    `files  ${sample.threads} threads  ${short(sample.cpuPercent)} % CPU`;
}

/** What must hold of the samples; each with whether it does. */
function verdicts(samples: readonly Sample[]): { text: string; value: string; met: boolean }[] {
  const warm = samples.filter(({ atSeconds }) => atSeconds * 1000 >= WARM_UP_MS);
  const third = Math.floor(warm.length / 3);
  if (third === 0) return [{ text: "long enough for three samples", value: "no", met: false }];
  const peakMb = Math.max(...samples.map((sample) => sample.residentMb));
  const middle = median(warm.slice(third, 2 * third).map((sample) => sample.residentMb));
  const last = median(warm.slice(-third).map((sample) => sample.residentMb));
  const handles = warm.map((sample) => sample.handles);
  const early = Math.max(...handles.slice(0, third));
  const late = Math.max(...handles.slice(-third));
  return [
    {
      text: `resident memory ≤ ${RESIDENT_MB_MAX} MB`,
      value: short(peakMb),
      met: peakMb <= RESIDENT_MB_MAX,
    },
    {
      text: `growth from the second to the last third ≤ ${GROWTH_MB_MAX} MB`,
      value: short(last - middle),
      met: last - middle <= GROWTH_MB_MAX,
    },
    {
      text: `more handles at the end ≤ ${HANDLES_SPREAD_MAX}`,
      value: String(late - early),
      met: late - early <= HANDLES_SPREAD_MAX,
    },
  ];
}

let isMet = false;
try {
  const { samples, load } = await run();
  if (load.tps) {
    console.log(
      `\n${short(load.sent ?? 0)} messages, ${short(load.tps)} a second, p50 ${load.p50Ms} ms, ` +
        `p99 ${load.p99Ms} ms, p99.9 ${load.p999Ms} ms`,
    );
  }
  const results = verdicts(samples);
  printTable([
    ["", "measured", ""],
    ...results.map(({ text, value, met }) => [text, value, met ? "met" : "MISS"]),
  ]);
  isMet = results.every(({ met }) => met);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exit(isMet ? 0 : 1);

// The two sides of a comparison, Apache's name server and broker and Roquet's, each with its default configuration,
// and a load that is measured against one of them: its own figures, and what it cost the broker's process.
import { rmSync } from "node:fs";
import {
  type Server,
  startApacheBroker,
  startApacheNamesrv,
} from "../../interop/support/apache.ts";
import { driverClassPath, jvmOptions } from "../../interop/support/java.ts";
import {
  GivenUp,
  type RunningProcess,
  startProcess,
  waitFor,
} from "../../interop/support/processes.ts";
import { waitUntilRegistered } from "../../interop/support/registered.ts";
import { startRoquetBroker, startRoquetNamesrv } from "../../interop/support/roquet.ts";
import { cpuMicroseconds, residentMb } from "./process_cost.ts";

export type SideName = "apache" | "roquet";
export const SIDES: readonly SideName[] = ["apache", "roquet"];

export interface Side extends AsyncDisposable {
  readonly name: SideName;
  readonly namesrv: Server;
  readonly broker: Server;
}

/** What runbroker.sh gives the JVM, with the heap cut to what this machine can spare. */
const APACHE_BROKER_JVM = [
  "-server",
  "-Xms4g",
  "-Xmx4g",
  "-XX:+UseG1GC",
  "-XX:G1HeapRegionSize=16m",
  "-XX:G1ReservePercent=25",
  "-XX:InitiatingHeapOccupancyPercent=30",
  "-XX:SoftRefLRUPolicyMSPerMB=0",
  "-XX:-OmitStackTraceInFastThrow",
  "-XX:+AlwaysPreTouch",
  "-XX:MaxDirectMemorySize=15g",
  "-XX:-UseLargePages",
  "-Djava.net.preferIPv4Stack=true",
];

export async function startSide(
  name: SideName,
  folder: string,
  conf: Record<string, string | number | boolean> = {},
): Promise<Side> {
  const base = `${folder}/${name}`;
  rmSync(base, { recursive: true, force: true });
  // The retention service would otherwise refuse writes on a disk that is full for other reasons.
  const common = { diskMaxUsedSpaceRatio: 95, ...conf };
  const stack = new AsyncDisposableStack();
  try {
    const namesrv = stack.use(
      name === "apache"
        ? await startApacheNamesrv(`${base}/namesrv`)
        : await startRoquetNamesrv(`${base}/namesrv`),
    );
    const broker = stack.use(
      name === "apache"
        ? await startApacheBroker(`${base}/broker`, namesrv.address, {
          jvm: [...APACHE_BROKER_JVM, `-Duser.home=${base}`],
          conf: common,
        })
        : await startRoquetBroker(`${base}/broker`, namesrv.address, { conf: common }),
    );
    await waitUntilRegistered(namesrv.address, broker.address);
    const owned = stack.move();
    return { name, namesrv, broker, [Symbol.asyncDispose]: () => owned.disposeAsync() };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

export interface LoadResult {
  sent?: number;
  consumed?: number;
  failed?: number;
  refused?: number;
  seconds: number;
  tps: number;
  p50Ms: number;
  p95Ms: number;
  p99Ms: number;
  p999Ms: number;
  /** Broker CPU a message, in µs. */
  cpuUs: number;
  /** Of that, what the same load didn't cost earlier in the same run, where it is compared. */
  extraCpuUs?: number;
  /** The load's own CPU a message, in µs, where it says so. */
  clientCpuUs?: number;
  /** The broker's resident memory at the end. */
  residentMb: number;
}

let runs = 0;

/** The Java client's load (interop/java/src/Load.java). */
export async function javaLoad(side: Side, folder: string, args: readonly (string | number)[]) {
  const [mode, ...rest] = args.map(String);
  const classPath = await driverClassPath("5.4.0");
  return await measured(side, {
    command: "java",
    args: [
      ...jvmOptions(`${folder}/home`, 1024).filter((option) => option !== "-XX:+UseSerialGC"),
      "-cp",
      classPath,
      "Load",
      mode!,
      side.namesrv.address,
      ...rest,
    ],
    logPath: `${folder}/load-${runs++}.log`,
  });
}

/** Prepared frames over a few connections (load/pipelined.ts). */
export function pipelinedLoad(side: Side, folder: string, args: readonly (string | number)[]) {
  return scriptLoad(side, folder, "pipelined.ts", [side.broker.address, ...args]);
}

/** Our client's pops and acknowledgements (load/popping.ts). */
export function poppingLoad(side: Side, folder: string, args: readonly (string | number)[]) {
  return scriptLoad(side, folder, "popping.ts", [side.namesrv.address, ...args]);
}

/** Members of our client that join and leave (load/rebalancing.ts). */
export function rebalancingLoad(side: Side, folder: string, args: readonly (string | number)[]) {
  return scriptLoad(side, folder, "rebalancing.ts", [side.namesrv.address, ...args]);
}

/** Requests that our client asks and answers (load/asking.ts). */
export function askingLoad(side: Side, folder: string, args: readonly (string | number)[]) {
  return scriptLoad(side, folder, "asking.ts", [side.namesrv.address, ...args]);
}

async function scriptLoad(
  side: Side,
  folder: string,
  script: string,
  args: readonly (string | number)[],
) {
  const root = new URL("../..", import.meta.url).pathname;
  return await measured(side, {
    command: `${root}node_modules/.bin/bun`,
    args: [`${root}benchmarks/load/${script}`, ...args.map(String)],
    logPath: `${folder}/load-${runs++}.log`,
  });
}

/** Timed messages that come due within a stretch of time (load/timers.ts). */
export async function timersLoad(side: Side, folder: string, args: readonly (string | number)[]) {
  const root = new URL("../..", import.meta.url).pathname;
  return await measured(side, {
    command: `${root}node_modules/.bin/bun`,
    args: [`${root}benchmarks/load/timers.ts`, side.broker.address, ...args.map(String)],
    logPath: `${folder}/load-${runs++}.log`,
  });
}

async function measured(
  side: Side,
  options: { command: string; args: string[]; logPath: string },
): Promise<LoadResult> {
  await using load = startProcess(options);
  await lineOf(load, /^MEASURING$/m);
  const before = cpuMicroseconds(side.broker.process.pid);
  const [, json] = await lineOf(load, /^LOAD (\{.*\})$/m);
  const cpu = cpuMicroseconds(side.broker.process.pid) - before;
  const figures = JSON.parse(json!) as LoadResult;
  const count = figures.consumed ?? figures.sent ?? 0;
  return { ...figures, cpuUs: cpu / count, residentMb: residentMb(side.broker.process.pid) };
}

async function lineOf(load: RunningProcess, pattern: RegExp): Promise<RegExpMatchArray> {
  let code: number | undefined;
  load.exited.then((exit) => code = exit, () => code = -1);
  return await waitFor(`line ${pattern}`, 600_000, () => {
    const found = load.output().match(pattern);
    if (!found && code !== undefined && code !== 0) {
      throw new GivenUp(`the load ended with ${code}: ${saidBy(load)}`);
    }
    return found;
  });
}

/** The end of what it wrote, without what Java's logging says about itself. */
function saidBy(load: RunningProcess): string {
  const lines = load.output().split("\n").filter((line) => !line.includes("|-INFO"));
  return lines.slice(-40).join("\n");
}

// Where a message's microseconds go: runs a load against a broker under Bun's CPU profiler, and prints the time each
// function took itself, a message. docs/PROFILE.md tells what came out. Linux only: it reads /proc.
//   bun run benchmarks/profile.ts [LOAD] [--seconds 8] [--rows 30]
// LOAD: pipelined, or by the Java client java|priority|dispatch|batch|compress|transact, or consume|filter|retried|pop|timers.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { parseArgs } from "node:util";
import { freeBrokerPort, startProcess, waitFor } from "../interop/support/processes.ts";
import { startRoquetNamesrv } from "../interop/support/roquet.ts";
import { FILTER, FILTERED_SHARE } from "./features.ts";
import { printTable, short } from "./support/figures.ts";
import { cpuMicroseconds } from "./support/process_cost.ts";
import {
  javaLoad,
  type LoadResult,
  pipelinedLoad,
  poppingLoad,
  type Side,
  timersLoad,
} from "./support/side.ts";

const TOPIC = "BenchTopic";
const FILTER_BACKLOG = 1_000_000;
const RETRIED = 40_000;
/** A million in a minute. */
const TIMERS_PER_SECOND = 16_667;
/** What the Java client sends, by load. */
const JAVA_KINDS: Readonly<Record<string, string>> = {
  java: "produce",
  priority: "priority",
  dispatch: "dispatch",
  batch: "batch",
  compress: "compress",
  transact: "transact",
};
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: "string", default: "8" },
    rows: { type: "string", default: "30" },
  },
});
const [load = "pipelined"] = positionals;
const seconds = Number(values.seconds);
const root = new URL("..", import.meta.url).pathname;
const folder = mkdtempSync(`${tmpdir()}/roquet-profile-`);

/** What is read of a .cpuprofile. */
interface Profile {
  nodes: { id: number; callFrame: { functionName: string; url: string } }[];
  samples: number[];
  timeDeltas: number[];
}

/** What the broker cost a message while it was measured, and in all. */
interface Cost {
  cpuUs: number;
  totalMs: number;
}

async function profiled(): Promise<{ profile: Profile; cost: Cost }> {
  await using namesrv = await startRoquetNamesrv(`${folder}/namesrv`);
  const port = await freeBrokerPort();
  const storePath = `${folder}/store`;
  const settings = {
    namesrvAddr: namesrv.address,
    bindAddress: "127.0.0.1",
    brokerIP1: "127.0.0.1",
    listenPort: port,
    haListenPort: port + 1,
    diskMaxUsedSpaceRatio: 95,
    storePathRootDir: storePath,
    enablePropertyFilter: true,
    ...(load === "dispatch" && { enableLmq: true, enableMultiDispatch: true }),
  };
  const sets = Object.entries(settings).flatMap(([key, value]) => ["--set", `${key}=${value}`]);
  const profiler = ["--cpu-prof", `--cpu-prof-dir=${folder}`, "--cpu-prof-name=broker.cpuprofile"];
  const broker = startProcess({
    command: `${root}node_modules/.bin/bun`,
    args: ["run", ...profiler, `${root}cmd/main.ts`, "broker", ...sets],
    logPath: `${folder}/broker.log`,
  });
  const cost = await loaded({
    name: "roquet",
    namesrv,
    broker: {
      address: `127.0.0.1:${port}`,
      port,
      process: broker,
      storePath,
      [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose](),
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }).finally(() => broker[Symbol.asyncDispose]());
  const profile = JSON.parse(readFileSync(`${folder}/broker.cpuprofile`, "utf8")) as Profile;
  return { profile, cost };
}

async function loaded(side: Side): Promise<Cost> {
  await waitFor("ready line", 30_000, () => side.broker.process.output().match(/^ready /m));
  const result = await run(side);
  console.log(`${short(result.tps)} messages a second, ${short(result.cpuUs)} µs of CPU each`);
  return { cpuUs: result.cpuUs, totalMs: cpuMicroseconds(side.broker.process.pid) / 1000 };
}

async function run(side: Side): Promise<LoadResult> {
  const javaKind = JAVA_KINDS[load];
  if (javaKind !== undefined) {
    return await javaLoad(side, folder, [javaKind, TOPIC, 64, 128, seconds]);
  }
  if (load === "timers") {
    const args = [TOPIC, "timer", TIMERS_PER_SECOND * seconds, Math.max(5, seconds), seconds];
    return await timersLoad(side, folder, args);
  }
  if (load === "retried") {
    await javaLoad(side, folder, ["fill", TOPIC, RETRIED]);
    return await javaLoad(side, folder, ["consume-retried", TOPIC, RETRIED, 120]);
  }
  if (load === "filter") {
    await javaLoad(side, folder, ["fill", TOPIC, FILTER_BACKLOG]);
    const passing = FILTER_BACKLOG * FILTERED_SHARE;
    return await javaLoad(side, folder, ["consume-filtered", TOPIC, passing, 120, FILTER]);
  }
  const sending = (forSeconds: number) =>
    pipelinedLoad(side, folder, [TOPIC, 4, 64, 128, forSeconds]);
  if (load !== "pop" && load !== "consume") return await sending(seconds);
  // A backlog; what that takes is in the profile too.
  const backlog = await sending(3);
  if (load === "consume") {
    return await javaLoad(side, folder, ["consume", TOPIC, backlog.sent!, 120]);
  }
  return await poppingLoad(side, folder, [TOPIC, 8, seconds]);
}

/** Self time by function, the largest first, in ms. */
function selfTimes({ nodes, samples, timeDeltas }: Profile): [string, number][] {
  const names = new Map(nodes.map(({ id, callFrame: { functionName, url } }) => {
    const file = url.replace(/^file:\/\//, "").replace(root, "");
    return [id, `${functionName || "(anonymous)"}  ${file}`] as const;
  }));
  const times = new Map<string, number>();
  samples.forEach((id, index) => {
    const name = names.get(id) ?? "?";
    times.set(name, (times.get(name) ?? 0) + (timeDeltas[index] ?? 0) / 1000);
  });
  return [...times].sort((one, other) => other[1] - one[1]);
}

try {
  const { profile, cost: { cpuUs, totalMs } } = await profiled();
  const times = selfTimes(profile);
  const sampledMs = times.reduce((sum, [, ms]) => sum + ms, 0);
  const wholeMs = Math.max(totalMs, sampledMs);
  times.unshift(["outside JavaScript: receiving, epoll, compiler, threads", wholeMs - sampledMs]);
  if (sampledMs > totalMs) {
    console.log(
      "samples are of elapsed time, and others use the CPU: only the shares say something",
    );
  }
  printTable([
    ["function, itself", "share %", "µs a message"],
    ...times.slice(0, Number(values.rows)).map(([name, ms]) => [
      name,
      short(100 * ms / wholeMs),
      short(cpuUs * ms / wholeMs),
    ]),
  ]);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

// What the scale benches share: where they run, how long, and their loads as processes of their own.
import { readdirSync } from "node:fs";
import type { Goal, ScaleResult } from "./goals.ts";
import { startProcess, waitFor } from "../../interop/support/processes.ts";

const root = new URL("../..", import.meta.url).pathname;

export interface ScaleOptions {
  folder: string;
  /** A tenth of everything, for CI. */
  isShort: boolean;
}

export type { Goal, ScaleResult };

export interface PacedFigures {
  sent: number;
  refused: number;
  tps: number;
  p50Ms: number;
  p99Ms: number;
  p999Ms: number;
  maxMs: number;
  /** The load itself: from when a message was due until it was sent. Of load/paced.ts. */
  lateP99Ms: number;
  /** Of messages in the first and in the second halves of the log's files, when their length was given. */
  p999MsOfHalves: [number, number];
}

let loads = 0;

/** load/paced.ts: topic, rate, body bytes, seconds, queues, topics, log file bytes. `meanwhile` runs while it measures. */
export function paced(
  folder: string,
  address: string,
  args: readonly (string | number)[],
  meanwhile?: () => Promise<void>,
): Promise<PacedFigures> {
  return load(folder, "paced.ts", [address, ...args], meanwhile);
}

/** load/pipelined.ts: topic, connections, window, body bytes, seconds. */
export function pipelined(
  folder: string,
  address: string,
  args: readonly (string | number)[],
): Promise<PacedFigures> {
  return load(folder, "pipelined.ts", [address, ...args]);
}

async function load(
  folder: string,
  script: string,
  args: readonly (string | number)[],
  meanwhile?: () => Promise<void>,
): Promise<PacedFigures> {
  await using process = startProcess({
    command: `${root}node_modules/.bin/bun`,
    args: [`${root}benchmarks/load/${script}`, ...args.map(String)],
    logPath: `${folder}/scale-load-${loads++}.log`,
  });
  let code: number | undefined;
  process.exited.then((exit) => code = exit, () => code = -1);
  await waitFor("the load", 120_000, () => process.output().includes("MEASURING") || code);
  await meanwhile?.();
  const line = await waitFor("the load's figures", 600_000, () => {
    return /^LOAD (\{.*\})$/m.exec(process.output())?.[1] ?? (code === undefined ? null : "");
  });
  if (line === "") throw new Error(`the load ended with ${code}: ${process.output()}`);
  return JSON.parse(line) as PacedFigures;
}

export function handlesOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

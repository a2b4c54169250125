// Times one small operation: the median of several samples, each beside a sample of a fixed CPU loop. The quotient of the
// two is the figure that is kept, since it says the same on a faster or a busier machine; nanoseconds are for people.
// CPU time of the process is measured, not elapsed time: waiting for a disk or for a free core isn't in it.
import process from "node:process";
import { median } from "../support/figures.ts";

/** Runs `count` operations. */
export type Body = (count: number) => void | Promise<void>;

export interface MicroBench {
  /** "codec: what is done"; the key in the baseline. */
  readonly name: string;
  /** Prepares it; what must be closed goes to the stack. `folder` is empty and its own. */
  open(stack: AsyncDisposableStack, folder: string): Body | Promise<Body>;
}

export interface Figure {
  name: string;
  /** Of one operation, on this machine now. */
  ns: number;
  /** One operation in turns of the calibration loop. */
  ratio: number;
}

export interface MeasureOptions {
  /** How long one sample takes. */
  sampleMs: number;
  samples: number;
}

const CALIBRATION_BYTES = 16 * 1024;
const CALIBRATION_ROUNDS = 128;
const bytes = Uint8Array.from({ length: CALIBRATION_BYTES }, (_, index) => index * 31);
let sink = 0;

/** CPU time used so far, all threads, in ms. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** One turn of the calibration loop, in ns: a load, a multiplication and an addition that depend on the last turn. */
export function calibrationNs(): number {
  const startedMs = cpuMs();
  let hash = sink;
  for (let round = 0; round < CALIBRATION_ROUNDS; round++) {
    for (let at = 0; at < CALIBRATION_BYTES; at++) {
      hash = (Math.imul(hash ^ bytes[at]!, 0x01000193) + round) | 0;
    }
  }
  sink = hash;
  return (cpuMs() - startedMs) * 1e6 / (CALIBRATION_BYTES * CALIBRATION_ROUNDS);
}

/** What a body computed goes here, so that the compiler can't drop the work. */
export function keep(value: number): void {
  sink = (sink + value) | 0;
}

export async function measure(
  bench: MicroBench,
  folder: string,
  { sampleMs, samples }: MeasureOptions,
): Promise<Figure> {
  await using stack = new AsyncDisposableStack();
  const body = await bench.open(stack, folder);
  const count = await countFor(body, sampleMs);
  const ns: number[] = [];
  const ratios: number[] = [];
  for (let sample = 0; sample < samples; sample++) {
    // Background work that the last sample left (queues and index to be written) has its turn.
    await new Promise((resolve) => setTimeout(resolve, 10));
    const before = calibrationNs();
    const took = await timed(body, count);
    const calibration = (before + calibrationNs()) / 2;
    ns.push(took * 1e6 / count);
    ratios.push(took * 1e6 / count / calibration);
  }
  return { name: bench.name, ns: median(ns), ratio: median(ratios) };
}

/** How many operations take about `sampleMs`; warms the compiler up on the way. */
async function countFor(body: Body, sampleMs: number): Promise<number> {
  for (let round = 0; round < 20; round++) await timed(body, 50);
  let count = 100;
  for (;;) {
    const took = await timed(body, count);
    if (took >= sampleMs) return count;
    count = Math.ceil(count * Math.min(8, Math.max(1.2, 1.1 * sampleMs / Math.max(took, 0.01))));
  }
}

async function timed(body: Body, count: number): Promise<number> {
  const startedMs = cpuMs();
  const running = body(count);
  if (running !== undefined) await running;
  return cpuMs() - startedMs;
}

// Runs the micro benches and compares them with the committed baseline.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { median, printTable, short } from "../support/figures.ts";
import { CODEC } from "./codec.ts";
import { FILTERS } from "./filters.ts";
import { calibrationNs, type Figure, measure, type MeasureOptions } from "./harness.ts";
import { PULL } from "./pull.ts";
import { STORE } from "./store.ts";

/** Above so many times the baseline a figure counts as a change for the worse; below, as noise. */
export const WORSE_RATIO_MIN = 2;
const BASELINE = new URL("./baseline.json", import.meta.url).pathname;
const FULL: MeasureOptions = { sampleMs: 25, samples: 11 };
const BRIEF: MeasureOptions = { sampleMs: 5, samples: 5 };

/** By bench: one operation in turns of the calibration loop. */
type Baseline = Record<string, number>;

export interface MicroOptions {
  /** Fewer and shorter samples: whether the benches run, and orders of magnitude. */
  brief?: boolean;
  /** Part of the names of those to run. */
  only?: string;
}

export async function runMicro({ brief = false, only = "" }: MicroOptions): Promise<Figure[]> {
  const folder = mkdtempSync(`${tmpdir()}/roquet-micro-`);
  const options = brief ? BRIEF : FULL;
  const baseline = readBaseline();
  const figures: Figure[] = [];
  try {
    const benches = [...CODEC, ...FILTERS, ...STORE, ...PULL].filter(({ name }) =>
      name.includes(only)
    );
    for (const [index, bench] of benches.entries()) {
      const own = (attempt: number) => {
        const path = `${folder}/${index}-${attempt}`;
        mkdirSync(path);
        return path;
      };
      let figure = await measure(bench, own(0), options);
      // A second look before anything is said to be worse: others use the machine too.
      for (let attempt = 1; attempt < 3 && !brief && isWorse(figure, baseline); attempt++) {
        const again = await measure(bench, own(attempt), options);
        if (again.ratio < figure.ratio) figure = again;
      }
      figures.push(figure);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return figures;
}

function isWorse({ name, ratio }: Figure, baseline: Baseline): boolean {
  return ratio > WORSE_RATIO_MIN * (baseline[name] ?? Infinity);
}

/** Prints now, baseline and ratio of each; gives the names of those that are worse. */
export function reportMicro(figures: readonly Figure[]): string[] {
  const baseline = readBaseline();
  const unitNs = median(Array.from({ length: 5 }, calibrationNs));
  printTable([
    ["micro benches, ns an operation", "now", "baseline", "ratio"],
    ...figures.map(({ name, ns, ratio }) => {
      const before = baseline[name];
      return before === undefined
        ? [name, short(ns), "–", "new"]
        : [name, short(ns), short(before * unitNs), short(ratio / before)];
    }),
  ]);
  const worse = figures.filter((figure) => isWorse(figure, baseline)).map(({ name }) => name);
  console.log(
    `A baseline is kept in turns of a fixed CPU loop (${
      short(unitNs)
    } ns here) and given in this ` +
      `machine's ns.\nUp to ${WORSE_RATIO_MIN} × the baseline counts as noise.`,
  );
  return worse;
}

function readBaseline(): Baseline {
  try {
    return JSON.parse(readFileSync(BASELINE, "utf8")) as Baseline;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw error;
  }
}

/** Replaces the figures of the benches that ran; the others stay. */
export function updateBaseline(figures: readonly Figure[]): void {
  const baseline = readBaseline();
  for (const { name, ratio } of figures) baseline[name] = Number(ratio.toPrecision(3));
  writeFileSync(BASELINE, `${JSON.stringify(baseline, null, 2)}\n`);
}

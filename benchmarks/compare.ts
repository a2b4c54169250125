// Runs a load against both sides in turn, several times, and prints medians and ratios. Never absolute promises: the
// machine is what it is, and the ratio is the figure.
import { rmSync } from "node:fs";
import { datasyncRate } from "./datasync_rate.ts";
import { type Goal as Promised, printGoals } from "./scale/goals.ts";
import { median, printTable, short } from "./support/figures.ts";
import { type LoadResult, type Side, type SideName, SIDES, startSide } from "./support/side.ts";

export interface Comparison {
  name: string;
  /** Those of one name that follow each other run on the same brokers, whose configuration is the first one's. */
  brokers?: string;
  /** Broker configuration of both sides. */
  conf?: Record<string, string | number | boolean>;
  /** Once before the runs, for instance a backlog. */
  prepare?: (side: Side) => Promise<void>;
  run: (side: Side, round: number) => Promise<LoadResult>;
  /** Fewer rounds than asked for: a run takes minutes. */
  roundsMax?: number;
  /** What is promised, as ratios Roquet / Apache (or absolute where the figure is Roquet's own). */
  goals: Goal[];
}

export interface Goal {
  figure: keyof LoadResult;
  /** "ratio" compares the medians of the two sides; "value" is Roquet's own median. */
  of: "ratio" | "value";
  atLeast?: number;
  atMost?: number;
}

export interface ComparisonResult {
  name: string;
  medians: Record<SideName, Partial<Record<keyof LoadResult, number>>>;
  goals: { text: string; value: number; met: boolean }[];
}

const FIGURES: readonly (keyof LoadResult)[] = [
  "tps",
  "cpuUs",
  "extraCpuUs",
  "p50Ms",
  "p99Ms",
  "p999Ms",
  "residentMb",
];

/** Runs them one after the other, each pair of brokers with all that share it. */
export async function compareAll(
  comparisons: readonly Comparison[],
  folder: string,
  rounds: number,
): Promise<ComparisonResult[]> {
  const results: ComparisonResult[] = [];
  for (let at = 0; at < comparisons.length;) {
    const { brokers, conf, name } = comparisons[at]!;
    const base = `${folder}/${slug(brokers ?? name)}`;
    if (conf?.flushDiskType === "SYNC_FLUSH") datasyncRate(folder);
    {
      await using stack = new AsyncDisposableStack();
      const sides: Side[] = [];
      for (const side of SIDES) sides.push(stack.use(await startSide(side, base, conf)));
      do {
        results.push(await compare(comparisons[at++]!, sides, rounds));
      } while (brokers !== undefined && comparisons[at]?.brokers === brokers);
    }
    rmSync(base, { recursive: true, force: true });
  }
  return results;
}

async function compare(
  comparison: Comparison,
  sides: readonly Side[],
  roundsWanted: number,
): Promise<ComparisonResult> {
  const rounds = Math.min(roundsWanted, comparison.roundsMax ?? roundsWanted);
  const results: Record<SideName, LoadResult[]> = { apache: [], roquet: [] };
  for (const side of sides) await comparison.prepare?.(side);
  for (let round = 0; round < rounds; round++) {
    for (const side of sides) results[side.name].push(await comparison.run(side, round));
  }
  return report(comparison, results, rounds);
}

function report(
  comparison: Comparison,
  results: Record<SideName, LoadResult[]>,
  rounds: number,
): ComparisonResult {
  const medianOf = (name: SideName, figure: keyof LoadResult) =>
    median(results[name].map((result) => result[figure] ?? NaN));
  const medians = { apache: {}, roquet: {} } as ComparisonResult["medians"];
  console.log(`\n${comparison.name}: medians of ${rounds}, interleaved`);
  const rows = [["", "Apache", "Roquet", "ratio"]];
  for (const figure of FIGURES) {
    const [apache, roquet] = [medianOf("apache", figure), medianOf("roquet", figure)];
    medians.apache[figure] = apache;
    medians.roquet[figure] = roquet;
    if (Number.isFinite(roquet)) {
      rows.push([figure, short(apache), short(roquet), short(roquet / apache)]);
    }
  }
  printTable(rows);
  const goals = comparison.goals.map((goal) => {
    const value = goal.of === "value"
      ? medians.roquet[goal.figure]!
      : medians.roquet[goal.figure]! / medians.apache[goal.figure]!;
    const met = value >= (goal.atLeast ?? -Infinity) && value <= (goal.atMost ?? Infinity);
    const bound = goal.atLeast !== undefined ? `≥ ${goal.atLeast}` : `≤ ${goal.atMost}`;
    const text = `${goal.figure} ${goal.of === "ratio" ? "Roquet / Apache" : "of Roquet"} ${bound}`;
    console.log(`  ${met ? "met " : "MISS"} ${text}: ${short(value)}`);
    return { text, value, met };
  });
  return { name: comparison.name, medians, goals };
}

/** Of a bench that compares no brokers: prints what it promises. */
export function ownResult(name: string, goals: Promised[]): ComparisonResult {
  printGoals(goals);
  return { name, medians: { apache: {}, roquet: {} }, goals };
}

function slug(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]+/g, "-");
}

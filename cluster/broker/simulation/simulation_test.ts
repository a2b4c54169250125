// A short run of the simulation, and proof that it sees: seeds replay, and each planted bug breaks a promise. The long
// run is `deno task simulate`.
import { describe, expect, test } from "bun:test";
import { systemClock } from "../../../core/time/system_clock.ts";
import { runHistory } from "./history.ts";
import { MUTANTS } from "./mutants.ts";
import { MessagesWorkload } from "./workloads/messages.ts";
import { OffsetsWorkload } from "./workloads/offsets.ts";
import { STANDARD_WORKLOADS } from "./workloads/standard.ts";

const workloads = STANDARD_WORKLOADS;
/** Those that compare the store itself at every start: the planted bugs are of the disk, and show soonest to them. */
const searching = [() => new MessagesWorkload(), () => new OffsetsWorkload()];
const SEEDS = 5;
const POINTS = 10;
/** Histories in which a planted bug must show itself. */
const MUTANT_SEEDS_MAX = 100;

test("no promise is broken whenever the broker dies", async () => {
  for (let seed = 0; seed < SEEDS; seed++) {
    const { problems, points } = await runHistory({ seed, points: POINTS, workloads });
    expect({ seed, problems }).toEqual({ seed, problems: [] });
    expect(points).toBe(POINTS);
  }
});

test("a seed replays its history to the last write", async () => {
  const options = { seed: 3, points: POINTS, workloads };
  const [first, second] = [await runHistory(options), await runHistory(options)];
  expect(second).toEqual(first);
  const { digest } = await runHistory({ ...options, seed: 5 });
  expect(digest).not.toBe(first.digest);
});

describe("the simulation notices a broker that", () => {
  test.each(MUTANTS.map((mutant) => [mutant.name, mutant] as const))(
    "%s",
    async (_name, { mutate, settings, faults, workloads = searching }) => {
      const problems: string[] = [];
      for (let seed = 0; seed < MUTANT_SEEDS_MAX && problems.length === 0; seed++) {
        const history = await runHistory({
          seed,
          points: POINTS,
          workloads,
          mutate,
          settings,
          ...(faults && { faults }),
        });
        problems.push(...history.problems);
        // A history is promises only: without a turn of the event loop no time limit could end this.
        await systemClock.sleep(0);
      }
      expect(problems).not.toEqual([]);
    },
  );
});

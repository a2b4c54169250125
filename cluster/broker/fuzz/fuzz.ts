// Runs the fuzz targets from a seed on; what breaks is told with the seed that repeats it. Knows no target by name.
import { seededRandom } from "../../../core/random.ts";
import { DECODERS, type DecoderTarget } from "./decoders.ts";
import { mutate } from "./mutate.ts";
import { makeStore, openSpoiled } from "./stores.ts";

export interface FuzzOptions {
  from: number;
  /** Inputs of each decoder. */
  inputs: number;
  /** Spoiled stores. */
  stores: number;
}

export interface FuzzResult {
  /** Told with the seed. */
  problems: string[];
  /** How the spoiled stores were answered, and how often. */
  outcomes: Map<string, number>;
}

export async function fuzz(options: FuzzOptions): Promise<FuzzResult> {
  const problems: string[] = [];
  for (const target of DECODERS) {
    for (let seed = options.from; seed < options.from + options.inputs; seed++) {
      const problem = tryDecoder(target, seed);
      if (problem !== null) problems.push(`${target.name}, seed ${seed}: ${problem}`);
    }
  }
  const outcomes = new Map<string, number>();
  const made = [await makeStore(true), await makeStore(false)];
  for (let seed = options.from; seed < options.from + options.stores; seed++) {
    try {
      const outcome = await openSpoiled(made[seed % made.length]!, seed);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    } catch (error) {
      problems.push(`stores, seed ${seed}: ${error instanceof Error ? error.stack : error}`);
    }
  }
  return { problems, outcomes };
}

function tryDecoder(target: DecoderTarget, seed: number): string | null {
  try {
    target.run(mutate(target.sample, seededRandom(seed)));
    return null;
  } catch (error) {
    if (target.errors.some((expected) => error instanceof expected)) return null;
    return error instanceof Error ? error.stack ?? error.message : String(error);
  }
}

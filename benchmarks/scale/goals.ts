// Goals of the scale benches, printed as the side-by-side benches print theirs.
import { short } from "../support/figures.ts";

export interface Goal {
  text: string;
  value: number;
  met: boolean;
}

export interface ScaleResult {
  name: string;
  figures: Record<string, number>;
  goals: Goal[];
}

export function atMost(text: string, value: number, limit: number): Goal {
  return { text: `${text} ≤ ${short(limit)}`, value, met: value <= limit };
}

export function atLeast(text: string, value: number, limit: number): Goal {
  return { text: `${text} ≥ ${short(limit)}`, value, met: value >= limit };
}

export function printGoals(goals: readonly Goal[]): void {
  for (const { met, text, value } of goals) {
    console.log(`  ${met ? "met " : "MISS"} ${text}: ${short(value)}`);
  }
}

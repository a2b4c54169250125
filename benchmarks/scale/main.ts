// Benches of size: many queues, a cold reader, roll-over, deletion, shards. The whole of it is for a night; CI runs a tenth.
//   deno task scale [--short] [--only TEXT] [--out FILE]
// Fails only when a bench can't run; whether goals are met is printed. Linux only: it reads /proc.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { parseArgs } from "node:util";
import { coldReader } from "./cold_reader.ts";
import { deletion } from "./deletion.ts";
import { manyQueues } from "./many_queues.ts";
import { rollOver } from "./roll_over.ts";
import type { ScaleOptions, ScaleResult } from "./scale.ts";
import { shards } from "./shards.ts";

const BENCHES: Record<string, (options: ScaleOptions) => Promise<ScaleResult>> = {
  "many queues": manyQueues,
  "cold reader": coldReader,
  "roll-over": rollOver,
  deletion,
  shards,
};

const { values } = parseArgs({
  options: {
    short: { type: "boolean", default: false },
    only: { type: "string", default: "" },
    out: { type: "string" },
  },
});
const results: ScaleResult[] = [];
for (const [name, bench] of Object.entries(BENCHES)) {
  if (!name.includes(values.only)) continue;
  const folder = mkdtempSync(`${tmpdir()}/roquet-scale-`);
  try {
    results.push(await bench({ folder, isShort: values.short }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
if (values.out) writeFileSync(values.out, JSON.stringify(results, null, 2));
const goals = results.flatMap((result) => result.goals);
console.log(`\n${goals.filter(({ met }) => met).length} of ${goals.length} goals met`);

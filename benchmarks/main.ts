// Benches: side by side with Apache's broker, and Roquet's own figures. `deno task bench --short` is what CI runs.
//   deno task bench [--short] [--rounds N] [--seconds S] [--only TEXT] [--keep]
// Fails only when a bench can't run; whether goals are met is printed and written to results.json.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { parseArgs } from "node:util";
import { missingJavaTools } from "../interop/support/java.ts";
import { compareAll, type ComparisonResult } from "./compare.ts";
import { inspectorReads } from "./commands/inspector_reads.ts";
import { pipes } from "./commands/pipes.ts";
import { producerBench } from "./commands/producer_bench.ts";
import { endToEnd } from "./end_to_end.ts";
import { footprint } from "./footprint.ts";
import { reportMicro, runMicro } from "./micro/run.ts";
import { namesrvBench } from "./namesrv_bench.ts";

const { values } = parseArgs({
  options: {
    short: { type: "boolean", default: false },
    rounds: { type: "string" },
    seconds: { type: "string" },
    only: { type: "string", default: "" },
    keep: { type: "boolean", default: false },
    out: { type: "string" },
  },
});
const rounds = Number(values.rounds ?? (values.short ? 1 : 5));
const seconds = Number(values.seconds ?? (values.short ? 3 : 8));
const folder = mkdtempSync(`${tmpdir()}/roquet-bench-`);
const results: ComparisonResult[] = [];

// Whether they run at all; what they say is for `deno task micro`, without others on the machine.
if (values.short && "micro".includes(values.only)) reportMicro(await runMicro({ brief: true }));

const missing = await missingJavaTools();
if (missing.length > 0) {
  console.error(`the side-by-side benches need:\n${missing.map((tool) => `  ${tool}`).join("\n")}`);
  process.exit(process.env.CI ? 1 : 0);
}
try {
  const comparisons = endToEnd({
    folder,
    seconds,
    backlog: values.short ? 200_000 : 2_000_000,
    timers: values.short ? 50_000 : 1_000_000,
  });
  const wanted = comparisons.filter(({ name }) => name.includes(values.only));
  results.push(...await compareAll(wanted, folder, rounds));
  if ("name server".includes(values.only)) results.push(await namesrvBench());
  if ("producer-bench".includes(values.only)) {
    results.push(await producerBench(folder, rounds, seconds));
  }
  if ("inspector".includes(values.only)) {
    results.push(await inspectorReads(folder, values.short ? 1 : 5, values.short ? 2 : Infinity));
  }
  if ("pipes".includes(values.only)) {
    results.push(await pipes(values.short ? 100_000 : 1_000_000));
  }
  if ("footprint".includes(values.only)) results.push(await footprint(folder));
} finally {
  if (!values.keep) rmSync(folder, { recursive: true, force: true });
}
if (values.out) writeFileSync(values.out, JSON.stringify(results, null, 2));
const goals = results.flatMap((result) => result.goals);
console.log(`\n${goals.filter(({ met }) => met).length} of ${goals.length} goals met`);

// Fuzzes on and on: deno task fuzz [--from SEED] [--inputs PER_DECODER] [--stores COUNT]
// What breaks is printed with the seed that repeats it, and the exit code is 1.
import process from "node:process";
import { parseArgs } from "node:util";
import { fuzz } from "./fuzz.ts";

const { values } = parseArgs({
  options: {
    from: { type: "string", default: "0" },
    inputs: { type: "string", default: "100000" },
    stores: { type: "string", default: "5000" },
  },
});
const { problems, outcomes } = await fuzz({
  from: Number(values.from),
  inputs: Number(values.inputs),
  stores: Number(values.stores),
});
for (const problem of problems.slice(0, 20)) console.error(problem);
const residentMb = Math.round(process.memoryUsage().rss / 1024 / 1024);
console.log(`${problems.length} broken; at most ${residentMb} MB resident; stores:`);
console.log(JSON.stringify(Object.fromEntries(outcomes)));
if (problems.length > 0) process.exitCode = 1;

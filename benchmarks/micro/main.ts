// deno task micro [--update] [--brief] [--only TEXT]: the micro benches against their committed baseline (baseline.json).
// Exits 1 only when something takes more than twice its baseline, three times in a row. --update rewrites the baseline.
import { parseArgs } from "node:util";
import { reportMicro, runMicro, updateBaseline, WORSE_RATIO_MIN } from "./run.ts";

const { values } = parseArgs({
  options: {
    update: { type: "boolean", default: false },
    brief: { type: "boolean", default: false },
    only: { type: "string", default: "" },
  },
});
const figures = await runMicro(values);
const worse = reportMicro(figures);
if (values.update) {
  updateBaseline(figures);
  console.log("the baseline is these figures now");
} else if (worse.length > 0) {
  console.log(`more than ${WORSE_RATIO_MIN} × the baseline: ${worse.join("; ")}`);
  if (!values.brief) process.exitCode = 1;
}

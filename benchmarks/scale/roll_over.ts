// What the change to the next log file costs those who send meanwhile: the same paced load on small log files, which
// change every second or two, and on ones of a gigabyte, which don't change at all.
import { readdirSync } from "node:fs";
import { startRoquetBroker, startRoquetNamesrv } from "../../interop/support/roquet.ts";
import { median, short } from "../support/figures.ts";
import { atMost, printGoals } from "./goals.ts";
import { paced, type PacedFigures, type ScaleOptions, type ScaleResult } from "./scale.ts";

const RATE = 20_000;
const BODY_BYTES = 1024;
const SMALL_FILE_BYTES = 32 * 1024 * 1024;
const LARGE_FILE_BYTES = 1024 ** 3;
/** p99.9 swings by so much between two runs of the same load on a shared machine. */
const NOISE_RATIO = 1.5;

export async function rollOver({ folder, isShort }: ScaleOptions): Promise<ScaleResult> {
  const seconds = isShort ? 5 : 20;
  const rounds = isShort ? 1 : 3;
  const small: PacedFigures[] = [];
  const large: PacedFigures[] = [];
  let changes = 0;
  for (let round = 0; round < rounds; round++) {
    for (const fileBytes of [SMALL_FILE_BYTES, LARGE_FILE_BYTES]) {
      const base = `${folder}/roll-${round}-${fileBytes}`;
      await using namesrv = await startRoquetNamesrv(`${base}/namesrv`);
      await using broker = await startRoquetBroker(`${base}/broker`, namesrv.address, {
        conf: { diskMaxUsedSpaceRatio: 95, mappedFileSizeCommitLog: fileBytes },
      });
      const figures = await paced(folder, broker.address, ["Roll", RATE, BODY_BYTES, seconds]);
      (fileBytes === SMALL_FILE_BYTES ? small : large).push(figures);
      if (fileBytes === SMALL_FILE_BYTES) {
        changes = readdirSync(`${broker.storePath}/commitlog`).length - 1;
      }
    }
  }
  const p999 = (runs: PacedFigures[]) => median(runs.map((run) => run.p999Ms));
  const figures = { changes, p999MsSmall: p999(small), p999MsLarge: p999(large) };
  console.log(`\nroll-over: ${changes} new log files in a run of ${seconds} s at ${RATE} msg/s`);
  console.log(
    `  p99.9 ${short(figures.p999MsSmall)} ms with, ${short(figures.p999MsLarge)} without`,
  );
  const ratio = figures.p999MsSmall / figures.p999MsLarge;
  const goals = [atMost("p99.9 with roll-overs / without", ratio, NOISE_RATIO)];
  printGoals(goals);
  return { name: "roll-over", figures, goals };
}

// What the change to the next log file costs those who send meanwhile, seen twice: the same paced load in turns on small
// log files, which change every second or two, and on ones of a gigabyte, which don't change at all; and in one run on
// small files the messages that follow a change against those further from it, which met the same machine.
import { readdirSync } from "node:fs";
import { startRoquetBroker, startRoquetNamesrv } from "../../interop/support/roquet.ts";
import { median, short } from "../support/figures.ts";
import { coreWaitMs } from "../support/process_cost.ts";
import { atMost, printGoals } from "./goals.ts";
import { paced, type PacedFigures, type ScaleOptions, type ScaleResult } from "./scale.ts";

const RATE = 20_000;
const BODY_BYTES = 1024;
const QUEUES = 4;
const TOPICS = 1;
const SMALL_FILE_BYTES = 32 * 1024 * 1024;
const LARGE_FILE_BYTES = 1024 ** 3;
/** p99.9 swings by so much between two runs of the same load on a shared machine. */
const NOISE_RATIO = 1.5;

interface Run extends PacedFigures {
  changes: number;
  coreWaitMs: number;
}

export async function rollOver(options: ScaleOptions): Promise<ScaleResult> {
  const seconds = options.isShort ? 5 : 20;
  const rounds = options.isShort ? 3 : 5;
  const small: Run[] = [];
  const large: Run[] = [];
  for (let round = 0; round < rounds; round++) {
    const sizes = [SMALL_FILE_BYTES, LARGE_FILE_BYTES];
    for (const fileBytes of round % 2 === 0 ? sizes : sizes.reverse()) {
      const run = await measure(options, `roll-${round}-${fileBytes}`, fileBytes, seconds);
      (fileBytes === SMALL_FILE_BYTES ? small : large).push(run);
    }
  }
  const of = (runs: readonly Run[], figure: (run: Run) => number) => median(runs.map(figure));
  const figures = {
    changes: of(small, ({ changes }) => changes),
    p999MsSmall: of(small, ({ p999Ms }) => p999Ms),
    p999MsLarge: of(large, ({ p999Ms }) => p999Ms),
    p999MsAfterChange: of(small, ({ p999MsOfHalves }) => p999MsOfHalves[0]),
    p999MsFurther: of(small, ({ p999MsOfHalves }) => p999MsOfHalves[1]),
    coreWaitMsSmall: of(small, (run) => run.coreWaitMs),
    coreWaitMsLarge: of(large, (run) => run.coreWaitMs),
  };
  const { changes, coreWaitMsLarge, coreWaitMsSmall, p999MsLarge, p999MsSmall } = figures;
  const { p999MsAfterChange, p999MsFurther } = figures;
  console.log(`\nroll-over: ${changes} new log files in a run of ${seconds} s at ${RATE} msg/s`);
  console.log(`  p99.9 ${short(p999MsSmall)} ms with, ${short(p999MsLarge)} without`);
  console.log(
    `  p99.9 ${short(p999MsAfterChange)} ms in the half of a file after a change, ` +
      `${short(p999MsFurther)} in the other`,
  );
  console.log(
    `  waits for a core in a run: ${short(coreWaitMsSmall)} ms with, ` +
      `${short(coreWaitMsLarge)} without`,
  );
  const goals = [
    atMost("p99.9 with roll-overs / without", p999MsSmall / p999MsLarge, NOISE_RATIO),
    atMost(
      "p99.9 after a change / further from it",
      p999MsAfterChange / p999MsFurther,
      NOISE_RATIO,
    ),
  ];
  printGoals(goals);
  return { name: "roll-over", figures, goals };
}

async function measure(
  { folder }: ScaleOptions,
  name: string,
  fileBytes: number,
  seconds: number,
): Promise<Run> {
  const base = `${folder}/${name}`;
  await using namesrv = await startRoquetNamesrv(`${base}/namesrv`);
  await using broker = await startRoquetBroker(`${base}/broker`, namesrv.address, {
    conf: { diskMaxUsedSpaceRatio: 95, mappedFileSizeCommitLog: fileBytes },
  });
  const load = ["Roll", RATE, BODY_BYTES, seconds, QUEUES, TOPICS, fileBytes];
  const waitedMs = coreWaitMs(broker.process.pid);
  const figures = await paced(folder, broker.address, load);
  return {
    ...figures,
    coreWaitMs: coreWaitMs(broker.process.pid) - waitedMs,
    changes: readdirSync(`${broker.storePath}/commitlog`).length - 1,
  };
}

// Deleting much of the log at once while messages come in at a fixed rate: no send may wait for it. The files are aged by
// their times and deleted as an operator would have it done (mqadmin deleteExpiredCommitLog), but by a request over a
// connection that is open: a command's own start takes one of two cores for as long as the loads that are measured. How
// long a hypervisor stopped the whole machine meanwhile is printed beside.
import { readdirSync, statSync, utimesSync } from "node:fs";
import { call, TestPeer } from "../../cluster/broker/testing.ts";
import { DELETE_EXPIRED_COMMITLOG } from "../../core/remoting/codes/admin.ts";
import { runToEnd, waitFor } from "../../interop/support/processes.ts";
import { startRoquetBroker, startRoquetNamesrv } from "../../interop/support/roquet.ts";
import { short } from "../support/figures.ts";
import { stolenMs } from "../support/process_cost.ts";
import { atLeast, atMost, printGoals } from "./goals.ts";
import { paced, pipelined, type ScaleOptions, type ScaleResult } from "./scale.ts";

const RATE = 10_000;
const OLD_MS = 10 * 24 * 3_600_000;
/** The message size that fills a log fastest. */
const FILL_BYTES = 64 * 1024;
const DELETED_WITHIN_MS = 120_000;
const NOISE_RATIO = 2;

export async function deletion({ folder, isShort }: ScaleOptions): Promise<ScaleResult> {
  const gigabytes = isShort ? 4 : 30;
  await using namesrv = await startRoquetNamesrv(`${folder}/deletion/namesrv`);
  await using broker = await startRoquetBroker(`${folder}/deletion/broker`, namesrv.address, {
    conf: { diskMaxUsedSpaceRatio: 95, deleteCommitLogFilesInterval: 1 },
  });
  const log = `${broker.storePath}/commitlog`;
  const filled = () => readdirSync(log).filter((name) => statSync(`${log}/${name}`).blocks > 0);
  while (filled().length <= gigabytes) {
    await pipelined(folder, broker.address, ["Filling", 4, 8, FILL_BYTES, 5]);
  }
  // What the filling left to be written back is not what is measured.
  await runToEnd("sync", ["-f", log]);
  const seconds = isShort ? 5 : 20;
  using operator = await TestPeer.connect(Number(broker.address.split(":")[1]));
  const load = ["Live", RATE, 128, seconds];
  const before = await paced(folder, broker.address, load);
  const stolenBeforeMs = stolenMs();
  const first = readdirSync(log).length;
  const during = await paced(folder, broker.address, load, async () => {
    const old = new Date(Date.now() - OLD_MS);
    for (const name of filled()) utimesSync(`${log}/${name}`, old, old);
    const { code, remark } = await call(operator, DELETE_EXPIRED_COMMITLOG, {});
    if (code !== 0) throw new Error(`deleteExpiredCommitLog: ${code} ${remark}`);
  });
  const stolenDuringMs = stolenMs() - stolenBeforeMs;
  await waitFor("the deletion", DELETED_WITHIN_MS, () => readdirSync(log).length < 4);
  const deleted = first - readdirSync(log).length;
  const figures = {
    deleted,
    p99MsBefore: before.p99Ms,
    p99MsDuring: during.p99Ms,
    maxMs: during.maxMs,
    stolenDuringMs,
  };
  console.log(`\ndeletion of ${deleted} GB at ${RATE} msg/s`);
  console.log(`  p99 ${short(before.p99Ms)} ms before, ${short(during.p99Ms)} ms meanwhile`);
  console.log(`  taken from the machine's cores meanwhile: ${short(stolenDuringMs)} ms`);
  const goals = [
    atLeast("GB deleted", deleted, gigabytes - 2),
    atMost("p99 meanwhile / before", during.p99Ms / before.p99Ms, NOISE_RATIO),
  ];
  printGoals(goals);
  return { name: "deletion", figures, goals };
}

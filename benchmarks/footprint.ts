// Start time and idle memory of the two servers on empty stores; Apache's beside them.
import { startRoquet } from "../cmd/embedded.ts";
import { startApacheBroker, startApacheNamesrv } from "../interop/support/apache.ts";
import { startRoquetBroker, startRoquetNamesrv } from "../interop/support/roquet.ts";
import type { ComparisonResult } from "./compare.ts";
import { median, printTable, short } from "./support/figures.ts";
import { residentMb } from "./support/process_cost.ts";

const STARTS = 5;
const SETTLE_MS = 3000;

export async function footprint(folder: string): Promise<ComparisonResult> {
  const figures: Record<string, number[]> = {};
  const note = (name: string, value: number) => (figures[name] ??= []).push(value);
  for (let start = 0; start < STARTS; start++) {
    const base = `${folder}/footprint-${start}`;
    await using namesrv = await startRoquetNamesrv(`${base}/namesrv`);
    await using broker = await startRoquetBroker(`${base}/broker`, namesrv.address);
    note("namesrv ready ms", Number(namesrv.ready.ms));
    note("broker ready ms", Number(broker.ready.ms));
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    note("namesrv idle MB", residentMb(namesrv.process.pid));
    note("broker idle MB", residentMb(broker.process.pid));
    const beganMs = performance.now();
    await using _embedded = await startRoquet();
    note("startRoquet() ms", performance.now() - beganMs);
  }
  await using apacheNamesrv = await startApacheNamesrv(`${folder}/footprint-apache/namesrv`);
  await using apacheBroker = await startApacheBroker(
    `${folder}/footprint-apache/broker`,
    apacheNamesrv.address,
  );
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const apache: Record<string, number> = {
    "namesrv idle MB": residentMb(apacheNamesrv.process.pid),
    "broker idle MB": residentMb(apacheBroker.process.pid),
  };
  const limits: Record<string, number> = {
    "namesrv ready ms": 100,
    "broker ready ms": 100,
    "namesrv idle MB": 60,
    "broker idle MB": 80,
    "startRoquet() ms": 300,
  };
  console.log(`\nfootprint: medians of ${STARTS} starts (Apache with a heap of 1 GB at most)`);
  printTable([
    ["", "Apache", "Roquet", "limit"],
    ...Object.entries(limits).map(([name, limit]) => [
      name,
      apache[name] === undefined ? "" : short(apache[name]),
      short(median(figures[name]!)),
      `≤ ${limit}`,
    ]),
  ]);
  const goals = Object.entries(limits).map(([name, limit]) => {
    const value = median(figures[name]!);
    return { text: `${name} ≤ ${limit}`, value, met: value <= limit };
  });
  return { name: "footprint", medians: { apache: {}, roquet: {} }, goals };
}

// 50 000 queues and 100 million small messages on one broker, then a kill: handles, memory, and how long the broker takes
// to be ready again for what lies past its checkpoint. A tenth of it in the short run.
import { startRoquetBroker, startRoquetNamesrv } from "../../interop/support/roquet.ts";
import { short } from "../support/figures.ts";
import { residentMb } from "../support/process_cost.ts";
import { atMost, printGoals } from "./goals.ts";
import { handlesOf, paced, type ScaleOptions, type ScaleResult } from "./scale.ts";

const QUEUES_A_TOPIC = 1000;
const BODY_BYTES = 64;
const LOAD_SECONDS = 20;
const HANDLES_MAX = 2048;
const SAMPLE_MS = 1000;
/** A start after a kill may take so long, and so much more for each GB past the checkpoint. */
const START_MS = 2000;
const START_MS_A_GB = 1000;

export async function manyQueues({ folder, isShort }: ScaleOptions): Promise<ScaleResult> {
  const topics = isShort ? 5 : 50;
  const messages = isShort ? 10_000_000 : 100_000_000;
  await using namesrv = await startRoquetNamesrv(`${folder}/queues/namesrv`);
  const conf = { diskMaxUsedSpaceRatio: 95, defaultTopicQueueNums: QUEUES_A_TOPIC };
  const start = () => startRoquetBroker(`${folder}/queues/broker`, namesrv.address, { conf });
  const resident: number[] = [];
  let handles = 0;
  let sent = 0;
  {
    await using broker = await start();
    const { pid } = broker.process;
    const sampler = setInterval(() => {
      resident.push(residentMb(pid));
      handles = Math.max(handles, handlesOf(pid));
    }, SAMPLE_MS);
    while (sent < messages) {
      const args = ["Queues", 0, BODY_BYTES, LOAD_SECONDS, QUEUES_A_TOPIC, topics];
      const figures = await paced(folder, broker.address, args);
      sent += figures.sent;
      console.log(`  ${short(sent)} messages at ${short(figures.tps)} a second`);
    }
    clearInterval(sampler);
    broker.process.kill("SIGKILL");
    await broker.process.exited;
  }
  await using broker = await start();
  const { gigabytes, tookMs } = recoveryOf(broker.process.output());
  const readyMs = Number(broker.ready["ms"]);
  const third = Math.floor(resident.length / 3);
  const grewMb = Math.max(...resident.slice(-third)) - Math.max(...resident.slice(0, -third));
  const figures = {
    queues: topics * QUEUES_A_TOPIC,
    messages: sent,
    handlesMax: handles,
    residentMbMax: Math.max(...resident),
    pastCheckpointGb: gigabytes,
    recoveryMs: tookMs,
    readyMs,
    residentMbAfter: residentMb(broker.process.pid),
  };
  console.log(`\n${short(figures.queues)} queues, ${short(sent)} messages of ${BODY_BYTES} B`);
  for (const [name, value] of Object.entries(figures)) console.log(`  ${name} ${short(value)}`);
  const goals = [
    atMost("file handles", handles, HANDLES_MAX),
    atMost("MB that memory grew in the last third", grewMb, 16),
    atMost("ms to be ready after SIGKILL", readyMs, START_MS + START_MS_A_GB * gigabytes),
  ];
  printGoals(goals);
  return { name: "many queues", figures, goals };
}

/** What the broker's summary line says of its last start. */
function recoveryOf(log: string): { gigabytes: number; tookMs: number } {
  const line = log.split("\n").findLast((each) => each.includes("recovered the store")) ?? "";
  const number = (name: string) => Number(new RegExp(` ${name}=(\\d+)`).exec(line)?.[1] ?? NaN);
  return { gigabytes: (number("end") - number("from")) / 1e9, tookMs: number("tookMs") };
}

// roquet producer-bench beside Apache's Java producer, both on Apache's broker: messages a second, and what one costs
// the sending process.
import { runToEnd } from "../../interop/support/processes.ts";
import { roquetCommand } from "../../interop/support/roquet.ts";
import { type ComparisonResult, ownResult } from "../compare.ts";
import { atLeast, atMost } from "../scale/goals.ts";
import { median, printTable, short } from "../support/figures.ts";
import { javaLoad, startSide } from "../support/side.ts";

const TOPIC = "ProducerBench";
const THREADS = 64;
const BODY_BYTES = 128;
/** As the Java load warms up. */
const WARMUP_S = 5;

interface Sent {
  tps: number;
  clientCpuUs: number;
}

export async function producerBench(
  folder: string,
  rounds: number,
  seconds: number,
): Promise<ComparisonResult> {
  await using apache = await startSide("apache", `${folder}/producer-bench`);
  const java: Sent[] = [];
  const ours: Sent[] = [];
  for (let round = 0; round < rounds; round++) {
    const load = ["produce", TOPIC, THREADS, BODY_BYTES, seconds];
    const { tps, clientCpuUs = NaN } = await javaLoad(apache, folder, load);
    java.push({ tps, clientCpuUs });
    ours.push(await ourLoad(apache.namesrv.address, seconds));
  }
  console.log(`\nproducer-bench on Apache's broker: medians of ${rounds}, interleaved`);
  const of = (runs: readonly Sent[], figure: keyof Sent) =>
    median(runs.map((each) => each[figure]));
  const row = (title: string, figure: keyof Sent) => {
    const [theirs, own] = [of(java, figure), of(ours, figure)];
    return [title, short(theirs), short(own), short(own / theirs)];
  };
  printTable([
    ["", "Java", "roquet producer-bench", "ratio"],
    row("messages a second", "tps"),
    row("client CPU us a message", "clientCpuUs"),
  ]);
  const ratio = (figure: keyof Sent) => of(ours, figure) / of(java, figure);
  return ownResult("producer-bench", [
    atLeast("TPS Roquet / Java", ratio("tps"), 1),
    atMost("client CPU Roquet / Java", ratio("clientCpuUs"), 0.5),
  ]);
}

async function ourLoad(nameServers: string, seconds: number): Promise<Sent> {
  const { command, args } = roquetCommand();
  const options = `producer-bench -t ${TOPIC} -w ${THREADS} -s ${BODY_BYTES} --json ` +
    `--warmup ${WARMUP_S} --duration ${seconds} -n ${nameServers}`;
  const { code, stdout, stderr } = await runToEnd(command, [...args, ...options.split(" ")]);
  if (code !== 0) throw new Error(`producer-bench ended with ${code}: ${stderr}`);
  const result = JSON.parse(stdout.trim().split("\n").at(-1)!) as Record<string, number>;
  return { tps: result.messagesPerSecond!, clientCpuUs: result.cpuMicrosecondsPerMessage! };
}

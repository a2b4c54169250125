// Members that join and leave a group of two. A latency is from the moment that a member begins to open or to close until
// the queues are shared anew: halved between two members, or all with the one that stays. Prints "MEASURING" after the
// first round and then one LOAD line of JSON; what it counts are changes of the group.
// Usage: bun rebalancing.ts NAMESRV TOPIC CHANGES
import { build } from "hdr-histogram-js";
import { Producer } from "../../core/client/producer.ts";
import { PushConsumer } from "../../core/client/push_consumer.ts";

const [nameServers, topic, changes] = process.argv.slice(2);
const QUEUES = 4;
const PATIENCE_MS = 60_000;

const histogram = build({ highestTrackableValue: 60_000_000, numberOfSignificantValueDigits: 2 });
const group = `members${process.pid}`;

{
  await using producer = await Producer.open({ nameServers: nameServers! });
  await producer.send({ topic: topic!, body: "makes the topic" });
}

function member(): Promise<PushConsumer> {
  const options = { nameServers: nameServers!, group, subscriptions: { [topic!]: "*" } };
  return PushConsumer.open(options, () => {});
}

const countOf = (consumer: PushConsumer) =>
  consumer.queues.filter((queue) => queue.topic === topic).length;

async function until(holds: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + PATIENCE_MS;
  while (!holds()) {
    if (performance.now() > deadlineMs) throw new Error("the queues were not shared anew");
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

let measured = 0;
async function timed(change: () => Promise<void>, isMeasured: boolean): Promise<void> {
  const beganMs = performance.now();
  await change();
  if (!isMeasured) return;
  histogram.recordValue(Math.round((performance.now() - beganMs) * 1000));
  measured++;
}

async function joinAndLeave(staying: PushConsumer, isMeasured: boolean): Promise<void> {
  let joined!: PushConsumer;
  await timed(async () => {
    joined = await member();
    await until(() => countOf(joined) === QUEUES / 2 && countOf(staying) === QUEUES / 2);
  }, isMeasured);
  await timed(async () => {
    const closing = joined.close();
    await until(() => countOf(staying) === QUEUES);
    await closing;
  }, isMeasured);
}

await using staying = await member();
await until(() => countOf(staying) === QUEUES);
await joinAndLeave(staying, false);
console.log("MEASURING");
const beganMs = performance.now();
while (measured < Number(changes)) await joinAndLeave(staying, true);
const elapsed = (performance.now() - beganMs) / 1000;
const ms = (percentile: number) => histogram.getValueAtPercentile(percentile) / 1000;
console.log(`LOAD ${
  JSON.stringify({
    consumed: measured,
    seconds: elapsed,
    tps: measured / elapsed,
    p50Ms: ms(50),
    p95Ms: ms(95),
    p99Ms: ms(99),
    p999Ms: ms(99.9),
  })
}`);

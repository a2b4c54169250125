// Workers that pop a backlog, 32 messages at a time, and acknowledge each message by itself. A latency is from a pop until
// its last acknowledgement is answered. Prints "MEASURING" after the warm-up and then one LOAD line of JSON.
// Usage: bun popping.ts NAMESRV TOPIC WORKERS SECONDS
import { build } from "hdr-histogram-js";
import { PopConsumer } from "../../core/client/pop_consumer.ts";

const [nameServers, topic, workers, seconds] = process.argv.slice(2);
const WARM_UP_MS = 1_500;

const histogram = build({ highestTrackableValue: 60_000_000, numberOfSignificantValueDigits: 2 });
let consumed = 0;
let isMeasuring = false;
let isOver = false;

await using consumer = await PopConsumer.open({
  nameServers: nameServers!,
  group: `poppers${process.pid}`,
});

async function work(): Promise<void> {
  while (!isOver) {
    const beganMs = performance.now();
    const messages = await consumer.pop(topic!, { messagesMax: 32, holdMs: 1_000 });
    await Promise.all(messages.map((message) => consumer.ack(message)));
    if (!isMeasuring || messages.length === 0) continue;
    consumed += messages.length;
    histogram.recordValue(Math.round((performance.now() - beganMs) * 1000));
  }
}

const working = Promise.all(Array.from({ length: Number(workers) }, work));
await new Promise((resolve) => setTimeout(resolve, WARM_UP_MS));
isMeasuring = true;
console.log("MEASURING");
const beganMs = performance.now();
await new Promise((resolve) => setTimeout(resolve, Number(seconds) * 1000));
isMeasuring = false;
const elapsed = (performance.now() - beganMs) / 1000;
isOver = true;
const ms = (percentile: number) => histogram.getValueAtPercentile(percentile) / 1000;
console.log(`LOAD ${
  JSON.stringify({
    consumed,
    seconds: elapsed,
    tps: consumed / elapsed,
    p50Ms: ms(50),
    p95Ms: ms(95),
    p99Ms: ms(99),
    p999Ms: ms(99.9),
  })
}`);
await working;

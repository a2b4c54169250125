// Requests and their replies, our client on both sides: so many questions are under way at a time, each a stored message,
// a push to the consumer, a reply and its push to the one that asked. Prints "MEASURING" after the warm-up and then one
// LOAD line of JSON.
// Usage: bun asking.ts NAMESRV TOPIC AT_A_TIME SECONDS
import { build } from "hdr-histogram-js";
import { Producer, PushConsumer } from "../../core/client/mod.ts";

const [nameServers, topic, atATime, seconds] = process.argv.slice(2);
const WARM_UP_MS = 1_500;
const TIMEOUT_MS = 30_000;

const histogram = build({ highestTrackableValue: 60_000_000, numberOfSignificantValueDigits: 2 });
let answered = 0;
let isMeasuring = false;
let isOver = false;

await using producer = await Producer.open({
  nameServers: nameServers!,
  group: `askers${process.pid}`,
});
await producer.send({ topic: topic!, body: "makes the topic" });
await using _replier = await PushConsumer.open({
  nameServers: nameServers!,
  group: `repliers${process.pid}`,
  subscriptions: { [topic!]: "*" },
  concurrency: 1_024,
}, async (message) => {
  // Others' questions of an earlier run have nobody left to hear.
  await producer.reply(message, "yes").catch(() => {});
});
const question = { topic: topic!, body: "x".repeat(128) };
// A consumer begins at the end of the queues that it gets: what was asked before isn't answered.
const untilMs = performance.now() + TIMEOUT_MS;
const queues = await producer.queues(topic!);
for (let heard = 0; heard < 2 * queues.length && performance.now() < untilMs;) {
  const queue = queues[heard % queues.length]!;
  const isAnswered = producer.request(question, { queue, timeoutMs: 1_000 });
  heard = await isAnswered.then(() => heard + 1, () => 0);
}

async function ask(): Promise<void> {
  while (!isOver) {
    const beganMs = performance.now();
    await producer.request(question, { timeoutMs: TIMEOUT_MS });
    if (!isMeasuring) continue;
    answered++;
    histogram.recordValue(Math.round((performance.now() - beganMs) * 1000));
  }
}

const asking = Promise.all(Array.from({ length: Number(atATime) }, ask));
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
    sent: answered,
    seconds: elapsed,
    tps: answered / elapsed,
    p50Ms: ms(50),
    p95Ms: ms(95),
    p99Ms: ms(99),
    p999Ms: ms(99.9),
  })
}`);
await asking;

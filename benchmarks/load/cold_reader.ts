// Reads a topic from its beginning at full speed, again and again, until SIGTERM; says how much it read.
// Usage: bun cold_reader.ts NAMESRV TOPIC
import { PullConsumer } from "../../core/client/mod.ts";

const [nameServers, topic] = process.argv.slice(2);
const PULL_MESSAGES = 32;

await using consumer = await PullConsumer.open({ nameServers: nameServers!, group: "G_cold" });
let bytes = 0;
let isOver = false;
const startedMs = performance.now();
process.on("SIGTERM", () => isOver = true);
console.log("READING");
await Promise.all((await consumer.queues(topic!)).map(async (queue) => {
  const end = await consumer.maxOffset(queue);
  while (!isOver) {
    for (let offset = 0; offset < end && !isOver;) {
      const result = await consumer.pull(queue, offset, { messagesMax: PULL_MESSAGES });
      for (const { body } of result.messages) bytes += body.length;
      offset = result.nextOffset;
    }
  }
}));
const seconds = (performance.now() - startedMs) / 1000;
console.log(`READ ${Math.round(bytes / 1e6)} MB in ${seconds.toFixed(2)} s`);

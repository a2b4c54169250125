// A member of an orderly group as a process of its own: writes when each message's consumption begins and ends to a file
// that all members share, a line each, so that the file tells what happened in which order.
//   bun run orderly_member.ts NAMESRV GROUP TOPIC FILE
import { openSync, writeSync } from "node:fs";
import process from "node:process";
import { PushConsumer } from "../../core/client/mod.ts";

const [nameServers, group, topic, path] = process.argv.slice(2);
const file = openSync(path!, "a");

const consumer = await PushConsumer.open({
  nameServers,
  group: group!,
  subscriptions: { [topic!]: "*" },
  consumeFrom: "first",
  orderly: true,
  rebalanceMs: 1_000,
  offsetCommitMs: 500,
  routePollMs: 1_000,
}, async (message) => {
  if (message.text() === "first") return;
  const line = `${process.pid} ${message.queue.queueId} ${message.text()}\n`;
  writeSync(file, `begin ${line}`);
  await new Promise((resolve) => setTimeout(resolve, 5));
  writeSync(file, `end ${line}`);
});
console.log("ready");

process.once("SIGTERM", async () => {
  await consumer.close();
  process.exit(0);
});

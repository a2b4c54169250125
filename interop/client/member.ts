// A member of a consumer group as a process of its own, so that it can be killed: writes each message's body and how
// often it came before to a file, a line each. SIGTERM closes it in order.
//   bun run member.ts NAMESRV GROUP TOPIC FILE
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
  rebalanceMs: 1_000,
  offsetCommitMs: 500,
  routePollMs: 1_000,
  // Small, so that a killed member leaves little that comes again.
  queueMessagesMax: 200,
}, async (message) => {
  await new Promise((resolve) => setTimeout(resolve, 2));
  // Written by the kernel before the message counts as consumed: no kill can lose it.
  writeSync(file, `${message.text()} ${message.reconsumeTimes}\n`);
});
console.log("ready");

process.once("SIGTERM", async () => {
  await consumer.close();
  process.exit(0);
});

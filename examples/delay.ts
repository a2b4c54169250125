// A reminder that comes later: the broker holds a message back by a delay level, 1 being the
// shortest of its messageDelayLevel (1s 5s 10s 30s 1m …).
//   NAMESRV_ADDR=127.0.0.1:9876 bun examples/delay.ts
import process from "node:process";
import { Producer, PushConsumer } from "../mod.ts";

export async function run(nameServers: string, print: (line: string) => void): Promise<void> {
  await using producer = await Producer.open({ nameServers, group: "cart-service" });
  const sentAtMs = performance.now();
  await producer.send({ topic: "Reminders", body: "your cart is still full", delayLevel: 1 });
  print("sent");

  await using consumer = await PushConsumer.open({
    nameServers,
    group: "mailer",
    subscriptions: { Reminders: "*" },
    consumeFrom: "first",
  });
  for await (const message of consumer) {
    const isLate = performance.now() - sentAtMs >= 900;
    print(`${message.text()} (${isLate ? "a second later" : "too early"})`);
    consumer.ack(message);
    break;
  }
}

if (import.meta.main) await run(process.env.NAMESRV_ADDR ?? "127.0.0.1:9876", console.log);

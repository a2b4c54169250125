// Orders whose steps must stay in order: messages of one order go to one queue, and an orderly
// consumer takes a queue's messages one after the other.
//   NAMESRV_ADDR=127.0.0.1:9876 bun examples/order.ts
import process from "node:process";
import { byKey, Producer, PushConsumer } from "../mod.ts";

const STEPS = ["created", "paid", "shipped"];
const ORDERS = ["order-1", "order-2", "order-3"];

export async function run(nameServers: string, print: (line: string) => void): Promise<void> {
  await using producer = await Producer.open({ nameServers, group: "order-service" });
  for (const step of STEPS) {
    for (const order of ORDERS) {
      const message = { topic: "OrderSteps", body: step, keys: order };
      await producer.send(message, { select: byKey(order) });
    }
  }

  const stepsByOrder = new Map<string, string[]>();
  const allSeen = Promise.withResolvers<void>();
  await using _consumer = await PushConsumer.open({
    nameServers,
    group: "order-view",
    subscriptions: { OrderSteps: "*" },
    consumeFrom: "first",
    orderly: true,
  }, (message) => {
    const order = message.keys[0]!;
    const steps = stepsByOrder.get(order) ?? [];
    steps.push(message.text());
    stepsByOrder.set(order, steps);
    const counts = ORDERS.map((each) => stepsByOrder.get(each)?.length ?? 0);
    if (counts.every((count) => count === STEPS.length)) allSeen.resolve();
  });
  await allSeen.promise;
  for (const order of ORDERS) print(`${order}: ${stepsByOrder.get(order)!.join(" → ")}`);
}

if (import.meta.main) await run(process.env.NAMESRV_ADDR ?? "127.0.0.1:9876", console.log);

// A question and its answer over a topic: any number of pricing services may listen; one of them
// answers.
//   NAMESRV_ADDR=127.0.0.1:9876 bun examples/request_reply.ts
import process from "node:process";
import { Producer, PushConsumer } from "../mod.ts";

const PRICES: Record<string, number> = { apples: 3, pears: 4 };

export async function run(nameServers: string, print: (line: string) => void): Promise<void> {
  await using producer = await Producer.open({ nameServers, group: "shop" });
  await using _pricing = await PushConsumer.open({
    nameServers,
    group: "pricing",
    subscriptions: { PriceQuestions: "*" },
    consumeFrom: "first",
  }, async (message) => {
    await producer.reply(message, JSON.stringify({ price: PRICES[message.text()] ?? null }));
  });

  for (const fruit of ["apples", "pears", "dragons"]) {
    const question = { topic: "PriceQuestions", body: fruit };
    const answer = await producer.request(question, { timeoutMs: 30_000 });
    const { price } = answer.json() as { price: number | null };
    print(price === null ? `no ${fruit} today` : `${fruit} cost ${price}`);
  }
}

if (import.meta.main) await run(process.env.NAMESRV_ADDR ?? "127.0.0.1:9876", console.log);

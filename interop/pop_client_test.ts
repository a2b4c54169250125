// Roquet's pop consumer against Apache's broker and against Roquet's: the same program, the same outcome.
import { describe, expect, test } from "bun:test";
import { PopConsumer } from "../core/client/pop_consumer.ts";
import { Producer } from "../core/client/producer.ts";
import { type Make, startCluster } from "./support/cluster.ts";

const MESSAGES = 60;

describe.each<Make>(["apache", "roquet"])("the pop consumer on a broker by %s", (broker) => {
  test("acknowledges, puts off and gets again what it popped", async () => {
    await using cluster = await startCluster({ namesrv: "roquet", broker });
    const nameServers = cluster.namesrv.address;
    await using producer = await Producer.open({ nameServers, group: "p" });
    for (let index = 0; index < MESSAGES; index++) {
      await producer.send({ topic: "Work", body: `${index}` });
    }
    await using consumer = await PopConsumer.open({
      nameServers,
      group: "workers",
      invisibleMs: 30_000,
      retryMs: 2_000,
      concurrency: 16,
    });
    const deliveries = new Map<string, number[]>();
    const stop = new AbortController();
    const isDone = () =>
      [...deliveries].filter(([text, counts]) => counts.length === (fails(text) ? 2 : 1)).length ===
        MESSAGES;
    await consumer.consume("Work", (message) => {
      const counts = deliveries.get(message.text()) ?? [];
      deliveries.set(message.text(), [...counts, message.reconsumeTimes]);
      expect(message.topic).toBe("Work");
      if (isDone()) stop.abort();
      if (fails(message.text()) && counts.length === 0) throw new Error("as the test wants");
    }, { signal: AbortSignal.any([stop.signal, AbortSignal.timeout(200_000)]) });
    for (const [text, counts] of deliveries) expect(counts).toEqual(fails(text) ? [0, 1] : [0]);
    expect(deliveries.size).toBe(MESSAGES);
    expect(await consumer.pop("Work", { holdMs: 1_000 })).toEqual([]);
  }, 280_000);
});

/** Every tenth message's first delivery fails. */
function fails(text: string): boolean {
  return Number(text) % 10 === 0;
}

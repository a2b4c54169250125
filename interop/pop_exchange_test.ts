// Stores with messages that are popped and not acknowledged, taken over by another broker, or by the same one after a kill:
// each such message comes back, an acknowledged one doesn't.
import { expect, test } from "bun:test";
import { Exchange } from "./support/exchange.ts";
import { runJavaMain } from "./support/java_main.ts";

/** Time enough to acknowledge some, on a busy machine too. */
const INVISIBLE_MS = 25_000;

/** Popped by `leave` and not acknowledged. */
const LEFT = Array.from({ length: 40 }, (_, n) => n)
  .filter((n) => n % 3 !== 0 && n !== 38)
  .map((n) => `m${n}`)
  .sort();

async function leave(exchange: Exchange, name: string): Promise<void> {
  const args = [exchange.namesrvAddress, "leave", name, String(INVISIBLE_MS)];
  await runJavaMain("PopExchange", args, exchange.folder);
}

/** How often each message came. */
async function collect(exchange: Exchange, name: string): Promise<Map<string, number>> {
  const args = [exchange.namesrvAddress, "collect", name, "0"];
  const output = await runJavaMain("PopExchange", args, exchange.folder);
  const lines = [...output.matchAll(/^SEEN (\S+) (\d+)$/gm)];
  return new Map(lines.map(([, body, count]) => [body!, Number(count)]));
}

test(
  "messages popped from Apache's broker come back from Roquet's, and the other way round",
  async () => {
    const makes = ["apache", "roquet"] as const;
    await Promise.all(makes.map(async (first) => {
      await using exchange = await Exchange.open(`pop-exchange-${first}`);
      await exchange.start(first);
      await leave(exchange, "left");
      await exchange.stop();
      await exchange.start(first === "apache" ? "roquet" : "apache");
      const seen = await collect(exchange, "left");
      expect([...seen.keys()].sort()).toEqual(LEFT);
      expect(new Set(seen.values())).toEqual(new Set([1]));
    }));
  },
  290_000,
);

test(
  "a kill loses no message that was popped and not acknowledged, checkpoints stored or in memory",
  async () => {
    await Promise.all([true, false].map(async (enablePopBufferMerge) => {
      await using exchange = await Exchange.open("pop-kill");
      await exchange.start("roquet", { enablePopBufferMerge });
      await leave(exchange, "killed");
      await exchange.kill();
      await exchange.start("roquet", { enablePopBufferMerge });
      const seen = await collect(exchange, "killed");
      const lost = LEFT.filter((body) => !seen.has(body));
      expect(lost).toEqual([]);
    }));
  },
  290_000,
);

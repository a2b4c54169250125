// Stores with messages that are popped and not acknowledged, taken over by another broker, or by the same one after a kill:
// each such message comes back, an acknowledged one doesn't.
import { expect, test } from "bun:test";
import { Exchange } from "./support/exchange.ts";
import { runJavaMain } from "./support/java_main.ts";

const INVISIBLE_MS = 12_000;

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
    await using exchange = await Exchange.open("pop-exchange");
    await exchange.start("apache");
    await leave(exchange, "apache");
    await exchange.stop();

    await exchange.start("roquet");
    const fromApache = await collect(exchange, "apache");
    expect([...fromApache.keys()].sort()).toEqual(LEFT);
    expect(new Set(fromApache.values())).toEqual(new Set([1]));
    await leave(exchange, "roquet");
    await exchange.stop();

    await exchange.start("apache");
    const fromRoquet = await collect(exchange, "roquet");
    expect([...fromRoquet.keys()].sort()).toEqual(LEFT);
    expect(new Set(fromRoquet.values())).toEqual(new Set([1]));
  },
  240_000,
);

for (const merged of [false, true]) {
  const kind = merged ? "merged in memory" : "stored at once";
  test(
    `a kill loses no message that was popped and not acknowledged, checkpoints ${kind}`,
    async () => {
      await using exchange = await Exchange.open("pop-kill");
      await exchange.start("roquet", { enablePopBufferMerge: merged });
      await leave(exchange, "killed");
      await exchange.kill();
      await exchange.start("roquet", { enablePopBufferMerge: merged });
      const seen = await collect(exchange, "killed");
      const lost = LEFT.filter((body) => !seen.has(body));
      expect(lost).toEqual([]);
    },
    240_000,
  );
}

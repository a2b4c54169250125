// Transactions across makes: Java producers against Roquet's broker, Roquet's client against Apache's brokers, open
// transactions in a store that moves between the two, and a broker that is killed under them.
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { startCluster } from "./support/cluster.ts";
import type { ClientVersion } from "./support/java.ts";
import { Exchange } from "./support/exchange.ts";
import { runJavaMain } from "./support/java_main.ts";

/** Checks come quickly, decisions are written quickly: a test can't wait for Apache's half minutes. */
const QUICK = {
  transactionTimeOut: 1000,
  transactionCheckInterval: 1000,
  transactionOpBatchInterval: 500,
};

const linesOf = (path: string) =>
  readFileSync(path, "utf8").split("\n").filter((line) => line !== "");

describe("Java producers of transactions", () => {
  for (const version of ["5.4.0", "4.9.8"] satisfies ClientVersion[]) {
    test(
      `${version}: what they commit is seen, at once or when asked; what they roll back is not`,
      async () => {
        await using cluster = await startCluster({ namesrv: "roquet", broker: "roquet" }, QUICK);
        const { folder, namesrv } = cluster;
        const dump = `${folder}/dump`;
        await runJavaMain(
          "Transactions",
          [namesrv.address, "run:TxJava:40", `dump:TxJava:${dump}`],
          folder,
          version,
        );
        const even = Array.from({ length: 20 }, (_, n) => `TxJava-${2 * n}`).sort();
        expect(linesOf(dump)).toEqual(even);
      },
      120_000,
    );
  }
});

test(
  "open transactions of a store go on under the other broker: from Roquet's to Apache's and back",
  async () => {
    await using exchange = await Exchange.open("exchange-transactions");
    const java = (...steps: string[]) =>
      runJavaMain("Transactions", [exchange.namesrvAddress, ...steps], exchange.folder);
    const keys = (topic: string) =>
      Array.from({ length: 6 }, (_, n) => `left-${topic}-${2 * n}`).sort();
    const expectCommitted = async (topic: string) => {
      await java(`answer:${topic}:12`, `dump:${topic}:${exchange.file(topic)}`);
      expect(linesOf(exchange.file(topic))).toEqual(keys(topic));
    };
    const conf = { ...QUICK, transactionTimeOut: 3000 };

    await exchange.start("roquet", conf);
    await java("run:TxFirst:8", "leave:TxByApache:12");
    await exchange.stop();

    await exchange.start("apache", conf);
    await expectCommitted("TxByApache");
    await java("run:TxSecond:8", "leave:TxByRoquet:12");
    await exchange.stop();

    await exchange.start("roquet", conf);
    await expectCommitted("TxByRoquet");
    // What was decided before the moves stays so.
    for (const topic of ["TxFirst", "TxSecond"]) {
      await java(`dump:${topic}:${exchange.file(topic)}`);
      expect(linesOf(exchange.file(topic))).toEqual([0, 2, 4, 6].map((n) => `${topic}-${n}`));
    }
    await java(`dump:TxByApache:${exchange.file("again")}`);
    expect(linesOf(exchange.file("again"))).toEqual(keys("TxByApache"));
  },
  180_000,
);

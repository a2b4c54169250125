// Transactions across makes: Java producers against Roquet's broker, open transactions in a store that moves between it
// and Apache's, and a broker that is killed under them. Roquet's client is in typescript_client_test.ts, Go's in
// other_clients_test.ts.
import { expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { startCluster } from "./support/cluster.ts";
import { Exchange } from "./support/exchange.ts";
import { runJavaMain, startJavaMain } from "./support/java_main.ts";
import { QUICK_CHECKS } from "./support/quick_checks.ts";
import { waitFor } from "./support/processes.ts";

const KILLS = Number(process.env.KILLS ?? 4);
const TRANSACTIONS_A_LIFE = 200;

const lineCount = (path: string) => existsSync(path) ? linesOf(path).length : 0;

const linesOf = (path: string) =>
  readFileSync(path, "utf8").split("\n").filter((line) => line !== "");

test(
  "what a Java producer of 4.9.8 commits is seen, at once or when asked; what it rolls back is not",
  async () => {
    await using cluster = await startCluster({ namesrv: "roquet", broker: "roquet" }, QUICK_CHECKS);
    const { folder, namesrv } = cluster;
    const dump = `${folder}/dump`;
    const steps = ["run:TxJava:40", `dump:TxJava:${dump}`];
    await runJavaMain("Transactions", [namesrv.address, ...steps], folder, "4.9.8");
    expect(linesOf(dump)).toEqual(Array.from({ length: 20 }, (_, n) => `TxJava-${2 * n}`).sort());
  },
  120_000,
);

test(
  "open transactions of a store go on under the other broker: from Roquet's to Apache's and back",
  async () => {
    await using exchange = await Exchange.open("exchange-transactions");
    const java = (...steps: string[]) =>
      runJavaMain("Transactions", [exchange.namesrvAddress, ...steps], exchange.folder);
    const dump = (topic: string) => `dump:${topic}:${exchange.file(topic)}`;
    const left = (topic: string) =>
      Array.from({ length: 6 }, (_, n) => `left-${topic}-${2 * n}`).sort();

    await exchange.start("roquet", QUICK_CHECKS);
    await java("run:TxFirst:8", "leave:TxByApache:12");
    await exchange.stop();

    await exchange.start("apache", QUICK_CHECKS);
    await java("answer:TxByApache:12", dump("TxByApache"), "run:TxSecond:8", "leave:TxByRoquet:12");
    expect(linesOf(exchange.file("TxByApache"))).toEqual(left("TxByApache"));
    await exchange.stop();

    await exchange.start("roquet", QUICK_CHECKS);
    const topics = ["TxByRoquet", "TxByApache", "TxFirst", "TxSecond"];
    await java("answer:TxByRoquet:12", ...topics.map(dump));
    expect(linesOf(exchange.file("TxByRoquet"))).toEqual(left("TxByRoquet"));
    // What was decided before the moves stays so.
    expect(linesOf(exchange.file("TxByApache"))).toEqual(left("TxByApache"));
    for (const topic of ["TxFirst", "TxSecond"]) {
      expect(linesOf(exchange.file(topic))).toEqual([0, 2, 4, 6].map((n) => `${topic}-${n}`));
    }
  },
  180_000,
);

test(
  "a broker that is killed again and again loses no committed message, shows none twice and no rolled back one",
  async () => {
    await using exchange = await Exchange.open("killed-transactions");
    const { folder, namesrvAddress } = exchange;
    const file = (name: string) => exchange.file(name);
    await exchange.start("roquet", QUICK_CHECKS);
    const churn = await startJavaMain("Transactions", [
      namesrvAddress,
      `churn:TxKilled:${file("ledger")}:${file("stop")}`,
      `dump:TxKilled:${file("dump")}`,
    ], folder);
    let begun = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      begun += TRANSACTIONS_A_LIFE;
      await waitFor(`${begun} transactions`, 60_000, () => lineCount(file("ledger")) >= begun);
      await exchange.kill();
      await exchange.start("roquet", QUICK_CHECKS);
    }
    writeFileSync(file("stop"), "");
    expect(await churn.exited, churn.output()).toBe(0);
    await churn[Symbol.asyncDispose]();

    const committed = (key: string) => Number(key.split("-").at(-1)) % 2 === 0;
    const seen = linesOf(file("dump"));
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.filter((key) => !committed(key))).toEqual([]);
    const missing = linesOf(file("ledger")).filter((key) => committed(key) && !seen.includes(key));
    expect(missing).toEqual([]);
  },
  240_000,
);

// A message may come more than once: after a lost answer, a crash, a rebalance. A consumer whose
// work and whose note of it are one database transaction does it once all the same.
//   NAMESRV_ADDR=127.0.0.1:9876 bun examples/idempotent_consumer.ts
import process from "node:process";
import { Producer, PushConsumer } from "../mod.ts";
import { inTransaction, openDatabase } from "./database.ts";

export async function run(nameServers: string, print: (line: string) => void): Promise<void> {
  const database = await openDatabase();
  database.exec("CREATE TABLE handled (key TEXT PRIMARY KEY)");
  database.exec("CREATE TABLE stock (item TEXT PRIMARY KEY, count INTEGER)");
  database.exec("INSERT INTO stock VALUES ('book', 10)");

  await using producer = await Producer.open({ nameServers, group: "shop-front" });
  // Sent twice, as a program does that doesn't know whether the first attempt came through.
  for (const sale of ["sale-1", "sale-1", "sale-2"]) {
    await producer.send({ topic: "Sales", body: "book", keys: sale });
  }

  let deliveries = 0;
  const allCame = Promise.withResolvers<void>();
  await using _consumer = await PushConsumer.open({
    nameServers,
    group: "stock-keeper",
    subscriptions: { Sales: "*" },
    consumeFrom: "first",
  }, (message) => {
    const [sale] = message.keys;
    inTransaction(database, () => {
      const known = database.prepare("SELECT 1 AS found FROM handled WHERE key = ?").all(sale!);
      if (known.length > 0) return;
      database.prepare("INSERT INTO handled VALUES (?)").run(sale!);
      const sell = database.prepare("UPDATE stock SET count = count - 1 WHERE item = ?");
      sell.run(message.text());
    });
    if (++deliveries === 3) allCame.resolve();
  });
  await allCame.promise;
  const stock = database.prepare("SELECT count FROM stock").get() as { count: number };
  print(`3 deliveries, 2 sales, ${stock.count} books left`);
  database.close();
}

if (import.meta.main) await run(process.env.NAMESRV_ADDR ?? "127.0.0.1:9876", console.log);

// A payment and the message about it happen both or not at all: the broker holds the message until
// the database says how the payment ended, and asks when nobody tells it.
//   NAMESRV_ADDR=127.0.0.1:9876 bun examples/payment.ts
import process from "node:process";
import { Producer, PushConsumer } from "../mod.ts";
import { inTransaction, openDatabase } from "./database.ts";

export async function run(nameServers: string, print: (line: string) => void): Promise<void> {
  const database = await openDatabase();
  database.exec("CREATE TABLE accounts (name TEXT PRIMARY KEY, cents INTEGER CHECK (cents >= 0))");
  database.exec("CREATE TABLE payments (id TEXT PRIMARY KEY)");
  database.exec("INSERT INTO accounts VALUES ('ann', 500)");
  const wasPaid = (id: string) =>
    database.prepare("SELECT 1 AS found FROM payments WHERE id = ?").all(id).length > 0;

  await using producer = await Producer.open({
    nameServers,
    group: "payment-service",
    // Asked when the end of a transaction got lost, perhaps of another process of this group.
    checkTransaction: (message) => wasPaid(message.keys[0]!) ? "commit" : "rollback",
  });

  for (const [id, cents] of [["p-1", 300], ["p-2", 300], ["p-3", 200]] as const) {
    const message = { topic: "Payments", body: String(cents), keys: id };
    const { state } = await producer.sendInTransaction(message, () => {
      try {
        inTransaction(database, () => {
          const pay = database.prepare("UPDATE accounts SET cents = cents - ? WHERE name = 'ann'");
          pay.run(cents);
          database.prepare("INSERT INTO payments VALUES (?)").run(id);
        });
        return "commit";
      } catch {
        return "rollback";
      }
    });
    print(`${id}: ${state}`);
  }

  await using consumer = await PushConsumer.open({
    nameServers,
    group: "receipts",
    subscriptions: { Payments: "*" },
    consumeFrom: "first",
  });
  const receipts: string[] = [];
  for await (const message of consumer) {
    receipts.push(`${message.keys[0]} ${message.text()}`);
    consumer.ack(message);
    if (receipts.length === 2) break;
  }
  print(`receipts: ${receipts.sort().join(", ")}`);
  database.close();
}

if (import.meta.main) await run(process.env.NAMESRV_ADDR ?? "127.0.0.1:9876", console.log);

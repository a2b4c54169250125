// The table of messages to be sent (outbox): a service writes its data and the message about it in
// one transaction of its own database; a relay sends what the table holds and takes it out once a
// broker has it. Nothing is lost when either of them stops; a message may be sent twice, which
// idempotent_consumer.ts deals with.
//   NAMESRV_ADDR=127.0.0.1:9876 bun examples/local_transaction_table.ts
import process from "node:process";
import { Producer, PushConsumer } from "../mod.ts";
import { type Database, inTransaction, openDatabase } from "./database.ts";

interface OutboxRow {
  id: number;
  topic: string;
  key: string;
  body: string;
}

function register(database: Database, name: string): void {
  inTransaction(database, () => {
    database.prepare("INSERT INTO users VALUES (?)").run(name);
    database.prepare("INSERT INTO outbox (topic, key, body) VALUES ('Users', ?, ?)")
      .run(name, JSON.stringify({ registered: name }));
  });
}

/** Sends what waits, oldest first; gives how many. A row goes when its message is stored. */
async function relay(database: Database, producer: Producer): Promise<number> {
  const rows = database.prepare("SELECT * FROM outbox ORDER BY id LIMIT 100").all() as OutboxRow[];
  for (const { id, topic, key, body } of rows) {
    await producer.send({ topic, keys: key, body });
    database.prepare("DELETE FROM outbox WHERE id = ?").run(id);
  }
  return rows.length;
}

export async function run(nameServers: string, print: (line: string) => void): Promise<void> {
  const database = await openDatabase();
  database.exec("CREATE TABLE users (name TEXT PRIMARY KEY)");
  database.exec(
    "CREATE TABLE outbox (id INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT, key TEXT, body TEXT)",
  );
  for (const name of ["ann", "bob", "ann"]) {
    try {
      register(database, name);
    } catch {
      print(`${name} is registered already, and nothing is sent about it`);
    }
  }

  await using producer = await Producer.open({ nameServers, group: "user-service" });
  print(`relayed ${await relay(database, producer)}, then ${await relay(database, producer)}`);

  await using consumer = await PushConsumer.open({
    nameServers,
    group: "welcome-mails",
    subscriptions: { Users: "*" },
    consumeFrom: "first",
  });
  const welcomed: string[] = [];
  for await (const message of consumer) {
    welcomed.push((message.json() as { registered: string }).registered);
    consumer.ack(message);
    if (welcomed.length === 2) break;
  }
  print(`welcome ${welcomed.sort().join(" and ")}`);
  database.close();
}

if (import.meta.main) await run(process.env.NAMESRV_ADDR ?? "127.0.0.1:9876", console.log);

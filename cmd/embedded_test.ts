import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { Producer, PushConsumer } from "../core/client/mod.ts";
import { startRoquet } from "./embedded.ts";

test("a cluster in the process takes messages, gives them, and leaves nothing behind", async () => {
  let folder: string;
  {
    await using mq = await startRoquet();
    folder = mq.folder;
    expect(existsSync(folder)).toBe(true);
    await using producer = await Producer.open({ nameServers: mq.nameServer });
    await producer.send({ topic: "Orders", body: "first", tags: "new" });
    await using consumer = await PushConsumer.open({
      nameServers: mq.nameServer,
      group: "billing",
      consumeFrom: "first",
      subscriptions: { Orders: "new" },
    });
    for await (const message of consumer) {
      expect(Buffer.from(message.body).toString()).toBe("first");
      break;
    }
  }
  expect(existsSync(folder)).toBe(false);
});

test("two clusters live side by side", async () => {
  await using first = await startRoquet();
  await using second = await startRoquet({ broker: { brokerName: "other" } });
  expect(first.nameServer).not.toBe(second.nameServer);
  expect(first.broker).not.toBe(second.broker);
});

test("a wrong setting is refused by name, and nothing is left behind", async () => {
  await expect(startRoquet({ broker: { flushDiskType: "NEVER" } })).rejects.toThrow(
    "flushDiskType",
  );
});

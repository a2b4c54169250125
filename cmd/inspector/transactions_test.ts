import { expect, test } from "bun:test";
import { Producer, PullConsumer } from "../../core/client/mod.ts";
import { startRoquet } from "../embedded.ts";
import { inspect } from "./testing.ts";

test("resumeCheckHalfMessage has producers asked again about a transaction that was given up", async () => {
  await using mq = await startRoquet({
    broker: {
      transactionTimeOut: 0,
      transactionCheckInterval: 20,
      transactionCheckMax: 2,
      defaultTopicQueueNums: 1,
    },
  });
  const nameServers = mq.nameServer;
  let isSure = false;
  await using producer = await Producer.open({
    nameServers,
    group: "P",
    checkTransaction: () => isSure ? "commit" : "unknown",
  });
  const sent = await producer.sendInTransaction({ topic: "T", body: "1" }, () => "unknown");
  await using consumer = await PullConsumer.open({ nameServers, group: "G" });
  const messageOf = async (topic: string) => {
    const deadlineMs = Date.now() + 30_000;
    while (Date.now() < deadlineMs) {
      for (const queue of await consumer.queues(topic).catch(() => [])) {
        const { messages } = await consumer.pull(queue, 0, { holdMs: 0 });
        if (messages[0] !== undefined) return messages[0];
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(`nothing in ${topic}`);
  };
  const givenUp = await messageOf("TRANS_CHECK_MAX_TIME_TOPIC");
  isSure = true;
  const { code, out } = await inspect(nameServers, [
    "resumeCheckHalfMessage",
    "-i",
    givenUp.offsetMessageId,
  ]);
  expect([code, out]).toEqual([0, `${sent.messageId} is checked again`]);
  expect((await messageOf("T")).text()).toBe("1");
});

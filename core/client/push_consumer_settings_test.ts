// Settings of push consumers: batches, delay levels by the listener, limits shared by queues, waits between pulls, SQL.
import { expect, test } from "bun:test";
import { until } from "./testing_cluster.ts";
import { ConsumerBed, numbers } from "./testing_consumer.ts";

test("a batch listener gets messages of one queue in order, no more at once than asked", async () => {
  await using it = await ConsumerBed.open(1, 2);
  await it.send(40);
  const calls: string[][] = [];
  await it.consumer({
    onMessages(messages, { queue }) {
      calls.push(messages.map((message) => message.text()));
      expect(new Set(messages.map((message) => message.queue))).toEqual(new Set([queue]));
    },
  }, { consumeBatchMax: 8 });
  await until(() => calls.flat().length === 40);
  expect(Math.max(...calls.map(({ length }) => length))).toBe(8);
  expect(calls.flat().map(Number).sort((a, b) => a - b).map(String)).toEqual(numbers(40));
});

test("of a batch, what isn't consumed is sent back with the level that the listener asks for", async () => {
  await using it = await ConsumerBed.open(1, 1);
  const { broker } = it.cluster;
  await it.send(4);
  let calls = 0;
  await it.consumer({
    onMessages: () => ++calls === 1 ? { consumed: 3, delayLevel: 5 } : "success",
  }, { consumeBatchMax: 4 });
  await until(() => broker.sendBacks.length > 0 && calls === 2);
  expect(broker.sendBacks.map(({ delayLevel }) => delayLevel)).toEqual([5]);
});

test("a whole batch comes again when its listener throws", async () => {
  await using it = await ConsumerBed.open(1, 1);
  await it.send(4);
  let calls = 0;
  await it.consumer({
    onMessages() {
      if (++calls === 1) throw new Error("not now");
    },
  }, { consumeBatchMax: 4 });
  await until(() => it.cluster.broker.sendBacks.length === 4);
});

test("a limit of all queues together is shared among those that the member has", async () => {
  await using it = await ConsumerBed.open(1, 4);
  const release = Promise.withResolvers<void>();
  await it.consumer(() => release.promise, { topicMessagesMax: 50, pullBatchSize: 1 });
  await it.send(200);
  // Four queues of the topic and one of the retry topic: ten each, and the one more that a pull may bring.
  await until(() => pulledOf(it).length >= 44);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(pulledOf(it).length).toBe(44);
  release.resolve();
});

/** Pulls of the topic's queues that must have found something. */
function pulledOf(it: ConsumerBed) {
  return it.cluster.broker.pulls.filter(({ topic }) => topic === "T")
    .filter(({ queueOffset, queueId }) =>
      queueOffset < it.cluster.broker.store.maxOffset("T", queueId)
    );
}

test("a subscription by SQL tells brokers the condition, in heartbeats and pulls", async () => {
  await using it = await ConsumerBed.open(1, 1);
  const { broker } = it.cluster;
  const consumer = await it.consumer(() => {}, { subscriptions: { T: { sql: "price > 5" } } });
  const said = () => {
    const data = broker.members.get(`${consumer.clientId} g`)!.data;
    const all = data.subscriptionDataSet as { topic: string }[];
    return all.find(({ topic }) => topic === "T");
  };
  expect(said()).toMatchObject({ expressionType: "SQL92", subString: "price > 5", tagsSet: [] });
  await until(() => broker.pulls.some(({ topic }) => topic === "T"));
  const pull = broker.pulls.find(({ topic }) => topic === "T");
  expect(pull).toMatchObject({ expressionType: "SQL92", subscription: "price > 5" });
  await consumer.subscribe("T", "a");
  expect(said()).toMatchObject({ expressionType: "TAG", subString: "a", tagsSet: ["a"] });
});

test("members are told which queues they have after each change", async () => {
  await using it = await ConsumerBed.open(1, 4);
  const changes: string[] = [];
  const first = await it.consumer(() => {});
  first.onQueuesChanged((topic, all, own) => {
    if (topic === "T") changes.push(`${own.length}/${all.length}`);
  });
  const second = await it.consumer(() => {});
  await until(() => changes.at(-1) === "2/4");
  await second.close();
  await until(() => changes.at(-1) === "4/4");
});

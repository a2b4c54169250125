// Looking up messages by key, by offset and queue entries by number, in a real store on a disk in memory.
import { Buffer } from "node:buffer";
import { expect, test } from "bun:test";
import {
  QUERY_CONSUME_QUEUE,
  QUERY_MESSAGE,
  VIEW_MESSAGE_BY_ID,
} from "../../../core/remoting/codes/query.ts";
import { decodeRecords } from "../../../core/message/record.ts";
import { testMessage, viewBytes } from "../../../store/testing_store.ts";
import {
  bodyJson,
  connectConsumer,
  openTestAdmin,
  storeMessages,
  type TestAdmin,
} from "../admin/testing_admin.ts";

const ALWAYS = { beginTimestamp: "0", endTimestamp: "9223372036854775807" };

async function query({ server }: TestAdmin, fields: Record<string, string>) {
  return await server.ask(QUERY_MESSAGE, { topic: "TopicMix", ...ALWAYS, ...fields });
}

test("a key finds its messages in the order of the log", async () => {
  await using admin = await openTestAdmin();
  for (let index = 0; index < 5; index++) {
    const properties = Buffer.from("KEYS\x01same\x02");
    await admin.store.put([testMessage(index, { topic: "TopicMix", keys: "same", properties })]);
  }
  const answer = await query(admin, { key: "same", maxNum: "3", _UNIQUE_KEY_QUERY: "false" });
  expect(answer.code).toBe(0);
  const offsets = decodeRecords(Buffer.from(answer.body)).map((record) => record.queueOffset);
  expect(offsets).toHaveLength(3);
  expect(Number(answer.fields["indexLastUpdatePhyoffset"])).toBeGreaterThan(0);
});

test("a unique key is looked for with the broker's own number of messages", async () => {
  await using admin = await openTestAdmin(["defaultQueryMaxNum=2"]);
  await storeMessages(admin, "TopicMix", 1, 3);
  const { uniqueKey } = testMessage(1);
  const answer = await query(admin, { key: uniqueKey, maxNum: "0", _UNIQUE_KEY_QUERY: "true" });
  expect(decodeRecords(Buffer.from(answer.body))).toHaveLength(1);
});

test("no key, no number and no time of any message find nothing, as Apache says it", async () => {
  await using admin = await openTestAdmin();
  await storeMessages(admin, "TopicMix", 1, 3);
  const unfound: Record<string, string>[] = [
    { key: "nokey", maxNum: "32" },
    { key: "key1", maxNum: "0" },
    { key: "key1", maxNum: "-1" },
    { key: "key1", maxNum: "32", endTimestamp: "1000" },
  ];
  for (const fields of unfound) {
    expect(await query(admin, fields)).toMatchObject({
      code: 22,
      remark: "can not find message, maybe time range not correct",
    });
  }
});

test("an offset gives the stored record; any other offset is refused", async () => {
  await using admin = await openTestAdmin();
  await storeMessages(admin, "TopicMix", 1, 2);
  const answer = await admin.server.ask(VIEW_MESSAGE_BY_ID, { offset: "0" });
  expect(viewBytes(await admin.store.read(0)).equals(answer.body)).toBe(true);
  for (const offset of ["7", "-1", "9223372036854775807"]) {
    const refused = await admin.server.ask(VIEW_MESSAGE_BY_ID, { offset });
    expect(refused.code).toBe(1);
    expect(refused.remark).toStartWith("can not find message by the offset, ");
  }
});

test("queue entries show what the queue holds", async () => {
  await using admin = await openTestAdmin();
  await storeMessages(admin, "TopicMix", 1, 3);
  connectConsumer(admin, "G", "one");
  const fields = { topic: "TopicMix", queueId: "0", index: "1", count: "10" };
  const { body, remark } = await admin.server.ask(QUERY_CONSUME_QUEUE, fields);
  const entries = bodyJson({ body, remark, code: 0, fields: {} }) as {
    queueData: { physicOffset: number; tagsCode: number }[];
    maxQueueIndex: number;
  };
  expect(entries.maxQueueIndex).toBe(3);
  expect(entries.queueData).toHaveLength(2);
  expect(entries.queueData[0]!.tagsCode).toBe(65);
  const online = await admin.server.ask(QUERY_CONSUME_QUEUE, { ...fields, consumerGroup: "G" });
  expect(bodyJson(online)).toMatchObject({ filterData: "null", subscriptionData: {} });
  const offline = await admin.server.ask(QUERY_CONSUME_QUEUE, { ...fields, consumerGroup: "X" });
  expect(bodyJson(offline)).toMatchObject({ filterData: "X@TopicMix is not online!" });
});

test("a queue or an entry that doesn't exist is named", async () => {
  await using admin = await openTestAdmin();
  await storeMessages(admin, "TopicMix", 1, 3);
  const queue = { topic: "TopicMix", queueId: "9", index: "0", count: "1" };
  expect(await admin.server.ask(QUERY_CONSUME_QUEUE, queue))
    .toMatchObject({ code: 1, remark: "9@TopicMix is not exist!" });
  for (const index of ["3", "-1", "99999999999"]) {
    expect(await admin.server.ask(QUERY_CONSUME_QUEUE, { ...queue, queueId: "0", index }))
      .toMatchObject({ code: 0, remark: `Index ${index} of 0@TopicMix is not exist!` });
  }
});

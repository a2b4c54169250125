// What operators see of groups' progress, of topics and of connections.
import { describe, expect, test } from "bun:test";
import {
  type JsonObject,
  type JsonValue,
  type LenientMap,
  mapEntries,
} from "../../../core/json/json_value.ts";
import {
  GET_ALL_PRODUCER_INFO,
  GET_BROKER_CONSUME_STATS,
  GET_CONSUME_STATS,
  QUERY_CONSUME_TIME_SPAN,
  QUERY_TOPIC_CONSUME_BY_WHO,
} from "../../../core/remoting/codes/groups.ts";
import { GET_TOPIC_STATS_INFO } from "../../../core/remoting/codes/topics.ts";
import {
  type AskedAnswer,
  bodyJson,
  bodyText,
  clientFrom,
  connectConsumer,
  openTestAdmin,
  storeMessages,
} from "./testing_admin.ts";

/** "topic queue" → what the table says of it. */
function byQueue(table: JsonObject | LenientMap): Record<string, JsonValue> {
  return Object.fromEntries(
    mapEntries(table).map(([key, value]) => {
      const { topic, queueId } = key as { topic: string; queueId: number };
      return [`${topic} ${queueId}`, value];
    }),
  );
}

function offsetTable(answer: AskedAnswer): Record<string, JsonValue> {
  return byQueue((bodyJson(answer) as { offsetTable: JsonObject | LenientMap }).offsetTable);
}

describe("a group's progress", () => {
  test("shows both ends, what is in flight and when the last consumed message was stored", async () => {
    await using admin = await openTestAdmin();
    await storeMessages(admin, "TopicMix", 4, 5);
    admin.offsets.commit("TopicMix", "G", 0, 3);
    admin.offsets.pulledAt("TopicMix@G", 0, 5);
    const answer = await admin.server.ask(GET_CONSUME_STATS, { consumerGroup: "G" });
    expect(offsetTable(answer)).toEqual({
      "TopicMix 0": {
        brokerOffset: 5,
        consumerOffset: 3,
        lastTimestamp: await admin.store.storeTimestamp("TopicMix", 0, 2),
        pullOffset: 5,
      },
      "TopicMix 1": { brokerOffset: 5, consumerOffset: 0, lastTimestamp: 0, pullOffset: 0 },
      "TopicMix 2": { brokerOffset: 5, consumerOffset: 0, lastTimestamp: 0, pullOffset: 0 },
      "TopicMix 3": { brokerOffset: 5, consumerOffset: 0, lastTimestamp: 0, pullOffset: 0 },
    });
    expect(bodyText(answer)).toStartWith('{"consumeTps":0.0,"offsetTable":{{"brokerName"');
  });

  test("leaves out topics that a connected group doesn't subscribe to any more, unless they are listed", async () => {
    await using admin = await openTestAdmin();
    admin.topics.createForSendBack("TopicOld", 1, 6, 0);
    admin.offsets.commit("TopicOld", "G", 0, 0);
    connectConsumer(admin, "G", "one");
    const asked = { consumerGroup: "G" };
    expect(offsetTable(await admin.server.ask(GET_CONSUME_STATS, { ...asked, topic: "TopicOld" })))
      .toEqual({});
    const listed = await admin.server.ask(GET_CONSUME_STATS, {
      ...asked,
      topicList: "TopicOld;T_absent",
    });
    expect(Object.keys(offsetTable(listed))).toEqual(["TopicOld 0"]);
  });

  test("refuses a list of topics that is too long", async () => {
    await using admin = await openTestAdmin();
    const topicList = Array.from({ length: 10_001 }, (_, index) => `T${index}`).join(";");
    const answer = await admin.server.ask(GET_CONSUME_STATS, { consumerGroup: "G", topicList });
    expect(answer).toMatchObject({ code: 29, remark: "topicList has more than 10000 topics" });
  });

  test("of all groups has their sums", async () => {
    await using admin = await openTestAdmin();
    await storeMessages(admin, "TopicMix", 4, 5);
    for (const group of ["G", "H"]) {
      admin.groups.find(group);
      admin.offsets.commit("TopicMix", group, 0, 2);
    }
    const all = await admin.server.ask(GET_BROKER_CONSUME_STATS, { isOrder: "false" });
    expect(bodyJson(all)).toMatchObject({
      brokerAddr: "127.0.0.2:21911",
      totalDiff: 36,
      totalInflightDiff: -4,
    });
    const ordered = await admin.server.ask(GET_BROKER_CONSUME_STATS, { isOrder: "true" });
    expect(bodyJson(ordered)).toMatchObject({ totalDiff: 0 });
  });

  test("as a span of time says how long the next message has waited", async () => {
    await using admin = await openTestAdmin();
    await storeMessages(admin, "TopicMix", 1, 3);
    admin.offsets.commit("TopicMix", "G", 0, 1);
    const answer = await admin.server.ask(QUERY_CONSUME_TIME_SPAN, {
      topic: "TopicMix",
      group: "G",
    });
    const { consumeTimeSpanSet } = bodyJson(answer) as {
      consumeTimeSpanSet: Record<string, JsonValue>[];
    };
    const first = await admin.store.storeTimestamp("TopicMix", 0, 0);
    expect(consumeTimeSpanSet[0]).toMatchObject({ minTimeStamp: first, consumeTimeStamp: first });
    expect(consumeTimeSpanSet[0]!["minTimeStampStr"]).toMatch(
      /^\d{4}-\d\d-\d\d#\d\d:\d\d:\d\d:\d{3}$/,
    );
    expect(Number(consumeTimeSpanSet[0]!["delayTime"])).toBeLessThan(60_000);
    const absent = await admin.server.ask(QUERY_CONSUME_TIME_SPAN, { topic: "T", group: "G" });
    expect(absent).toMatchObject({ code: 17, remark: "topic[T] not exist" });
  });
});

test("a topic's queues show their ends and the time of their last message", async () => {
  await using admin = await openTestAdmin();
  await storeMessages(admin, "TopicMix", 2, 3);
  const answer = await admin.server.ask(GET_TOPIC_STATS_INFO, { topic: "TopicMix" });
  expect(offsetTable(answer)).toMatchObject({
    "TopicMix 0": {
      minOffset: 0,
      maxOffset: 3,
      lastUpdateTimestamp: await admin.store.storeTimestamp("TopicMix", 0, 2),
    },
    "TopicMix 3": { minOffset: 0, maxOffset: 0, lastUpdateTimestamp: 0 },
  });
  const absent = await admin.server.ask(GET_TOPIC_STATS_INFO, { topic: "T" });
  expect(absent).toMatchObject({ code: 17, remark: "topic[T] not exist" });
});

test("a topic's groups are those connected and those with offsets", async () => {
  await using admin = await openTestAdmin();
  connectConsumer(admin, "connected", "one");
  admin.offsets.commit("TopicMix", "gone", 0, 1);
  const answer = await admin.server.ask(QUERY_TOPIC_CONSUME_BY_WHO, { topic: "TopicMix" });
  expect(bodyJson(answer)).toEqual({ groupList: ["connected", "gone"] });
});

test("a group named like a member of JavaScript's objects is listed like any other", async () => {
  await using admin = await openTestAdmin();
  admin.producers.register("__proto__", clientFrom("one", "127.0.0.1:5"));
  const answer = await admin.server.ask(GET_ALL_PRODUCER_INFO);
  expect(bodyText(answer)).toBe(
    '{"data":{"__proto__":[{"clientId":"one","language":"JAVA",' +
      '"lastUpdateTimestamp":1795232843991,"remoteIP":"/127.0.0.1:5","version":493}]}}',
  );
});

// The bounds of queues as clients are told them over the wire.
import { expect, test } from "bun:test";
import { GET_MAX_OFFSET, GET_MIN_OFFSET } from "../../../core/remoting/codes/offsets.ts";
import { PULL_MESSAGE } from "../../../core/remoting/codes/pull.ts";
import { UPDATE_AND_CREATE_TOPIC } from "../../../core/remoting/codes/topics.ts";
import { pullFields } from "../pull/testing_pull.ts";
import { call, openTestBroker, TestPeer } from "../testing.ts";

test.each([
  ["BatchCQ", "-1"],
  ["SimpleCQ", "0"],
])("an empty queue of a %s topic begins at %s, as Apache tells it", async (type, minOffset) => {
  await using broker = await openTestBroker();
  await using peer = await TestPeer.connect(broker.port);
  const created = await call(peer, UPDATE_AND_CREATE_TOPIC, {
    topic: "T",
    defaultTopic: "TBW102",
    readQueueNums: 1,
    writeQueueNums: 1,
    perm: 6,
    topicFilterType: "SINGLE_TAG",
    order: false,
    attributes: `+queue.type=${type}`,
  });
  expect(created.code).toBe(0);
  const min = await call(peer, GET_MIN_OFFSET, { topic: "T", queueId: 0 });
  const max = await call(peer, GET_MAX_OFFSET, { topic: "T", queueId: 0 });
  expect([min.extFields.get("offset"), max.extFields.get("offset")]).toEqual([minOffset, "0"]);
  const pull = await call(peer, PULL_MESSAGE, pullFields({ consumerGroup: "G", topic: "T" }));
  expect([pull.extFields.get("minOffset"), pull.extFields.get("maxOffset")]).toEqual([
    minOffset,
    "0",
  ]);
});

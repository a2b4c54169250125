// Clean-up on request, and copying and comparing offsets.
import { expect, test } from "bun:test";
import {
  CLEAN_EXPIRED_CONSUMEQUEUE,
  CLEAN_UNUSED_TOPIC,
  DELETE_EXPIRED_COMMITLOG,
} from "../../../core/remoting/codes/admin.ts";
import { UPDATE_AND_GET_GROUP_FORBIDDEN } from "../../../core/remoting/codes/groups.ts";
import {
  CLONE_GROUP_OFFSET,
  GET_ALL_CONSUMER_OFFSET,
  GET_ALL_DELAY_OFFSET,
  QUERY_CORRECTION_OFFSET,
} from "../../../core/remoting/codes/offsets.ts";
import { systemClock } from "../../../core/time/system_clock.ts";
import { testMessage } from "../../../store/testing_store.ts";
import { bodyText, connectConsumer, openTestAdmin, storeMessages } from "./testing_admin.ts";

test("queues of topics that are gone are deleted, those of topics and of the system stay", async () => {
  await using admin = await openTestAdmin();
  for (const topic of ["TopicMix", "TopicGone", "SCHEDULE_TOPIC_XXXX"]) {
    await storeMessages(admin, topic, 1, 2);
  }
  expect(await admin.server.ask(CLEAN_UNUSED_TOPIC)).toMatchObject({ code: 0, remark: null });
  expect(admin.store.queueTopics().map(({ topic }) => topic).sort())
    .toEqual(["SCHEDULE_TOPIC_XXXX", "TopicMix"]);
  expect(admin.statistics.sink.figures("TOPIC_PUT_NUMS", "TopicGone")).toBeNull();
});

test("expired log files are deleted on request, then queues of topics that are gone; others keep their offsets", async () => {
  await using admin = await openTestAdmin();
  const { server, store } = admin;
  // The disk's files were changed last when the clock of the test's disk stands: years ago.
  await storeMessages(admin, "TopicMix", 1, 2);
  await storeMessages(admin, "TopicGone", 1, 2);
  const bounds = store.queueBounds("TopicMix", 0)!;
  for (let index = 0; store.minPhysicalOffset === 0; index++) {
    await store.put([testMessage(index, { topic: "TopicFill", bodyBytes: 8000 })]);
    if (index % 16 > 0) continue;
    expect(await server.ask(DELETE_EXPIRED_COMMITLOG)).toMatchObject({ code: 0, remark: null });
    await systemClock.sleep(5);
  }
  expect(await server.ask(CLEAN_EXPIRED_CONSUMEQUEUE)).toMatchObject({ code: 0, remark: null });
  expect(store.queueBounds("TopicMix", 0))
    .toEqual({ minOffset: bounds.maxOffset, maxOffset: bounds.maxOffset });
  expect(store.queueTopics().map(({ topic }) => topic)).not.toContain("TopicGone");
});

test("a group's offsets are copied, but not those of topics that it has left", async () => {
  await using admin = await openTestAdmin();
  admin.topics.createForSendBack("TopicOld", 1, 6, 0);
  for (const topic of ["TopicMix", "TopicOld", "TopicGone"]) {
    admin.offsets.commit(topic, "from", 0, 7);
  }
  connectConsumer(admin, "from", "one");
  await admin.server.ask(CLONE_GROUP_OFFSET, { srcGroup: "from", destGroup: "to" });
  expect([...admin.offsets.topicsOf("to")]).toEqual(["TopicMix"]);
  await admin.server.ask(CLONE_GROUP_OFFSET, {
    srcGroup: "from",
    destGroup: "offline",
    offline: "true",
  });
  expect([...admin.offsets.topicsOf("offline")]).toEqual(["TopicMix", "TopicOld"]);
});

test("all offsets come as Apache sends them: bare queue ids, no layout", async () => {
  await using admin = await openTestAdmin();
  admin.offsets.commit("TopicMix", "G", 0, 3);
  admin.offsets.commit("TopicMix", "G", 1, 4);
  admin.delayOffsets.set(3, 5, 1, 0);
  const offsets = bodyText(await admin.server.ask(GET_ALL_CONSUMER_OFFSET));
  expect(offsets).toEndWith('"offsetTable":{"TopicMix@G":{0:3,1:4}}}');
  const delays = bodyText(await admin.server.ask(GET_ALL_DELAY_OFFSET));
  expect(delays).toEndWith('"offsetTable":{3:5}}');
});

test("offsets are compared with the smallest of all groups, and left-out groups keep theirs", async () => {
  await using admin = await openTestAdmin();
  admin.offsets.commit("TopicMix", "slow", 0, 2);
  admin.offsets.commit("TopicMix", "mine", 0, 5);
  admin.offsets.commit("TopicMix", "mine", 1, 5);
  const ask = (filterGroups: string) =>
    admin.server.ask(QUERY_CORRECTION_OFFSET, {
      topic: "TopicMix",
      compareGroup: "mine",
      filterGroups,
    });
  expect(bodyText(await ask(""))).toBe('{"correctionOffsets":{0:2,1:5}}');
  expect(bodyText(await ask("slow"))).toBe('{"correctionOffsets":{0:5,1:5}}');
  admin.offsets.commit("TopicMix", "mine", 0, 1);
  expect(bodyText(await ask("mine"))).toBe('{"correctionOffsets":{0:9223372036854775807}}');
  expect(admin.offsets.query("TopicMix", "slow", 0)).toBe(2);
});

test("a group is forbidden to read a topic, and allowed again", async () => {
  await using admin = await openTestAdmin();
  const ask = (readable?: string) =>
    admin.server.ask(UPDATE_AND_GET_GROUP_FORBIDDEN, {
      group: "G",
      topic: "TopicMix",
      ...(readable === undefined ? {} : { readable }),
    });
  const told = (readable: boolean) => `{"group":"G","readable":${readable},"topic":"TopicMix"}`;
  expect(bodyText(await ask("false"))).toBe(told(false));
  expect(bodyText(await ask())).toBe(told(false));
  expect(bodyText(await ask("true"))).toBe(told(true));
});

// The flaws of Apache's broker that were published with a number, tried on ours by the requests that did the harm. Those
// of its configuration are in admin/config_codes_test.ts and core/config/live_config_test.ts.
import { expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { requestCommand } from "../../core/remoting/answers.ts";
import { GET_BROKER_CONFIG } from "../../core/remoting/codes/admin.ts";
import {
  HEART_BEAT,
  UPDATE_AND_CREATE_SUBSCRIPTIONGROUP,
} from "../../core/remoting/codes/groups.ts";
import { UPDATE_CONSUMER_OFFSET } from "../../core/remoting/codes/offsets.ts";
import { CONSUMER_SEND_MSG_BACK } from "../../core/remoting/codes/send.ts";
import { UPDATE_AND_CREATE_TOPIC } from "../../core/remoting/codes/topics.ts";
import { call, openTestBroker, send, temporaryFolder, TestPeer } from "./testing.ts";

/** Every path below a folder. */
const pathsIn = (folder: string) => readdirSync(folder, { recursive: true, encoding: "utf8" });

test("a topic or group named like a path becomes no folder, whatever request brings it (CVE-2019-17572)", async () => {
  await using stack = new AsyncDisposableStack();
  const outside = temporaryFolder(stack);
  const broker = stack.use(await openTestBroker({ storePath: join(outside, "a", "b", "store") }));
  const peer = stack.use(await TestPeer.connect(broker.port));
  expect((await send(peer, "Harmless", "x")).code).toBe(0);
  for (const evil of ["../../../../evil", "..", "evil/../../../evil", "%RETRY%../../evil"]) {
    expect((await send(peer, evil, "x")).code).not.toBe(0);
    const topic = await call(peer, UPDATE_AND_CREATE_TOPIC, {
      topic: evil,
      defaultTopic: "TBW102",
      readQueueNums: 2,
      writeQueueNums: 2,
      perm: 6,
      topicFilterType: "SINGLE_TAG",
    });
    expect(topic.code).not.toBe(0);
    const group = { groupName: evil, retryQueueNums: 1, retryMaxTimes: 1 };
    await call(peer, UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, {}, Buffer.from(JSON.stringify(group)));
    const consumer = {
      groupName: evil,
      consumeType: "CONSUME_PASSIVELY",
      messageModel: "CLUSTERING",
      consumeFromWhere: "CONSUME_FROM_LAST_OFFSET",
      subscriptionDataSet: [{ topic: evil, subString: "*", subVersion: 1 }],
    };
    const beat = { clientID: evil, consumerDataSet: [consumer], producerDataSet: [] };
    await call(peer, HEART_BEAT, {}, Buffer.from(JSON.stringify(beat)));
    const harmless = { topic: "Harmless", consumerGroup: evil };
    await call(peer, UPDATE_CONSUMER_OFFSET, { ...harmless, queueId: 0, commitOffset: 1 });
    await call(peer, CONSUMER_SEND_MSG_BACK, {
      offset: 0,
      group: evil,
      delayLevel: 0,
      originMsgId: "",
      originTopic: "Harmless",
      unitMode: false,
      maxReconsumeTimes: 0,
    });
  }
  // What the requests left is written by now.
  await broker[Symbol.asyncDispose]();
  expect(pathsIn(join(broker.storePath, "consumequeue"))).toContain("Harmless");
  expect(readdirSync(outside)).toEqual(["a"]);
  expect(readdirSync(join(outside, "a"))).toEqual(["b"]);
  expect(readdirSync(join(outside, "a", "b"))).toEqual(["store"]);
  expect(pathsIn(broker.storePath).filter((path) => path.includes("evil"))).toEqual([]);
});

test("no secret of the configuration leaves, and the codes that gave them away aren't served (CVE-2024-23321)", async () => {
  const secret = "hunter2hunter2";
  const initAuthenticationUser = `{"username":"admin","password":"${secret}"}`;
  await using broker = await openTestBroker({ settings: { initAuthenticationUser } });
  using peer = await TestPeer.connect(broker.port);
  const { code, body } = await call(peer, GET_BROKER_CONFIG, {});
  expect(code).toBe(0);
  expect(Buffer.from(body).toString("utf8")).toContain("initAuthenticationUser=");
  expect(Buffer.from(body).toString("utf8")).not.toContain(secret);
  for (const oldAcl of [50, 51, 52, 53, 54]) {
    expect((await peer.call(requestCommand(oldAcl, {}))).code).toBe(3);
  }
});

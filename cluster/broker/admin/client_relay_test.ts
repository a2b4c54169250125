// What operators ask of consumers through the broker.
import { Buffer } from "node:buffer";
import { expect, test } from "bun:test";
import { encodeOffsetMessageId } from "../../../core/message/message_id.ts";
import { answerTo, requestCommand } from "../../../core/remoting/answers.ts";
import {
  CONSUME_MESSAGE_DIRECTLY,
  GET_CONSUMER_RUNNING_INFO,
} from "../../../core/remoting/codes/client_bound.ts";
import { INVOKE_BROKER_TO_GET_CONSUMER_STATUS } from "../../../core/remoting/codes/offsets.ts";
import { RemotingError } from "../../../core/remoting/remoting_error.ts";
import { viewBytes } from "../../../store/testing_store.ts";
import { bodyText, connectConsumer, openTestAdmin, storeMessages } from "./testing_admin.ts";

const MESSAGE_ID = encodeOffsetMessageId(new Uint8Array([127, 0, 0, 1]), 10911, 0);
const ASKED = { consumerGroup: "G", clientId: "one" };

test("a client's answer goes to the operator as it is", async () => {
  await using admin = await openTestAdmin();
  connectConsumer(admin, "G", "one");
  admin.server.clientAnswer = (command) =>
    Promise.resolve(
      answerTo(requestCommand(command.code), { response: {} }, {
        code: 1,
        remark: "The Consumer Group <G> not exist in this consumer",
        body: Buffer.from("{}"),
      }),
    );
  const answer = await admin.server.ask(GET_CONSUMER_RUNNING_INFO, {
    ...ASKED,
    jstackEnable: "true",
  });
  expect(answer).toMatchObject({
    code: 1,
    remark: "The Consumer Group <G> not exist in this consumer",
  });
  expect(bodyText(answer)).toBe("{}");
  expect(admin.server.sent[0]!.extFields.get("jstackEnable")).toBe("true");
});

test("a client that isn't connected is said not to be online", async () => {
  await using admin = await openTestAdmin();
  const answer = await admin.server.ask(GET_CONSUMER_RUNNING_INFO, ASKED);
  expect(answer).toMatchObject({ code: 1, remark: "The Consumer <G> <one> not online" });
});

test("a client that doesn't answer in time is a timeout", async () => {
  await using admin = await openTestAdmin();
  connectConsumer(admin, "G", "one");
  admin.server.clientAnswer = () =>
    Promise.reject(new RemotingError("timeout", "127.0.0.1:5", "no answer within 10000 ms"));
  const answer = await admin.server.ask(GET_CONSUMER_RUNNING_INFO, ASKED);
  expect(answer.code).toBe(207);
  expect(answer.remark).toBe(
    "consumer <G> <one> Timeout: 127.0.0.1:5: no answer within 10000 ms",
  );
});

test("a message to be consumed directly goes to the client as the stored record", async () => {
  await using admin = await openTestAdmin();
  await storeMessages(admin, "TopicMix", 4, 1);
  connectConsumer(admin, "G", "one");
  const result = '{"autoCommit":true,"consumeResult":"CR_SUCCESS","order":false}';
  admin.server.clientAnswer = (command) =>
    Promise.resolve(
      answerTo(requestCommand(command.code), { response: {} }, { body: Buffer.from(result) }),
    );
  const fields = { ...ASKED, msgId: MESSAGE_ID, topic: "TopicMix" };
  const answer = await admin.server.ask(CONSUME_MESSAGE_DIRECTLY, fields);
  expect(bodyText(answer)).toBe(result);
  const [sent] = admin.server.sent;
  expect(viewBytes(await admin.store.read(0)).equals(sent!.body)).toBe(true);
  expect(Object.fromEntries(sent!.extFields)).toMatchObject({
    brokerName: "broker-fx",
    topicSysFlag: "0",
    groupSysFlag: "0",
  });
});

test("a message id that is none, or of no message, is refused", async () => {
  await using admin = await openTestAdmin();
  connectConsumer(admin, "G", "one");
  const wrong = await admin.server.ask(CONSUME_MESSAGE_DIRECTLY, { ...ASKED, msgId: "../etc" });
  expect(wrong.code).toBe(1);
  const gone = await admin.server.ask(CONSUME_MESSAGE_DIRECTLY, { ...ASKED, msgId: MESSAGE_ID });
  expect(gone.remark).toBe("can not find message by the offset, 0");
  expect(admin.server.sent).toEqual([]);
});

test("the offsets of a group's clients are collected, those of silent ones left out", async () => {
  await using admin = await openTestAdmin();
  connectConsumer(admin, "G", "one");
  connectConsumer(admin, "G", "two");
  let asked = 0;
  const table = '{{"brokerName":"b","queueId":0,"topic":"T"}:9}';
  admin.server.clientAnswer = (command) =>
    ++asked === 2
      ? Promise.reject(new RemotingError("timeout", "127.0.0.1:5", "no answer"))
      : Promise.resolve(
        answerTo(requestCommand(command.code), { response: {} }, {
          body: Buffer.from(`{"consumerTable":{},"messageQueueTable":${table}}`),
        }),
      );
  const answer = await admin.server.ask(INVOKE_BROKER_TO_GET_CONSUMER_STATUS, {
    topic: "T",
    group: "G",
    clientAddr: "",
  });
  expect(bodyText(answer)).toBe(`{"consumerTable":{"one":${table}},"messageQueueTable":{}}`);
  const none = await admin.server.ask(INVOKE_BROKER_TO_GET_CONSUMER_STATUS, {
    topic: "T",
    group: "absent",
  });
  expect(none.remark).toBe("No Any Consumer online in the consumer group: [absent]");
});

// What brokers ask of clients, over the connection that the client opened. 307 and 309 come from an operator through the broker.
import { optional, required, row } from "../code_row.ts";
import { consumerStatusRequest, resetOffsetRequest, rpcFields, topicFields } from "./common.ts";

export const CHECK_TRANSACTION_STATE = row({
  code: 39,
  name: "CHECK_TRANSACTION_STATE",
  doc:
    "Asks a producer how a transaction ended (body: the whole stored record); one-way, answered by 37.",
  servedBy: ["client"],
  request: {
    topic: optional("string", "Topic."),
    tranStateTableOffset: required("long", "Queue offset of the half message."),
    commitLogOffset: required("long", "Physical offset of the half message."),
    msgId: optional("string", "Message id."),
    transactionId: optional("string", "UNIQ_KEY of the transaction."),
    offsetMsgId: optional("string", "Offset id of the half message."),
    ...rpcFields,
  },
  response: {
    producerGroup: required("string", "Producer group."),
    tranStateTableOffset: required("long", "Queue offset of the half message."),
    commitLogOffset: required("long", "Physical offset of the half message."),
    commitOrRollback: required("int", "8 commits, 12 rolls back, 0 is unknown."),
  },
});

export const NOTIFY_CONSUMER_IDS_CHANGED = row({
  code: 40,
  name: "NOTIFY_CONSUMER_IDS_CHANGED",
  doc: "Tells a group's members that it changed; one-way.",
  servedBy: ["client"],
  request: {
    consumerGroup: required("string", "Consumer group."),
    ...rpcFields,
  },
  response: {},
});

export const RESET_CONSUMER_CLIENT_OFFSET = row({
  code: 220,
  name: "RESET_CONSUMER_CLIENT_OFFSET",
  doc: "Tells consumers their new offsets (body: map keys are objects); one-way.",
  servedBy: ["client"],
  request: resetOffsetRequest,
  response: {},
});

export const GET_CONSUMER_STATUS_FROM_CLIENT = row({
  code: 221,
  name: "GET_CONSUMER_STATUS_FROM_CLIENT",
  doc: "Asks a consumer for its offsets (answer body: GetConsumerStatusBody).",
  servedBy: ["client"],
  request: consumerStatusRequest,
  response: {},
});

export const GET_CONSUMER_RUNNING_INFO = row({
  code: 307,
  name: "GET_CONSUMER_RUNNING_INFO",
  doc:
    "Asks a consumer for its settings, queues and statistics (answer body: ConsumerRunningInfo).",
  servedBy: ["broker", "client"],
  request: {
    consumerGroup: required("string", "Consumer group."),
    clientId: required("string", "Client id."),
    jstackEnable: optional("boolean", "With thread stacks.", false),
    ...rpcFields,
  },
  response: {},
});

export const CONSUME_MESSAGE_DIRECTLY = row({
  code: 309,
  name: "CONSUME_MESSAGE_DIRECTLY",
  doc:
    "Makes a consumer consume one message (body: the record; answer body: ConsumeMessageDirectlyResult).",
  servedBy: ["broker", "client"],
  request: {
    consumerGroup: required("string", "Consumer group."),
    clientId: optional("string", "Client id."),
    msgId: optional("string", "Message id."),
    brokerName: optional("string", "Broker that holds the message."),
    topic: optional("string", "Topic."),
    topicSysFlag: optional("int", "The topic's flags."),
    groupSysFlag: optional("int", "The group's flags."),
    ...topicFields,
  },
  response: {},
});

export const PUSH_REPLY_MESSAGE_TO_CLIENT = row({
  code: 326,
  name: "PUSH_REPLY_MESSAGE_TO_CLIENT",
  doc: "Carries a reply to the producer that waits for it (body); answered with a code alone.",
  servedBy: ["client"],
  request: {
    producerGroup: required("string", "Producer group."),
    topic: required("string", "Topic."),
    defaultTopic: required("string", "Topic whose settings an automatically created one takes."),
    defaultTopicQueueNums: required("int", "Queues of an automatically created topic."),
    queueId: required("int", "Queue of the topic."),
    sysFlag: required("int", "Flags: see MessageSysFlag."),
    bornTimestamp: required("long", "When the client made it, in ms."),
    flag: required("int", "The user's flag."),
    properties: optional("string", "name \\x01 value \\x02 …"),
    reconsumeTimes: optional("int", "Deliveries so far."),
    unitMode: optional("boolean", "Unit mode.", false),
    bornHost: required("string", "Where it came from, host:port."),
    storeHost: required("string", "Where it is stored, host:port."),
    storeTimestamp: optional("long", "When it was stored, in ms.", 0),
    ...topicFields,
  },
  response: {},
});

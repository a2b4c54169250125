// POP consuming: messages handed out for a while, acknowledged one by one; and which mode a topic is consumed in.
import { optional, required, row, tolerated } from "../code_row.ts";
import { topicFields } from "./common.ts";

/** How popped messages come. */
const poppedFields = {
  popTime: optional("long", "When it was popped, in ms.", 0),
  invisibleTime: optional("long", "For how long others do not see the message, in ms.", 0),
  reviveQid: optional("int", "Revive queue of the checkpoint.", 0),
  restNum: optional("long", "How many are left.", 0),
  startOffsetInfo: optional("string", "First offset of each queue."),
  msgOffsetInfo: optional("string", "Offsets of each queue."),
  orderCountInfo: optional("string", "Deliveries so far of each queue (ordered)."),
};

export const POP_MESSAGE = row({
  code: 200050,
  name: "POP_MESSAGE",
  doc: "Pops messages (body: records) and hides them for a while.",
  servedBy: ["broker"],
  request: {
    consumerGroup: required("string", "Consumer group."),
    topic: required("string", "Topic."),
    queueId: optional("int", "Queue of the topic; -1 for any.", 0),
    maxMsgNums: optional("int", "At most so many messages.", 0),
    invisibleTime: optional("long", "For how long others do not see the message, in ms.", 0),
    pollTime: optional("long", "How long to wait, in ms.", 0),
    bornTime: optional("long", "When the client asked, in ms.", 0),
    initMode: optional("int", "Where a new group starts: 0 first, 1 last.", 0),
    expType: optional("string", "TAG or SQL92."),
    exp: optional("string", "Filter expression."),
    order: optional("boolean", "Ordered.", false),
    attemptId: optional("string", "Names the attempt: a retry gets the same ordered messages."),
    ...topicFields,
  },
  response: poppedFields,
});

export const ACK_MESSAGE = row({
  code: 200051,
  name: "ACK_MESSAGE",
  doc: "Acknowledges a popped message.",
  servedBy: ["broker"],
  request: {
    consumerGroup: required("string", "Consumer group."),
    topic: required("string", "Topic."),
    queueId: required("int", "Queue of the topic."),
    extraInfo: required("string", "Receipt handle of the message."),
    offset: required("long", "Offset in the queue."),
    ...topicFields,
  },
  response: {},
});

export const PEEK_MESSAGE = row({
  code: 200052,
  name: "PEEK_MESSAGE",
  doc: "Looks at messages without popping them (body: records).",
  servedBy: ["broker"],
  request: {
    topic: required("string", "Topic."),
    queueId: optional("int", "Queue of the topic; -1 for any.", 0),
    maxMsgNums: optional("int", "At most so many messages.", 0),
    consumerGroup: required("string", "Consumer group."),
    ...topicFields,
  },
  response: poppedFields,
});

export const CHANGE_MESSAGE_INVISIBLETIME = row({
  code: 200053,
  name: "CHANGE_MESSAGE_INVISIBLETIME",
  doc: "Changes for how long a popped message stays hidden.",
  servedBy: ["broker"],
  request: {
    consumerGroup: tolerated("string", "Consumer group.", ""),
    topic: required("string", "Topic."),
    queueId: required("int", "Queue of the topic."),
    extraInfo: required("string", "Receipt handle of the message."),
    offset: required("long", "Offset in the queue."),
    invisibleTime: required("long", "For how long others do not see the message, in ms."),
    ...topicFields,
  },
  response: {
    popTime: optional("long", "When it was popped, in ms.", 0),
    invisibleTime: optional("long", "For how long others do not see the message, in ms.", 0),
    reviveQid: optional("int", "Revive queue of the checkpoint.", 0),
  },
});

export const NOTIFICATION = row({
  code: 200054,
  name: "NOTIFICATION",
  doc: "Waits until there are messages, without taking any.",
  servedBy: ["broker"],
  request: {
    consumerGroup: required("string", "Consumer group."),
    topic: required("string", "Topic."),
    queueId: optional("int", "Queue of the topic; -1 for any.", 0),
    pollTime: optional("long", "How long to wait, in ms.", 0),
    bornTime: optional("long", "When the client asked, in ms.", 0),
    order: optional("boolean", "Ordered.", false),
    attemptId: optional("string", "Names the attempt: a retry gets the same ordered messages."),
    ...topicFields,
  },
  response: {
    hasMsg: optional("boolean", "There are messages.", false),
    pollingFull: optional("boolean", "Too many waiters.", false),
  },
});

export const POLLING_INFO = row({
  code: 200055,
  name: "POLLING_INFO",
  doc: "How many pops wait.",
  servedBy: ["broker"],
  request: {
    consumerGroup: required("string", "Consumer group."),
    topic: required("string", "Topic."),
    queueId: optional("int", "Queue of the topic.", 0),
    ...topicFields,
  },
  response: {
    pollingNum: optional("int", "How many wait.", 0),
  },
});

export const POP_ROLLBACK = row({
  code: 200056,
  name: "POP_ROLLBACK",
  doc: "Moves the RocksDB bookkeeping of POP back into files, where it is already.",
  servedBy: ["broker"],
  request: {},
  response: {},
});

export const BATCH_ACK_MESSAGE = row({
  code: 200151,
  name: "BATCH_ACK_MESSAGE",
  doc: "Acknowledges many popped messages (body: BatchAckMessageRequestBody).",
  servedBy: ["broker"],
  request: {},
  response: {},
});

export const QUERY_ASSIGNMENT = row({
  code: 400,
  name: "QUERY_ASSIGNMENT",
  doc: "Which queues a consumer gets, computed by the broker (body: QueryAssignmentRequestBody).",
  servedBy: ["broker"],
  request: {},
  response: {},
});

export const SET_MESSAGE_REQUEST_MODE = row({
  code: 401,
  name: "SET_MESSAGE_REQUEST_MODE",
  doc:
    "Sets whether a group consumes a topic by pull or by POP (body: SetMessageRequestModeRequestBody).",
  servedBy: ["broker"],
  request: {},
  response: {},
});

export const GET_ALL_MESSAGE_REQUEST_MODE = row({
  code: 402,
  name: "GET_ALL_MESSAGE_REQUEST_MODE",
  doc: "The mode of every topic and group, for slaves (body).",
  servedBy: ["broker"],
  request: {},
  response: {},
});

// Offsets: those of groups, those of queues, by time, and their resetting.
import { optional, required, row, tolerated } from "../code_row.ts";
import { ResponseCode } from "../response_codes.ts";
import { consumerStatusRequest, resetOffsetRequest, rpcFields, topicFields } from "./common.ts";

export const QUERY_CONSUMER_OFFSET = row({
  code: 14,
  name: "QUERY_CONSUMER_OFFSET",
  doc: "A group's offset in a queue.",
  servedBy: ["broker"],
  request: {
    consumerGroup: tolerated("string", "Consumer group.", ""),
    topic: required("string", "Topic."),
    queueId: required("int", "Queue of the topic."),
    setZeroIfNotFound: optional("boolean", "False: never answer 0 for a new group."),
    ...topicFields,
  },
  response: {
    offset: required("long", "Consumed up to here."),
  },
});

export const UPDATE_CONSUMER_OFFSET = row({
  code: 15,
  name: "UPDATE_CONSUMER_OFFSET",
  doc: "Commits a group's offset in a queue.",
  servedBy: ["broker"],
  request: {
    consumerGroup: required("string", "Consumer group.", ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST),
    topic: required("string", "Topic."),
    queueId: required("int", "Queue of the topic.", ResponseCode.INVALID_PARAMETER),
    commitOffset: required("long", "Consumed up to here.", ResponseCode.INVALID_PARAMETER),
    ...topicFields,
  },
  response: {},
});

export const SEARCH_OFFSET_BY_TIMESTAMP = row({
  code: 29,
  name: "SEARCH_OFFSET_BY_TIMESTAMP",
  doc: "The offset at a time.",
  servedBy: ["broker"],
  request: {
    topic: required("string", "Topic."),
    queueId: required("int", "Queue of the topic."),
    timestamp: required("long", "Time in ms."),
    boundaryType: optional(
      "string",
      "LOWER or UPPER: which of equal times. Anything else is LOWER.",
    ),
    ...topicFields,
  },
  response: {
    offset: required("long", "The offset found."),
  },
});

export const GET_MAX_OFFSET = row({
  code: 30,
  name: "GET_MAX_OFFSET",
  doc: "One past a queue's last offset.",
  servedBy: ["broker"],
  request: {
    topic: required("string", "Topic."),
    queueId: required("int", "Queue of the topic."),
    committed: optional("boolean", "Up to the confirm offset only.", true),
    ...topicFields,
  },
  response: {
    offset: required("long", "Offset in the queue."),
  },
});

export const GET_MIN_OFFSET = row({
  code: 31,
  name: "GET_MIN_OFFSET",
  doc: "A queue's first offset.",
  servedBy: ["broker"],
  request: {
    topic: required("string", "Topic."),
    queueId: required("int", "Queue of the topic."),
    ...topicFields,
  },
  response: {
    offset: required("long", "Offset in the queue."),
  },
});

export const GET_EARLIEST_MSG_STORETIME = row({
  code: 32,
  name: "GET_EARLIEST_MSG_STORETIME",
  doc: "Store time of a queue's first message.",
  servedBy: ["broker"],
  request: {
    topic: required("string", "Topic."),
    queueId: required("int", "Queue of the topic."),
    ...topicFields,
  },
  response: {
    timestamp: required("long", "Store time, in ms."),
  },
});

export const GET_ALL_CONSUMER_OFFSET = row({
  code: 43,
  name: "GET_ALL_CONSUMER_OFFSET",
  doc: "All groups' offsets (body: as in consumerOffset.json).",
  servedBy: ["broker"],
  request: {},
  response: {},
});

export const GET_ALL_DELAY_OFFSET = row({
  code: 45,
  name: "GET_ALL_DELAY_OFFSET",
  doc: "Offsets of the delay levels (body: as in delayOffset.json).",
  servedBy: ["broker"],
  request: {},
  response: {},
});

export const INVOKE_BROKER_TO_RESET_OFFSET = row({
  code: 222,
  name: "INVOKE_BROKER_TO_RESET_OFFSET",
  doc:
    "Resets a group's offsets by time or to an offset (answer body: new offsets, map keys are objects).",
  servedBy: ["broker"],
  request: resetOffsetRequest,
  response: {},
});

export const INVOKE_BROKER_TO_GET_CONSUMER_STATUS = row({
  code: 223,
  name: "INVOKE_BROKER_TO_GET_CONSUMER_STATUS",
  doc: "A group's offsets as its clients have them (body).",
  servedBy: ["broker"],
  request: consumerStatusRequest,
  response: {},
});

export const QUERY_CORRECTION_OFFSET = row({
  code: 308,
  name: "QUERY_CORRECTION_OFFSET",
  doc: "A topic's offsets where other groups lag behind (body).",
  servedBy: ["broker"],
  request: {
    filterGroups: optional("string", 'Groups to leave out, joined by ",".'),
    compareGroup: required("string", "Group to compare with."),
    topic: required("string", "Topic."),
    ...topicFields,
  },
  response: {},
});

export const CLONE_GROUP_OFFSET = row({
  code: 314,
  name: "CLONE_GROUP_OFFSET",
  doc: "Copies a group's offsets to another group.",
  servedBy: ["broker"],
  request: {
    srcGroup: required("string", "Group to copy from."),
    destGroup: required("string", "Group to copy to."),
    topic: optional("string", "Topic."),
    offline: optional("boolean", "Unused by 5.4.0.", false),
    ...rpcFields,
  },
  response: {},
});

// Topics of a broker: creating, deleting, listing, their queues.
import { optional, required, row, tolerated } from "../code_row.ts";
import { ResponseCode } from "../response_codes.ts";
import { createTopicRequest, rpcFields, topicFields } from "./common.ts";

export const UPDATE_AND_CREATE_TOPIC = row({
  code: 17,
  name: "UPDATE_AND_CREATE_TOPIC",
  doc: "Creates or changes a topic.",
  servedBy: ["broker"],
  request: createTopicRequest,
  response: {},
});

export const UPDATE_AND_CREATE_TOPIC_LIST = row({
  code: 18,
  name: "UPDATE_AND_CREATE_TOPIC_LIST",
  doc: "Creates or changes several topics (body: CreateTopicListRequestBody).",
  servedBy: ["broker"],
  request: {
    ...rpcFields,
  },
  response: {},
});

export const GET_ALL_TOPIC_CONFIG = row({
  code: 21,
  name: "GET_ALL_TOPIC_CONFIG",
  doc: "All topics (body: TopicConfigAndMappingSerializeWrapper).",
  servedBy: ["broker"],
  request: {
    topicSeq: tolerated("int", "First of this page."),
    dataVersion: optional("string", "Version that the caller has, as JSON."),
    maxTopicNum: optional("int", "Page size."),
  },
  response: {
    totalTopicNum: required("int", "How many there are."),
  },
});

export const GET_TOPIC_STATS_INFO = row({
  code: 202,
  name: "GET_TOPIC_STATS_INFO",
  doc:
    "A topic's queues with their offsets and times (body: TopicStatsTable, map keys are objects).",
  servedBy: ["broker"],
  request: {
    topic: required("string", "Topic."),
    ...topicFields,
  },
  response: {},
});

export const DELETE_TOPIC_IN_BROKER = row({
  code: 215,
  name: "DELETE_TOPIC_IN_BROKER",
  doc: "Deletes a topic and its queues.",
  servedBy: ["broker"],
  request: {
    topic: required("string", "Topic.", ResponseCode.INVALID_PARAMETER),
    ...topicFields,
  },
  response: {},
});

export const GET_SYSTEM_TOPIC_LIST_FROM_BROKER = row({
  code: 305,
  name: "GET_SYSTEM_TOPIC_LIST_FROM_BROKER",
  doc: "The topics that brokers make for themselves (body: TopicList).",
  servedBy: ["broker"],
  request: {},
  response: {},
});

export const GET_TOPIC_CONFIG = row({
  code: 351,
  name: "GET_TOPIC_CONFIG",
  doc: "One topic (body: TopicConfigAndQueueMapping).",
  servedBy: ["broker"],
  request: {
    topic: required("string", "Topic."),
    ...topicFields,
  },
  response: {},
});

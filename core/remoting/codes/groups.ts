// Clients and groups: heartbeats, connections, subscription groups, what a group consumes and how far it is.
import { optional, required, row, tolerated } from "../code_row.ts";
import { rpcFields, topicFields } from "./common.ts";

export const HEART_BEAT = row({
  code: 34,
  name: "HEART_BEAT",
  doc: "A client says that it is alive and what it subscribes to (body: HeartbeatData).",
  servedBy: ["broker"],
  request: {
    ...rpcFields,
  },
  response: {
    IS_SUPPORT_HEART_BEAT_V2: optional("boolean", "The broker takes heartbeats with fingerprints."),
    IS_SUB_CHANGE: optional("boolean", "The subscription differs from the one before."),
  },
});

export const UNREGISTER_CLIENT = row({
  code: 35,
  name: "UNREGISTER_CLIENT",
  doc: "A client leaves its groups.",
  servedBy: ["broker"],
  request: {
    clientID: tolerated("string", "Client id.", ""),
    producerGroup: optional("string", "Producer group that leaves."),
    consumerGroup: optional("string", "Consumer group that leaves."),
    ...rpcFields,
  },
  response: {},
});

export const GET_CONSUMER_LIST_BY_GROUP = row({
  code: 38,
  name: "GET_CONSUMER_LIST_BY_GROUP",
  doc: "Client ids of a group's members (body: GetConsumerListByGroupResponseBody).",
  servedBy: ["broker"],
  request: {
    consumerGroup: required("string", "Consumer group."),
    ...rpcFields,
  },
  response: {},
});

export const CHECK_CLIENT_CONFIG = row({
  code: 46,
  name: "CHECK_CLIENT_CONFIG",
  doc: "Checks a subscription expression (body: CheckClientRequestBody).",
  servedBy: ["broker"],
  request: {},
  response: {},
});

export const UPDATE_AND_CREATE_SUBSCRIPTIONGROUP = row({
  code: 200,
  name: "UPDATE_AND_CREATE_SUBSCRIPTIONGROUP",
  doc: "Creates or changes a subscription group (body: SubscriptionGroupConfig).",
  servedBy: ["broker"],
  request: {},
  response: {},
});

export const GET_ALL_SUBSCRIPTIONGROUP_CONFIG = row({
  code: 201,
  name: "GET_ALL_SUBSCRIPTIONGROUP_CONFIG",
  doc: "All subscription groups (body: SubscriptionGroupWrapper).",
  servedBy: ["broker"],
  request: {
    groupSeq: tolerated("int", "First of this page."),
    dataVersion: optional("string", "Version that the caller has, as JSON."),
    maxGroupNum: optional("int", "Page size."),
  },
  response: {
    totalGroupNum: required("int", "How many there are."),
  },
});

export const GET_CONSUMER_CONNECTION_LIST = row({
  code: 203,
  name: "GET_CONSUMER_CONNECTION_LIST",
  doc: "A group's connections and subscriptions (body: ConsumerConnection).",
  servedBy: ["broker"],
  request: {
    consumerGroup: required("string", "Consumer group."),
    ...rpcFields,
  },
  response: {},
});

export const GET_PRODUCER_CONNECTION_LIST = row({
  code: 204,
  name: "GET_PRODUCER_CONNECTION_LIST",
  doc: "A producer group's connections (body: ProducerConnection).",
  servedBy: ["broker"],
  request: {
    producerGroup: required("string", "Producer group."),
    ...rpcFields,
  },
  response: {},
});

export const DELETE_SUBSCRIPTIONGROUP = row({
  code: 207,
  name: "DELETE_SUBSCRIPTIONGROUP",
  doc: "Deletes a subscription group.",
  servedBy: ["broker"],
  request: {
    groupName: required("string", "Consumer group."),
    cleanOffset: optional("boolean", "Also forget the group's offsets.", false),
    ...rpcFields,
  },
  response: {},
});

export const GET_CONSUME_STATS = row({
  code: 208,
  name: "GET_CONSUME_STATS",
  doc: "A group's offsets and lag by queue (body: ConsumeStats, map keys are objects).",
  servedBy: ["broker"],
  request: {
    consumerGroup: required("string", "Consumer group."),
    topic: optional("string", "Topic."),
    topicList: optional("string", 'Topics, joined by ";".'),
    ...topicFields,
  },
  response: {},
});

export const UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST = row({
  code: 225,
  name: "UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST",
  doc: "Creates or changes several subscription groups (body: SubscriptionGroupList).",
  servedBy: ["broker"],
  request: {},
  response: {},
});

export const QUERY_TOPIC_CONSUME_BY_WHO = row({
  code: 300,
  name: "QUERY_TOPIC_CONSUME_BY_WHO",
  doc: "The groups that consume a topic (body: GroupList).",
  servedBy: ["broker"],
  request: {
    topic: required("string", "Topic."),
    ...topicFields,
  },
  response: {},
});

export const QUERY_CONSUME_TIME_SPAN = row({
  code: 303,
  name: "QUERY_CONSUME_TIME_SPAN",
  doc: "The time span that a group has still to consume, by queue (body).",
  servedBy: ["broker"],
  request: {
    topic: required("string", "Topic."),
    group: tolerated("string", "Consumer group.", ""),
    ...topicFields,
  },
  response: {},
});

export const GET_BROKER_CONSUME_STATS = row({
  code: 317,
  name: "GET_BROKER_CONSUME_STATS",
  doc: "Lag of all groups (body: ConsumeStatsList).",
  servedBy: ["broker"],
  request: {
    isOrder: optional("boolean", "Only ordered topics.", false),
  },
  response: {},
});

export const GET_ALL_PRODUCER_INFO = row({
  code: 328,
  name: "GET_ALL_PRODUCER_INFO",
  doc: "All producers (body: ProducerTableInfo).",
  servedBy: ["broker"],
  request: {},
  response: {},
});

export const QUERY_TOPICS_BY_CONSUMER = row({
  code: 343,
  name: "QUERY_TOPICS_BY_CONSUMER",
  doc: "The topics that a group consumes (body: TopicList).",
  servedBy: ["broker"],
  request: {
    group: required("string", "Consumer group."),
    ...rpcFields,
  },
  response: {},
});

export const QUERY_SUBSCRIPTION_BY_CONSUMER = row({
  code: 345,
  name: "QUERY_SUBSCRIPTION_BY_CONSUMER",
  doc: "A group's subscription to a topic (body).",
  servedBy: ["broker"],
  request: {
    group: required("string", "Consumer group."),
    topic: required("string", "Topic."),
    ...topicFields,
  },
  response: {},
});

export const GET_SUBSCRIPTIONGROUP_CONFIG = row({
  code: 352,
  name: "GET_SUBSCRIPTIONGROUP_CONFIG",
  doc: "One subscription group (body: SubscriptionGroupConfig).",
  servedBy: ["broker"],
  request: {
    group: required("string", "Consumer group."),
    ...rpcFields,
  },
  response: {},
});

export const UPDATE_AND_GET_GROUP_FORBIDDEN = row({
  code: 353,
  name: "UPDATE_AND_GET_GROUP_FORBIDDEN",
  doc: "Forbids or allows a group to read a topic (body: GroupForbidden).",
  servedBy: ["broker"],
  request: {
    group: required("string", "Consumer group."),
    topic: required("string", "Topic."),
    readable: optional("boolean", "May the group read; absent asks."),
    ...topicFields,
  },
  response: {},
});

// What brokers, clients and operators ask a name server: registration, routes, KV configuration, permissions.
import { optional, required, row, tolerated } from "../code_row.ts";
import { ResponseCode } from "../response_codes.ts";
import { topicFields } from "./common.ts";

export const PUT_KV_CONFIG = row({
  code: 100,
  name: "PUT_KV_CONFIG",
  doc: "Sets a KV item; the namespace ORDER_TOPIC_CONFIG holds the order configuration of topics.",
  servedBy: ["namesrv"],
  request: {
    namespace: required("string", "KV namespace."),
    key: required("string", "Key."),
    value: tolerated("string", "Value.", ""),
  },
  response: {},
});

export const GET_KV_CONFIG = row({
  code: 101,
  name: "GET_KV_CONFIG",
  doc: "Reads a KV item.",
  servedBy: ["namesrv"],
  request: {
    namespace: required("string", "KV namespace.", ResponseCode.QUERY_NOT_FOUND),
    key: required("string", "Key.", ResponseCode.QUERY_NOT_FOUND),
  },
  response: {
    value: optional("string", "Value."),
  },
});

export const DELETE_KV_CONFIG = row({
  code: 102,
  name: "DELETE_KV_CONFIG",
  doc: "Deletes a KV item.",
  servedBy: ["namesrv"],
  request: {
    namespace: required("string", "KV namespace."),
    key: required("string", "Key."),
  },
  response: {},
});

export const REGISTER_BROKER = row({
  code: 103,
  name: "REGISTER_BROKER",
  doc:
    "A broker registers itself with all its topics (body, maybe deflated) and is told its master.",
  servedBy: ["namesrv"],
  request: {
    brokerName: required("string", "Broker name."),
    brokerAddr: required("string", "The broker's address, host:port."),
    clusterName: required("string", "Cluster name."),
    haServerAddr: tolerated("string", "Replication address, host:port.", ""),
    brokerId: required("long", "Broker id; 0 is the master."),
    heartbeatTimeoutMillis: optional("long", "Silence after which the broker is gone, in ms."),
    enableActingMaster: optional("boolean", "A slave may act for its master."),
    compressed: optional("boolean", "The body is deflated (zlib).", false),
    bodyCrc32: optional("int", "CRC-32 of the body, 0 when not checked.", 0),
    __ZONE_NAME: optional("string", "Zone of the caller."),
  },
  response: {
    haServerAddr: optional("string", "Replication address, host:port."),
    masterAddr: optional("string", "The master's address; absent for a master."),
  },
});

export const UNREGISTER_BROKER = row({
  code: 104,
  name: "UNREGISTER_BROKER",
  doc: "A broker leaves.",
  servedBy: ["namesrv"],
  request: {
    brokerName: required("string", "Broker name."),
    brokerAddr: required("string", "The broker's address, host:port."),
    clusterName: required("string", "Cluster name."),
    brokerId: required("long", "Broker id; 0 is the master."),
  },
  response: {},
});

export const GET_ROUTEINFO_BY_TOPIC = row({
  code: 105,
  name: "GET_ROUTEINFO_BY_TOPIC",
  doc: "The route of a topic (body: TopicRouteData).",
  servedBy: ["namesrv"],
  request: {
    topic: required("string", "Topic.", ResponseCode.TOPIC_NOT_EXIST),
    acceptStandardJsonOnly: optional("boolean", "The client wants quoted map keys."),
    __ZONE_MODE: optional("boolean", "Only brokers of the zone."),
    __ZONE_NAME: optional("string", "Zone of the caller."),
    ...topicFields,
  },
  response: {},
});

export const GET_BROKER_CLUSTER_INFO = row({
  code: 106,
  name: "GET_BROKER_CLUSTER_INFO",
  doc: "All clusters and their brokers (body: ClusterInfo, map keys unquoted).",
  servedBy: ["namesrv"],
  request: {},
  response: {},
});

export const WIPE_WRITE_PERM_OF_BROKER = row({
  code: 205,
  name: "WIPE_WRITE_PERM_OF_BROKER",
  doc: "Takes the write permission from all topics of a broker.",
  servedBy: ["namesrv"],
  request: {
    brokerName: required("string", "Broker name."),
  },
  response: {
    wipeTopicCount: required("int", "How many topics changed."),
  },
});

export const GET_ALL_TOPIC_LIST_FROM_NAMESERVER = row({
  code: 206,
  name: "GET_ALL_TOPIC_LIST_FROM_NAMESERVER",
  doc: "All topics (body: TopicList).",
  servedBy: ["namesrv"],
  request: {},
  response: {},
});

export const DELETE_TOPIC_IN_NAMESRV = row({
  code: 216,
  name: "DELETE_TOPIC_IN_NAMESRV",
  doc: "Forgets a topic, everywhere or in one cluster.",
  servedBy: ["namesrv"],
  request: {
    topic: required("string", "Topic."),
    clusterName: optional("string", "Cluster name."),
    ...topicFields,
  },
  response: {},
});

export const REGISTER_TOPIC_IN_NAMESRV = row({
  code: 217,
  name: "REGISTER_TOPIC_IN_NAMESRV",
  doc: "Registers one topic of brokers that are registered already (body: TopicRouteData).",
  servedBy: ["namesrv"],
  request: {
    topic: required("string", "Topic."),
    ...topicFields,
  },
  response: {},
});

export const GET_KVLIST_BY_NAMESPACE = row({
  code: 219,
  name: "GET_KVLIST_BY_NAMESPACE",
  doc: "All KV items of a namespace (body: KVTable).",
  servedBy: ["namesrv"],
  request: {
    namespace: required("string", "KV namespace.", ResponseCode.QUERY_NOT_FOUND),
  },
  response: {},
});

export const GET_TOPICS_BY_CLUSTER = row({
  code: 224,
  name: "GET_TOPICS_BY_CLUSTER",
  doc: "The topics of a cluster (body: TopicList).",
  servedBy: ["namesrv"],
  request: {
    cluster: required("string", "Cluster name."),
  },
  response: {},
});

export const GET_SYSTEM_TOPIC_LIST_FROM_NS = row({
  code: 304,
  name: "GET_SYSTEM_TOPIC_LIST_FROM_NS",
  doc: "Cluster and broker names, which are topics too (body: TopicList).",
  servedBy: ["namesrv"],
  request: {},
  response: {},
});

export const GET_UNIT_TOPIC_LIST = row({
  code: 311,
  name: "GET_UNIT_TOPIC_LIST",
  doc: "Topics with the unit flag (body: TopicList).",
  servedBy: ["namesrv"],
  request: {},
  response: {},
});

export const GET_HAS_UNIT_SUB_TOPIC_LIST = row({
  code: 312,
  name: "GET_HAS_UNIT_SUB_TOPIC_LIST",
  doc: "Topics with unit subscriptions (body: TopicList).",
  servedBy: ["namesrv"],
  request: {},
  response: {},
});

export const GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST = row({
  code: 313,
  name: "GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST",
  doc: "Topics with unit subscriptions but without the unit flag (body: TopicList).",
  servedBy: ["namesrv"],
  request: {},
  response: {},
});

export const UPDATE_NAMESRV_CONFIG = row({
  code: 318,
  name: "UPDATE_NAMESRV_CONFIG",
  doc: "Changes configuration items that may be changed remotely (body: properties).",
  servedBy: ["namesrv"],
  request: {},
  response: {},
});

export const GET_NAMESRV_CONFIG = row({
  code: 319,
  name: "GET_NAMESRV_CONFIG",
  doc: "The name server's configuration (body: properties).",
  servedBy: ["namesrv"],
  request: {},
  response: {},
});

export const QUERY_DATA_VERSION = row({
  code: 322,
  name: "QUERY_DATA_VERSION",
  doc: "Whether a broker's data version (body) differs from the one registered.",
  servedBy: ["namesrv"],
  request: {
    brokerName: tolerated("string", "Broker name.", ""),
    brokerAddr: required("string", "The broker's address, host:port."),
    clusterName: required("string", "Cluster name."),
    brokerId: tolerated("long", "Broker id; 0 is the master.", 0),
  },
  response: {
    changed: required("boolean", "The versions differ."),
  },
});

export const ADD_WRITE_PERM_OF_BROKER = row({
  code: 327,
  name: "ADD_WRITE_PERM_OF_BROKER",
  doc: "Gives the write permission back to all topics of a broker.",
  servedBy: ["namesrv"],
  request: {
    brokerName: required("string", "Broker name."),
  },
  response: {
    addTopicCount: required("int", "How many topics changed."),
  },
});

export const GET_BROKER_MEMBER_GROUP = row({
  code: 901,
  name: "GET_BROKER_MEMBER_GROUP",
  doc: "The brokers of one name (body: BrokerMemberGroup).",
  servedBy: ["namesrv"],
  request: {
    clusterName: required("string", "Cluster name."),
    brokerName: required("string", "Broker name."),
  },
  response: {},
});

export const BROKER_HEARTBEAT = row({
  code: 904,
  name: "BROKER_HEARTBEAT",
  doc: "A broker says that it is alive, between registrations.",
  servedBy: ["namesrv"],
  request: {
    clusterName: required("string", "Cluster name."),
    brokerAddr: required("string", "The broker's address, host:port."),
    brokerName: required("string", "Broker name."),
    brokerId: optional("long", "Broker id; 0 is the master."),
    epoch: optional("int", "The broker's epoch."),
    maxOffset: optional("long", "The broker's largest physical offset."),
    confirmOffset: optional("long", "Confirmed physical offset."),
    heartbeatTimeoutMills: optional(
      "long",
      "Silence after which the broker is gone, in ms (spelled so on the wire).",
    ),
    electionPriority: optional("int", "Smaller is preferred."),
  },
  response: {},
});

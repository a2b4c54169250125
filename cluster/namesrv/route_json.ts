// Answers' bodies as fastjson writes them: keys in order of the alphabet, nothing that is null, and
// maps by number with bare or quoted keys. Bytes are made by the caller; nothing here is validated.
import type {
  BrokerView,
  DataVersion,
  QueueView,
  TopicQueueMapping,
  TopicRoute,
} from "./route_model.ts";

/** Bare: `{0:"…"}`, which only fastjson reads. Quoted: `{"0":"…"}`. */
export type IntegerKeys = "bare" | "quoted";

/** TopicRouteData. */
export function routeJson(
  route: TopicRoute,
  orderTopicConf: string | null,
  keys: IntegerKeys,
): string {
  const brokers = route.brokers.map((broker) => brokerJson(broker, keys)).join(",");
  const filters = mapJson(route.filterServers, (servers) => JSON.stringify(servers));
  const order = orderTopicConf === null
    ? ""
    : `,"orderTopicConf":${JSON.stringify(orderTopicConf)}`;
  const queues = route.queues.map(queueJson).join(",");
  return `{"brokerDatas":[${brokers}],"filterServerTable":${filters}${order},` +
    `"queueDatas":[${queues}]${mappingsJson(route.mappings, keys)}}`;
}

/** ClusterInfo; its keys are always bare. */
export function clusterInfoJson(
  brokers: readonly BrokerView[],
  clusters: ReadonlyMap<string, ReadonlySet<string>>,
): string {
  const brokersByName = brokers.map((broker) =>
    `${JSON.stringify(broker.brokerName)}:${brokerJson(broker, "bare")}`
  ).join(",");
  const namesByCluster = mapJson(clusters, (names) => JSON.stringify([...names]));
  return `{"brokerAddrTable":{${brokersByName}},"clusterAddrTable":${namesByCluster}}`;
}

/** GetBrokerMemberGroupResponseBody; the cluster is the one that was asked for. */
export function memberGroupJson(
  cluster: string,
  brokerName: string,
  broker: BrokerView | null,
): string {
  const addresses = broker === null ? "{}" : addressesJson(broker, "bare");
  return `{"brokerMemberGroup":{"brokerAddrs":${addresses},` +
    `"brokerName":${JSON.stringify(brokerName)},"cluster":${JSON.stringify(cluster)}}}`;
}

/** TopicList. */
export function topicListJson(
  topics: readonly string[],
  brokerAddress: string | null = null,
): string {
  const address = brokerAddress === null ? "" : `"brokerAddr":${JSON.stringify(brokerAddress)},`;
  return `{${address}"topicList":${JSON.stringify(topics)}}`;
}

/** KVTable. */
export function kvTableJson(items: ReadonlyMap<string, string>): string {
  return `{"table":${mapJson(items, (value) => JSON.stringify(value))}}`;
}

/** KVConfigSerializeWrapper: the file as well. */
export function kvConfigJson(
  namespaces: ReadonlyMap<string, ReadonlyMap<string, string>>,
): string {
  const table = mapJson(namespaces, (items) => mapJson(items, (value) => JSON.stringify(value)));
  return `{"configTable":${table}}`;
}

export function dataVersionJson({ counter, stateVersion, timestamp }: DataVersion): string {
  return JSON.stringify({ counter, stateVersion, timestamp });
}

/** Not by way of an object: that would move integer-like keys to the front. */
function mapJson<V>(map: ReadonlyMap<string, V>, valueJson: (value: V) => string): string {
  const items: string[] = [];
  for (const [key, value] of map) items.push(`${JSON.stringify(key)}:${valueJson(value)}`);
  return `{${items.join(",")}}`;
}

function brokerJson(broker: BrokerView, keys: IntegerKeys): string {
  const { brokerName, cluster, enableActingMaster, zoneName } = broker;
  const zone = zoneName === null ? "" : `,"zoneName":${JSON.stringify(zoneName)}`;
  return `{"brokerAddrs":${addressesJson(broker, keys)},"brokerName":${
    JSON.stringify(brokerName)
  },` +
    `"cluster":${JSON.stringify(cluster)},"enableActingMaster":${enableActingMaster}${zone}}`;
}

function addressesJson({ addresses }: BrokerView, keys: IntegerKeys): string {
  const items = addresses.map(([id, address]) =>
    `${integerKey(id, keys)}:${JSON.stringify(address)}`
  );
  return `{${items.join(",")}}`;
}

function integerKey(key: number, keys: IntegerKeys): string {
  return keys === "bare" ? String(key) : `"${key}"`;
}

function queueJson({ brokerName, settings }: QueueView): string {
  const { perm, readQueueCount, topicSysFlag, writeQueueCount } = settings;
  return `{"brokerName":${JSON.stringify(brokerName)},"perm":${perm},` +
    `"readQueueNums":${readQueueCount},"topicSysFlag":${topicSysFlag},` +
    `"writeQueueNums":${writeQueueCount}}`;
}

function mappingsJson(mappings: readonly TopicQueueMapping[], keys: IntegerKeys): string {
  if (mappings.length === 0) return "";
  const items = mappings.map((mapping) =>
    `${JSON.stringify(mapping.brokerName)}:${mappingJson(mapping, keys)}`
  );
  return `,"topicQueueMappingByBroker":{${items.join(",")}}`;
}

function mappingJson(mapping: TopicQueueMapping, keys: IntegerKeys): string {
  const { brokerName, currentIds, dirty, epoch, queueCount, scope, topic } = mapping;
  const ids = currentIds.map(([logicId, physicalId]) =>
    `${integerKey(logicId, keys)}:${physicalId}`
  );
  const name = topic === null ? "" : `"topic":${JSON.stringify(topic)},`;
  return `{"bname":${JSON.stringify(brokerName)},"currIdMap":{${ids.join(",")}},"dirty":${dirty},` +
    `"epoch":${epoch},"scope":${JSON.stringify(scope)},${name}"totalQueues":${queueCount}}`;
}

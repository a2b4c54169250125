// What name servers tell: the route of a topic and the brokers of the clusters. Pure.
import type { JsonObject, JsonValue } from "../../core/json/json_value.ts";
import { asObject, compareTexts, entries, list, number, text, texts } from "./bodies.ts";

export interface BrokerData {
  cluster: string;
  brokerName: string;
  /** By broker id; 0 is the master. */
  addresses: ReadonlyMap<number, string>;
}

export interface QueueData {
  brokerName: string;
  readQueueNums: number;
  writeQueueNums: number;
  perm: number;
  topicSysFlag: number;
}

export interface Route {
  brokers: BrokerData[];
  queues: QueueData[];
  /** As it came. */
  body: JsonObject;
}

export interface ClusterInfo {
  /** Broker names by cluster, sorted. */
  clusters: ReadonlyMap<string, string[]>;
  brokers: ReadonlyMap<string, BrokerData>;
}

export const MASTER_ID = 0;

function brokerOf(value: JsonValue): BrokerData {
  const { brokerAddrs, brokerName, cluster } = asObject(value);
  const addresses = entries(brokerAddrs)
    .map(([id, address]): [number, string] => [Number(id), text(address)])
    .sort(([one], [other]) => one - other);
  return { cluster: text(cluster), brokerName: text(brokerName), addresses: new Map(addresses) };
}

function queuesOf(value: JsonValue): QueueData {
  const queue = asObject(value);
  return {
    brokerName: text(queue["brokerName"]),
    readQueueNums: number(queue["readQueueNums"]),
    writeQueueNums: number(queue["writeQueueNums"]),
    perm: number(queue["perm"]),
    topicSysFlag: number(queue["topicSysFlag"]),
  };
}

/** A TopicRouteData; brokers and queues sorted by name. */
export function routeOf(body: JsonObject): Route {
  const byName = (one: { brokerName: string }, other: { brokerName: string }) =>
    compareTexts(one.brokerName, other.brokerName);
  return {
    brokers: list(body["brokerDatas"]).map(brokerOf).sort(byName),
    queues: list(body["queueDatas"]).map(queuesOf).sort(byName),
    body,
  };
}

/** A ClusterInfo. */
export function clusterInfoOf(body: JsonObject): ClusterInfo {
  const clusters = entries(body["clusterAddrTable"])
    .map(([name, brokers]): [string, string[]] => [name, texts(brokers).sort()])
    .sort(([one], [other]) => compareTexts(one, other));
  const brokers = entries(body["brokerAddrTable"])
    .map(([name, broker]): [string, BrokerData] => [name, brokerOf(broker)])
    .sort(([one], [other]) => compareTexts(one, other));
  return { clusters: new Map(clusters), brokers: new Map(brokers) };
}

export function masterOf(broker: BrokerData): string | undefined {
  return broker.addresses.get(MASTER_ID);
}

/** Where to ask: the master, or the first slave when there is none (BrokerData.selectBrokerAddr). */
export function addressOf(broker: BrokerData): string | undefined {
  return masterOf(broker) ?? broker.addresses.values().next().value;
}

export function addressesOf(brokers: readonly BrokerData[]): string[] {
  return brokers.map(addressOf).filter((address) => address !== undefined);
}

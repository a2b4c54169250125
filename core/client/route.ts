// Routes: what name servers answer about a topic, read tolerantly, and the queues that follow from
// it for producers and consumers. Pure; 4.9 and 5.x name servers alike.
import { parseLenientJsonBytes } from "../json/lenient_reader.ts";
import { type JsonObject, type JsonValue, LenientMap } from "../json/json_value.ts";
import { ClientError } from "./client_error.ts";
import type { MessageQueue } from "./message.ts";

export const MASTER_ID = 0;
const PERM_READ = 4;
const PERM_WRITE = 2;

export interface RouteQueues {
  brokerName: string;
  readQueues: number;
  writeQueues: number;
  perm: number;
}

export interface RouteBroker {
  cluster: string;
  brokerName: string;
  /** Broker id to "host:port"; 0 is the master. */
  addresses: ReadonlyMap<number, string>;
}

export interface TopicRoute {
  /** Sorted by broker name, so that equal routes are equal lists. */
  queues: readonly RouteQueues[];
  brokers: readonly RouteBroker[];
  /** "broker-a:4;broker-b:4" when an operator fixed the order of queues. */
  orderConf: string | null;
}

/** Throws ClientError "bad_answer". */
export function parseRoute(body: Uint8Array): TopicRoute {
  try {
    const root = object(parseLenientJsonBytes(body));
    const byName = (a: { brokerName: string }, b: { brokerName: string }) =>
      a.brokerName < b.brokerName ? -1 : a.brokerName > b.brokerName ? 1 : 0;
    return {
      queues: list(root.queueDatas).map(parseQueues).sort(byName),
      brokers: list(root.brokerDatas).map(parseBroker).sort(byName),
      orderConf: typeof root.orderTopicConf === "string" ? root.orderTopicConf : null,
    };
  } catch (cause) {
    throw new ClientError("bad_answer", "the route can't be read", { cause });
  }
}

function parseQueues(value: JsonValue): RouteQueues {
  const { brokerName, readQueueNums, writeQueueNums, perm } = object(value);
  return {
    brokerName: String(brokerName),
    readQueues: Number(readQueueNums ?? 0),
    writeQueues: Number(writeQueueNums ?? 0),
    perm: Number(perm ?? 0),
  };
}

function parseBroker(value: JsonValue): RouteBroker {
  const { cluster, brokerName, brokerAddrs } = object(value);
  const addresses = new Map<number, string>();
  for (const [id, address] of Object.entries(object(brokerAddrs ?? {}))) {
    addresses.set(Number(id), String(address));
  }
  return { cluster: String(cluster ?? ""), brokerName: String(brokerName), addresses };
}

function object(value: JsonValue | undefined): JsonObject {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value) &&
    !(value instanceof LenientMap);
  if (!isObject) throw new TypeError("not an object");
  return value as JsonObject;
}

function list(value: JsonValue | undefined): JsonValue[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new TypeError("not a list");
  return value;
}

/** Queues to send to: writable ones of brokers that have a master. In an operator's order if any. */
export function publishQueues(topic: string, route: TopicRoute): MessageQueue[] {
  if (route.orderConf) return orderedQueues(topic, route.orderConf);
  const masters = new Set(
    route.brokers.filter(({ addresses }) => addresses.has(MASTER_ID))
      .map(({ brokerName }) => brokerName),
  );
  return route.queues
    .filter(({ perm, brokerName }) => (perm & PERM_WRITE) !== 0 && masters.has(brokerName))
    .flatMap(({ brokerName, writeQueues }) => range(topic, brokerName, writeQueues));
}

/** Queues to read. A broker without a master is still read from its slaves. */
export function subscribeQueues(topic: string, route: TopicRoute): MessageQueue[] {
  return route.queues
    .filter(({ perm }) => (perm & PERM_READ) !== 0)
    .flatMap(({ brokerName, readQueues }) => range(topic, brokerName, readQueues));
}

/** The route of a topic that isn't there yet, after that of the auto-create topic. */
export function autoCreateRoute(route: TopicRoute, queuesMax: number): TopicRoute {
  const queues = route.queues.map((each) => {
    const count = Math.min(queuesMax, each.readQueues);
    return { ...each, readQueues: count, writeQueues: count };
  });
  return { ...route, queues };
}

export function sameRoute(a: TopicRoute, b: TopicRoute): boolean {
  return routeText(a) === routeText(b);
}

function routeText({ queues, brokers, orderConf }: TopicRoute): string {
  const addresses = brokers.map(({ brokerName, cluster, addresses }) => [
    brokerName,
    cluster,
    [...addresses].sort(([a], [b]) => a - b),
  ]);
  return JSON.stringify([queues, addresses, orderConf]);
}

function orderedQueues(topic: string, orderConf: string): MessageQueue[] {
  return orderConf.split(";").filter((each) => each.includes(":")).flatMap((each) => {
    const at = each.lastIndexOf(":");
    return range(topic, each.slice(0, at), Number(each.slice(at + 1)) || 0);
  });
}

function range(topic: string, brokerName: string, count: number): MessageQueue[] {
  return Array.from({ length: Math.max(0, count) }, (_, queueId) => ({
    topic,
    brokerName,
    queueId,
  }));
}

// Who is connected to a group, as brokers tell it. Asks; prints nothing.
import { OperationError } from "../../core/errors.ts";
import type { JsonObject, JsonValue } from "../../core/json/json_value.ts";
import { GET_CONSUMER_CONNECTION_LIST } from "../../core/remoting/codes/groups.ts";
import { ResponseCode } from "../../core/remoting/response_codes.ts";
import {
  asObject,
  bodyObject,
  compareTexts,
  entries,
  list,
  number,
  text,
  texts,
} from "./bodies.ts";
import { type Cluster, Refusal } from "./cluster.ts";
import { versionText } from "./java_text.ts";
import { addressesOf } from "./routes.ts";

export interface ClientConnection {
  clientId: string;
  clientAddr: string;
  language: string;
  version: number;
  versionDesc: string;
}

export interface Subscription {
  topic: string;
  subString: string;
  tags: string[];
}

export interface ConsumerConnections {
  /** By client id. */
  connections: ClientConnection[];
  /** By topic. */
  subscriptions: Subscription[];
  consumeType: string;
  messageModel: string;
  consumeFromWhere: string;
}

export function connectionsOf(value: JsonValue | undefined): ClientConnection[] {
  return list(value).map((item) => {
    const { clientAddr, clientId, language, version } = asObject(item);
    const versionNumber = number(version);
    return {
      clientId: text(clientId),
      clientAddr: text(clientAddr),
      language: text(language),
      version: versionNumber,
      versionDesc: versionText(versionNumber),
    };
  }).sort((one, other) => compareTexts(one.clientId, other.clientId));
}

function consumersOf(body: JsonObject): ConsumerConnections {
  const subscriptions = entries(body["subscriptionTable"]).map(([topic, value]) => {
    const { subString, tagsSet } = asObject(value);
    return { topic, subString: text(subString), tags: texts(tagsSet) };
  });
  return {
    connections: connectionsOf(body["connectionSet"]),
    subscriptions: subscriptions.sort((one, other) => compareTexts(one.topic, other.topic)),
    consumeType: text(body["consumeType"]),
    messageModel: text(body["messageModel"]),
    consumeFromWhere: text(body["consumeFromWhere"]),
  };
}

/** Null when no consumer of the group is connected to the broker. */
async function consumersAt(
  cluster: Cluster,
  address: string,
  group: string,
): Promise<ConsumerConnections | null> {
  const row = GET_CONSUMER_CONNECTION_LIST;
  const answer = await cluster.askAny(row, address, { consumerGroup: group });
  if (answer.code === ResponseCode.CONSUMER_NOT_ONLINE) return null;
  if (answer.code !== ResponseCode.SUCCESS) {
    throw new Refusal(answer.code, answer.remark ?? "", address, row);
  }
  const consumers = consumersOf(bodyObject(answer.body, address));
  return consumers.connections.length === 0 ? null : consumers;
}

/** The members of a group over all of its brokers, or on one; null when there are none. */
export async function findConsumers(
  cluster: Cluster,
  group: string,
  broker?: string,
): Promise<ConsumerConnections | null> {
  const addresses = broker === undefined
    ? addressesOf((await cluster.routeOfGroup(group)).brokers)
    : [broker];
  const answers = await Promise.all(
    addresses.map((address) => consumersAt(cluster, address, group)),
  );
  const found = answers.filter((answer) => answer !== null);
  const [first] = found;
  if (first === undefined) return null;
  const byId = new Map(
    found.flatMap(({ connections }) => connections).map((each) => [each.clientId, each]),
  );
  return { ...first, connections: [...byId.values()] };
}

/** The same; throws OperationError when nobody is online, or the group doesn't exist. */
export async function consumersOfGroup(
  cluster: Cluster,
  group: string,
  broker?: string,
): Promise<ConsumerConnections> {
  const found = await findConsumers(cluster, group, broker);
  if (found !== null) return found;
  if (broker !== undefined) {
    throw new OperationError(`no consumer of group '${group}' is connected to ${broker}`);
  }
  return await cluster.failMissingGroup(group);
}

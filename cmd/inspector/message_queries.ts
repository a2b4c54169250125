// Finding messages by id, unique key or key. Asks; prints nothing.
import { DecodeError, OperationError } from "../../core/errors.ts";
import type { ClientMessage } from "../../core/message/client_message.ts";
import { formatHost } from "../../core/message/host_address.ts";
import { decodeOffsetMessageId } from "../../core/message/message_id.ts";
import {
  INDEX_TAG_TYPE,
  INDEX_UNIQUE_TYPE,
  KEY_SEPARATOR,
  PROPERTY,
} from "../../core/message/property_names.ts";
import { QUERY_MESSAGE, VIEW_MESSAGE_BY_ID } from "../../core/remoting/codes/query.ts";
import { ResponseCode } from "../../core/remoting/response_codes.ts";
import { type Cluster, Refusal } from "./cluster.ts";
import { messagesIn } from "./message_text.ts";
import { addressesOf } from "./routes.ts";

/** The greatest time that fits a number exactly; brokers take it for "no end". */
export const END_OF_TIME_MS = Number.MAX_SAFE_INTEGER;
const SAME_ID_MAX = 32;
const QUERY_TIMEOUT_MS = 15_000;

export interface KeyQuery {
  topic: string;
  key: string;
  maxNum: number;
  beginMs: number;
  endMs: number;
  indexType: string;
  lastKey?: string | undefined;
  clusterName?: string | undefined;
}

/** Messages under a key from all brokers of the topic; those of other keys with the same hash are left out. */
export async function queryMessages(cluster: Cluster, query: KeyQuery): Promise<ClientMessage[]> {
  const { clusterName, indexType, key, lastKey, topic } = query;
  const { brokers } = await cluster.route(topic);
  const asked = clusterName === undefined
    ? brokers
    : brokers.filter((broker) => broker.cluster === clusterName);
  const found = await Promise.all(
    addressesOf(asked).map(async (address) => {
      const answer = await cluster.askAny(QUERY_MESSAGE, address, {
        topic,
        key,
        maxNum: query.maxNum,
        beginTimestamp: query.beginMs,
        endTimestamp: query.endMs,
        indexType,
        _UNIQUE_KEY_QUERY: indexType === INDEX_UNIQUE_TYPE,
        ...(lastKey !== undefined && { lastKey }),
      }, { timeoutMs: QUERY_TIMEOUT_MS });
      if (answer.code === ResponseCode.QUERY_NOT_FOUND) return [];
      if (answer.code !== ResponseCode.SUCCESS) {
        throw new Refusal(answer.code, answer.remark ?? "", address, QUERY_MESSAGE);
      }
      return messagesIn(answer.body);
    }),
  );
  return found.flat().filter((message) => hasKey(message, query));
}

function hasKey(message: ClientMessage, { indexType, key, topic }: KeyQuery): boolean {
  if (indexType === INDEX_UNIQUE_TYPE) return message.messageId === key;
  if (message.topic !== topic) return false;
  const { properties } = message;
  if (indexType === INDEX_TAG_TYPE) return properties.get(PROPERTY.tags) === key;
  return (properties.get(PROPERTY.keys) ?? "").split(KEY_SEPARATOR).includes(key);
}

export function uniqueKeyQuery(topic: string, key: string, clusterName?: string): KeyQuery {
  const times = { beginMs: 0, endMs: END_OF_TIME_MS };
  return { topic, key, maxNum: SAME_ID_MAX, ...times, indexType: INDEX_UNIQUE_TYPE, clusterName };
}

/** Where an offset id says that the message is; null for what isn't one of a known broker. */
async function placeOf(
  cluster: Cluster,
  id: string,
): Promise<{ address: string; offset: number } | null> {
  try {
    const { address: bytes, physicalOffset, port } = decodeOffsetMessageId(id);
    const address = formatHost(bytes, port);
    const { brokers } = await cluster.info();
    const isKnown = [...brokers.values()]
      .some(({ addresses }) => [...addresses.values()].includes(address));
    return isKnown ? { address, offset: physicalOffset } : null;
  } catch (error) {
    if (error instanceof DecodeError) return null;
    throw error;
  }
}

/** By offset id or unique key. Throws OperationError when no broker has it. */
export async function messageById(
  cluster: Cluster,
  topic: string,
  id: string,
  clusterName: string | undefined,
): Promise<ClientMessage> {
  const place = await placeOf(cluster, id);
  const found = place === null
    ? await queryMessages(cluster, uniqueKeyQuery(topic, id, clusterName))
    : await viewMessage(cluster, topic, place);
  const [message] = found;
  if (message === undefined) {
    if (place !== null) await cluster.route(topic);
    throw new OperationError(`no message with the id '${id}' in topic '${topic}'`);
  }
  return message;
}

async function viewMessage(
  cluster: Cluster,
  topic: string,
  { address, offset }: { address: string; offset: number },
): Promise<ClientMessage[]> {
  const answer = await cluster.askAny(VIEW_MESSAGE_BY_ID, address, { topic, offset });
  // What isn't there is answered SYSTEM_ERROR.
  return answer.code === ResponseCode.SUCCESS ? messagesIn(answer.body) : [];
}

// Reading queues message by message without being a member of a group. Asks; prints nothing.
import type { MessageQueue } from "../../core/client/message.ts";
import { isWanted, parseSubscription } from "../../core/client/subscription.ts";
import type { ClientMessage } from "../../core/message/client_message.ts";
import { PROPERTY } from "../../core/message/property_names.ts";
import {
  GET_MAX_OFFSET,
  GET_MIN_OFFSET,
  SEARCH_OFFSET_BY_TIMESTAMP,
} from "../../core/remoting/codes/offsets.ts";
import { PULL_MESSAGE } from "../../core/remoting/codes/pull.ts";
import { ResponseCode } from "../../core/remoting/response_codes.ts";
import { type Cluster, Refusal } from "./cluster.ts";
import { messagesIn } from "./message_text.ts";

/** The group that Apache's tools read as; brokers have it from the start. */
export const TOOLS_GROUP = "TOOLS_CONSUMER";
export const PULL_BATCH = 32;
/** PullSysFlag: the subscription comes with the request. */
const WITH_SUBSCRIPTION = 4;
const PULL_TIMEOUT_MS = 10_000;

export type PullStatus = "FOUND" | "NO_NEW_MSG" | "NO_MATCHED_MSG" | "OFFSET_ILLEGAL";

export interface Pulled {
  status: PullStatus;
  /** With the queue's bounds among their properties, as clients see them. */
  messages: ClientMessage[];
  nextOffset: number;
  minOffset: number;
  maxOffset: number;
}

const STATUSES = new Map<number, PullStatus>([
  [ResponseCode.SUCCESS, "FOUND"],
  [ResponseCode.PULL_NOT_FOUND, "NO_NEW_MSG"],
  [ResponseCode.PULL_RETRY_IMMEDIATELY, "NO_MATCHED_MSG"],
  [ResponseCode.PULL_OFFSET_MOVED, "OFFSET_ILLEGAL"],
]);

export interface PullQueue {
  queue: MessageQueue;
  address: string;
  group: string;
  /** Tags: "*", "a || b". */
  expression: string;
}

/** One pull; waits for nothing. Throws OperationError, ClientError for a malformed expression. */
export async function pull(
  cluster: Cluster,
  { address, expression, group, queue }: PullQueue,
  offset: number,
  count: number,
): Promise<Pulled> {
  const { queueId, topic } = queue;
  const subscription = parseSubscription(topic, expression, 0);
  const answer = await cluster.askAny(PULL_MESSAGE, address, {
    consumerGroup: group,
    topic,
    queueId,
    queueOffset: offset,
    maxMsgNums: count,
    sysFlag: WITH_SUBSCRIPTION,
    commitOffset: 0,
    suspendTimeoutMillis: 0,
    subscription: subscription.expression,
    subVersion: 0,
    expressionType: "TAG",
  }, { timeoutMs: PULL_TIMEOUT_MS });
  const status = STATUSES.get(answer.code);
  if (status === undefined) {
    throw new Refusal(answer.code, answer.remark ?? "", address, PULL_MESSAGE);
  }
  const { maxOffset = 0, minOffset = 0, nextBeginOffset = offset } = answer.fields;
  const found = status === "FOUND" ? messagesIn(answer.body) : [];
  const messages = found.filter(({ properties }) =>
    isWanted(subscription, properties.get(PROPERTY.tags))
  );
  for (const { properties } of messages) {
    properties.set(PROPERTY.minOffset, `${minOffset}`);
    properties.set(PROPERTY.maxOffset, `${maxOffset}`);
  }
  return { status, messages, nextOffset: nextBeginOffset, minOffset, maxOffset };
}

/** The offsets between which to read: the queue's own, or those of two times. */
export async function offsetRange(
  cluster: Cluster,
  { address, queue }: PullQueue,
  fromMs: number | undefined,
  toMs: number | undefined,
): Promise<{ minOffset: number; maxOffset: number }> {
  const { queueId, topic } = queue;
  const at = async (timestamp: number) =>
    (await cluster.ask(SEARCH_OFFSET_BY_TIMESTAMP, address, { topic, queueId, timestamp })).fields
      .offset ?? 0;
  const [minOffset, maxOffset] = await Promise.all([
    fromMs !== undefined
      ? at(fromMs)
      : cluster.ask(GET_MIN_OFFSET, address, { topic, queueId }).then(({ fields }) =>
        fields.offset ?? 0
      ),
    toMs !== undefined
      ? at(toMs)
      : cluster.ask(GET_MAX_OFFSET, address, { topic, queueId }).then(({ fields }) =>
        fields.offset ?? 0
      ),
  ]);
  return { minOffset, maxOffset };
}

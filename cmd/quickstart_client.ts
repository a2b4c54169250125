// The few calls that the quickstart makes of a name server and a broker, as any client would make them.
// No client library: no groups, no retries, one broker.
import { Buffer } from "node:buffer";
import { type ClientMessage, decodeMessages } from "../core/message/client_message.ts";
import { AUTO_CREATE_TOPIC } from "../core/message/topic_names.ts";
import { OperationError } from "../core/errors.ts";
import type { RemotingClient } from "../core/remoting/client.ts";
import { GET_ROUTEINFO_BY_TOPIC } from "../core/remoting/codes/namesrv.ts";
import { PULL_MESSAGE } from "../core/remoting/codes/pull.ts";
import { SEND_MESSAGE_V2 } from "../core/remoting/codes/send.ts";
import { ResponseCode } from "../core/remoting/response_codes.ts";

const PRODUCER_GROUP = "quickstart_producer";
const CONSUMER_GROUP = "quickstart_consumer";
/** PullSysFlag: the subscription comes with the request. */
const WITH_SUBSCRIPTION = 4;
const PULL_MESSAGES_MAX = 32;

export interface Route {
  readonly brokerName: string;
  readonly address: string;
  readonly queueCount: number;
}

/** Where a topic is, by the name server; null when it doesn't know it. Throws OperationError on other answers. */
export async function findRoute(
  client: RemotingClient,
  nameServer: string,
  topic: string,
): Promise<Route | null> {
  const fields = { topic, acceptStandardJsonOnly: true };
  const { code, remark, body } = await client.call(GET_ROUTEINFO_BY_TOPIC, nameServer, fields);
  if (code === ResponseCode.TOPIC_NOT_EXIST) return null;
  if (code !== ResponseCode.SUCCESS) throw new OperationError(`route of ${topic}: ${remark}`);
  const { brokerDatas, queueDatas } = JSON.parse(Buffer.from(body).toString("utf8")) as {
    brokerDatas: { brokerName: string; brokerAddrs: Record<string, string> }[];
    queueDatas: { readQueueNums: number }[];
  };
  const [broker] = brokerDatas;
  const [queues] = queueDatas;
  const address = broker?.brokerAddrs["0"];
  if (!broker || !queues || address === undefined) return null;
  return { brokerName: broker.brokerName, address, queueCount: queues.readQueueNums };
}

export interface Sent {
  readonly messageId: string;
  readonly queueId: number;
  readonly queueOffset: number;
}

/** Stores a message; the topic is made if it doesn't exist. Throws OperationError when it is refused. */
export async function send(
  client: RemotingClient,
  address: string,
  topic: string,
  queueId: number,
  body: Uint8Array,
): Promise<Sent> {
  const fields = {
    a: PRODUCER_GROUP,
    b: topic,
    c: AUTO_CREATE_TOPIC,
    d: 4,
    e: queueId,
    f: 0,
    g: client.clock.nowMs(),
    h: 0,
  };
  const answer = await client.call(SEND_MESSAGE_V2, address, fields, body);
  if (answer.code !== ResponseCode.SUCCESS) throw new OperationError(`send: ${answer.remark}`);
  const { msgId = "", queueId: storedQueueId = -1, queueOffset = -1 } = answer.fields;
  return { messageId: msgId, queueId: storedQueueId, queueOffset };
}

/** The messages of a queue from an offset to its end. Throws OperationError when they can't be had. */
export async function pullAll(
  client: RemotingClient,
  address: string,
  topic: string,
  queueId: number,
  fromOffset: number,
): Promise<ClientMessage[]> {
  const messages: ClientMessage[] = [];
  for (let offset = fromOffset;;) {
    const answer = await client.call(PULL_MESSAGE, address, {
      consumerGroup: CONSUMER_GROUP,
      topic,
      queueId,
      queueOffset: offset,
      maxMsgNums: PULL_MESSAGES_MAX,
      sysFlag: WITH_SUBSCRIPTION,
      commitOffset: 0,
      suspendTimeoutMillis: 0,
      subscription: "*",
      subVersion: client.clock.nowMs(),
      expressionType: "TAG",
    });
    if (answer.code === ResponseCode.PULL_NOT_FOUND) return messages;
    if (answer.code !== ResponseCode.SUCCESS) throw new OperationError(`pull: ${answer.remark}`);
    messages.push(...decodeMessages(answer.body));
    offset = answer.fields.nextBeginOffset ?? offset + 1;
  }
}

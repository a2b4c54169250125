// A producer of transactions that speaks the wire's fields, for tests against a whole broker. Used by tests alone.
import { Buffer } from "node:buffer";
import { HEART_BEAT } from "../../../core/remoting/codes/groups.ts";
import { PULL_MESSAGE } from "../../../core/remoting/codes/pull.ts";
import { SEND_MESSAGE_V2 } from "../../../core/remoting/codes/send.ts";
import { END_TRANSACTION } from "../../../core/remoting/codes/transactions.ts";
import type { RemotingCommand } from "../../../core/remoting/command.ts";
import { type ClientMessage, decodeMessages } from "../../../core/message/client_message.ts";
import { decodeOffsetMessageId } from "../../../core/message/message_id.ts";
import { pullFields } from "../pull/testing_pull.ts";
import { call, TestPeer } from "../testing.ts";

export const COMMIT = 8;
export const ROLL_BACK = 12;
export const UNKNOWN = 0;

/** A half message as its producer knows it. */
export interface SentHalf {
  topic: string;
  uniqueKey: string;
  queueOffset: number;
  physicalOffset: number;
}

export interface HalfOptions {
  /** Properties beside TRAN_MSG, PGROUP and UNIQ_KEY, as "NAME\x01value\x02…". */
  properties?: string;
  uniqueKey?: string;
  group?: string;
  queueId?: number;
  flag?: number;
  bornTimestampMs?: number;
}

let nextKey = 1;

/** Sends a half message; the answer must be a success. */
export async function sendHalf(
  peer: TestPeer,
  topic: string,
  body: string,
  options: HalfOptions = {},
): Promise<SentHalf> {
  const { group = "PID_tx", properties = "", uniqueKey = `KEY${nextKey++}` } = options;
  const answer = await call(peer, SEND_MESSAGE_V2, {
    a: group,
    b: topic,
    c: "TBW102",
    d: 4,
    e: options.queueId ?? 0,
    f: 4,
    g: options.bornTimestampMs ?? Date.now(),
    h: options.flag ?? 0,
    i: `TRAN_MSG\x01true\x02PGROUP\x01${group}\x02UNIQ_KEY\x01${uniqueKey}\x02${properties}`,
    j: 0,
    k: false,
    m: false,
  }, Buffer.from(body));
  if (answer.code !== 0) throw new Error(`send: ${answer.code} ${answer.remark}`);
  return {
    topic,
    uniqueKey,
    queueOffset: Number(answer.extFields.get("queueOffset")),
    physicalOffset: decodeOffsetMessageId(answer.extFields.get("msgId")!).physicalOffset,
  };
}

export interface EndOptions {
  group?: string;
  fromTransactionCheck?: boolean;
  queueOffset?: number;
  /** In place of the half's unique key. */
  msgId?: string;
  transactionId?: string;
}

/** Ends a transaction and waits for the answer. A real producer sends it one-way. */
export function end(
  peer: TestPeer,
  half: SentHalf,
  commitOrRollback: number,
  options: EndOptions = {},
): Promise<RemotingCommand> {
  return call(peer, END_TRANSACTION, {
    topic: half.topic,
    producerGroup: options.group ?? "PID_tx",
    tranStateTableOffset: options.queueOffset ?? half.queueOffset,
    commitLogOffset: half.physicalOffset,
    commitOrRollback,
    fromTransactionCheck: options.fromTransactionCheck ?? false,
    msgId: options.msgId ?? half.uniqueKey,
    transactionId: options.transactionId ?? half.uniqueKey,
  });
}

/** Makes the connection one of a producer group's. */
export async function joinProducers(
  peer: TestPeer,
  clientId: string,
  group = "PID_tx",
): Promise<void> {
  const heartbeat = {
    clientID: clientId,
    consumerDataSet: [],
    producerDataSet: [{ groupName: group }],
  };
  await call(peer, HEART_BEAT, {}, Buffer.from(JSON.stringify(heartbeat)));
}

/** All messages of a queue. */
export async function messagesOf(
  peer: TestPeer,
  topic: string,
  queueId = 0,
): Promise<ClientMessage[]> {
  const messages: ClientMessage[] = [];
  for (let offset = 0;;) {
    const answer = await call(
      peer,
      PULL_MESSAGE,
      pullFields({
        consumerGroup: "GID_look",
        topic,
        queueId,
        queueOffset: offset,
        expressionType: "TAG",
      }),
    );
    if (answer.code !== 0) return messages;
    messages.push(...decodeMessages(answer.body));
    offset = Number(answer.extFields.get("nextBeginOffset"));
  }
}

/** Waits until a condition holds: other tests may have the machine. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
): Promise<void> {
  const deadlineMs = Date.now() + 30_000;
  while (!await condition()) {
    if (Date.now() > deadlineMs) throw new Error(`never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

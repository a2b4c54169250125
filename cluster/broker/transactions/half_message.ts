// A prepared ("half") message in its forms: as it waits in the half topic, put back there, given up, and committed.
// Pure. Properties are what Apache's records carry, TRAN_MSG of a committed one included (Java: TransactionalMessageBridge,
// EndTransactionProcessor; expected/store.json shows the records).
import { copyOf } from "../../../core/bytes/copy.ts";
import { encodeProperties, parseProperties } from "../../../core/message/properties.ts";
import { PROPERTY } from "../../../core/message/property_names.ts";
import { decodeRecord } from "../../../core/message/record.ts";
import { isSound } from "../../../core/message/record_check.ts";
import {
  TRANSACTION_COMMIT,
  TRANSACTION_NONE,
  withTransactionState,
} from "../../../core/message/sys_flag.ts";
import { tagsCode } from "../../../core/message/tag_hash.ts";
import {
  TRANSACTION_CHECK_MAX_TOPIC,
  TRANSACTION_HALF_TOPIC,
} from "../../../core/message/topic_names.ts";
import type { MessageToStore, RecordView } from "../../../store/message_store.ts";

/** A record of the half topic, copied out of the log. */
export interface HalfMessage {
  /** Topic of the record: the half topic, or that of given-up messages. */
  topic: string;
  realTopic: string;
  realQueueId: number;
  queueId: number;
  queueOffset: number;
  physicalOffset: number;
  size: number;
  flag: number;
  sysFlag: number;
  bodyCrc: number;
  bornTimestampMs: number;
  bornAddress: Uint8Array;
  bornPort: number;
  storeTimestampMs: number;
  reconsumeTimes: number;
  body: Uint8Array;
  properties: ReadonlyMap<string, string>;
}

const QUEUE_ID = /^\d{1,9}$/;
const WHOLE_NUMBER = /^[+-]?\d{1,15}$/;

/** Turns a checked message into its half, in place; `properties` are the message's own. */
export function makeHalf(message: MessageToStore, properties: Map<string, string>): void {
  const uniqueKey = properties.get(PROPERTY.uniqueKey);
  if (uniqueKey) properties.set(PROPERTY.transactionId, uniqueKey);
  properties.set(PROPERTY.realTopic, message.topic);
  properties.set(PROPERTY.realQueueId, String(message.queueId));
  message.properties = encodeProperties(properties);
  // Without the state's bits it enters its queue, unlike a prepared record of old.
  message.sysFlag = withTransactionState(message.sysFlag, TRANSACTION_NONE);
  message.topic = TRANSACTION_HALF_TOPIC;
  message.queueId = 0;
}

/** The half message of a record; null when it is none, or says no place that it could go to. */
export function halfMessageOf(view: RecordView): HalfMessage | null {
  if (!isSound(view)) return null;
  const record = decodeRecord(view.buffer, view.start, view.start + view.size);
  const { topic } = record;
  if (topic !== TRANSACTION_HALF_TOPIC && topic !== TRANSACTION_CHECK_MAX_TOPIC) return null;
  const properties = parseProperties(record.properties);
  const realTopic = properties.get(PROPERTY.realTopic);
  const realQueueId = properties.get(PROPERTY.realQueueId) ?? "";
  if (realTopic === undefined || !QUEUE_ID.test(realQueueId)) return null;
  return {
    topic,
    realTopic,
    realQueueId: Number(realQueueId),
    queueId: record.queueId,
    queueOffset: record.queueOffset,
    physicalOffset: record.physicalOffset,
    size: record.size,
    flag: record.flag,
    sysFlag: record.sysFlag,
    bodyCrc: record.bodyCrc,
    bornTimestampMs: record.bornTimestampMs,
    bornAddress: copyOf(record.bornAddress),
    bornPort: record.bornPort,
    storeTimestampMs: record.storeTimestampMs,
    reconsumeTimes: record.reconsumeTimes,
    body: copyOf(record.body),
    properties,
  };
}

/**
 * What tells transactions apart across the copies of their half: a message that is put back keeps its key and birth. The
 * key alone may come twice: a producer tries a send again, or sends one message in two transactions.
 */
export function transactionKeyOf(half: HalfMessage): string {
  return `${
    half.properties.get(PROPERTY.uniqueKey) ?? half.physicalOffset
  }@${half.bornTimestampMs}`;
}

/** How often its producer was asked. Text that is no number counts as -1 (Java: getInt). */
export function checkTimesOf({ properties }: HalfMessage): number {
  const text = properties.get(PROPERTY.transactionCheckTimes);
  if (text === undefined) return 0;
  return WHOLE_NUMBER.test(text) ? Number(text) : -1;
}

/** CHECK_IMMUNITY_TIME_IN_SECONDS in ms; null when there is none, `timeoutMs` when it is no number or -1. */
export function immunityMsOf({ properties }: HalfMessage, timeoutMs: number): number | null {
  const text = properties.get(PROPERTY.checkImmunitySeconds);
  if (text === undefined) return null;
  const seconds = WHOLE_NUMBER.test(text) ? Number(text) : -1;
  return seconds === -1 ? timeoutMs : seconds * 1000;
}

/** The message that consumers get. `properties`: its own, where they are made already. */
export function committed(
  half: HalfMessage,
  properties: ReadonlyMap<string, string> = committedProperties(half),
): MessageToStore {
  return {
    ...stored(half, properties),
    topic: half.realTopic,
    queueId: half.realQueueId,
    sysFlag: withTransactionState(half.sysFlag, TRANSACTION_COMMIT),
    preparedTransactionOffset: half.physicalOffset,
  };
}

/** Its properties: those of the half less where it goes. */
export function committedProperties({ properties }: HalfMessage): Map<string, string> {
  const own = new Map(properties);
  own.delete(PROPERTY.realTopic);
  own.delete(PROPERTY.realQueueId);
  return own;
}

/** The same half again behind the others, its checks counted. */
export function putBack(half: HalfMessage, checkTimes: number): MessageToStore {
  const properties = new Map(half.properties);
  properties.set(PROPERTY.transactionCheckTimes, String(checkTimes));
  return {
    ...stored(half, properties),
    topic: TRANSACTION_HALF_TOPIC,
    queueId: half.topic === TRANSACTION_HALF_TOPIC ? half.queueId : 0,
  };
}

/** The same half again, unasked since it is immune: it remembers where it first was. */
export function putBackImmune(half: HalfMessage): MessageToStore {
  const properties = new Map(half.properties);
  const first = properties.get(PROPERTY.preparedQueueOffset) ?? String(half.queueOffset);
  properties.set(PROPERTY.preparedQueueOffset, first);
  return { ...stored(half, properties), topic: TRANSACTION_HALF_TOPIC, queueId: half.queueId };
}

/** What an operator finds in the topic of given-up messages. */
export function givenUp(half: HalfMessage): MessageToStore {
  return { ...stored(half, half.properties), topic: TRANSACTION_CHECK_MAX_TOPIC, queueId: 0 };
}

function stored(
  half: HalfMessage,
  properties: ReadonlyMap<string, string>,
): Omit<MessageToStore, "topic" | "queueId"> {
  return {
    flag: half.flag,
    sysFlag: half.sysFlag,
    bornTimestampMs: half.bornTimestampMs,
    bornAddress: half.bornAddress,
    bornPort: half.bornPort,
    reconsumeTimes: half.reconsumeTimes,
    preparedTransactionOffset: 0,
    body: half.body,
    properties: encodeProperties(properties),
    tagsCode: tagsCode(properties.get(PROPERTY.tags) ?? ""),
    uniqueKey: properties.get(PROPERTY.uniqueKey) ?? "",
    keys: properties.get(PROPERTY.keys) ?? "",
    batchCount: 1,
  };
}

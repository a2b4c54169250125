// What producers send and what they get back. Checks messages; encodes nothing.
import { Buffer } from "node:buffer";
import { PROPERTIES_BYTES_MAX } from "../limits.ts";
import { PROPERTY } from "../message/property_names.ts";
import { isNotSendable, topicProblem } from "../message/topic_names.ts";
import { ClientError } from "./client_error.ts";

/** A message to send. */
export interface Message {
  topic: string;
  /** Text is sent as UTF-8. Bytes belong to the producer until the send is settled. */
  body: Uint8Array | string;
  /** One tag; consumers filter by it. */
  tags?: string;
  /** What the message can be looked up by. */
  keys?: string | readonly string[];
  /** The user's own properties. */
  properties?: Readonly<Record<string, string>>;
  /** 1–18: deliver after 1s 5s 10s 30s 1m 2m … 2h (the broker's messageDelayLevel). */
  delayLevel?: number;
  /** Deliver at this wall-clock time, in ms. */
  deliverAtMs?: number;
  /** Deliver after so many ms. */
  delayMs?: number;
  /** Deliver after so many seconds. */
  delaySeconds?: number;
  /** From 0 up; the broker puts the message into the queue of that number, or the last one. */
  priority?: number;
  /** A number of the user's. */
  flag?: number;
  /** False: under SYNC_FLUSH or SYNC_MASTER the answer needn't wait (WAIT). */
  waitStoreOk?: boolean;
}

/** One queue of a topic on one broker. */
export interface MessageQueue {
  readonly topic: string;
  readonly brokerName: string;
  readonly queueId: number;
}

export function sameQueue(a: MessageQueue, b: MessageQueue): boolean {
  return a.queueId === b.queueId && a.brokerName === b.brokerName && a.topic === b.topic;
}

/** A text that tells queues apart, for maps. */
export function queueKey(queue: MessageQueue): string {
  return `${queue.topic}@${queue.brokerName}@${queue.queueId}`;
}

/**
 * What the broker can promise: stored as asked ("ok"), or stored while the flush or the copy to a
 * slave wasn't confirmed in time.
 */
export type SendStatus =
  | "ok"
  | "flush_disk_timeout"
  | "flush_slave_timeout"
  | "slave_not_available";

export interface SendResult {
  status: SendStatus;
  /** The message's unique key, given by the producer; those of a batch joined by commas. */
  messageId: string;
  /** Address and physical offset, given by the broker; joined by commas for a batch. */
  offsetMessageId: string;
  queue: MessageQueue;
  queueOffset: number;
  transactionId: string | null;
  regionId: string | null;
  /** Whether the broker wants traces of it. */
  traceOn: boolean;
  /** Takes a timed message back. */
  recallHandle: string | null;
}

/** The body's bytes. Throws ClientError "invalid_message" for what programs without types may give. */
export function bodyBytes(body: Uint8Array | string): Uint8Array {
  if (typeof body === "string") return Buffer.from(body, "utf8");
  if (body instanceof Uint8Array) return body;
  throw invalid("the body is neither text nor bytes (string, Uint8Array)");
}

const NAME_END = "\x01";
const ENTRY_END = "\x02";

/** The properties as they travel. `uniqueKey` is the message's id. */
export function propertiesText(message: Message, uniqueKey: string): string {
  let text = entry(PROPERTY.uniqueKey, uniqueKey);
  const { tags, keys, properties, delayLevel, waitStoreOk, priority } = message;
  if (tags) text += entry(PROPERTY.tags, tags);
  if (keys !== undefined) {
    const joined = typeof keys === "string" ? keys : keys.join(" ");
    if (joined !== "") text += entry(PROPERTY.keys, joined);
  }
  if (delayLevel !== undefined) text += entry(PROPERTY.delayLevel, String(delayLevel));
  const { deliverAtMs, delayMs, delaySeconds } = message;
  if (deliverAtMs !== undefined) text += entry(PROPERTY.timerDeliverMs, String(deliverAtMs));
  if (delayMs !== undefined) text += entry(PROPERTY.timerDelayMs, String(delayMs));
  if (delaySeconds !== undefined) text += entry(PROPERTY.timerDelaySeconds, String(delaySeconds));
  if (priority !== undefined) text += entry(PROPERTY.priority, String(priority));
  if (waitStoreOk === false) text += entry(PROPERTY.waitStoreOk, "false");
  if (properties !== undefined) {
    for (const name in properties) text += entry(name, properties[name]!);
  }
  return text;
}

function entry(name: string, value: string): string {
  return name + NAME_END + value + ENTRY_END;
}

/** Names that the client or broker sets itself; a property of the user's must not take them. */
const RESERVED: ReadonlySet<string> = new Set<string>(Object.values(PROPERTY));
/** Those that a program may set all the same: they mean something to its peers. */
const SETTABLE: ReadonlySet<string> = new Set<string>([
  PROPERTY.shardingKey,
  PROPERTY.correlationId,
  PROPERTY.buyerId,
  PROPERTY.instanceId,
  PROPERTY.priority,
  PROPERTY.traceContext,
  PROPERTY.originMessageId,
  PROPERTY.originGroup,
  PROPERTY.ttl,
]);

/** Throws ClientError "invalid_message" when the message can't be sent; see checkTopic too. */
export function checkMessage(message: Message, bodyLength: number, bytesMax: number): void {
  if (bodyLength === 0) throw invalid("the body is empty");
  if (bodyLength > bytesMax) {
    throw invalid(`the body has ${bodyLength} bytes, more than maxMessageBytes ${bytesMax}`);
  }
  checkTimes(message);
  const { priority } = message;
  if (priority !== undefined && !(Number.isInteger(priority) && priority >= 0)) {
    throw invalid(`the priority ${priority} is no whole number from 0 up`);
  }
  if (message.properties !== undefined) checkProperties(message.properties);
  if (message.tags !== undefined) checkValue("tags", message.tags);
  const { keys } = message;
  if (typeof keys === "string") checkValue("keys", keys);
  else if (Array.isArray(keys)) { for (const key of keys) checkValue("keys", key); }
  else if (keys !== undefined) throw invalid("'keys' is neither a text nor a list of texts");
}

const TIMES = ["delayLevel", "deliverAtMs", "delayMs", "delaySeconds"] as const;

/** Whether it is to be delivered later than it is stored. */
export function isDelayed({ delayLevel, deliverAtMs, delayMs, delaySeconds }: Message): boolean {
  return delayLevel !== undefined || deliverAtMs !== undefined || delayMs !== undefined ||
    delaySeconds !== undefined;
}

/** A broker would obey one of several, and refuse what is no whole number. */
function checkTimes(message: Message): void {
  if (!isDelayed(message)) return;
  const given = TIMES.filter((name) => message[name] !== undefined);
  if (given.length > 1) throw invalid(`it has ${given.join(" and ")}: one of them is enough`);
  for (const name of given) {
    if (!Number.isSafeInteger(message[name])) throw invalid(`'${name}' is no whole number`);
  }
}

function checkProperties(properties: Readonly<Record<string, string>>): void {
  for (const name in properties) {
    if (name === "") throw invalid("a property has an empty name");
    if (RESERVED.has(name) && !SETTABLE.has(name)) {
      throw invalid(`the property '${name}' is set by the client or the broker alone`);
    }
    checkValue(name, name);
    checkValue(name, properties[name]!);
  }
}

/** The separators of the encoding can't be part of a name or value. */
function checkValue(name: string, value: string): void {
  if (typeof value !== "string") throw invalid(`'${name}' is no text`);
  if (value.includes(NAME_END) || value.includes(ENTRY_END)) {
    throw invalid(`'${name}' holds a character \\x01 or \\x02`);
  }
}

/** Of one message as UTF-8: they travel with a 16-bit length. Throws ClientError "invalid_message". */
export function checkPropertiesBytes(bytes: number): void {
  if (bytes <= PROPERTIES_BYTES_MAX) return;
  throw invalid(`the properties have ${bytes} bytes, more than ${PROPERTIES_BYTES_MAX}`);
}

/** Throws ClientError "invalid_message". Once a topic is enough. */
export function checkTopic(topic: string): void {
  if (typeof topic !== "string") throw invalid("the topic is no text");
  const problem = topicProblem(topic);
  if (problem !== null) throw invalid(problem);
  if (isNotSendable(topic)) throw invalid(`the topic ${topic} is the broker's own`);
}

export function invalid(problem: string): ClientError {
  return new ClientError("invalid_message", problem);
}

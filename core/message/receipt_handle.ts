// What a popped message is acknowledged by: eight words that say where it lies and when it comes back; and the offset
// lists of a POP answer, from which clients build them (Java: ExtraInfoUtil). Pure text, no checks against any queue.
import {
  isPopRetryTopicV2,
  isRetryTopic,
  popRetryTopicV1,
  popRetryTopicV2,
} from "./topic_names.ts";

/** The revive queue that marks messages of an orderly pop; it doesn't exist. */
export const POP_ORDER_REVIVE_QUEUE = 999;

/** Which kind of topic a message lies in: the topic itself, or the group's retry topic of either naming. */
export type RetryMark = "0" | "1" | "2";

export interface ReceiptHandle {
  /** The first queue offset of the pop that gave the message out. */
  startOffset: number;
  popTimeMs: number;
  invisibleMs: number;
  reviveQueueId: number;
  retry: RetryMark;
  brokerName: string;
  queueId: number;
  /** The message's own queue offset. */
  queueOffset: number;
}

/** So many digits are always a safe integer. */
const EXACT_DIGITS_MAX = 15;
const DIGIT_ZERO = 48;

export function formatReceiptHandle(handle: ReceiptHandle): string {
  const { startOffset, popTimeMs, invisibleMs, reviveQueueId, retry, brokerName } = handle;
  return `${startOffset} ${popTimeMs} ${invisibleMs} ${reviveQueueId} ${retry} ${brokerName} ` +
    `${handle.queueId} ${handle.queueOffset}`;
}

/** Null when the text is no handle. A handle without the queue offset (older clients) gets -1 there. */
export function parseReceiptHandle(text: string): ReceiptHandle | null {
  // Asked for with each acknowledgement: no array of words, and numbers without a text of their own.
  const popTimeAt = text.indexOf(" ") + 1;
  const invisibleAt = text.indexOf(" ", popTimeAt) + 1;
  const reviveQueueAt = text.indexOf(" ", invisibleAt) + 1;
  const retryAt = text.indexOf(" ", reviveQueueAt) + 1;
  const brokerAt = text.indexOf(" ", retryAt) + 1;
  const queueAt = text.indexOf(" ", brokerAt) + 1;
  const isWhole = popTimeAt > 0 && invisibleAt > popTimeAt && reviveQueueAt > invisibleAt &&
    retryAt > reviveQueueAt && brokerAt > retryAt && queueAt > brokerAt;
  if (!isWhole) return null;
  const queueEnd = endOfWord(text, queueAt);
  const offsetAt = queueEnd + 1;
  const hasOffset = queueEnd < text.length;
  const startOffset = numberAt(text, 0, popTimeAt - 1);
  const popTimeMs = numberAt(text, popTimeAt, invisibleAt - 1);
  const invisibleMs = numberAt(text, invisibleAt, reviveQueueAt - 1);
  const reviveQueueId = numberAt(text, reviveQueueAt, retryAt - 1);
  const retry = text.slice(retryAt, brokerAt - 1);
  const queueId = numberAt(text, queueAt, queueEnd);
  const queueOffset = hasOffset ? numberAt(text, offsetAt, endOfWord(text, offsetAt)) : -1;
  const { isSafeInteger } = Number;
  const isNumbered = isSafeInteger(startOffset) && isSafeInteger(popTimeMs) &&
    isSafeInteger(invisibleMs) && isSafeInteger(reviveQueueId) && isSafeInteger(queueId) &&
    isSafeInteger(queueOffset);
  if (!isNumbered || (retry !== "0" && retry !== "1" && retry !== "2")) return null;
  return {
    startOffset,
    popTimeMs,
    invisibleMs,
    reviveQueueId,
    retry,
    brokerName: text.slice(brokerAt, queueAt - 1),
    queueId,
    queueOffset,
  };
}

function endOfWord(text: string, start: number): number {
  const end = text.indexOf(" ", start);
  return end < 0 ? text.length : end;
}

/** Digits are read in place; anything else as Number does. */
function numberAt(text: string, start: number, end: number): number {
  if (end - start > EXACT_DIGITS_MAX) return Number(text.slice(start, end));
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = text.charCodeAt(at) - DIGIT_ZERO;
    if (digit < 0 || digit > 9) return Number(text.slice(start, end));
    value = value * 10 + digit;
  }
  return value;
}

export function retryMarkOf(topic: string): RetryMark {
  if (isPopRetryTopicV2(topic)) return "2";
  return isRetryTopic(topic) ? "1" : "0";
}

/** The topic that a message of a pop really lies in. */
export function markedTopic(topic: string, group: string, retry: RetryMark): string {
  if (retry === "0") return topic;
  return retry === "1" ? popRetryTopicV1(topic, group) : popRetryTopicV2(topic, group);
}

/** One queue's entry of startOffsetInfo, msgOffsetInfo or orderCountInfo, added to those before it. */
export function addOffsetInfo(
  info: string,
  retry: RetryMark,
  key: number | string,
  value: number | string,
): string {
  const entry = `${retry} ${key} ${value}`;
  return info === "" ? entry : `${info};${entry}`;
}

/** The key of a single message in orderCountInfo. */
export function orderCountKey(queueId: number, queueOffset: number): string {
  return `qo${queueId}%${queueOffset}`;
}

/** An offset list by "retry@key". Entries that can't be read are left out. */
export function parseOffsetInfo(info: string): Map<string, string> {
  const entries = new Map<string, string>();
  for (const entry of info.split(";")) {
    const [retry, key, value] = entry.split(" ");
    if (value !== undefined) entries.set(`${retry}@${key}`, value);
  }
  return entries;
}

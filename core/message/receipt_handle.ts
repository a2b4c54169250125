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

const WORDS_MIN = 7;

export function formatReceiptHandle(handle: ReceiptHandle): string {
  const { startOffset, popTimeMs, invisibleMs, reviveQueueId, retry, brokerName } = handle;
  return `${startOffset} ${popTimeMs} ${invisibleMs} ${reviveQueueId} ${retry} ${brokerName} ` +
    `${handle.queueId} ${handle.queueOffset}`;
}

/** Null when the text is no handle. A handle without the queue offset (older clients) gets -1 there. */
export function parseReceiptHandle(text: string): ReceiptHandle | null {
  const words = text.split(" ");
  if (words.length < WORDS_MIN) return null;
  const startOffset = Number(words[0]);
  const popTimeMs = Number(words[1]);
  const invisibleMs = Number(words[2]);
  const reviveQueueId = Number(words[3]);
  const retry = words[4];
  const brokerName = words[5]!;
  const queueId = Number(words[6]);
  const queueOffset = words.length > WORDS_MIN ? Number(words[WORDS_MIN]) : -1;
  const { isSafeInteger } = Number;
  const isWhole = isSafeInteger(startOffset) && isSafeInteger(popTimeMs) &&
    isSafeInteger(invisibleMs) && isSafeInteger(reviveQueueId) && isSafeInteger(queueId) &&
    isSafeInteger(queueOffset);
  if (!isWhole || (retry !== "0" && retry !== "1" && retry !== "2")) return null;
  return {
    startOffset,
    popTimeMs,
    invisibleMs,
    reviveQueueId,
    retry,
    brokerName,
    queueId,
    queueOffset,
  };
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

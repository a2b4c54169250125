// Batches: which messages may travel together, cut into requests that are small enough, the
// properties counted. Pure.
import { Buffer } from "node:buffer";
import {
  batchItemSize,
  type BatchTextItem,
  encodeTextBatch,
  splitBatch,
} from "../message/batch.ts";
import { isRetryTopic } from "../message/topic_names.ts";
import {
  bodyBytes,
  checkPropertiesBytes,
  checkTopic,
  invalid,
  isDelayed,
  type Message,
  propertiesText,
} from "./message.ts";

/** One request's worth of messages. */
export interface Batch {
  topic: string;
  /** How many messages. */
  count: number;
  body: Buffer;
  /** Unique keys joined by commas, as a batch's id is. */
  messageId: string;
  /** Of the request itself: a key of its own, and whether to wait for the store. */
  properties: string;
}

/**
 * The messages in their order as batches of at most `bytesMax`. Throws ClientError
 * "invalid_message": nothing to send, several topics, delayed messages, retry topics, one message
 * alone too large.
 */
export function makeBatches(
  messages: readonly Message[],
  bytesMax: number,
  nextUniqueKey: () => string,
): Batch[] {
  const topic = checkBatch(messages);
  const keys = messages.map(nextUniqueKey);
  const items: BatchTextItem[] = [];
  const sizes: number[] = [];
  for (let index = 0; index < messages.length; index++) {
    const message = messages[index]!;
    const body = bodyBytes(message.body);
    const properties = propertiesText(message, keys[index]!);
    const propertiesBytes = Buffer.byteLength(properties, "utf8");
    checkPropertiesBytes(propertiesBytes);
    items.push({ flag: message.flag ?? 0, body, properties, propertiesBytes });
    sizes.push(batchItemSize(body.length, propertiesBytes));
  }
  const split = splitBatch(sizes, bytesMax);
  if (split.kind === "too_large") {
    throw invalid(
      `message ${split.index} of the batch has ${split.bytes} bytes with its properties, ` +
        `more than maxMessageBytes ${bytesMax}`,
    );
  }
  const { waitStoreOk } = messages[0]!;
  const waits = waitStoreOk === undefined ? {} : { waitStoreOk };
  return split.slices.map((slice) => ({
    topic,
    count: slice.end - slice.first,
    body: encodeTextBatch(items, slice),
    messageId: keys.slice(slice.first, slice.end).join(","),
    properties: propertiesText({ topic, body: "", ...waits }, nextUniqueKey()),
  }));
}

/** The one topic of all messages. */
function checkBatch(messages: readonly Message[]): string {
  const first = messages[0];
  if (first === undefined) throw invalid("the batch is empty");
  checkTopic(first.topic);
  if (isRetryTopic(first.topic)) throw invalid("retry topics take no batches");
  for (const message of messages) {
    const { topic, waitStoreOk } = message;
    if (topic !== first.topic) {
      throw invalid(`a batch has one topic: ${first.topic} and ${topic} can't travel together`);
    }
    if ((waitStoreOk ?? true) !== (first.waitStoreOk ?? true)) {
      throw invalid("the messages of a batch differ in waitStoreOk");
    }
    if (isDelayed(message)) {
      throw invalid("a delayed message can't be part of a batch");
    }
  }
  return first.topic;
}

// Makes the messages to store of a batch: one record an item, or one record for all on a BatchCQ topic (inner batch).
// Items keep their own properties and gain none (Java: MessageExtEncoder.encode of a batch).
import { DecodeError, RequestError } from "../../../core/errors.ts";
import { BatchCursor, countBatch } from "../../../core/message/batch.ts";
import { encodeProperties } from "../../../core/message/properties.ts";
import { PROPERTY } from "../../../core/message/property_names.ts";
import { PropertyScanner } from "../../../core/message/property_scan.ts";
import {
  INNER_BATCH,
  MULTI_TAGS,
  NEED_UNWRAP,
  TRANSACTION_NONE,
  transactionState,
} from "../../../core/message/sys_flag.ts";
import { tagsCode } from "../../../core/message/tag_hash.ts";
import { isRetryTopic } from "../../../core/message/topic_names.ts";
import type { HostAddress } from "../../../core/remoting/handler.ts";
import { ResponseCode } from "../../../core/remoting/response_codes.ts";
import type { MessageToStore } from "../../../store/message_store.ts";
import { asksForTime, delayLevelOf } from "../put_rules.ts";
import type { TopicConfig } from "../topics/topic_config.ts";
import { sizesRefused } from "./send_checks.ts";
import type { SendFields } from "./send_request.ts";
import { Buffer } from "node:buffer";

export interface BatchRequest {
  fields: SendFields;
  body: Uint8Array;
  bornHost: HostAddress;
  config: TopicConfig;
  queueId: number;
  /** Of the batch as a whole, with what the broker adds. */
  properties: Map<string, string>;
  maxMessageSize: number;
}

export interface BatchDraft {
  messages: MessageToStore[];
  /** The batch's own unique key; empty when the producer gave none. */
  uniqueKey: string;
  /** Stored as one record that stands for all. */
  isInner: boolean;
}

const scanner = new PropertyScanner([PROPERTY.uniqueKey, PROPERTY.keys, PROPERTY.tags]);
const UNIQUE_KEY = scanner.indexOf(PROPERTY.uniqueKey);
const KEYS = scanner.indexOf(PROPERTY.keys);
const TAGS = scanner.indexOf(PROPERTY.tags);

/** Throws RequestError when the batch can't be taken apart or may not go to its topic. */
export function draftBatch(request: BatchRequest): BatchDraft {
  const { config, fields, properties } = request;
  if (isRetryTopic(fields.topic)) {
    throw new RequestError(
      ResponseCode.MESSAGE_ILLEGAL,
      `batch request does not support retry group ${fields.topic}`,
    );
  }
  const uniqueKey = properties.get(PROPERTY.uniqueKey) ?? "";
  const isInner = config.attributes["queue.type"] === "BatchCQ" && uniqueKey !== "";
  if (!isInner && !isPlain(request)) throw sizesRefused(request.maxMessageSize);
  try {
    const messages = isInner ? [draftInner(request, uniqueKey)] : draftItems(request);
    return { messages, uniqueKey, isInner };
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw new RequestError(ResponseCode.MESSAGE_ILLEGAL, error.message, { cause: error });
  }
}

/** A batch has neither a transaction nor a time (Java: CommitLog.asyncPutMessages, which has the same words for it). */
function isPlain({ fields, properties }: BatchRequest): boolean {
  return transactionState(fields.sysFlag) === TRANSACTION_NONE &&
    delayLevelOf(properties) <= 0 && !asksForTime(properties);
}

function draftItems(request: BatchRequest): MessageToStore[] {
  const body = Buffer.from(request.body.buffer, request.body.byteOffset, request.body.byteLength);
  const cursor = new BatchCursor().reset(body);
  const messages: MessageToStore[] = [];
  while (cursor.next()) {
    if (cursor.bodyEnd === cursor.bodyStart) {
      throw new RequestError(
        ResponseCode.MESSAGE_ILLEGAL,
        `the message body is empty: message ${messages.length} of the batch`,
      );
    }
    if (cursor.bodyEnd - cursor.bodyStart > request.maxMessageSize) {
      throw sizesRefused(request.maxMessageSize);
    }
    scanner.scan(body, cursor.propertiesStart, cursor.propertiesEnd);
    messages.push({
      ...commonParts(request),
      flag: cursor.flag,
      body: body.subarray(cursor.bodyStart, cursor.bodyEnd),
      properties: body.subarray(cursor.propertiesStart, cursor.propertiesEnd),
      tagsCode: tagsCode(scanner.text(body, TAGS) ?? ""),
      uniqueKey: scanner.text(body, UNIQUE_KEY) ?? "",
      keys: scanner.text(body, KEYS) ?? "",
      batchCount: 1,
    });
  }
  return messages;
}

function draftInner(request: BatchRequest, uniqueKey: string): MessageToStore {
  const { body, fields, properties } = request;
  const count = countBatch(body);
  properties.set(PROPERTY.innerCount, String(count));
  const common = commonParts(request);
  return {
    ...common,
    flag: fields.flag,
    sysFlag: common.sysFlag | NEED_UNWRAP | INNER_BATCH,
    body,
    properties: encodeProperties(properties),
    tagsCode: tagsCode(properties.get(PROPERTY.tags) ?? ""),
    uniqueKey,
    keys: properties.get(PROPERTY.keys) ?? "",
    batchCount: count,
  };
}

function commonParts({ bornHost, config, fields, queueId }: BatchRequest) {
  return {
    topic: fields.topic,
    queueId,
    sysFlag: fields.sysFlag | (config.topicFilterType === "MULTI_TAG" ? MULTI_TAGS : 0),
    bornTimestampMs: fields.bornTimestampMs,
    bornAddress: bornHost.address,
    bornPort: bornHost.port,
    reconsumeTimes: fields.reconsumeTimes,
    preparedTransactionOffset: 0,
  };
}

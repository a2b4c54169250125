// Answers whose body is JSON, and the objects that several of them hold. A body too large for a frame is refused.
import { RequestError } from "../../../core/errors.ts";
import { type JsonObject, type JsonValue, LenientMap } from "../../../core/json/json_value.ts";
import { writeJson } from "../../../core/json/json_writer.ts";
import { ResponseCode } from "../../../core/remoting/response_codes.ts";
import type { Client } from "../clients/client.ts";
import type { Subscription } from "../clients/subscription.ts";
import { BODY_BYTES_MAX } from "./admin_parts.ts";

export function jsonAnswer(value: JsonValue): { body: Uint8Array } {
  return textAnswer(writeJson(value));
}

export function textAnswer(text: string): { body: Uint8Array } {
  const body = new TextEncoder().encode(text);
  checkBodySize(body.length);
  return { body };
}

export function checkBodySize(bytes: number): void {
  if (bytes <= BODY_BYTES_MAX) return;
  throw new RequestError(
    ResponseCode.SYSTEM_ERROR,
    `the answer would have ${bytes} bytes, more than ${BODY_BYTES_MAX}`,
  );
}

/** A queue as a JSON key or value (Java: MessageQueue). */
export function queueJson(topic: string, brokerName: string, queueId: number): JsonObject {
  return { brokerName, queueId, topic };
}

/** A map from a topic's queues, as fastjson writes maps whose keys are objects. */
export function queueMap(
  brokerName: string,
  entries: Iterable<readonly [topic: string, queueId: number, value: JsonValue]>,
): LenientMap {
  return new LenientMap(
    [...entries].map(([topic, queueId, value]) => [queueJson(topic, brokerName, queueId), value]),
  );
}

/** One connected client (Java: Connection). */
export function connectionJson(client: Client): JsonObject {
  return {
    clientAddr: client.connection.remoteAddress,
    clientId: client.clientId,
    language: client.language,
    version: client.version,
  };
}

/** Java: SubscriptionData. */
export function subscriptionJson(subscription: Subscription): JsonObject {
  return {
    classFilterMode: subscription.classFilterMode,
    codeSet: [...subscription.codes],
    expressionType: subscription.expressionType,
    subString: subscription.subString,
    subVersion: subscription.subVersion,
    tagsSet: [...subscription.tags],
    topic: subscription.topic,
  };
}

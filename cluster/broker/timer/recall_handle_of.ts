// The handle that the answer to a send carries, when the message now waits for its time (Java: attachRecallHandle).
import { PROPERTY } from "../../../core/message/property_names.ts";
import { encodeRecallHandle, recallTimeMs } from "../../../core/message/recall_handle.ts";
import { isRetryTopic, TIMER_TOPIC } from "../../../core/message/topic_names.ts";
import type { MessageToStore } from "../../../store/message_store.ts";

/** Undefined for a message that doesn't wait, and for retries. `properties` are the message's own. */
export function recallHandleOf(
  message: MessageToStore,
  properties: ReadonlyMap<string, string>,
  brokerName: string,
): string | undefined {
  if (message.topic !== TIMER_TOPIC) return undefined;
  const outMs = properties.get(PROPERTY.timerOutMs);
  const topic = properties.get(PROPERTY.realTopic);
  if (outMs === undefined || topic === undefined || isRetryTopic(topic)) return undefined;
  const deliverMs = String(recallTimeMs(Number(outMs)));
  return encodeRecallHandle({ topic, brokerName, deliverMs, uniqueKey: message.uniqueKey });
}

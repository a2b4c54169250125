// Sending for the commands that send. The producer is loaded by those alone. Prints nothing.
import type { Message, Producer, SendOptions } from "../../core/client/mod.ts";
import { OperationError } from "../../core/errors.ts";
import type { ClientMessage } from "../../core/message/client_message.ts";
import { PROPERTY } from "../../core/message/property_names.ts";
import { AUTO_CREATE_TOPIC } from "../../core/message/topic_names.ts";
import type { Cluster } from "./cluster.ts";

/** Properties that a producer or broker writes by itself. */
const OWN_PROPERTIES: ReadonlySet<string> = new Set([
  PROPERTY.uniqueKey,
  PROPERTY.tags,
  PROPERTY.keys,
  PROPERTY.waitStoreOk,
  PROPERTY.region,
  PROPERTY.traceSwitch,
  PROPERTY.cluster,
  PROPERTY.minOffset,
  PROPERTY.maxOffset,
]);

export interface Sent {
  brokerName: string;
  queueId: number;
  queueOffset: number;
  /** As Java's SendStatus. */
  status: string;
  messageId: string;
  offsetMessageId: string;
}

export async function openProducer(cluster: Cluster): Promise<Producer> {
  const { Producer } = await import("../../core/client/mod.ts");
  const { clock, nameServers, transport } = cluster;
  return await Producer.open({
    nameServers,
    group: `${clock.nowMs()}`,
  }, { clock, transport });
}

/** Throws OperationError with the cause. */
export async function send(
  producer: Producer,
  message: Message,
  options?: SendOptions,
): Promise<Sent> {
  const { ClientError } = await import("../../core/client/mod.ts");
  try {
    const result = await producer.send(message, options);
    const { brokerName, queueId } = result.queue;
    const { messageId, offsetMessageId, queueOffset, status } = result;
    return {
      brokerName,
      queueId,
      queueOffset,
      status: status === "ok" ? "SEND_OK" : status.toUpperCase(),
      messageId,
      offsetMessageId,
    };
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    throw new OperationError(error.message, { cause: error });
  }
}

/** A topic that doesn't exist must be made by its first message: throws when no broker does that. */
export async function checkTopic(cluster: Cluster, topic: string): Promise<void> {
  if (await cluster.findRoute(topic) !== null) return;
  if (await cluster.findRoute(AUTO_CREATE_TOPIC) !== null) return;
  await cluster.failMissingTopic(
    topic,
    "; no broker makes topics by itself (autoCreateTopicEnable=false): make it with updateTopic",
  );
}

/** Sends a message again as a new one. */
export async function resend(cluster: Cluster, message: ClientMessage): Promise<Sent> {
  await using producer = await openProducer(cluster);
  const { body, properties, topic } = message;
  const tags = properties.get(PROPERTY.tags);
  const keys = properties.get(PROPERTY.keys);
  const others = [...properties].filter(([name]) => !OWN_PROPERTIES.has(name));
  return await send(producer, {
    topic,
    body,
    properties: Object.fromEntries(others),
    ...(tags !== undefined && { tags }),
    ...(keys !== undefined && { keys }),
  });
}

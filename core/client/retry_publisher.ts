// Publishes messages to their group's retry topic by the consumer itself: when the storing broker
// doesn't take them back, and for what orderly consumers give up. The broker makes retry or dead
// letter of them by the number of deliveries that the request tells.
import { encodeProperties } from "../message/properties.ts";
import { PROPERTY } from "../message/property_names.ts";
import { AUTO_CREATE_TOPIC, retryTopicOf } from "../message/topic_names.ts";
import { SEND_MESSAGE_V2 } from "../remoting/codes/send.ts";
import type { ClientCore } from "./client_core.ts";
import { ClientError } from "./client_error.ts";
import { AUTO_CREATE_QUEUES, SEND_RETRIES, SEND_TIMEOUT_MS } from "./limits.ts";
import type { MessageQueue } from "./message.ts";
import { withNamespace } from "./namespace.ts";
import { PublishQueues } from "./publish_queues.ts";
import type { ReceivedMessage } from "./received_message.ts";
import { mustAsk } from "./remote_calls.ts";
import { MASTER_ID, publishQueues } from "./route.ts";

/** Level 3 (10 s by default) after the first delivery, then one more each time. */
const FIRST_RETRY_LEVEL = 3;

export interface RetryPublisherOptions {
  core: ClientCore;
  group: string;
  maxReconsumeTimes: number;
}

export class RetryPublisher {
  constructor(private readonly options: RetryPublisherOptions) {}

  /** Tries several brokers. Rejects with the last one's ClientError. */
  async publish(message: ReceivedMessage): Promise<void> {
    const { core, group } = this.options;
    const topic = retryTopicOf(group);
    const route = core.routes.get(topic) ?? await core.routes.refresh(topic);
    const queues = new PublishQueues(
      route === null ? [] : publishQueues(topic, route),
      message.queueOffset,
    );
    let failure: unknown = new ClientError("no_route", `the topic ${topic} isn't known yet`, {
      retriable: true,
    });
    let failedBroker: string | null = null;
    for (let attempt = 0; attempt <= SEND_RETRIES; attempt++) {
      const queue = queues.select(failedBroker, null);
      if (queue === null) break;
      try {
        return await this.send(message, queue);
      } catch (error) {
        failure = error;
        failedBroker = queue.brokerName;
      }
    }
    throw failure;
  }

  private async send(message: ReceivedMessage, queue: MessageQueue): Promise<void> {
    const { core, group, maxReconsumeTimes } = this.options;
    const { brokerName } = queue;
    const address = core.routes.address(brokerName, MASTER_ID);
    if (address === undefined) {
      throw new ClientError("no_broker", `the routes have no master for ${brokerName}`);
    }
    await mustAsk(core.remoting, SEND_MESSAGE_V2, {
      peer: brokerName,
      address,
      timeoutMs: SEND_TIMEOUT_MS,
      fields: {
        a: group,
        b: queue.topic,
        c: AUTO_CREATE_TOPIC,
        d: AUTO_CREATE_QUEUES,
        e: queue.queueId,
        f: message.storedCompression,
        g: core.environment.clock.nowMs(),
        h: message.flag,
        i: encodeProperties(retryProperties(message)).toString("utf8"),
        j: message.reconsumeTimes + 1,
        k: false,
        l: maxReconsumeTimes,
        m: false,
        n: brokerName,
      },
      body: message.storedBody,
    });
  }
}

/** The message's properties, with where it came from and when it is to come again. */
export function retryProperties(
  message:
    & Pick<ReceivedMessage, "properties" | "topic" | "messageId" | "reconsumeTimes">
    & Partial<Pick<ReceivedMessage, "namespace">>,
): Map<string, string> {
  const properties = new Map(message.properties);
  // Set by the broker for this very delivery; the next one gets its own.
  properties.delete(PROPERTY.transactionPrepared);
  properties.set(
    PROPERTY.originMessageId,
    properties.get(PROPERTY.originMessageId) ?? message.messageId,
  );
  properties.set(PROPERTY.retryTopic, withNamespace(message.namespace, message.topic));
  properties.set(PROPERTY.delayLevel, String(FIRST_RETRY_LEVEL + message.reconsumeTimes));
  return properties;
}

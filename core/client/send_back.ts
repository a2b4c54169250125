// Gives messages that weren't consumed back to the broker that stores them, for a later delivery; if
// that fails, publishes them to the group's retry topic itself. Decides nothing about when.
import type { Logger } from "../log.ts";
import { encodeProperties } from "../message/properties.ts";
import { PROPERTY } from "../message/property_names.ts";
import { retryTopicOf } from "../message/topic_names.ts";
import { SEND_MESSAGE_V2 } from "../remoting/codes/send.ts";
import type { BrokerCalls } from "./broker_calls.ts";
import { SEND_BACK_TIMEOUT_MS, SEND_TIMEOUT_MS } from "./limits.ts";
import type { ReceivedMessage } from "./received_message.ts";
import type { Sender } from "./sender.ts";

/** Level 3 (10 s by default) after the first delivery, then one more each time. */
const FIRST_RETRY_LEVEL = 3;

export interface SendBackOptions {
  group: string;
  maxReconsumeTimes: number;
  calls: BrokerCalls;
  sender: Sender;
  log: Logger;
  nowMs: () => number;
}

export class SendBack {
  constructor(private readonly options: SendBackOptions) {}

  /** True when the message will come again (or lies in the DLQ); false: keep it. */
  async giveBack(message: ReceivedMessage, delayLevel: number): Promise<boolean> {
    const { group, maxReconsumeTimes, calls, log } = this.options;
    const { queue, messageId, topic } = message;
    try {
      await calls.sendBack(message.storeHost, queue.brokerName, {
        offset: message.physicalOffset,
        group,
        delayLevel,
        originMsgId: messageId,
        originTopic: queue.topic,
        unitMode: false,
        maxReconsumeTimes,
        bname: queue.brokerName,
      }, SEND_BACK_TIMEOUT_MS);
      return true;
    } catch (error) {
      log.warn("sending back failed; publishing to the retry topic", { topic, messageId, error });
    }
    return await this.publish(message);
  }

  /** Publishes the message to the retry topic, from where it comes again or goes to the DLQ. */
  async publish(message: ReceivedMessage): Promise<boolean> {
    const { topic, messageId } = message;
    try {
      await this.send(message);
      return true;
    } catch (error) {
      this.options.log.error("a message can't be given back", { topic, messageId, error });
      return false;
    }
  }

  private async send(message: ReceivedMessage): Promise<void> {
    const { group, maxReconsumeTimes, sender, nowMs } = this.options;
    const topic = retryTopicOf(group);
    if (!sender.knows(topic)) await sender.learn(topic);
    const properties = retryProperties(message, maxReconsumeTimes);
    await new Promise((resolve, reject) => {
      sender.begin(
        {
          topic,
          body: message.body,
          messageId: message.messageId,
          properties: encodeProperties(properties).toString("utf8"),
          sysFlag: 0,
          flag: message.flag,
          bornTimestampMs: nowMs(),
          isBatch: false,
          code: SEND_MESSAGE_V2.code,
          isOneway: false,
          fixedQueue: null,
          timeoutMs: SEND_TIMEOUT_MS,
        },
        resolve,
        reject,
      );
    });
  }
}

/** What the retry's properties are: those of the message, where it came from, and when to come. */
export function retryProperties(
  message: Pick<ReceivedMessage, "properties" | "topic" | "messageId" | "reconsumeTimes">,
  maxReconsumeTimes: number,
): Map<string, string> {
  const properties = new Map(message.properties);
  // Set by the broker for this very delivery; the next one gets its own.
  properties.delete(PROPERTY.transactionPrepared);
  properties.set(PROPERTY.originMessageId, originOf(message));
  properties.set(PROPERTY.retryTopic, message.topic);
  properties.set(PROPERTY.reconsumeTime, String(message.reconsumeTimes + 1));
  properties.set(PROPERTY.maxReconsumeTimes, String(maxReconsumeTimes));
  properties.set(PROPERTY.delayLevel, String(FIRST_RETRY_LEVEL + message.reconsumeTimes));
  return properties;
}

function originOf({ properties, messageId }: Pick<ReceivedMessage, "properties" | "messageId">) {
  return properties.get(PROPERTY.originMessageId) ?? messageId;
}

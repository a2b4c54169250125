// Gives messages that weren't consumed back to the broker that stores them, for a later delivery; if
// that fails, publishes them to the group's retry topic itself. Decides nothing about when.
import type { Logger } from "../log.ts";
import type { BrokerCalls } from "./broker_calls.ts";
import { SEND_BACK_TIMEOUT_MS } from "./limits.ts";
import type { ReceivedMessage } from "./received_message.ts";
import type { RetryPublisher } from "./retry_publisher.ts";

export interface SendBackOptions {
  group: string;
  maxReconsumeTimes: number;
  calls: BrokerCalls;
  publisher: RetryPublisher;
  log: Logger;
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
      await this.options.publisher.publish(message);
      return true;
    } catch (error) {
      this.options.log.error("a message can't be given back", { topic, messageId, error });
      return false;
    }
  }
}

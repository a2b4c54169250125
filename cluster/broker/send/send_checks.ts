// What is checked before a message is taken, in Apache's order and with its texts (AbstractSendMessageProcessor.msgCheck).
// Makes the topic when it may be made; stores nothing.
import { RequestError } from "../../../core/errors.ts";
import { PROPERTIES_BYTES_MAX } from "../../../core/limits.ts";
import { isNotSendable, isRetryTopic, topicProblem } from "../../../core/message/topic_names.ts";
import { ResponseCode } from "../../../core/remoting/response_codes.ts";
import {
  isReadable,
  isWriteable,
  PERM_READ_WRITE,
  TOPIC_FLAG_UNIT,
  TOPIC_FLAG_UNIT_SUB,
  type TopicConfig,
} from "../topics/topic_config.ts";
import type { TopicTable } from "../topics/topic_table.ts";
import type { SendFields } from "./send_request.ts";

/** Configuration keys by Apache's names; read at every use, since some change at run time. */
export interface SendSettings {
  readonly brokerIP1: string;
  readonly brokerPermission: number;
  readonly maxMessageSize: number;
  readonly startAcceptSendRequestTimeStamp: number;
}

const FAQ_URL = "https://rocketmq.apache.org/docs/bestPractice/06FAQ";

/** The pointer to the FAQ that Apache appends to some remarks, and that clients print. */
export function seeFaq(): string {
  return `\nSee ${FAQ_URL} for further details.`;
}

export class SendChecks {
  constructor(private readonly topics: TopicTable, private readonly settings: SendSettings) {}

  /** Whether the topic may be sent to at all; its configuration when it exists. Throws RequestError. */
  existingTopic(topic: string, nowMs: number): TopicConfig | undefined {
    this.checkBeforeTopic(topic, nowMs);
    return this.topics.get(topic);
  }

  /** Throws RequestError when the topic has no such queue. */
  checkQueue(fields: SendFields, config: TopicConfig, remoteAddress: string): void {
    if (fields.queueId >= Math.max(config.writeQueueNums, config.readQueueNums)) {
      throw new RequestError(
        ResponseCode.INVALID_PARAMETER,
        `request queueId[${fields.queueId}] is illegal, ${describeTopic(config)} Producer: ` +
          remoteAddress,
      );
    }
  }

  /** Body and properties against the limits. Throws RequestError. */
  checkSizes(bodyBytes: number, propertiesBytes: number): void {
    const { maxMessageSize } = this.settings;
    // Apache answers a missing body with an accidental SYSTEM_ERROR; what is wrong is the message.
    if (bodyBytes === 0) {
      throw new RequestError(ResponseCode.MESSAGE_ILLEGAL, "the message body is empty");
    }
    if (bodyBytes > maxMessageSize || propertiesBytes > PROPERTIES_BYTES_MAX) {
      throw sizesRefused(maxMessageSize);
    }
  }

  /** True when a plain message to the topic needs none of these checks: the hot path's question. */
  isPlainlySendable(topic: string, config: TopicConfig): boolean {
    return topicProblem(topic) === null && !isNotSendable(topic) && !isRetryTopic(topic) &&
      config.topicFilterType === "SINGLE_TAG" && config.attributes["queue.type"] !== "BatchCQ" &&
      config.attributes["cleanup.policy"] !== "COMPACTION" &&
      (isWriteable(this.settings.brokerPermission) || !config.order);
  }

  private checkBeforeTopic(topic: string, nowMs: number): void {
    const { brokerIP1, brokerPermission, startAcceptSendRequestTimeStamp } = this.settings;
    if (nowMs < startAcceptSendRequestTimeStamp) {
      throw new RequestError(
        ResponseCode.SYSTEM_ERROR,
        `broker unable to service, until ${
          new Date(startAcceptSendRequestTimeStamp).toISOString()
        }`,
      );
    }
    if (!isWriteable(brokerPermission) && this.topics.isOrder(topic)) {
      throw new RequestError(
        ResponseCode.NO_PERMISSION,
        `the broker[${brokerIP1}] sending message is forbidden`,
      );
    }
    const problem = topicProblem(topic);
    if (problem !== null) throw new RequestError(ResponseCode.INVALID_PARAMETER, problem);
    if (isNotSendable(topic)) {
      throw new RequestError(
        ResponseCode.NO_PERMISSION,
        `Sending message to topic[${topic}] is forbidden.`,
      );
    }
  }

  /** Makes a topic that doesn't exist, if it may be made. Throws RequestError. */
  async makeTopic(fields: SendFields, remoteAddress: string): Promise<TopicConfig> {
    const { topic, unitMode } = fields;
    const unitFlag = isRetryTopic(topic) ? TOPIC_FLAG_UNIT_SUB : TOPIC_FLAG_UNIT;
    const sysFlag = unitMode ? unitFlag : 0;
    const made = await this.topics.createForSend(
      topic,
      fields.defaultTopic,
      remoteAddress,
      fields.defaultTopicQueueNums,
      sysFlag,
    );
    if (made !== null) return made;
    if (isRetryTopic(topic)) {
      return this.topics.createForSendBack(topic, 1, PERM_READ_WRITE, sysFlag);
    }
    throw new RequestError(
      ResponseCode.TOPIC_NOT_EXIST,
      `topic[${topic}] not exist, apply first please!${seeFaq()}`,
    );
  }
}

export function sizesRefused(maxMessageSize: number): RequestError {
  return new RequestError(
    ResponseCode.MESSAGE_ILLEGAL,
    "the message is illegal, maybe msg body or properties length not matched. " +
      `msg body length limit ${maxMessageSize}B, msg properties length limit 32KB.`,
  );
}

/** The configuration as Java prints it (TopicConfig.toString), for remarks. */
function describeTopic(config: TopicConfig): string {
  const attributes = Object.entries(config.attributes).map(([name, value]) => `${name}=${value}`);
  const perm = `${isReadable(config.perm) ? "R" : "-"}${isWriteable(config.perm) ? "W" : "-"}` +
    ((config.perm & 1) !== 0 ? "X" : "-");
  return `TopicConfig [topicName=${config.topicName}, readQueueNums=${config.readQueueNums}, ` +
    `writeQueueNums=${config.writeQueueNums}, perm=${perm}, ` +
    `topicFilterType=${config.topicFilterType}, topicSysFlag=${config.topicSysFlag}, ` +
    `order=${config.order}, attributes={${attributes.join(", ")}}]`;
}

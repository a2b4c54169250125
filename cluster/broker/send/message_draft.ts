// Makes a message to store of a send request: retry and DLQ routing, unique key, the properties that a broker adds.
// Decides as SendMessageProcessor does; stores nothing.
import { encodeProperties, parseProperties } from "../../../core/message/properties.ts";
import { PROPERTY } from "../../../core/message/property_names.ts";
import { MULTI_TAGS } from "../../../core/message/sys_flag.ts";
import { tagsCode } from "../../../core/message/tag_hash.ts";
import { dlqTopicOf, groupOfRetryTopic, isRetryTopic } from "../../../core/message/topic_names.ts";
import { RequestError } from "../../../core/errors.ts";
import { type Random, randomBelow } from "../../../core/random.ts";
import type { HostAddress } from "../../../core/remoting/handler.ts";
import { ResponseCode } from "../../../core/remoting/response_codes.ts";
import type { MessageToStore } from "../../../store/message_store.ts";
import type { GroupTable } from "../groups/group_table.ts";
import type { QueueLocks } from "../locks/queue_locks.ts";
import type { StatsSink } from "../stats_sink.ts";
import { PERM_READ_WRITE, type TopicConfig } from "../topics/topic_config.ts";
import type { TopicTable } from "../topics/topic_table.ts";
import { seeFaq } from "./send_checks.ts";
import type { SendFields } from "./send_request.ts";

/** Clients from V3_4_9 on send their own limit of deliveries. */
const OWN_MAX_RECONSUME_VERSION = 121;
const DLQ_QUEUE_COUNT = 1;

/** Properties of delayed, timed and ordered messages, which can't have a priority. */
const OTHER_KINDS: readonly string[] = [
  PROPERTY.delayLevel,
  PROPERTY.timerDeliverMs,
  PROPERTY.timerDelaySeconds,
  PROPERTY.timerDelayMs,
  PROPERTY.shardingKey,
];
const INT_MAX = 2 ** 31 - 1;

export interface MessageDraftOptions {
  topics: TopicTable;
  groups: GroupTable;
  locks: QueueLocks;
  random: Random;
  stats: StatsSink;
  settings: {
    readonly brokerClusterName: string;
    readonly regionId: string;
    readonly traceOn: boolean;
  };
  newUniqueKey: () => string;
}

export interface MessageDraft {
  message: MessageToStore;
  properties: Map<string, string>;
}

export class MessageDrafts {
  constructor(private readonly options: MessageDraftOptions) {}

  /** Throws RequestError when the message can't be routed. */
  draft(
    fields: SendFields,
    clientVersion: number,
    body: Uint8Array,
    bornHost: HostAddress,
    config: TopicConfig,
  ): MessageDraft {
    const properties = this.propertiesOf(fields.properties);
    const target = this.route(fields, clientVersion, config, properties);
    if (!properties.has(PROPERTY.uniqueKey)) {
      properties.set(PROPERTY.uniqueKey, this.options.newUniqueKey());
    }
    this.applyPriority(target, properties, config);
    const isMultiTag = target.config.topicFilterType === "MULTI_TAG";
    const message: MessageToStore = {
      topic: target.topic,
      queueId: target.queueId,
      flag: fields.flag,
      sysFlag: fields.sysFlag | (isMultiTag ? MULTI_TAGS : 0),
      bornTimestampMs: fields.bornTimestampMs,
      bornAddress: bornHost.address,
      bornPort: bornHost.port,
      reconsumeTimes: fields.reconsumeTimes,
      preparedTransactionOffset: 0,
      body,
      properties: encodeProperties(properties),
      tagsCode: tagsCode(properties.get(PROPERTY.tags) ?? ""),
      uniqueKey: properties.get(PROPERTY.uniqueKey) ?? "",
      keys: properties.get(PROPERTY.keys) ?? "",
      batchCount: 1,
    };
    return { message, properties };
  }

  /** The properties as they are stored: what only brokers may set is set, what clients may not keep is gone. */
  propertiesOf(text: string): Map<string, string> {
    const { brokerClusterName, regionId, traceOn } = this.options.settings;
    const properties = parseProperties(text);
    properties.delete(PROPERTY.popCheckpoint);
    properties.set(PROPERTY.region, regionId);
    properties.set(PROPERTY.traceSwitch, String(traceOn));
    properties.set(PROPERTY.cluster, brokerClusterName);
    return properties;
  }

  /** A queue for a message whose sender leaves the choice to the broker. */
  chooseQueue(queueId: number, config: TopicConfig): number {
    return queueId >= 0 ? queueId : randomBelow(this.options.random, config.writeQueueNums);
  }

  /** A priority is the number of a queue; on messages of another kind it is taken off. */
  private applyPriority(
    target: { queueId: number },
    properties: Map<string, string>,
    config: TopicConfig,
  ): void {
    const priority = priorityOf(properties.get(PROPERTY.priority));
    if (priority < 0) return;
    const isOfOtherKind = properties.get(PROPERTY.transactionPrepared)?.toLowerCase() === "true" ||
      OTHER_KINDS.some((name) => properties.has(name));
    if (isOfOtherKind) properties.delete(PROPERTY.priority);
    else target.queueId = Math.min(priority, config.writeQueueNums - 1);
  }

  private route(
    fields: SendFields,
    clientVersion: number,
    config: TopicConfig,
    properties: Map<string, string>,
  ): { topic: string; queueId: number; config: TopicConfig } {
    const { topic } = fields;
    const queueId = this.chooseQueue(fields.queueId, config);
    if (!isRetryTopic(topic)) return { topic, queueId, config };
    const group = groupOfRetryTopic(topic);
    const groupConfig = this.options.groups.find(group);
    if (groupConfig === undefined) {
      throw new RequestError(
        ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
        `subscription group not exist, ${group} ${seeFaq()}`,
      );
    }
    const own = clientVersion >= OWN_MAX_RECONSUME_VERSION ? fields.maxReconsumeTimes : undefined;
    const max = own ?? groupConfig.retryMaxTimes;
    // A group that locks queues consumes in order: its failures can't wait in a retry queue.
    if (fields.reconsumeTimes <= max && this.options.locks.allExpired(group)) {
      return { topic, queueId, config };
    }
    return this.routeToDlq(group, topic, properties);
  }

  private routeToDlq(
    group: string,
    retryTopic: string,
    properties: Map<string, string>,
  ): { topic: string; queueId: number; config: TopicConfig } {
    this.options.stats.sentToDlq(group, retryTopic);
    properties.set(PROPERTY.delayLevel, "-1");
    const topic = dlqTopicOf(group);
    const config = this.options.topics.createForSendBack(
      topic,
      DLQ_QUEUE_COUNT,
      PERM_READ_WRITE,
      0,
    );
    return { topic, queueId: randomBelow(this.options.random, DLQ_QUEUE_COUNT), config };
  }
}

/** As Java's NumberUtils.toInt reads it; -1 for what isn't a number. */
function priorityOf(text: string | undefined): number {
  if (text === undefined || !/^[+-]?\d{1,10}$/.test(text)) return -1;
  const priority = Number(text);
  return priority <= INT_MAX ? priority : -1;
}

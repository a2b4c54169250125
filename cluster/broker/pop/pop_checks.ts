// Whether a pop, peek or notification may read, and by which filter. The order and the texts of refusals are Apache's
// (Java: PopMessageProcessor, PeekMessageProcessor and NotificationProcessor.processRequest).
import { RequestError } from "../../../core/errors.ts";
import { popRetryTopicV1, popRetryTopicV2 } from "../../../core/message/topic_names.ts";
import { ResponseCode } from "../../../core/remoting/response_codes.ts";
import type { Clock } from "../../../core/time/clock.ts";
import type { Consumers } from "../clients/consumers.ts";
import {
  isTagType,
  parseSubscription,
  SUBSCRIBE_ALL,
  type Subscription,
} from "../clients/subscription.ts";
import { FAQ_HINT } from "../faq.ts";
import type { PullFilters } from "../filters/pull_filters.ts";
import { type RecordFilter, recordFilter } from "../filters/record_filter.ts";
import type { GroupConfig } from "../groups/group_config.ts";
import type { GroupTable } from "../groups/group_table.ts";
import { MESSAGE_TYPE } from "../topics/attributes.ts";
import { isReadable, type TopicConfig } from "../topics/topic_config.ts";
import type { TopicTable } from "../topics/topic_table.ts";
import type { PopSettings } from "./pop_settings.ts";

/** Messages of one pop: a checkpoint has a bit for each. */
const POP_MESSAGES_MAX = 32;
/** A pop that is late by more than this isn't begun any more. */
const LATE_MS_MAX = 500;

const PRIORITY_FACTOR_DEFAULT = 100;

export interface PopCheckParts {
  topics: TopicTable;
  groups: GroupTable;
  consumers: Consumers;
  filters: PullFilters;
  settings: PopSettings;
  clock: Clock;
}

export interface ReadFields {
  topic: string;
  consumerGroup: string;
  queueId: number;
}

export interface PopCheckFields extends ReadFields {
  maxMsgNums: number;
  invisibleTime: number;
  pollTime: number;
  exp?: string;
  expType?: string;
}

export interface AllowedRead {
  topic: TopicConfig;
  group: GroupConfig;
}

export interface AllowedPop extends AllowedRead {
  subscription: Subscription;
  /** What looks at the records themselves; null when tags decide. */
  filter: RecordFilter | null;
}

/** The name of a group's retry topic for a topic, as this broker writes it. */
export function popRetryTopic(topic: string, group: string, settings: PopSettings): string {
  return settings.enableRetryTopicV2
    ? popRetryTopicV2(topic, group)
    : popRetryTopicV1(topic, group);
}

/** What a pop may read and by which filter. Throws RequestError. */
export function checkPop(
  parts: PopCheckParts,
  fields: PopCheckFields,
  bornMs: number,
  remoteAddress: string,
): AllowedPop {
  const { settings, consumers, clock } = parts;
  const { brokerIP1 } = settings;
  consumers.compensate(fields.consumerGroup, "CONSUME_POP", "CLUSTERING");
  if (clock.nowMs() - bornMs - fields.pollTime > LATE_MS_MAX) {
    throw refused("POLLING_TIMEOUT", `the broker[${brokerIP1}] pop message is timeout too much`);
  }
  if (!isReadable(settings.brokerPermission)) {
    throw refused("NO_PERMISSION", `the broker[${brokerIP1}] pop message is forbidden`);
  }
  if (fields.maxMsgNums > POP_MESSAGES_MAX) {
    throw refused(
      "INVALID_PARAMETER",
      `the broker[${brokerIP1}] pop message's num is greater than ${POP_MESSAGES_MAX}`,
    );
  }
  if (!settings.timerWheelEnable) {
    throw refused(
      "SYSTEM_ERROR",
      `the broker[${brokerIP1}] pop message is forbidden because timerWheelEnable is false`,
    );
  }
  // Apache gives the messages out and can never store their checkpoint.
  if (fields.invisibleTime > settings.timerMaxDelaySec * 1000) {
    throw refused(
      "INVALID_PARAMETER",
      `the invisible time ${fields.invisibleTime} ms is longer than timerMaxDelaySec`,
    );
  }
  const allowed = checkTopicAndGroup(parts, fields, remoteAddress);
  const subscription = subscriptionOf(parts, fields);
  return { ...allowed, subscription, filter: filterOf(parts, subscription) };
}

/** Topics with priorities are read by them, for the share of pops that their group says; `draw` is below 100. */
export function isPriorityPop({ topic, group }: AllowedRead, draw: number): boolean {
  if (topic.attributes[MESSAGE_TYPE] !== "PRIORITY") return false;
  const factor = group.attributes["priority.factor"];
  return draw < (factor === undefined ? PRIORITY_FACTOR_DEFAULT : Number(factor));
}

/** What a peek or a notification may look at. Throws RequestError. */
export function checkRead(
  parts: PopCheckParts,
  fields: ReadFields,
  remoteAddress: string,
): AllowedRead {
  const { brokerIP1, brokerPermission } = parts.settings;
  if (!isReadable(brokerPermission)) {
    throw refused("NO_PERMISSION", `the broker[${brokerIP1}] peeking message is forbidden`);
  }
  return checkTopicAndGroup(parts, fields, remoteAddress);
}

function checkTopicAndGroup(
  { topics, groups }: PopCheckParts,
  { topic: name, consumerGroup, queueId }: ReadFields,
  remoteAddress: string,
): AllowedRead {
  const topic = topics.get(name);
  if (topic === undefined) throw topicMissing(name);
  if (!isReadable(topic.perm)) {
    throw refused("NO_PERMISSION", `the topic[${name}] peeking message is forbidden`);
  }
  if (queueId >= topic.readQueueNums) {
    throw refused("INVALID_PARAMETER", illegalQueue(topic, queueId, remoteAddress));
  }
  const group = groups.find(consumerGroup);
  if (group === undefined) {
    throw refused(
      "SUBSCRIPTION_GROUP_NOT_EXIST",
      `subscription group [${consumerGroup}] does not exist, ${FAQ_HINT}`,
    );
  }
  if (!group.consumeEnable) {
    throw refused("NO_PERMISSION", `subscription group no permission, ${consumerGroup}`);
  }
  return { topic, group };
}

/** The topic of an acknowledged message, whose queue must exist. Throws RequestError. */
export function checkAckedQueue(
  topics: TopicTable,
  name: string,
  queueId: number,
  remoteAddress: string,
): void {
  const topic = topics.get(name);
  if (topic === undefined) throw topicMissing(name);
  if (queueId < 0 || queueId >= topic.readQueueNums) {
    throw refused("MESSAGE_ILLEGAL", illegalQueue(topic, queueId, remoteAddress));
  }
}

function subscriptionOf(parts: PopCheckParts, fields: PopCheckFields): Subscription {
  const { consumers, clock, settings } = parts;
  const { topic, consumerGroup, expType } = fields;
  const expression = fields.exp === undefined || fields.exp === "" ? undefined : fields.exp;
  const type = expression === undefined ? undefined : expType;
  const known = consumers.repeatedSubscription(
    consumerGroup,
    topic,
    expression ?? SUBSCRIBE_ALL,
    type,
  );
  if (known !== undefined) return known;
  const nowMs = clock.nowMs();
  const subscription = parseSubscription(topic, expression, type, nowMs);
  if (subscription === null) throw unparsable();
  consumers.rememberSubscription(consumerGroup, subscription);
  const retryTopic = popRetryTopic(topic, consumerGroup, settings);
  const retry = parseSubscription(retryTopic, SUBSCRIBE_ALL, type, nowMs);
  if (retry !== null) consumers.rememberSubscription(consumerGroup, retry);
  return subscription;
}

/** Apache's pop evaluates SQL92 also where enablePropertyFilter is off for pulls. */
function filterOf({ filters }: PopCheckParts, subscription: Subscription): RecordFilter | null {
  const { subString, expressionType } = subscription;
  if (isTagType(expressionType)) return null;
  const filter = filters.expressions.filter(subString, expressionType);
  if (filter === null) throw unparsable();
  return recordFilter(filter);
}

function unparsable(): RequestError {
  return refused("SUBSCRIPTION_PARSE_FAILED", "parse the consumer's subscription failed");
}

function topicMissing(name: string): RequestError {
  return refused("TOPIC_NOT_EXIST", `topic[${name}] not exist, apply first please! ${FAQ_HINT}`);
}

function illegalQueue(topic: TopicConfig, queueId: number, remoteAddress: string): string {
  return `queueId[${queueId}] is illegal, topic:[${topic.topicName}] ` +
    `topicConfig.readQueueNums:[${topic.readQueueNums}] consumer:[/${remoteAddress}]`;
}

function refused(code: keyof typeof ResponseCode, remark: string): RequestError {
  return new RequestError(ResponseCode[code], remark);
}

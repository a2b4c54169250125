// Whether a pull may read, and by which subscription: the broker's, group's and topic's permission, the queue, the
// expression. The order and the texts of refusals are Apache's (Java: PullMessageProcessor.processRequest).
import { RequestError } from "../../../core/errors.ts";
import { isPredefinedGroup, isSystemConsumerGroup } from "../../../core/message/topic_names.ts";
import { LITE_PULL_MESSAGE } from "../../../core/remoting/codes/pull.ts";
import { ResponseCode } from "../../../core/remoting/response_codes.ts";
import type { Clock } from "../../../core/time/clock.ts";
import type { ConsumerGroup, Consumers } from "../clients/consumers.ts";
import { parseSubscription, type Subscription } from "../clients/subscription.ts";
import { FAQ_HINT } from "../faq.ts";
import type { PullFilters } from "../filters/pull_filters.ts";
import type { RecordFilter } from "../filters/record_filter.ts";
import type { GroupConfig } from "../groups/group_config.ts";
import { FORBIDDEN_READ, type GroupTable } from "../groups/group_table.ts";
import { isReadable, type TopicConfig } from "../topics/topic_config.ts";
import type { TopicTable } from "../topics/topic_table.ts";
import {
  PULL_SUBSCRIBES,
  type PullFields,
  type PullRequest,
  SOURCE_PROXY_FOR_BROADCAST,
  SOURCE_PROXY_FOR_STREAM,
} from "./pull_request.ts";
import type { PullSettings } from "./pull_settings.ts";

/** What forbade a pull (Java: ForbiddenType). */
const FORBIDDEN_BY_BROKER = 1;
const FORBIDDEN_FOR_GROUP = 2;
const FORBIDDEN_FOR_TOPIC = 3;
const FORBIDDEN_TO_BROADCAST = 4;
const FORBIDDEN_FOR_SUBSCRIPTION = 5;

/** A refusal for want of permission; the answer says whose. */
export class PullForbidden extends RequestError {
  constructor(readonly forbiddenType: number, remark: string) {
    super(ResponseCode.NO_PERMISSION, remark);
  }
}

export interface AllowedPull {
  group: GroupConfig;
  topic: TopicConfig;
  subscription: Subscription;
  /** What looks at the records themselves; null when tags decide. */
  filter: RecordFilter | null;
}

export interface PullCheckParts {
  topics: TopicTable;
  groups: GroupTable;
  consumers: Consumers;
  filters: PullFilters;
  settings: PullSettings;
  clock: Clock;
}

/** What the pull may read and by which filter. Throws RequestError. */
export function checkPull(parts: PullCheckParts, request: PullRequest): AllowedPull {
  const { fields, command, connection } = request;
  checkBroker(parts.settings, command.code);
  const group = checkGroup(parts.groups, fields.consumerGroup);
  const topic = checkTopic(parts.topics, fields, connection.remoteAddress);
  compensate(parts.consumers, fields);
  const { consumerGroup, subVersion } = fields;
  const isOwn = (fields.sysFlag & PULL_SUBSCRIBES) !== 0;
  const subscription = isOwn
    ? ownSubscription(parts, fields)
    : heartbeatSubscription(parts, group, fields);
  const filter = isOwn
    ? parts.filters.ofPull(consumerGroup, subscription)
    : parts.filters.ofHeartbeats(consumerGroup, subscription, subVersion);
  if (parts.settings.rejectPullConsumerEnable) rejectPullConsumer(parts.consumers, request);
  return { group, topic, subscription, filter };
}

function checkBroker(settings: PullSettings, code: number): void {
  if (!isReadable(settings.brokerPermission)) {
    throw new PullForbidden(
      FORBIDDEN_BY_BROKER,
      `the broker[${settings.brokerIP1}] pulling message is forbidden`,
    );
  }
  if (code === LITE_PULL_MESSAGE.code && !settings.litePullMessageEnable) {
    throw new PullForbidden(
      FORBIDDEN_BY_BROKER,
      `the broker[${settings.brokerIP1}] for lite pull consumer is forbidden`,
    );
  }
}

function checkGroup(groups: GroupTable, name: string): GroupConfig {
  const group = groups.find(name);
  if (group === undefined) {
    throw new RequestError(
      ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
      `subscription group [${name}] does not exist, ${FAQ_HINT}`,
    );
  }
  if (!group.consumeEnable) {
    throw new PullForbidden(FORBIDDEN_FOR_GROUP, `subscription group no permission, ${name}`);
  }
  return group;
}

function checkTopic(topics: TopicTable, fields: PullFields, remoteAddress: string): TopicConfig {
  const topic = topics.get(fields.topic);
  if (topic === undefined) {
    throw new RequestError(
      ResponseCode.TOPIC_NOT_EXIST,
      `topic[${fields.topic}] not exist, apply first please! ${FAQ_HINT}`,
    );
  }
  if (!isReadable(topic.perm)) {
    throw new PullForbidden(
      FORBIDDEN_FOR_TOPIC,
      `the topic[${fields.topic}] pulling message is forbidden`,
    );
  }
  if (fields.queueId < 0 || fields.queueId >= topic.readQueueNums) {
    throw new RequestError(
      ResponseCode.INVALID_PARAMETER,
      `queueId[${fields.queueId}] is illegal, topic:[${fields.topic}] ` +
        `topicConfig.readQueueNums:[${topic.readQueueNums}] consumer:[/${remoteAddress}]`,
    );
  }
  return topic;
}

/** A group that sends no heartbeats is known from its pulls. */
function compensate(consumers: Consumers, fields: PullFields): void {
  const source = fields.requestSource;
  consumers.compensate(
    fields.consumerGroup,
    source === SOURCE_PROXY_FOR_STREAM ? "CONSUME_ACTIVELY" : "CONSUME_PASSIVELY",
    source === SOURCE_PROXY_FOR_BROADCAST ? "BROADCASTING" : "CLUSTERING",
  );
}

/** The subscription that the pull itself carries. */
function ownSubscription(parts: PullCheckParts, fields: PullFields): Subscription {
  const { consumerGroup, topic, subscription: expression, expressionType } = fields;
  const { consumers, clock } = parts;
  const known = consumers.repeatedSubscription(consumerGroup, topic, expression, expressionType);
  if (known !== undefined) return known;
  const subscription = parseSubscription(topic, expression, expressionType, clock.nowMs());
  if (subscription === null) {
    throw new RequestError(
      ResponseCode.SUBSCRIPTION_PARSE_FAILED,
      "parse the consumer's subscription failed",
    );
  }
  consumers.rememberSubscription(consumerGroup, subscription);
  return subscription;
}

/** The subscription that the group's heartbeats brought. */
function heartbeatSubscription(
  parts: PullCheckParts,
  config: GroupConfig,
  fields: PullFields,
): Subscription {
  const group = parts.consumers.group(fields.consumerGroup);
  if (group === undefined) {
    throw new RequestError(
      ResponseCode.SUBSCRIPTION_NOT_EXIST,
      `the consumer's group info not exist${FAQ_HINT}`,
    );
  }
  checkGroupMayRead(parts, config, group, fields);
  const subscription = group.subscriptions.get(fields.topic);
  if (subscription === undefined) {
    throw new RequestError(
      ResponseCode.SUBSCRIPTION_NOT_EXIST,
      `the consumer's subscription not exist${FAQ_HINT}`,
    );
  }
  if (subscription.subVersion < fields.subVersion) {
    throw new RequestError(
      ResponseCode.SUBSCRIPTION_NOT_LATEST,
      "the consumer's subscription not latest",
    );
  }
  return subscription;
}

function checkGroupMayRead(
  parts: PullCheckParts,
  config: GroupConfig,
  group: ConsumerGroup,
  fields: PullFields,
): void {
  const { consumerGroup, topic } = fields;
  if (!config.consumeBroadcastEnable && group.messageModel === "BROADCASTING") {
    throw new PullForbidden(
      FORBIDDEN_TO_BROADCAST,
      `the consumer group[${consumerGroup}] can not consume by broadcast way`,
    );
  }
  if (parts.groups.isForbidden(config.groupName, topic, FORBIDDEN_READ)) {
    throw new PullForbidden(
      FORBIDDEN_FOR_SUBSCRIPTION,
      `the consumer group[${consumerGroup}] is forbidden for topic[${topic}]`,
    );
  }
}

/** With rejectPullConsumerEnable only push consumers and the system's own groups may pull. */
function rejectPullConsumer(consumers: Consumers, request: PullRequest): void {
  const name = request.fields.consumerGroup;
  const group = consumers.group(name);
  const isKnown = group?.members.has(request.connection) ?? false;
  const isActive = group === undefined || group.consumeType === "CONSUME_ACTIVELY";
  if (!isActive || isKnown || isSystemName(name)) return;
  throw new RequestError(
    ResponseCode.SUBSCRIPTION_NOT_EXIST,
    "the consumer's group info not exist, or the pull consumer is rejected by server." + FAQ_HINT,
  );
}

function isSystemName(group: string): boolean {
  return isPredefinedGroup(group) || isSystemConsumerGroup(group);
}

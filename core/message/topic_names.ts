// What topics and groups may be called, which topics are the system's own, and the names made from others.
// Mirrors TopicValidator, KeyBuilder and MixAll; the remarks are Apache's, since clients show and test them.

export const AUTO_CREATE_TOPIC = "TBW102";
export const SCHEDULE_TOPIC = "SCHEDULE_TOPIC_XXXX";
export const BENCHMARK_TOPIC = "BenchmarkTest";
export const TRANSACTION_HALF_TOPIC = "RMQ_SYS_TRANS_HALF_TOPIC";
export const ROCKSDB_HALF_TOPIC = "RMQ_SYS_ROCKSDB_TRANS_HALF_TOPIC";
export const TRANSACTION_OP_TOPIC = "RMQ_SYS_TRANS_OP_HALF_TOPIC";
export const ROCKSDB_OP_TOPIC = "RMQ_SYS_ROCKSDB_TRANS_OP_HALF_TOPIC";
export const TRANSACTION_CHECK_MAX_TOPIC = "TRANS_CHECK_MAX_TIME_TOPIC";
export const TRACE_TOPIC = "RMQ_SYS_TRACE_TOPIC";
export const SELF_TEST_TOPIC = "SELF_TEST_TOPIC";
export const OFFSET_MOVED_TOPIC = "OFFSET_MOVED_EVENT";
export const ROCKSDB_OFFSET_TOPIC = "CHECKPOINT_TOPIC";

export const SYSTEM_TOPIC_PREFIX = "rmq_sys_";
export const SYNC_MEMBER_GROUP_PREFIX = "rmq_sys_SYNC_BROKER_MEMBER_";
export const REVIVE_TOPIC_PREFIX = "rmq_sys_REVIVE_LOG_";
export const TIMER_TOPIC = "rmq_sys_wheel_timer";
/** Of the queue in which timed messages wait. */
export const TIMER_QUEUE_ID = 0;
export const RETRY_TOPIC_PREFIX = "%RETRY%";
export const DLQ_TOPIC_PREFIX = "%DLQ%";
export const LMQ_PREFIX = "%LMQ%";
export const SYSTEM_GROUP_PREFIX = "CID_RMQ_SYS_";

export const TOPIC_LENGTH_MAX = 127;
export const RETRY_OR_DLQ_TOPIC_LENGTH_MAX = 255;
export const GROUP_LENGTH_MAX = 120;

const POP_RETRY_V1 = "_";
const POP_RETRY_V2 = "+";

const ALLOWED = /^[%|a-zA-Z0-9_-]*$/;
const ALLOWED_TEXT = "^[%|a-zA-Z0-9_-]+$";

const SYSTEM_TOPICS: ReadonlySet<string> = new Set([
  AUTO_CREATE_TOPIC,
  SCHEDULE_TOPIC,
  BENCHMARK_TOPIC,
  TRANSACTION_HALF_TOPIC,
  TRACE_TOPIC,
  TRANSACTION_OP_TOPIC,
  TRANSACTION_CHECK_MAX_TOPIC,
  SELF_TEST_TOPIC,
  OFFSET_MOVED_TOPIC,
  ROCKSDB_OFFSET_TOPIC,
  ROCKSDB_HALF_TOPIC,
  ROCKSDB_OP_TOPIC,
]);

const NOT_SENDABLE: ReadonlySet<string> = new Set([
  SCHEDULE_TOPIC,
  TRANSACTION_HALF_TOPIC,
  TRANSACTION_OP_TOPIC,
  TRANSACTION_CHECK_MAX_TOPIC,
  SELF_TEST_TOPIC,
  OFFSET_MOVED_TOPIC,
  ROCKSDB_HALF_TOPIC,
  ROCKSDB_OP_TOPIC,
]);

const PREDEFINED_GROUPS: ReadonlySet<string> = new Set([
  "DEFAULT_CONSUMER",
  "DEFAULT_PRODUCER",
  "TOOLS_CONSUMER",
  "SCHEDULE_CONSUMER",
  "FILTERSRV_CONSUMER",
  "__MONITOR_CONSUMER",
  "CLIENT_INNER_PRODUCER",
  "SELF_TEST_P_GROUP",
  "SELF_TEST_C_GROUP",
  "CID_ONS-HTTP-PROXY",
  "CID_ONSAPI_PERMISSION",
  "CID_ONSAPI_OWNER",
  "CID_ONSAPI_PULL",
  "CID_RMQ_SYS_TRANS",
]);

/** Apache's remark when the name can't be a topic; null when it can. */
export function topicProblem(topic: string): string | null {
  if (topic.trim() === "") return "The specified topic is blank.";
  if (!ALLOWED.test(topic)) {
    return `The specified topic: ${topic}, contains illegal characters, allowing only ${ALLOWED_TEXT}`;
  }
  if (topic.startsWith(RETRY_TOPIC_PREFIX) || topic.startsWith(DLQ_TOPIC_PREFIX)) {
    return topic.length <= RETRY_OR_DLQ_TOPIC_LENGTH_MAX
      ? null
      : `The specified topic is DLQ or Retry topic: ${topic}, and it's longer than topic max length: ${RETRY_OR_DLQ_TOPIC_LENGTH_MAX}`;
  }
  return topic.length <= TOPIC_LENGTH_MAX
    ? null
    : `The specified topic: ${topic}, is longer than topic max length: ${TOPIC_LENGTH_MAX}`;
}

/** Apache's remark when the name can't be a group; null when it can. */
export function groupProblem(group: string): string | null {
  if (group.trim() === "") return "The specified group is blank.";
  if (!ALLOWED.test(group)) {
    return `The specified group: ${group}, contains illegal characters, allowing only ${ALLOWED_TEXT}`;
  }
  return group.length <= GROUP_LENGTH_MAX
    ? null
    : `The specified group: ${group}, is longer than group max length: ${GROUP_LENGTH_MAX}`;
}

/** True when a topic or group holds a character outside % | a-z A-Z 0-9 _ - */
export function hasIllegalCharacter(name: string): boolean {
  return !ALLOWED.test(name);
}

/** A system topic by its fixed name or prefix. Brokers add their own (cluster, broker, reply topics) beside this. */
export function isSystemTopic(topic: string): boolean {
  return SYSTEM_TOPICS.has(topic) || topic.startsWith(SYSTEM_TOPIC_PREFIX);
}

export function systemTopics(): ReadonlySet<string> {
  return SYSTEM_TOPICS;
}

/** True for topics that clients may not send to. */
export function isNotSendable(topic: string): boolean {
  return NOT_SENDABLE.has(topic);
}

/** Groups that exist without being made (MixAll.isPredefinedGroup). */
export function isPredefinedGroup(group: string): boolean {
  return PREDEFINED_GROUPS.has(group);
}

/** Groups of the brokers' own consumers (MixAll.isSysConsumerGroup). */
export function isSystemConsumerGroup(group: string): boolean {
  return group.startsWith(SYSTEM_GROUP_PREFIX);
}

export function isRetryTopic(topic: string): boolean {
  return topic.startsWith(RETRY_TOPIC_PREFIX);
}

export function isDlqTopic(topic: string): boolean {
  return topic.startsWith(DLQ_TOPIC_PREFIX);
}

export function isLmq(name: string): boolean {
  return name.startsWith(LMQ_PREFIX);
}

/** Whether messages of a topic may name light queues (MixAll.topicAllowsLMQ). */
export function allowsLightQueues(topic: string): boolean {
  return !isRetryTopic(topic) && !topic.startsWith(SYSTEM_TOPIC_PREFIX) &&
    topic !== SCHEDULE_TOPIC;
}

export function retryTopicOf(group: string): string {
  return RETRY_TOPIC_PREFIX + group;
}

export function dlqTopicOf(group: string): string {
  return DLQ_TOPIC_PREFIX + group;
}

export function replyTopicOf(cluster: string): string {
  return `${cluster}_REPLY_TOPIC`;
}

export function reviveTopicOf(cluster: string): string {
  return REVIVE_TOPIC_PREFIX + cluster;
}

export function popRetryTopicV1(topic: string, group: string): string {
  return RETRY_TOPIC_PREFIX + group + POP_RETRY_V1 + topic;
}

export function popRetryTopicV2(topic: string, group: string): string {
  return RETRY_TOPIC_PREFIX + group + POP_RETRY_V2 + topic;
}

export function isPopRetryTopicV2(topic: string): boolean {
  return topic.startsWith(RETRY_TOPIC_PREFIX) && topic.includes(POP_RETRY_V2);
}

/** The topic behind a group's pop retry topic of either version; the name itself when it is no retry topic. */
export function normalTopicOf(topic: string, group: string): string {
  if (!topic.startsWith(RETRY_TOPIC_PREFIX)) return topic;
  // Both separators are one character.
  return topic.slice(RETRY_TOPIC_PREFIX.length + group.length + 1);
}

/** The topic behind a V2 pop retry topic, whose separator no name can hold; any other name is given back. */
export function normalTopicOfV2(topic: string): string {
  return splitV2(topic)?.[1] ?? topic;
}

/** The group of a retry topic: before the '+' of a V2 one, else all that follows the prefix. */
export function groupOfRetryTopic(topic: string): string {
  return (splitV2(topic)?.[0] ?? topic).slice(RETRY_TOPIC_PREFIX.length);
}

function splitV2(topic: string): string[] | null {
  if (!isPopRetryTopicV2(topic)) return null;
  // String.split in Java forgets empty parts at the end.
  const parts = topic.replace(/\++$/, "").split(POP_RETRY_V2);
  return parts.length === 2 ? parts : null;
}

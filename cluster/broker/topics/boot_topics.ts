// The topics that exist before anybody makes one, as Apache RocketMQ 5.4.0 has them (Java: TopicConfigManager.init).
// A topics.json that says otherwise wins over them.
import {
  AUTO_CREATE_TOPIC,
  BENCHMARK_TOPIC,
  OFFSET_MOVED_TOPIC,
  replyTopicOf,
  reviveTopicOf,
  ROCKSDB_HALF_TOPIC,
  ROCKSDB_OP_TOPIC,
  SCHEDULE_TOPIC,
  SELF_TEST_TOPIC,
  SYNC_MEMBER_GROUP_PREFIX,
  TIMER_TOPIC,
  TRANSACTION_HALF_TOPIC,
  TRANSACTION_OP_TOPIC,
} from "../../../core/message/topic_names.ts";
import { newTopicConfig, PERM_INHERIT, PERM_READ_WRITE, type TopicConfig } from "./topic_config.ts";

/** Configuration keys by Apache's names. */
export interface TopicsAtBootSettings {
  brokerName: string;
  brokerClusterName: string;
  autoCreateTopicEnable: boolean;
  defaultTopicQueueNums: number;
  clusterTopicEnable: boolean;
  brokerTopicEnable: boolean;
  traceTopicEnable: boolean;
  msgTraceTopicName: string;
  reviveQueueNum: number;
  timerWheelEnable: boolean;
}

const BENCHMARK_QUEUE_COUNT = 1024;
const SCHEDULE_QUEUE_COUNT = 18;
const PERM_ALL = PERM_INHERIT | PERM_READ_WRITE;

export function topicsAtBoot(settings: TopicsAtBootSettings): TopicConfig[] {
  const { brokerName, brokerClusterName } = settings;
  const topics = [
    topic(SELF_TEST_TOPIC, 1),
    topic(BENCHMARK_TOPIC, BENCHMARK_QUEUE_COUNT),
    newTopicConfig(brokerClusterName, {
      perm: settings.clusterTopicEnable ? PERM_ALL : PERM_INHERIT,
    }),
    topic(brokerName, 1, settings.brokerTopicEnable ? PERM_ALL : PERM_INHERIT),
    topic(OFFSET_MOVED_TOPIC, 1),
    topic(SCHEDULE_TOPIC, SCHEDULE_QUEUE_COUNT),
    topic(replyTopicOf(brokerClusterName), 1),
    topic(reviveTopicOf(brokerClusterName), settings.reviveQueueNum),
    topic(`${SYNC_MEMBER_GROUP_PREFIX}${brokerName}`, 1, PERM_INHERIT),
    topic(TRANSACTION_HALF_TOPIC, 1),
    topic(TRANSACTION_OP_TOPIC, 1),
    topic(ROCKSDB_HALF_TOPIC, 1),
    topic(ROCKSDB_OP_TOPIC, 1),
  ];
  if (settings.autoCreateTopicEnable) {
    topics.push(topic(AUTO_CREATE_TOPIC, settings.defaultTopicQueueNums, PERM_ALL));
  }
  if (settings.traceTopicEnable) topics.push(topic(settings.msgTraceTopicName, 1));
  if (settings.timerWheelEnable) topics.push(topic(TIMER_TOPIC, 1));
  return topics;
}

function topic(name: string, queueCount: number, perm = PERM_READ_WRITE): TopicConfig {
  return newTopicConfig(name, { readQueueNums: queueCount, writeQueueNums: queueCount, perm });
}

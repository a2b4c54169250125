// A store's configuration as broker.conf gives it: Apache's keys turned into the store's own terms.
import type { BrokerConfig } from "../../core/config/tables.ts";
import { isDlqTopic, isLmq, isRetryTopic, isSystemTopic } from "../../core/message/topic_names.ts";
import type { HostAddress } from "../../core/remoting/handler.ts";
import type { QueueKind } from "../../store/consume_queue/stored_queue.ts";
import {
  FILE_MESSAGE_STORE_DEFAULTS,
  type FileMessageStoreConfig,
  type StoreThresholds,
} from "../../store/file_message_store_options.ts";
import type { RetentionSettings } from "../../store/retention/retention_plan.ts";
import type { DelayLevels } from "../../store/schedule/delay_levels.ts";
import type { TopicTable } from "./topics/topic_table.ts";

const HOUR_MS = 3_600_000;

export interface StoreConfigParts {
  config: BrokerConfig;
  /** What stands in each record as its store host. */
  storeHost: HostAddress;
  delayLevels: DelayLevels;
  topics: TopicTable;
  /** Whether the table may lack topics that have messages. */
  lacksTopics: () => boolean;
  /** Default: the store's. */
  thresholds?: Partial<StoreThresholds> | undefined;
}

export function storeConfigOf(parts: StoreConfigParts): FileMessageStoreConfig {
  const { config, storeHost, delayLevels, lacksTopics, thresholds, topics } = parts;
  return {
    ...FILE_MESSAGE_STORE_DEFAULTS,
    storePath: config.storePathRootDir,
    ...(config.storePathCommitLog && { commitLogPath: config.storePathCommitLog }),
    commitLogFileBytes: config.mappedFileSizeCommitLog,
    consumeQueueFileBytes: config.mappedFileSizeConsumeQueue,
    batchConsumeQueueFileBytes: config.mapperFileSizeBatchConsumeQueue,
    consumeQueueExtFileBytes: config.mappedFileSizeConsumeQueueExt,
    consumeQueueExtEnabled: config.enableConsumeQueueExt,
    indexEnabled: config.messageIndexEnable,
    indexSafe: config.messageIndexSafe,
    indexSlotCount: config.maxHashSlotNum,
    indexItemCount: config.maxIndexNum,
    appendPropertyCrc: config.enabledAppendPropCRC,
    requirePropertyCrc: config.forceVerifyPropCRC,
    syncFlush: config.flushDiskType === "SYNC_FLUSH",
    // These may change at run time.
    get syncFlushTimeoutMs() {
      return config.syncFlushTimeout;
    },
    get flushIntervalMs() {
      return config.flushIntervalCommitLog;
    },
    get flushLeastPages() {
      return config.flushCommitLogLeastPages;
    },
    get flushThoroughIntervalMs() {
      return config.flushCommitLogThoroughInterval;
    },
    get bodyBytesMax() {
      return config.maxMessageSize;
    },
    storeAddress: storeHost.address,
    storePort: storeHost.port,
    delayLevels,
    queueKindOf: (topic) => queueKindOf(topics, topic),
    lightQueues: config.enableLmq && config.enableMultiDispatch,
    hasTopic: (topic) =>
      topics.has(topic) || isSystemTopic(topic) || isMadeForGroup(topic) || isLmq(topic) ||
      lacksTopics(),
    rebuildQueues: false,
    ...thresholds,
    retention: () => retentionOf(config),
  };
}

/** Of the values as they are now: most of these keys may change at run time. */
function retentionOf(config: BrokerConfig): RetentionSettings {
  return {
    deleteWhen: config.deleteWhen,
    reservedMs: config.fileReservedTime * HOUR_MS,
    batchFilesMax: config.deleteFileBatchMax,
    reclaimPercent: config.diskMaxUsedSpaceRatio,
    forciblyPercent: config.diskSpaceCleanForciblyRatio,
    forciblyEnabled: config.cleanFileForciblyEnable,
    warningPercent: config.diskSpaceWarningLevelRatio,
    logFilesPauseMs: config.deleteCommitLogFilesInterval,
    queueFilesPauseMs: config.deleteConsumeQueueFilesInterval,
    intervalMs: config.cleanResourceInterval,
    retryMs: config.redeleteHangedFileInterval,
  };
}

/** Retry topics and DLQs are saved in the background: a kill may have come before. */
function isMadeForGroup(topic: string): boolean {
  return isRetryTopic(topic) || isDlqTopic(topic);
}

function queueKindOf(topics: TopicTable, topic: string): QueueKind {
  return topics.get(topic)?.attributes["queue.type"] === "BatchCQ" ? "batch" : "simple";
}

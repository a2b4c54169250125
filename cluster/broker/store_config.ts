// A store's configuration as broker.conf gives it: Apache's keys turned into the store's own terms.
import type { BrokerConfig } from "../../core/config/tables.ts";
import type { HostAddress } from "../../core/remoting/handler.ts";
import type { QueueKind } from "../../store/consume_queue/stored_queue.ts";
import {
  FILE_MESSAGE_STORE_DEFAULTS,
  type FileMessageStoreConfig,
} from "../../store/file_message_store_options.ts";
import type { DelayLevels } from "../../store/schedule/delay_levels.ts";
import type { TopicTable } from "./topics/topic_table.ts";

export interface StoreConfigParts {
  config: BrokerConfig;
  /** What stands in each record as its store host. */
  storeHost: HostAddress;
  delayLevels: DelayLevels;
  topics: TopicTable;
}

export function storeConfigOf(parts: StoreConfigParts): FileMessageStoreConfig {
  const { config, storeHost, delayLevels, topics } = parts;
  return {
    ...FILE_MESSAGE_STORE_DEFAULTS,
    storePath: config.storePathRootDir,
    ...(config.storePathCommitLog && { commitLogPath: config.storePathCommitLog }),
    commitLogFileBytes: config.mappedFileSizeCommitLog,
    consumeQueueFileBytes: config.mappedFileSizeConsumeQueue,
    batchConsumeQueueFileBytes: config.mapperFileSizeBatchConsumeQueue,
    consumeQueueExtFileBytes: config.mappedFileSizeConsumeQueueExt,
    indexEnabled: config.messageIndexEnable,
    indexSafe: config.messageIndexSafe,
    indexSlotCount: config.maxHashSlotNum,
    indexItemCount: config.maxIndexNum,
    syncFlush: config.flushDiskType === "SYNC_FLUSH",
    syncFlushTimeoutMs: config.syncFlushTimeout,
    flushIntervalMs: config.flushIntervalCommitLog,
    flushLeastPages: config.flushCommitLogLeastPages,
    flushThoroughIntervalMs: config.flushCommitLogThoroughInterval,
    bodyBytesMax: config.maxMessageSize,
    storeAddress: storeHost.address,
    storePort: storeHost.port,
    delayLevels,
    queueKindOf: (topic) => queueKindOf(topics, topic),
  };
}

function queueKindOf(topics: TopicTable, topic: string): QueueKind {
  return topics.get(topic)?.attributes["queue.type"] === "BatchCQ" ? "batch" : "simple";
}

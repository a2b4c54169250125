// What a FileMessageStore is told: paths, sizes, flush and recovery settings, each by its unit. The broker derives them
// from broker.conf; the defaults are Apache's (MessageStoreConfig 5.4.0).
import type { Disk } from "../core/disk/disk.ts";
import type { FileLocks } from "../core/disk/file_lock.ts";
import type { Logger } from "../core/log.ts";
import type { Clock } from "../core/time/clock.ts";
import { QUICK_SYNCS_MIN } from "./commit_log/limits.ts";
import { QUEUE_ENDS_MIN } from "./consume_queue/limits.ts";
import type { QueueKind } from "./consume_queue/stored_queue.ts";
import { RETENTION_DEFAULTS, type RetentionSettings } from "./retention/retention_plan.ts";
import { DelayLevels } from "./schedule/delay_levels.ts";

export interface FileMessageStoreConfig {
  /** storePathRootDir. */
  storePath: string;
  /** storePathCommitLog; default: commitlog below the root. */
  commitLogPath?: string;
  /** mappedFileSizeCommitLog. */
  commitLogFileBytes: number;
  /** mappedFileSizeConsumeQueue, mapperFileSizeBatchConsumeQueue, mappedFileSizeConsumeQueueExt. */
  consumeQueueFileBytes: number;
  batchConsumeQueueFileBytes: number;
  consumeQueueExtFileBytes: number;
  /** enableConsumeQueueExt. */
  consumeQueueExtEnabled: boolean;
  /** messageIndexEnable, messageIndexSafe, maxHashSlotNum, maxIndexNum. */
  indexEnabled: boolean;
  indexSafe: boolean;
  indexSlotCount: number;
  indexItemCount: number;
  /** flushDiskType=SYNC_FLUSH. */
  syncFlush: boolean;
  syncFlushTimeoutMs: number;
  /** flushIntervalCommitLog, flushCommitLogLeastPages, flushCommitLogThoroughInterval. */
  flushIntervalMs: number;
  flushLeastPages: number;
  flushThoroughIntervalMs: number;
  /** maxMessageSize: bytes of a body. */
  bodyBytesMax: number;
  /** checkCRCOnRecover, forceVerifyPropCRC. */
  checkCrcOnRecover: boolean;
  requirePropertyCrc: boolean;
  /** enabledAppendPropCRC: end each record's properties with __CRC32#. */
  appendPropertyCrc: boolean;
  /** The address that stands in each record and in offset message ids; 4 or 16 bytes. */
  storeAddress: Uint8Array;
  storePort: number;
  delayLevels: DelayLevels;
  /** The kind of a queue that isn't on disk yet (queue.type of its topic). */
  queueKindOf: (topic: string) => QueueKind;
  /** enableLmq and enableMultiDispatch. */
  lightQueues: boolean;
  /** Whether a topic still exists: lost queues of deleted ones aren't made again. */
  hasTopic: (topic: string) => boolean;
  /** Compare every queue with the whole log when the store is opened, and enter what it lacks (store repair). */
  rebuildQueues: boolean;
  /** From so many queues on a start takes them as the checkpoint has them; its background looks at them then. */
  queueEndsMin: number;
  /** SYNC_FLUSH: after so many quick syncs of the log in a row the event loop itself syncs what few senders wait for. */
  quickSyncsMin: number;
  /** Asked each time, so that changes at run time count. */
  retention: () => RetentionSettings;
}

/** From where on the store behaves as a large one does, or one on a quick device. */
export type StoreThresholds = Pick<FileMessageStoreConfig, "queueEndsMin" | "quickSyncsMin">;

const MIB = 1024 * 1024;

export const FILE_MESSAGE_STORE_DEFAULTS: Omit<FileMessageStoreConfig, "storePath"> = {
  commitLogFileBytes: 1024 * MIB,
  consumeQueueFileBytes: 300_000 * 20,
  batchConsumeQueueFileBytes: 300_000 * 46,
  consumeQueueExtFileBytes: 48 * MIB,
  consumeQueueExtEnabled: false,
  indexEnabled: true,
  indexSafe: false,
  indexSlotCount: 5_000_000,
  indexItemCount: 20_000_000,
  syncFlush: false,
  syncFlushTimeoutMs: 5000,
  flushIntervalMs: 500,
  flushLeastPages: 4,
  flushThoroughIntervalMs: 10_000,
  bodyBytesMax: 4 * MIB,
  checkCrcOnRecover: true,
  requirePropertyCrc: false,
  appendPropertyCrc: false,
  storeAddress: new Uint8Array([127, 0, 0, 1]),
  storePort: 10911,
  delayLevels: DelayLevels.parse("1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h"),
  queueKindOf: () => "simple",
  lightQueues: false,
  hasTopic: () => true,
  rebuildQueues: false,
  queueEndsMin: QUEUE_ENDS_MIN,
  quickSyncsMin: QUICK_SYNCS_MIN,
  retention: () => RETENTION_DEFAULTS,
};

export interface FileMessageStoreParts {
  disk: Disk;
  clock: Clock;
  log: Logger;
  locks: FileLocks;
}

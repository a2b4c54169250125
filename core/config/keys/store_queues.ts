// MessageStoreConfig, second part: consume queues, index, delay levels, reading. Declarations only.
import { bool, ignored, important, int, keysOf, live, long, pattern, used } from "../key.ts";
import {
  ALWAYS_SO,
  APACHE_UNUSED,
  CONSUME_QUEUE_EXT,
  MULTI_DISPATCH,
  NO_LOCKS,
  NO_POOLS,
} from "./reasons.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const DELAY_LEVELS = /^\s*\d+[smhd](\s+\d+[smhd])*\s*$/;

const queues = keysOf("MessageStoreConfig", {
  mappedFileSizeConsumeQueue: used(
    int(6_000_000, "bytes", { min: 20 }),
    "Size of a queue file, rounded up to whole units of 20 bytes.",
  ),
  mapperFileSizeBatchConsumeQueue: used(
    int(13_800_000, "bytes", { min: 46 }),
    "Size of a batch queue file, rounded up to whole units of 46 bytes.",
  ),
  searchBcqByCacheEnable: ignored(
    bool(true),
    "batch queues are searched on disk",
    "Keeps a cache for searches in batch queues.",
  ),
  enableConsumeQueueExt: used(
    bool(false),
    "Writes an extended unit for each queue entry: tags code, store time and filter bit map.",
  ),
  mappedFileSizeConsumeQueueExt: used(
    int(48 * MIB, "bytes", { min: 1 }),
    "Size of a file of extended units.",
  ),
  bitMapLengthConsumeQueueExt: ignored(int(64), CONSUME_QUEUE_EXT, "Bits of a filter bit map."),
  putMsgIndexHightWater: ignored(int(600_000), APACHE_UNUSED, "Lag of dispatch worth a pause."),
  putConsumeQueueDataByFileChannel: ignored(
    bool(true),
    ALWAYS_SO,
    "Writes queues by position instead of through a mapping.",
  ),
  enableAsyncReput: ignored(bool(true), APACHE_UNUSED, "Dispatches from its own thread."),
  dispatchFromSenderThread: important(ignored(
    bool(false),
    "messages are dispatched as they are stored",
    "Dispatches a message from the thread that stored it.",
  )),
  recheckReputOffsetFromCq: ignored(
    bool(false),
    "dispatch resumes where queues and index really end",
    "Checks at start where the queues end.",
  ),
  dispatchCqThreads: ignored(int(10, "threads"), NO_POOLS, "Threads for dispatch."),
  dispatchCqCacheNum: ignored(int(4096), NO_POOLS, "Messages that may wait for them."),
  enableBuildConsumeQueueConcurrently: ignored(bool(false), NO_POOLS, "Dispatches in parallel."),
  batchDispatchRequestThreadPoolNums: ignored(int(16, "threads"), NO_POOLS, "Threads for it."),
  readUnCommitted: ignored(
    bool(false),
    "consumers never see what a crash could take back",
    "Lets consumers see what isn't flushed under SYNC_FLUSH.",
  ),
  topicQueueLockNum: ignored(int(32), NO_LOCKS, "Locks that queues share."),
  useReentrantLockWhenPutMessage: ignored(bool(true), NO_LOCKS, "Kind of the store's lock."),
  useABSLock: ignored(bool(false), NO_LOCKS, "Kind of the store's lock."),
  spinLockCollisionRetreatOptimalDegree: ignored(int(1000), NO_LOCKS, "Spins before it waits."),
  maxAsyncPutMessageRequests: ignored(
    int(5000, "requests"),
    "waiting sends are bounded by sendThreadPoolQueueCapacity",
    "Unanswered sends allowed at once.",
  ),
  enableLmq: used(
    bool(false),
    "Light message queues: topics and groups named %LMQ%… count without being made.",
  ),
  enableMultiDispatch: used(
    bool(false),
    "With enableLmq: puts a message into the light queues of its INNER_MULTI_DISPATCH too.",
  ),
  maxLmqConsumeQueueNum: ignored(int(20_000), MULTI_DISPATCH, "Light queues allowed."),
  enableLogConsumeQueueRepeatedlyBuildWhenRecover: ignored(
    bool(false),
    "units that are already there are never built again",
    "Logs units built twice at recovery.",
  ),
});

const index = keysOf("MessageStoreConfig", {
  messageIndexEnable: important(used(bool(true), "Keeps an index of message keys.")),
  indexFileWriteEnable: ignored(
    bool(true),
    "messageIndexEnable alone decides",
    "Writes the index files.",
  ),
  indexFileReadEnable: ignored(
    bool(true),
    "messageIndexEnable alone decides",
    "Answers queries from the index files.",
  ),
  messageIndexSafe: important(used(
    bool(false),
    "Recovers from the index's checkpoint too: slower, and no key is missed after a crash.",
  )),
  maxHashSlotNum: used(int(5_000_000, "", { min: 1 }), "Hash slots of an index file."),
  maxIndexNum: used(int(20_000_000, "", { min: 2 }), "Entries of an index file."),
  maxMsgsNumBatch: live(int(64, "messages", { min: 1 }), "Most messages that a query returns."),
  defaultQueryMaxNum: live(
    int(32, "messages", { min: 1 }),
    "Messages that a query returns when it names no number.",
  ),
});

const delays = keysOf("MessageStoreConfig", {
  messageDelayLevel: used(
    pattern(
      "1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h",
      DELAY_LEVELS,
      "delays such as '1s 30s 5m 2h 1d', separated by blanks",
    ),
    "Delay of each level, from level 1 on.",
  ),
  flushDelayOffsetInterval: used(
    long(10_000, "ms", { min: 1 }),
    "Between two writes of delayOffset.json.",
  ),
  enableScheduleMessageStats: ignored(
    bool(true),
    ALWAYS_SO,
    "Keeps statistics of delayed messages.",
  ),
  enableScheduleAsyncDeliver: ignored(
    bool(false),
    "deliveries are stored in bursts, in order",
    "Delivers delayed messages without waiting for each.",
  ),
  scheduleAsyncDeliverMaxPendingLimit: ignored(
    int(2000, "messages"),
    "deliveries are stored in bursts, in order",
    "Deliveries waiting at once.",
  ),
  scheduleAsyncDeliverMaxResendNum2Blocked: ignored(
    int(3),
    "deliveries are stored in bursts, in order",
    "Failed deliveries before a level pauses.",
  ),
});

const reading = keysOf("MessageStoreConfig", {
  maxTransferBytesOnMessageInMemory: important(live(
    int(256 * KIB, "bytes", { min: 1 }),
    "Bytes that one pull of recent messages returns at most (one message always fits).",
  )),
  maxTransferCountOnMessageInMemory: important(live(
    int(32, "messages", { min: 1 }),
    "Messages that one pull of recent messages returns at most.",
  )),
  maxTransferBytesOnMessageInDisk: important(live(
    int(64 * KIB, "bytes", { min: 1 }),
    "The same for messages that are no longer in memory.",
  )),
  maxTransferCountOnMessageInDisk: important(live(
    int(8, "messages", { min: 1 }),
    "The same for messages that are no longer in memory.",
  )),
  accessMessageInMemoryMaxRatio: important(live(
    int(40, "percent", { max: 100 }),
    "Share of the machine's memory that counts as recent messages.",
  )),
  accessMessageInMemoryHotRatio: ignored(
    int(26, "percent"),
    "there is no cold-data flow control",
    "Share of it that counts as hot.",
  ),
  pullBatchMaxMessageCount: ignored(
    int(160, "messages", { min: 1 }),
    "what one pull returns is bounded by the maxTransfer keys",
    "Most messages that one pull may ask for.",
  ),
  maxFilterMessageSize: live(
    int(16_000, "bytes", { min: 20 }),
    "Queue bytes that one pull scans at least for matching messages.",
  ),
  travelCqFileNumWhenGetMessage: ignored(
    int(1, "files", { min: 1 }),
    "a pull goes through as many files as it needs",
    "Queue files that one pull may go through.",
  ),
  offsetCheckInSlave: ignored(
    bool(false),
    "replication isn't implemented yet",
    "Corrects wrong offsets on a slave too.",
  ),
  maxConsumeQueueScan: ignored(
    int(20_000),
    "a group's lag is counted, not estimated",
    "Units scanned before lag is estimated.",
  ),
  sampleCountThreshold: ignored(
    int(5000),
    "a group's lag is counted, not estimated",
    "Matches before lag is estimated.",
  ),
  sampleSteps: ignored(int(32), "a group's lag is counted, not estimated", "Steps of a sample."),
});

export const storeQueueKeys = { ...queues, ...index, ...delays, ...reading };

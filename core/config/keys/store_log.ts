// MessageStoreConfig, first part: paths, commit log, consume queues, index, flushing, delay levels, reading.
// Declarations only.
import {
  bool,
  choice,
  derivedPath,
  ignored,
  important,
  int,
  keysOf,
  live,
  long,
  optionalPath,
  path,
  pattern,
  refused,
  used,
} from "../key.ts";
import {
  ALWAYS_SO,
  APACHE_UNUSED,
  CONSUME_QUEUE_EXT,
  CONTROLLER,
  DLEDGER,
  MULTI_DISPATCH,
  NO_LOCKS,
  NO_MAPPING,
  NO_POOLS,
  NO_ROCKSDB,
} from "./reasons.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const DELAY_LEVELS = /^\s*\d+[smhd](\s+\d+[smhd])*\s*$/;

const paths = keysOf("MessageStoreConfig", {
  storePathRootDir: important(used(
    path((machine) => `${machine.homeDirectory}/store`),
    "Folder of the store. One process at a time owns it.",
    { defaultText: "${user.home}/store" },
  )),
  storePathCommitLog: important(used(
    derivedPath(),
    "Folder of the commit log.",
    { apacheDefault: "null", defaultText: "${storePathRootDir}/commitlog" },
  )),
  storePathDLedgerCommitLog: important(ignored(
    optionalPath(),
    DLEDGER,
    "Folder of the DLedger log.",
  )),
  storePathEpochFile: important(ignored(
    derivedPath(),
    CONTROLLER,
    "File of the epochs.",
    { apacheDefault: "null", defaultText: "${storePathRootDir}/epochFileCheckpoint" },
  )),
  storePathBrokerIdentity: important(ignored(
    derivedPath(),
    CONTROLLER,
    "File of the identity given by the controller.",
    { apacheDefault: "null", defaultText: "${storePathRootDir}/brokerIdentity" },
  )),
  readOnlyCommitLogStorePaths: refused(
    optionalPath(),
    {
      when: (paths) => paths !== null,
      because: "a commit log over several folders isn't supported",
      instead: "move the files into storePathCommitLog",
    },
    "More folders with files of the commit log, only read.",
  ),
  storeType: important(refused(
    choice("default", ["default", "defaultRocksDB"]),
    {
      when: (type) => type !== "default",
      because: NO_ROCKSDB,
      instead: "set it to default; a RocksDB store can't be opened here",
    },
    "How queues are kept.",
  )),
});

const commitLog = keysOf("MessageStoreConfig", {
  mappedFileSizeCommitLog: used(
    int(1024 * MIB, "bytes", { min: 4 * KIB }),
    "Size of a commit log file. An existing store keeps the size that it was made with.",
  ),
  maxMessageSize: used(
    int(4 * MIB, "bytes", { min: 1 }),
    "Largest body of a message. More is refused with MESSAGE_ILLEGAL.",
  ),
  maxTopicLength: ignored(int(127), APACHE_UNUSED, "Longest topic name."),
  autoMessageVersionOnTopicLen: ignored(
    bool(true),
    ALWAYS_SO,
    "Stores a message whose topic is longer than 127 bytes in the format's second version.",
  ),
  enabledAppendPropCRC: refused(
    bool(false),
    {
      when: (on) => on,
      because: "the record checksum property isn't written yet",
      instead: "set it to false; a store written with it on is read all the same",
    },
    "Adds a checksum over the whole record.",
  ),
  forceVerifyPropCRC: ignored(
    bool(false),
    "a record's checksum is checked at recovery wherever it is there",
    "Refuses records without that checksum at recovery.",
  ),
  checkCRCOnRecover: ignored(bool(true), ALWAYS_SO, "Checks bodies at recovery."),
  maxRecoveryCommitlogFiles: ignored(
    int(30, "files"),
    "recovery starts where the checkpoint says",
    "Files gone back over at recovery.",
  ),
  commitLogRecoverMaxNum: ignored(
    int(10, "files"),
    "recovery starts where the checkpoint says",
    "Files gone back over at an accelerated recovery.",
  ),
  enableAcceleratedRecovery: ignored(bool(false), NO_ROCKSDB, "Recovers from RocksDB's state."),
  maxChecksumRange: ignored(
    long(1024 * MIB, "bytes"),
    "no ranges of the log are compared with a master's",
    "Largest range of the log to compute a checksum over.",
  ),
  disappearTimeAfterStart: important(ignored(
    int(-1, "ms", { min: -1 }),
    "a broker registers as soon as it serves",
    "Registers only this long after the start; -1 registers at once.",
  )),
  duplicationEnable: ignored(bool(false), APACHE_UNUSED, "Keeps a second copy of the log."),
  debugLockEnable: ignored(bool(false), NO_LOCKS, "Logs who holds the store's lock for long."),
  diskFallRecorded: ignored(
    bool(true),
    "how far behind a consumer is comes from offsets, at no cost",
    "Measures how far behind consumers read.",
  ),
});

const flushing = keysOf("MessageStoreConfig", {
  flushDiskType: important(used(
    choice("ASYNC_FLUSH", ["ASYNC_FLUSH", "SYNC_FLUSH"]),
    "ASYNC_FLUSH acknowledges a written message, SYNC_FLUSH one that is safe on the disk.",
  )),
  flushIntervalCommitLog: important(used(
    int(500, "ms", { min: 1 }),
    "Between two flushes of the commit log under ASYNC_FLUSH.",
  )),
  flushCommitLogTimed: important(ignored(
    bool(true),
    "a flush never blocks, so the interval is always kept",
    "Flushes by the interval alone, not earlier on demand.",
  )),
  flushCommitLogLeastPages: used(
    int(4, "pages"),
    "4 KiB pages that must be dirty for a flush, unless the thorough interval has passed.",
  ),
  flushCommitLogThoroughInterval: used(
    int(10_000, "ms", { min: 1 }),
    "Flushes whatever is dirty at least this often.",
  ),
  flushIntervalConsumeQueue: ignored(
    int(1000, "ms", { min: 1 }),
    "queues are written within milliseconds, and rebuilt from the log where they weren't",
    "Between two flushes of the queues.",
  ),
  flushConsumeQueueLeastPages: ignored(
    int(2, "pages"),
    "queues are written within milliseconds, and rebuilt from the log where they weren't",
    "Dirty pages of a queue worth a flush.",
  ),
  flushConsumeQueueThoroughInterval: ignored(
    int(60_000, "ms", { min: 1 }),
    "queues are written within milliseconds, and rebuilt from the log where they weren't",
    "Flushes every dirty queue and the checkpoint at least this often.",
  ),
  syncFlushTimeout: used(
    int(5000, "ms", { min: 1 }),
    "How long a send waits for SYNC_FLUSH before it is answered FLUSH_DISK_TIMEOUT.",
  ),
  putMessageTimeout: ignored(
    int(8000, "ms"),
    "syncFlushTimeout alone bounds the wait",
    "How long a send may take in all.",
  ),
  wakeFlushWhenPutMessage: important(ignored(
    bool(false),
    "flushing follows its interval",
    "Wakes the flusher with each message.",
  )),
  commitIntervalCommitLog: important(ignored(
    int(200, "ms"),
    NO_MAPPING,
    "Between two writes of the transient pool to the file.",
  )),
  commitCommitLogLeastPages: ignored(int(4, "pages"), NO_MAPPING, "Pages worth such a write."),
  commitCommitLogThoroughInterval: ignored(
    int(200, "ms"),
    NO_MAPPING,
    "Writes them at least this often.",
  ),
  wakeCommitWhenPutMessage: important(ignored(
    bool(true),
    NO_MAPPING,
    "Wakes that writer with each message.",
  )),
  transientStorePoolEnable: important(ignored(
    bool(false),
    "a message is acknowledged only when it is in the file, never from memory alone",
    "Acknowledges from a pool in memory, which a crash of the process loses.",
  )),
  transientStorePoolSize: ignored(int(5), NO_MAPPING, "Buffers of that pool."),
  fastFailIfNoBufferInStorePool: ignored(bool(false), NO_MAPPING, "Refuses sends without one."),
  writeWithoutMmap: important(ignored(
    bool(false),
    ALWAYS_SO + " with it on",
    "Writes files by position instead of through a mapping.",
  )),
  enableRunningFlagsInFlush: important(ignored(
    bool(false),
    "a failed flush always stops the writes",
    "Refuses writes after a failed flush.",
  )),
  warmMapedFileEnable: ignored(bool(false), NO_MAPPING, "Touches the pages of a new file."),
  flushLeastPagesWhenWarmMapedFile: ignored(int(4096, "pages"), NO_MAPPING, "Step of that."),
  osPageCacheBusyTimeOutMills: ignored(
    long(1000, "ms", { min: 1 }),
    "sends are refused by the number of those waiting, not by the time of one write",
    "A write that takes longer makes the store busy, and sends are refused.",
  ),
});

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
  enableConsumeQueueExt: ignored(
    bool(false),
    CONSUME_QUEUE_EXT,
    "Writes filter bit maps beside the queues.",
  ),
  mappedFileSizeConsumeQueueExt: used(
    int(48 * MIB, "bytes", { min: 1 }),
    "Size of a file of extended units, needed to read them.",
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
  enableLmq: refused(
    bool(false),
    { when: (on) => on, because: MULTI_DISPATCH, instead: "set it to false" },
    "Light message queues.",
  ),
  enableMultiDispatch: refused(
    bool(false),
    { when: (on) => on, because: MULTI_DISPATCH, instead: "set it to false" },
    "Puts one message into several light queues.",
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

export const storeLogKeys = {
  ...paths,
  ...commitLog,
  ...flushing,
  ...queues,
  ...index,
  ...delays,
  ...reading,
};

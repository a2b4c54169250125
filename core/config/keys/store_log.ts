// MessageStoreConfig, first part: paths, commit log, flushing. Declarations only.
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
  refused,
  used,
} from "../key.ts";
import {
  ALWAYS_SO,
  APACHE_UNUSED,
  CONTROLLER,
  DLEDGER,
  NO_LOCKS,
  NO_MAPPING,
  NO_ROCKSDB,
} from "./reasons.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

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
  maxMessageSize: live(
    int(4 * MIB, "bytes", { min: 1 }),
    "Largest body of a message. More is refused with MESSAGE_ILLEGAL.",
  ),
  maxTopicLength: ignored(int(127), APACHE_UNUSED, "Longest topic name."),
  autoMessageVersionOnTopicLen: ignored(
    bool(true),
    ALWAYS_SO,
    "Stores a message whose topic is longer than 127 bytes in the format's second version.",
  ),
  enabledAppendPropCRC: used(
    bool(false),
    "Ends each record's properties with a checksum over the whole record, which recovery checks wherever it is there. Costs the fast path of sending.",
  ),
  forceVerifyPropCRC: used(
    bool(false),
    "Ends the log at the first record without that checksum, or with a wrong one, when it is read after a crash: a torn record is never served. Only for stores that have had enabledAppendPropCRC from their first record on. When off, a record with a wrong checksum and a whole body is kept and reported.",
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
  flushIntervalCommitLog: important(live(
    int(500, "ms", { min: 1 }),
    "Between two flushes of the commit log under ASYNC_FLUSH.",
  )),
  flushCommitLogTimed: important(ignored(
    bool(true),
    "a flush never blocks, so the interval is always kept",
    "Flushes by the interval alone, not earlier on demand.",
  )),
  flushCommitLogLeastPages: live(
    int(4, "pages"),
    "4 KiB pages that must be dirty for a flush, unless the thorough interval has passed.",
  ),
  flushCommitLogThoroughInterval: live(
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
  syncFlushTimeout: live(
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

export const storeLogKeys = { ...paths, ...commitLog, ...flushing };

// MessageStoreConfig, third part: retention, replication, DLedger, compaction, Apache's file mapping.
// Declarations only.
import {
  bool,
  choice,
  double,
  ignored,
  important,
  int,
  keysOf,
  type Kind,
  live,
  long,
  optionalText,
  pattern,
  refused,
  used,
} from "../key.ts";
import {
  ALWAYS_SO,
  APACHE_UNUSED,
  COMPACTION,
  DLEDGER,
  NO_COLD_DATA,
  NO_MAPPING,
  QUEUES_FOLLOW,
  REPLICATION,
  SHARED_DISK,
} from "./reasons.ts";

const MIB = 1024 * 1024;
/** "04", "4;16". */
const DELETE_HOURS = /^([01]?\d|2[0-3])(;([01]?\d|2[0-3]))*;?$/;
const replication = <T>(kind: Kind<T>, meaning: string) => ignored(kind, REPLICATION, meaning);
const compaction = <T>(kind: Kind<T>, meaning: string) => ignored(kind, COMPACTION, meaning);
const mapping = <T>(kind: Kind<T>, meaning: string) => ignored(kind, NO_MAPPING, meaning);
const dledger = <T>(kind: Kind<T>, meaning: string, aliases: string[] = []) =>
  ignored(kind, DLEDGER, meaning, { aliases });

const keeping = keysOf("MessageStoreConfig", {
  deleteWhen: important(live(
    pattern("04", DELETE_HOURS, "hours of the day, 0 to 23, separated by semicolons"),
    "Hours of the day, local time, at which expired files are deleted, separated by semicolons.",
  )),
  fileReservedTime: important(live(
    int(72, "h"),
    "A log file expires this long after its last change. Queue and index files follow the log.",
  )),
  deleteFileBatchMax: important(live(
    int(10, "files", { min: 1 }),
    "Most log files deleted in one round.",
  )),
  cleanFileForciblyEnable: important(live(
    bool(true),
    "Deletes the oldest log files, expired or not, while the disk is too full.",
  )),
  diskMaxUsedSpaceRatio: live(
    int(75, "percent", { max: 100 }),
    "Use of the disk above which expired files are deleted at any hour.",
  ),
  diskSpaceCleanForciblyRatio: live(
    int(85, "percent", { max: 100 }),
    "Use of the disk above which files are deleted forcibly; taken as 30 at least, 85 at most.",
  ),
  diskSpaceWarningLevelRatio: live(
    int(90, "percent", { max: 100 }),
    "Use of the disk above which sends are refused, until diskSpaceCleanForciblyRatio is reached; " +
      "taken as 35 at least, 90 at most.",
  ),
  logicalDiskSpaceCleanForciblyThreshold: ignored(
    double(0.8, "", { max: 1 }),
    SHARED_DISK,
    "Share of a logical disk above which files are deleted forcibly.",
  ),
  replicasPerDiskPartition: ignored(int(1), SHARED_DISK, "Brokers that share this disk."),
  cleanResourceInterval: used(
    int(10_000, "ms", { min: 1 }),
    "Between two rounds of deletion; the disk is asked how full it is in each.",
  ),
  deleteCommitLogFilesInterval: live(int(100, "ms"), "Pause between two deleted log files."),
  deleteConsumeQueueFilesInterval: live(
    int(100, "ms"),
    "Pause after each queue that lost files.",
  ),
  destroyMapedFileIntervalForcibly: ignored(
    int(120_000, "ms"),
    "a file is freed as soon as its last read is over",
    "How long a file in use is spared.",
  ),
  redeleteHangedFileInterval: live(
    int(120_000, "ms"),
    "Between two tries to delete a file that the disk didn't let go.",
  ),
  maxBatchDeleteFilesNum: ignored(
    int(50, "files"),
    APACHE_UNUSED,
    "Most files deleted in one go.",
  ),
  correctLogicMinOffsetSleepInterval: ignored(
    int(1, "ms"),
    QUEUES_FOLLOW,
    "Pause while queues are cut to the log's beginning.",
  ),
  correctLogicMinOffsetForceInterval: ignored(
    int(300_000, "ms"),
    QUEUES_FOLLOW,
    "Cuts every queue at least this often.",
  ),
  enableCleanExpiredOffset: important(ignored(
    bool(false),
    "offsets of deleted topics are removed with the topic",
    "Removes offsets of topics that are gone.",
  )),
});

const replicas = keysOf("MessageStoreConfig", {
  brokerRole: important(refused(
    choice("ASYNC_MASTER", ["ASYNC_MASTER", "SYNC_MASTER", "SLAVE"]),
    {
      when: (role) => role === "SLAVE",
      because: REPLICATION,
      instead: "run this slave with Apache's broker, or this node as ASYNC_MASTER",
    },
    "Master or slave. With the default inSyncReplicas=1 a SYNC_MASTER waits for nobody, in " +
      "Apache's broker too, so it promises no more than ASYNC_MASTER.",
  )),
  haListenPort: used(
    int(0, "", { max: 65535 }),
    "Port that slaves connect to.",
    { apacheDefault: "10912", defaultText: "listenPort + 1" },
  ),
  haMasterAddress: important(replication(optionalText(), "Master that this slave copies.")),
  haSendHeartbeatInterval: replication(int(5000, "ms"), "Between two signs of life to a slave."),
  haHousekeepingInterval: replication(
    int(20_000, "ms"),
    "Silence after which a replication connection is closed.",
  ),
  haTransferBatchSize: replication(int(32_768, "bytes"), "Bytes sent to a slave at once."),
  haMaxGapNotInSync: replication(
    int(256 * MIB, "bytes"),
    "Lag up to which a slave counts as in sync.",
  ),
  haMaxTimeSlaveNotCatchup: replication(
    long(15_000, "ms"),
    "Time up to which a lagging slave counts as in sync.",
  ),
  haFlowControlEnable: important(replication(bool(false), "Limits the speed to a slave.")),
  maxHaTransferByteInSecond: replication(long(100 * MIB, "bytes"), "That limit, a second."),
  slaveTimeout: replication(
    int(3000, "ms"),
    "How long a send waits for slaves before it is answered FLUSH_SLAVE_TIMEOUT.",
  ),
  totalReplicas: important(replication(int(1), "Replicas of this group, the master included.")),
  inSyncReplicas: important(refused(
    int(1, "", { min: 1 }),
    {
      when: (count) => count > 1,
      because: `${REPLICATION}, so no other replica would have the message`,
      instead: "set it to 1",
    },
    "Replicas that must have a message, the master included, before it is acknowledged.",
  )),
  minInSyncReplicas: important(replication(
    int(1),
    "Least that enableAutoInSyncReplicas lowers inSyncReplicas to.",
  )),
  allAckInSyncStateSet: important(refused(
    bool(false),
    {
      when: (on) => on,
      because: `${REPLICATION}, so no other replica would have the message`,
      instead: "set it to false",
    },
    "Acknowledges when all replicas that keep up have the message.",
  )),
  enableAutoInSyncReplicas: important(replication(
    bool(false),
    "Lowers inSyncReplicas while replicas are missing.",
  )),
  syncMasterFlushOffsetWhenStartup: replication(
    bool(false),
    "Fetches the master's flushed offset at start.",
  ),
  maxSlaveResendLength: replication(long(256 * MIB, "bytes"), "Gap that is sent again."),
  syncFromLastFile: replication(bool(false), "A new slave starts with the last file."),
  asyncLearner: replication(bool(false), "A replica that never counts as in sync."),
});

const raft = keysOf("MessageStoreConfig", {
  enableDLegerCommitLog: refused(
    bool(false),
    {
      when: (on) => on,
      because: DLEDGER,
      instead: "keep this group on Apache's broker, or set it to false for a new store",
    },
    "Replicates the commit log by DLedger.",
    { aliases: ["enableDLedgerCommitLog", "enableDLedger"] },
  ),
  dLegerGroup: dledger(optionalText(), "Name of the group.", ["dLedgerGroup"]),
  dLegerPeers: dledger(optionalText(), "Members: id-host:port, separated by semicolons.", [
    "dLedgerPeers",
  ]),
  dLegerSelfId: dledger(optionalText(), "This member's id.", ["dLedgerSelfId"]),
  preferredLeaderId: dledger(optionalText(), "Member that should lead."),
  enableBatchPush: dledger(bool(false), "Sends entries to followers in batches."),
});

const compactionKeys = keysOf("MessageStoreConfig", {
  enableCompaction: compaction(bool(true), "Compacts topics whose cleanup policy asks for it."),
  compactionMappedFileSize: compaction(int(100 * MIB, "bytes"), "Size of a compacted log file."),
  compactionCqMappedFileSize: compaction(
    int(10 * MIB, "bytes"),
    "Size of a compacted queue file.",
  ),
  compactionScheduleInternal: compaction(int(900_000, "ms"), "Between two compactions."),
  compactionThreadNum: compaction(int(6, "threads"), "Threads for compaction."),
  maxOffsetMapSize: compaction(int(100 * MIB, "bytes"), "Memory for one compaction's keys."),
});

const mappings = keysOf("MessageStoreConfig", {
  mappedFileSwapEnable: mapping(bool(true), "Drops the mappings of files that aren't read."),
  commitLogForceSwapMapInterval: mapping(long(43_200_000, "ms"), "Drops them after this time."),
  commitLogSwapMapInterval: mapping(long(3_600_000, "ms"), "Drops idle ones after this time."),
  commitLogSwapMapReserveFileNum: mapping(int(100, "files"), "Newest files that are spared."),
  logicQueueForceSwapMapInterval: mapping(long(43_200_000, "ms"), "The same for queue files."),
  logicQueueSwapMapInterval: mapping(long(3_600_000, "ms"), "The same for queue files."),
  logicQueueSwapMapReserveFileNum: mapping(int(20, "files"), "The same for queue files."),
  cleanSwapedMapInterval: mapping(long(300_000, "ms"), "Frees dropped mappings after this time."),
  sharedByteBufferNum: mapping(int(16), "Buffers for writing without mapping."),
  coldDataFlowControlEnable: ignored(bool(false), NO_COLD_DATA, "Limits reads of old data."),
  coldDataScanEnable: ignored(bool(false), NO_COLD_DATA, "Looks for old data in memory."),
  dataReadAheadEnable: ignored(
    bool(true),
    ALWAYS_SO + " and reads ahead as the system does",
    "Lets the system read ahead in the log.",
  ),
  timerColdDataCheckIntervalMs: ignored(
    int(60_000, "ms"),
    NO_COLD_DATA,
    "Between two such looks.",
  ),
});

export const storeUpkeepKeys = {
  ...keeping,
  ...replicas,
  ...raft,
  ...compactionKeys,
  ...mappings,
};

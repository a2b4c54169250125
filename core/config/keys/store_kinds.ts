// MessageStoreConfig, last part: the timer store and RocksDB. Declarations only.
import {
  bool,
  double,
  ignored,
  int,
  keysOf,
  type Kind,
  live,
  long,
  refused,
  text,
  used,
} from "../key.ts";
import { APACHE_UNUSED, NO_POOLS, NO_ROCKSDB, TIMER_COUNTS } from "./reasons.ts";

const rocksdb = <T>(kind: Kind<T>, meaning: string) => ignored(kind, NO_ROCKSDB, meaning);
const noRocksdb = (meaning: string) =>
  refused(bool(false), {
    when: (on) => on,
    because: NO_ROCKSDB,
    instead: "set it to false",
  }, meaning);

const timers = keysOf("MessageStoreConfig", {
  timerWheelEnable: used(
    bool(true),
    "Delivers messages at the time that they ask for, and makes the timer's topic at start. With false they are " +
      "refused, and the timer's files stay as they are.",
  ),
  mappedFileSizeTimerLog: used(
    int(104_857_600, "bytes", { min: 1024, max: 1_073_741_824 }),
    "Size of a timer log file; as the files that are there.",
  ),
  timerPrecisionMs: used(
    int(1000, "ms", { min: 10, max: 60_000 }),
    "Delivery times are rounded down to this, and a message is delivered when its tick is over. To be changed " +
      "only while no timers wait.",
  ),
  timerRollWindowSlot: used(
    int(172_800),
    "Ticks ahead above which a timer is put again, half or all of them ahead.",
  ),
  timerFlushIntervalMs: used(
    int(1000, "ms", { min: 10 }),
    "Between two flushes of the timer files.",
  ),
  timerGetMessageThreadNum: ignored(int(3, "threads"), NO_POOLS, "Threads that read due messages."),
  timerPutMessageThreadNum: ignored(int(3, "threads"), NO_POOLS, "Threads that deliver them."),
  timerEnableDisruptor: ignored(bool(false), NO_POOLS, "Hands them over by a ring buffer."),
  timerEnableCheckMetrics: ignored(
    bool(true),
    TIMER_COUNTS,
    "Checks the counts of waiting timers.",
  ),
  timerCheckMetricsWhen: ignored(text("05"), TIMER_COUNTS, "Hours of the day of that check."),
  timerMetricSmallThreshold: ignored(
    int(1_000_000),
    TIMER_COUNTS,
    "Count below which a topic is checked.",
  ),
  timerInterceptDelayLevel: ignored(
    bool(false),
    APACHE_UNUSED,
    "Serves the delay levels by timers too.",
  ),
  timerMaxDelaySec: live(
    int(259_200, "s"),
    "Longest delay; more is refused.",
  ),
  timerStopEnqueue: live(bool(false), "Takes no timers into the wheel meanwhile."),
  timerStopDequeue: live(bool(false), "Delivers no timers meanwhile."),
  timerSkipUnknownError: ignored(
    bool(false),
    "a record that can't be delivered is always passed over and logged, one that the disk refuses is always tried again",
    "Skips a timer that can't be delivered.",
  ),
  timerWarmEnable: ignored(bool(false), APACHE_UNUSED, "Reads the next timers ahead."),
  timerEnableRetryUntilSuccess: ignored(
    bool(false),
    "a delivery that the disk refuses is always tried again",
    "Tries a delivery for ever, not three times.",
  ),
  timerCongestNumEachSlot: live(
    int(2_147_483_647),
    "Timers of one slot above which new ones are refused: some, and all above twice as many.",
  ),
  timerProgressLogIntervalMs: ignored(
    int(10_000, "ms"),
    "progress is shown by brokerStatus",
    "Between two lines about progress.",
  ),
  timerWheelSnapshotFlush: refused(bool(false), {
    when: (on) => on,
    because: "the wheel is written in place",
    instead: "set it to false",
  }, "Saves the wheel as snapshots."),
  timerWheelSnapshotIntervalMs: ignored(
    int(10_000, "ms"),
    "the wheel is written in place",
    "Between two snapshots.",
  ),
  timerRecallToTimeWheelEnable: ignored(
    bool(true),
    NO_ROCKSDB,
    "Recalls from RocksDB to the wheel.",
  ),
  timerRecallToTimelineEnable: ignored(
    bool(true),
    NO_ROCKSDB,
    "Recalls timers of the RocksDB time line.",
  ),
  appendTopicForTimerDeleteKey: live(
    bool(false),
    "Recalls by topic and key, not key alone. Both are understood.",
  ),
});

const rocks = keysOf("MessageStoreConfig", {
  timerRocksDBEnable: noRocksdb("Keeps timers in RocksDB."),
  transRocksDBEnable: noRocksdb("Keeps transactions in RocksDB."),
  indexRocksDBEnable: noRocksdb("Keeps the index in RocksDB."),
  rocksdbCQDoubleWriteEnable: noRocksdb("Keeps the queues in RocksDB too."),
  transWriteOriginTransHalfEnable: rocksdb(
    bool(true),
    "Writes half messages to their topic too.",
  ),
  timerRocksDBPrecisionMs: rocksdb(int(1000, "ms"), "Precision of such timers."),
  timerRocksDBRollIntervalHours: rocksdb(int(1, "h"), "Between two rounds of rolling over."),
  timerRocksDBRollRangeHours: rocksdb(int(2, "h"), "Range that a round covers."),
  timerRocksDBRollMaxTps: rocksdb(double(8000), "Timers rolled over a second."),
  timerRocksDBTimeExpiredMaxTps: rocksdb(double(200_000), "Timers delivered a second."),
  timerRocksDBStopScan: rocksdb(bool(false), "Stops delivering them."),
  maxRocksDBIndexQueryDays: rocksdb(int(7), "Days that a query covers."),
  combineCQLoadingCQTypes: rocksdb(text("default;defaultRocksDB"), "Kinds of queues opened."),
  combineCQPreferCQType: rocksdb(text("default"), "Kind that is read."),
  combineAssignOffsetCQType: rocksdb(text("default"), "Kind that assigns offsets."),
  combineCQEnableCheckSelf: rocksdb(bool(false), "Compares the kinds at start."),
  combineCQMaxExtraSearchCommitLogFiles: rocksdb(int(3, "files"), "Files that it looks into."),
  cleanRocksDBDirtyCQIntervalMin: rocksdb(long(60, "min"), "Between two clean-ups of queues."),
  statRocksDBCQIntervalSec: rocksdb(long(10, "s"), "Between two statistics."),
  memTableFlushIntervalMs: rocksdb(long(3_600_000, "ms"), "Between two flushes of memory."),
  realTimePersistRocksDBConfig: rocksdb(bool(true), "Writes metadata at once."),
  enableRocksDBLog: rocksdb(bool(false), "Writes RocksDB's own log."),
  bottomMostCompressionTypeForConsumeQueueStore: rocksdb(text("zstd"), "How old data is packed."),
  rocksdbCompressionType: rocksdb(text("lz4"), "How data is packed."),
  rocksdbFlushWalFrequency: rocksdb(int(1024), "Writes between two flushes of its log."),
  rocksdbWalFileRollingThreshold: rocksdb(long(1_073_741_824, "bytes"), "Size of its log files."),
});

export const storeKindKeys = { ...timers, ...rocks };

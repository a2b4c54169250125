// MessageStoreConfig, last part: the timer store and RocksDB. Declarations only.
import {
  bool,
  double,
  ignored,
  int,
  keysOf,
  type Kind,
  long,
  refused,
  text,
  used,
} from "../key.ts";
import { NO_ROCKSDB, TIMER } from "./reasons.ts";

const timer = <T>(kind: Kind<T>, meaning: string) => ignored(kind, TIMER, meaning);
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
    "Makes the timer's topic at start. Messages timed to the second are refused either way: they aren't " +
      "implemented yet.",
  ),
  mappedFileSizeTimerLog: timer(int(104_857_600, "bytes"), "Size of a timer log file."),
  timerPrecisionMs: timer(int(1000, "ms"), "Delivery times are rounded down to this."),
  timerRollWindowSlot: timer(int(172_800), "Slots after which a timer is rolled over."),
  timerFlushIntervalMs: timer(int(1000, "ms"), "Between two flushes of the timer files."),
  timerGetMessageThreadNum: timer(int(3, "threads"), "Threads that read due messages."),
  timerPutMessageThreadNum: timer(int(3, "threads"), "Threads that deliver them."),
  timerEnableDisruptor: timer(bool(false), "Hands them over by a ring buffer."),
  timerEnableCheckMetrics: timer(bool(true), "Checks the counts of waiting timers."),
  timerCheckMetricsWhen: timer(text("05"), "Hours of the day of that check."),
  timerMetricSmallThreshold: timer(int(1_000_000), "Count up to which it is exact."),
  timerInterceptDelayLevel: timer(bool(false), "Serves the delay levels by timers too."),
  timerMaxDelaySec: timer(int(259_200, "s"), "Longest delay; more is refused."),
  timerStopEnqueue: timer(bool(false), "Takes no new timers."),
  timerStopDequeue: timer(bool(false), "Delivers no timers."),
  timerSkipUnknownError: timer(bool(false), "Skips a timer that can't be delivered."),
  timerWarmEnable: timer(bool(false), "Reads the next timers ahead."),
  timerEnableRetryUntilSuccess: timer(bool(false), "Tries a delivery for ever."),
  timerCongestNumEachSlot: timer(
    int(2_147_483_647),
    "Timers of one slot above which new ones are refused.",
  ),
  timerProgressLogIntervalMs: timer(int(10_000, "ms"), "Between two lines about progress."),
  timerWheelSnapshotFlush: timer(bool(false), "Saves the wheel as snapshots."),
  timerWheelSnapshotIntervalMs: timer(int(10_000, "ms"), "Between two snapshots."),
  timerRecallToTimeWheelEnable: timer(bool(true), "Recalls timers of the wheel."),
  timerRecallToTimelineEnable: timer(bool(true), "Recalls timers of the RocksDB time line."),
  appendTopicForTimerDeleteKey: timer(bool(false), "Recalls by topic and key, not key alone."),
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

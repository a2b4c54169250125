// BrokerConfig, fourth part: POP consuming. Declarations only.
import { bool, ignored, int, keysOf, live, long, refused, used } from "../key.ts";
import { ALWAYS_SO, NO_ROCKSDB } from "./reasons.ts";

const NO_MAP = "waiting requests are forgotten as soon as they are answered";
const REVIVE = "the revive topic is read once and what is open stays in memory";
const POP_LOG = "only what goes wrong is logged";
const LAG = "lag figures don't depend on waiting requests";
const IN_TURN_POP = "answers wait for their records, the event loop doesn't";

export const brokerPopKeys = keysOf("BrokerConfig", {
  popPollingSize: live(int(1024, "requests"), "Held POP requests of one queue."),
  popPollingMapSize: ignored(int(100_000), NO_MAP, "Queues with held POP requests."),
  popPollingMapExpireTimeSeconds: ignored(
    int(600, "s"),
    NO_MAP,
    "Idle time after which a queue is dropped.",
  ),
  maxPopPollingSize: live(long(100_000, "requests"), "Held POP requests in all."),
  popLongPollingForceNotifyInterval: live(
    long(800, "messages"),
    "Filtered messages after which a held request is tried anyway.",
  ),
  reviveQueueNum: used(
    int(8, "", { min: 1 }),
    "Queues of the revive topic, which is made at start.",
  ),
  reviveInterval: used(long(1000, "ms"), "Between two rounds of reviving."),
  reviveMaxSlow: ignored(
    long(3),
    REVIVE,
    "Rounds that a revive queue may lag before others slow down.",
  ),
  reviveScanTime: ignored(long(10_000, "ms"), REVIVE, "How long one round may scan."),
  reviveAckWaitMs: ignored(
    long(180_000, "ms"),
    REVIVE,
    "How long an early acknowledgement is kept.",
  ),
  enableSkipLongAwaitingAck: ignored(
    bool(false),
    REVIVE,
    "Drops acknowledgements kept for too long.",
  ),
  enablePopLog: ignored(bool(false), POP_LOG, "Logs POP requests."),
  enablePopBufferMerge: live(bool(false), "Matches checkpoints and acknowledgements in memory."),
  popCkStayBufferTime: live(int(10_000, "ms"), "How long a checkpoint stays in memory."),
  popCkStayBufferTimeOut: live(int(3000, "ms"), "Time before its end when it is written out."),
  popCkMaxBufferSize: live(int(200_000), "Checkpoints in memory."),
  popCkOffsetMaxQueueSize: live(int(20_000), "Checkpoints in memory for one queue."),
  enablePopBatchAck: live(bool(false), "Stores several acknowledgements as one."),
  enableNotifyBeforePopCalculateLag: ignored(
    bool(true),
    LAG,
    "Wakes held requests before counting lag.",
  ),
  enableNotifyAfterPopOrderLockRelease: live(
    bool(true),
    "Wakes held requests when an orderly queue is released.",
  ),
  initPopOffsetByCheckMsgInMem: live(
    bool(true),
    "A new group starts at 0 while the first message is still in memory.",
  ),
  retrieveMessageFromPopRetryTopicV1: live(bool(true), "Reads retry topics named in the old way."),
  enableRetryTopicV2: live(bool(false), "Names retry topics in the new way, joined by +."),
  useSeparateRetryQueue: live(bool(false), "Keeps retries of a priority topic in own queues."),
  popFromRetryProbability: live(int(20, "percent"), "Share of requests that try retries first."),
  popFromRetryProbabilityForPriority: live(
    int(0, "percent"),
    "The same for topics with priorities.",
  ),
  priorityOrderAsc: live(bool(true), "Priorities rise with the queue number."),
  popConsumerFSServiceInit: ignored(bool(true), ALWAYS_SO, "Starts the file-based POP service."),
  popConsumerKVServiceLog: ignored(bool(false), NO_ROCKSDB, "Logs the RocksDB-based POP service."),
  popConsumerKVServiceInit: refused(
    bool(false),
    { when: (on) => on, because: NO_ROCKSDB, instead: "set it to false" },
    "Starts the RocksDB-based POP service.",
  ),
  popConsumerKVServiceEnable: refused(
    bool(false),
    { when: (on) => on, because: NO_ROCKSDB, instead: "set it to false" },
    "Keeps POP checkpoints in RocksDB.",
  ),
  popReviveMaxReturnSizePerRead: ignored(
    int(16_384, "bytes"),
    NO_ROCKSDB,
    "Read at once while reviving.",
  ),
  popReviveMaxAttemptTimes: ignored(int(16), NO_ROCKSDB, "Times that a message is revived."),
  popReviveConcurrency: ignored(int(32), NO_ROCKSDB, "Messages revived at once."),
  popResponseReturnActualRetryTopic: live(bool(false), "Shows the retry topic to consumers."),
  popInflightMessageThreshold: live(
    long(10_000, "messages"),
    "Unacknowledged messages of a queue above which POP gives no more.",
  ),
  enablePopMessageThreshold: live(bool(false), "Switches that limit on."),
  skipWhenCKRePutReachMaxTimes: live(bool(false), "Gives a checkpoint up after its last retry."),
  appendAckAsync: ignored(bool(false), IN_TURN_POP, "Stores acknowledgements without waiting."),
  appendCkAsync: ignored(bool(false), IN_TURN_POP, "Stores checkpoints without waiting."),
});

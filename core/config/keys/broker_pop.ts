// BrokerConfig, fourth part: POP consuming. Declarations only.
import { bool, ignored, int, keysOf, type Kind, long, refused, used } from "../key.ts";
import { NO_ROCKSDB, POP } from "./reasons.ts";

const pop = <T>(kind: Kind<T>, meaning: string) => ignored(kind, POP, meaning);

export const brokerPopKeys = keysOf("BrokerConfig", {
  popPollingSize: pop(int(1024, "requests"), "Held POP requests of one queue."),
  popPollingMapSize: pop(int(100_000), "Queues with held POP requests."),
  popPollingMapExpireTimeSeconds: pop(int(600, "s"), "Idle time after which a queue is dropped."),
  maxPopPollingSize: pop(long(100_000, "requests"), "Held POP requests in all."),
  popLongPollingForceNotifyInterval: pop(
    long(800, "messages"),
    "Filtered messages after which a held request is tried anyway.",
  ),
  reviveQueueNum: used(
    int(8, "", { min: 1 }),
    "Queues of the revive topic, which is made at start.",
  ),
  reviveInterval: pop(long(1000, "ms"), "Between two rounds of reviving."),
  reviveMaxSlow: pop(long(3), "Rounds that a revive queue may lag before others slow down."),
  reviveScanTime: pop(long(10_000, "ms"), "How long one round may scan."),
  reviveAckWaitMs: pop(long(180_000, "ms"), "How long an early acknowledgement is kept."),
  enableSkipLongAwaitingAck: pop(bool(false), "Drops acknowledgements kept for too long."),
  enablePopLog: pop(bool(false), "Logs POP requests."),
  enablePopBufferMerge: pop(bool(false), "Matches checkpoints and acknowledgements in memory."),
  popCkStayBufferTime: pop(int(10_000, "ms"), "How long a checkpoint stays in memory."),
  popCkStayBufferTimeOut: pop(int(3000, "ms"), "Time before its end when it is written out."),
  popCkMaxBufferSize: pop(int(200_000), "Checkpoints in memory."),
  popCkOffsetMaxQueueSize: pop(int(20_000), "Checkpoints in memory for one queue."),
  enablePopBatchAck: pop(bool(false), "Stores several acknowledgements as one."),
  enableNotifyBeforePopCalculateLag: pop(bool(true), "Wakes held requests before counting lag."),
  enableNotifyAfterPopOrderLockRelease: pop(
    bool(true),
    "Wakes held requests when an orderly queue is released.",
  ),
  initPopOffsetByCheckMsgInMem: pop(
    bool(true),
    "A new group starts at 0 while the first message is still in memory.",
  ),
  retrieveMessageFromPopRetryTopicV1: pop(bool(true), "Reads retry topics named in the old way."),
  enableRetryTopicV2: pop(bool(false), "Names retry topics in the new way, joined by +."),
  useSeparateRetryQueue: pop(bool(false), "Keeps retries of a priority topic in own queues."),
  popFromRetryProbability: pop(int(20, "percent"), "Share of requests that try retries first."),
  popFromRetryProbabilityForPriority: pop(
    int(0, "percent"),
    "The same for topics with priorities.",
  ),
  priorityOrderAsc: pop(bool(true), "Priorities rise with the queue number."),
  popConsumerFSServiceInit: pop(bool(true), "Starts the file-based POP service."),
  popConsumerKVServiceLog: pop(bool(false), "Logs the RocksDB-based POP service."),
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
  popReviveMaxReturnSizePerRead: pop(int(16_384, "bytes"), "Read at once while reviving."),
  popReviveMaxAttemptTimes: pop(int(16), "Times that a message is revived."),
  popReviveConcurrency: pop(int(32), "Messages revived at once."),
  popResponseReturnActualRetryTopic: pop(bool(false), "Shows the retry topic to consumers."),
  popInflightMessageThreshold: pop(
    long(10_000, "messages"),
    "Unacknowledged messages of a queue above which POP gives no more.",
  ),
  enablePopMessageThreshold: pop(bool(false), "Switches that limit on."),
  skipWhenCKRePutReachMaxTimes: pop(bool(false), "Gives a checkpoint up after its last retry."),
  appendAckAsync: pop(bool(false), "Stores acknowledgements without waiting."),
  appendCkAsync: pop(bool(false), "Stores checkpoints without waiting."),
});

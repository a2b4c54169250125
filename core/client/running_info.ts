// How a push consumer fares, as operators read it (ConsumerRunningInfo). Pure.
import type { JsonObject } from "../json/json_value.ts";
import type { ClientCore } from "./client_core.ts";
import type { ConsumeStats } from "./consume_stats.ts";
import type { ConsumedQueues } from "./consumed_queues.ts";
import { queueMap } from "./file_offset_store.ts";
import type { LockKeeper } from "./lock_keeper.ts";
import type { CheckedLitePullConsumerOptions, CheckedPushConsumerOptions } from "./options.ts";
import type { QueuePuller } from "./queue_puller.ts";
import type { SubscriptionSet } from "./subscription_set.ts";

export interface RunningInfoSource {
  core: ClientCore;
  /** The consumer's settings by Apache's names. */
  properties: Readonly<Record<string, string>>;
  subscriptions: SubscriptionSet;
  queues: ConsumedQueues;
  stats: ConsumeStats;
  /** Null unless queues are consumed in order. */
  locks: LockKeeper | null;
  startedAtMs: number;
  /** What listeners are doing; null when it wasn't asked for. */
  stacks: string | null;
}

/** Apache's name of the client version that ours speaks like. */
const CLIENT_VERSION = "V5_4_0";

export function runningInfo(source: RunningInfoSource): JsonObject {
  const { core, properties, subscriptions, queues, stats, startedAtMs, stacks } = source;
  const nowMs = core.environment.clock.nowMs();
  return {
    ...(stacks !== null && { jstack: stacks }),
    mqPopTable: {},
    mqTable: queueMap([...queues.all], (puller) => queueInfo(puller, source)),
    properties: {
      PROP_CLIENT_VERSION: CLIENT_VERSION,
      PROP_CONSUMER_START_TIMESTAMP: String(startedAtMs),
      PROP_NAMESERVER_ADDR: core.nameServers.addresses.join(";"),
      instanceName: core.clientId.slice(core.clientId.indexOf("@") + 1),
      ...properties,
    },
    statusTable: Object.fromEntries(
      subscriptions.topics().map((topic) => [topic, { ...stats.status(topic, nowMs) }]),
    ),
    subscriptionSet: subscriptions.data(),
    userConsumerInfo: {},
  };
}

export function pushProperties(options: CheckedPushConsumerOptions): Record<string, string> {
  return {
    PROP_CONSUMEORDERLY: String(options.orderly),
    PROP_CONSUME_TYPE: "CONSUME_PASSIVELY",
    PROP_THREADPOOL_CORE_SIZE: String(options.concurrency),
    allocateMessageQueueStrategy: options.strategy.name,
    consumeMessageBatchMaxSize: String(options.consumeBatchMax),
    consumerGroup: options.group,
    maxReconsumeTimes: String(options.maxReconsumeTimes ?? -1),
    messageModel: options.model.toUpperCase(),
    pullBatchSize: String(options.pullBatchSize),
  };
}

export function litePullProperties(
  options: CheckedLitePullConsumerOptions,
): Record<string, string> {
  return {
    PROP_CONSUMEORDERLY: "false",
    PROP_CONSUME_TYPE: "CONSUME_ACTIVELY",
    allocateMessageQueueStrategy: options.strategy.name,
    autoCommit: String(options.autoCommit),
    consumerGroup: options.group,
    messageModel: options.model.toUpperCase(),
    pullBatchSize: String(options.pullBatchSize),
  };
}

function queueInfo(
  { processQueue, queue, lastPullMs, lastConsumeMs }: QueuePuller,
  { core, queues, locks }: RunningInfoSource,
): JsonObject {
  const unfinished = processQueue.unfinished();
  const taken = locks === null ? [] : processQueue.uncommitted();
  const cached = unfinished.slice(taken.length);
  const { nowMs, monotonicMs } = wallAndMonotonic(core);
  const confirmedMs = locks?.confirmedMs(queue) ?? null;
  return {
    cachedMsgCount: processQueue.count - taken.length,
    cachedMsgMaxOffset: cached.at(-1)?.message.queueOffset ?? 0,
    cachedMsgMinOffset: cached[0]?.message.queueOffset ?? 0,
    cachedMsgSizeInMiB: Math.floor(processQueue.bytes / (1024 * 1024)),
    commitOffset: queues.offsetOf(queue) ?? 0,
    droped: processQueue.dropped,
    lastConsumeTimestamp: lastConsumeMs,
    lastLockTimestamp: confirmedMs === null ? 0 : Math.round(nowMs - (monotonicMs - confirmedMs)),
    lastPullTimestamp: lastPullMs,
    locked: locks?.isHeld(queue) ?? false,
    transactionMsgCount: taken.length,
    transactionMsgMaxOffset: taken.at(-1)?.message.queueOffset ?? 0,
    transactionMsgMinOffset: taken[0]?.message.queueOffset ?? 0,
    tryUnlockTimes: 0,
  };
}

function wallAndMonotonic({ environment: { clock } }: ClientCore) {
  return { nowMs: clock.nowMs(), monotonicMs: clock.monotonicMs() };
}

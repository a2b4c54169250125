// How a push consumer fares, as operators read it (ConsumerRunningInfo). Pure.
import type { JsonObject } from "../json/json_value.ts";
import type { ClientCore } from "./client_core.ts";
import type { ConsumeStats } from "./consume_stats.ts";
import type { ConsumedQueues } from "./consumed_queues.ts";
import { queueMap } from "./file_offset_store.ts";
import type { CheckedPushConsumerOptions } from "./options.ts";
import type { QueuePuller } from "./queue_puller.ts";
import type { SubscriptionSet } from "./subscription_set.ts";

export interface RunningInfoSource {
  core: ClientCore;
  options: CheckedPushConsumerOptions;
  subscriptions: SubscriptionSet;
  queues: ConsumedQueues;
  stats: ConsumeStats;
  startedAtMs: number;
}

/** Apache's name of the client version that ours speaks like. */
const CLIENT_VERSION = "V5_4_0";

export function runningInfo(source: RunningInfoSource): JsonObject {
  const { core, options, subscriptions, queues, stats, startedAtMs } = source;
  const nowMs = core.environment.clock.nowMs();
  return {
    mqPopTable: {},
    mqTable: queueMap([...queues.all], (puller) => queueInfo(puller, queues)),
    properties: {
      PROP_CLIENT_VERSION: CLIENT_VERSION,
      PROP_CONSUMEORDERLY: "false",
      PROP_CONSUMER_START_TIMESTAMP: String(startedAtMs),
      PROP_CONSUME_TYPE: "CONSUME_PASSIVELY",
      PROP_NAMESERVER_ADDR: core.nameServers.addresses.join(";"),
      PROP_THREADPOOL_CORE_SIZE: String(options.concurrency),
      consumeMessageBatchMaxSize: "1",
      consumerGroup: options.group,
      instanceName: core.clientId.slice(core.clientId.indexOf("@") + 1),
      maxReconsumeTimes: String(options.maxReconsumeTimes),
      messageModel: options.model.toUpperCase(),
      pullBatchSize: String(options.pullBatchSize),
    },
    statusTable: Object.fromEntries(
      subscriptions.topics().map((topic) => [topic, { ...stats.status(topic, nowMs) }]),
    ),
    subscriptionSet: subscriptions.data(),
    userConsumerInfo: {},
  };
}

function queueInfo(puller: QueuePuller, queues: ConsumedQueues): JsonObject {
  const { processQueue, queue, lastPullMs, lastConsumeMs } = puller;
  const unfinished = processQueue.unfinished();
  return {
    cachedMsgCount: processQueue.count,
    cachedMsgMaxOffset: unfinished.at(-1)?.message.queueOffset ?? 0,
    cachedMsgMinOffset: unfinished[0]?.message.queueOffset ?? 0,
    cachedMsgSizeInMiB: Math.floor(processQueue.bytes / (1024 * 1024)),
    commitOffset: queues.offsetOf(queue) ?? 0,
    droped: processQueue.dropped,
    lastConsumeTimestamp: lastConsumeMs,
    lastLockTimestamp: 0,
    lastPullTimestamp: lastPullMs,
    locked: false,
    transactionMsgCount: 0,
    transactionMsgMaxOffset: 0,
    transactionMsgMinOffset: 0,
    tryUnlockTimes: 0,
  };
}

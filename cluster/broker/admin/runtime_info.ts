// The broker's runtime figures by Apache's names, and single statistics (Java: AdminBrokerProcessor.prepareRuntimeInfo,
// StoreStatsService, DefaultMessageStore). What one thread without pools doesn't have, a queue of a thread pool, is 0.
import { type DiskUsage, usedRatioOf } from "../../../core/disk/disk.ts";
import { RequestError } from "../../../core/errors.ts";
import { JsonDouble, type JsonObject } from "../../../core/json/json_value.ts";
import { SCHEDULE_TOPIC } from "../../../core/message/topic_names.ts";
import {
  GET_BROKER_RUNTIME_INFO,
  VIEW_BROKER_STATS_DATA,
} from "../../../core/remoting/codes/admin.ts";
import { ResponseCode } from "../../../core/remoting/response_codes.ts";
import { DelayLevels } from "../../../store/schedule/delay_levels.ts";
import { javaDouble } from "../stats/rates.ts";
import type { WindowFigures } from "../stats/window.ts";
import type { AdminParts } from "./admin_parts.ts";
import { jsonAnswer } from "./json_answer.ts";

/** Java: MQVersion.getVersionDesc of the version that Roquet gives. */
const VERSION_TEXT = "V5_4_0";
/** A buffer pool without bounds, which is what Java shows when it is switched off. */
const UNBOUNDED = 2147483647;

export function registerRuntimeInfo(parts: AdminParts): void {
  const { server, statistics } = parts;

  server.handle(
    GET_BROKER_RUNTIME_INFO,
    async () => jsonAnswer({ table: await runtimeInfo(parts) }),
  );

  server.handle(VIEW_BROKER_STATS_DATA, ({ fields: { statsName, statsKey } }) => {
    const figures = statistics.sink.figures(statsName, statsKey);
    if (figures === null) {
      throw new RequestError(
        ResponseCode.SYSTEM_ERROR,
        `The stats <${statsName}> <${statsKey}> not exist`,
      );
    }
    return jsonAnswer({
      statsDay: windowJson(figures.day),
      statsHour: windowJson(figures.hour),
      statsMinute: windowJson(figures.minute),
    });
  });
}

/** Java: BrokerStatsItem. */
function windowJson({ sum, tps, avgpt }: WindowFigures): JsonObject {
  return { avgpt: new JsonDouble(avgpt), sum, tps: new JsonDouble(tps) };
}

async function runtimeInfo(parts: AdminParts): Promise<Record<string, string>> {
  const { store, config } = parts;
  const earliest = await store.earliestStoreTimestamp();
  const figures: Record<string, string | number> = {
    ...putAndGetFigures(parts),
    ...diskFigures(parts),
    ...delayFigures(parts),
    ...dayFigures(parts),
    ...poolFigures(parts),
    ...refusalFigure(parts),
    ...recoveryFigures(parts),
    ...agreementFigures(parts),
    brokerActive: "true",
    brokerVersionDesc: VERSION_TEXT,
    commitLogMinOffset: store.minPhysicalOffset,
    commitLogMaxOffset: store.maxPhysicalOffset,
    pageCacheLockTimeMills: 0,
    earliestMessageTimeStamp: earliest,
    startAcceptSendRequestTimeStamp: config.values.startAcceptSendRequestTimeStamp,
    ...timerFigures(parts),
    remainTransientStoreBufferNumbs: UNBOUNDED,
    remainHowManyDataToFlush: bytesText(store.maxPhysicalOffset - store.flushedOffset),
  };
  const names = Object.keys(figures).sort();
  return Object.fromEntries(names.map((name) => [name, String(figures[name])]));
}

function putAndGetFigures({ statistics, clock }: AdminParts) {
  const { figures, sink } = statistics;
  const stats = figures.readStore();
  // Java divides by 1 and shows 1 before the first message.
  const putTimes = Math.max(1, stats.putTotal);
  const rates = figures.rates();
  return {
    bootTimestamp: figures.bootMs,
    runtime: runtimeText(clock.nowMs() - figures.bootMs),
    putMessageEntireTimeMax: figures.putLatency.entireMsMax,
    putMessageTimesTotal: putTimes,
    putMessageFailedTimes: stats.putFailedTotal,
    putMessageSizeTotal: stats.putBytesTotal,
    putMessageDistributeTime: String(figures.putLatency.distribution()),
    putMessageAverageSize: javaDouble(stats.putBytesTotal / putTimes),
    dispatchMaxBuffer: 0,
    dispatchBehindBytes: stats.dispatchBehindBytes,
    getMessageEntireTimeMax: sink.totals().getLatencyMsMax,
    putTps: rates.put,
    getFoundTps: rates.getFound,
    getMissTps: rates.getMiss,
    getTotalTps: rates.getTotal,
    getTransferredTps: rates.getTransferred,
    putLatency99: figures.putLatency.quantileMs(0.99).toFixed(2),
    putLatency999: figures.putLatency.quantileMs(0.999).toFixed(2),
  };
}

/** Seconds that deliveries are late, entries that the wheel hasn't taken, messages that wait, rates. */
function timerFigures({ timer }: AdminParts): Record<string, string | number> {
  if (timer === null) {
    return {
      timerReadBehind: 0,
      timerOffsetBehind: 0,
      timerCongestNum: 0,
      timerEnqueueTps: "0.0",
      timerDequeueTps: "0.0",
    };
  }
  const { metrics, service } = timer;
  return {
    timerReadBehind: Math.floor(service.behindMs / 1000),
    timerOffsetBehind: service.intake.behind,
    timerCongestNum: metrics.all().reduce((sum, [, count]) => sum + count, 0),
    timerEnqueueTps: javaDouble(service.rates.enqueued),
    timerDequeueTps: javaDouble(service.rates.delivered),
  };
}

function diskFigures({ config, disk }: AdminParts) {
  const { storePathRootDir, storePathCommitLog } = config.values;
  const root = disk.usageSync(storePathRootDir);
  const log = usedRatio(disk.usageSync(storePathCommitLog));
  return {
    commitLogDiskRatio: log,
    [`commitLogDiskRatio_${storePathCommitLog}`]: log,
    consumeQueueDiskRatio: usedRatio(disk.usageSync(`${storePathRootDir}/consumequeue`)),
    commitLogDirCapacity: `Total : ${bytesText(root.totalBytes)}, Free : ${
      bytesText(root.freeBytes + (root.reservedBytes ?? 0))
    }.`,
  };
}

/** Roquet's own, and there only when the last start found damage: what it came to. */
function recoveryFigures({ statistics }: AdminParts): Record<string, number> {
  const { cut, suspectRecords, unreadable } = statistics.figures.readStore().recovery;
  return {
    ...(cut !== null && { recoveryCutBytes: cut.bytes, recoveryCutRecords: cut.records }),
    ...(suspectRecords > 0 && { recoverySuspectRecords: suspectRecords }),
    ...(unreadable > 0 && { recoveryUnreadablePlaces: unreadable }),
  };
}

/** Roquet's own, and there only when members of a group subscribed to different things. */
function agreementFigures({ consumers: { agreement } }: AdminParts): Record<string, number> {
  const { mismatched, mismatchesTotal } = agreement;
  if (mismatchesTotal === 0) return {};
  return {
    subscriptionMismatchGroups: mismatched.length,
    subscriptionMismatchesTotal: mismatchesTotal,
  };
}

/** Roquet's own, and there only while sends are refused: why. */
function refusalFigure({ store }: AdminParts): Record<string, string> {
  const refusal = store.writeRefusal;
  return refusal === null ? {} : { writeRefusal: `${refusal.status}: ${refusal.detail}` };
}

/** How far each level is, beside how far its queue goes. */
function delayFigures({ store, delayOffsets }: AdminParts): Record<string, string> {
  const figures: Record<string, string> = {};
  for (const [level, offset] of delayOffsets.all()) {
    const queueId = DelayLevels.queueOf(level);
    const maxOffset = store.queueBounds(SCHEDULE_TOPIC, queueId)?.maxOffset ?? 0;
    figures[`scheduleMessageOffset_${level}`] = `${offset},${maxOffset}`;
  }
  return figures;
}

function dayFigures({ statistics }: AdminParts) {
  const { put, get } = statistics.figures.dayTotals();
  return {
    msgPutTotalYesterdayMorning: put.yesterdayMorning,
    msgPutTotalTodayMorning: put.todayMorning,
    msgPutTotalTodayNow: put.now,
    msgGetTotalYesterdayMorning: get.yesterdayMorning,
    msgGetTotalTodayMorning: get.todayMorning,
    msgGetTotalTodayNow: get.now,
  };
}

/** Queues of thread pools, of which only the sends that wait for the log are real. */
function poolFigures({ config, sends }: AdminParts): Record<string, number> {
  const { values } = config;
  const capacities: Record<string, number> = {
    send: values.sendThreadPoolQueueCapacity,
    pull: values.pullThreadPoolQueueCapacity,
    litePull: values.litePullThreadPoolQueueCapacity,
    query: values.queryThreadPoolQueueCapacity,
    ack: values.ackThreadPoolQueueCapacity,
  };
  const figures: Record<string, number> = {
    EndTransactionQueueSize: 0,
    EndTransactionThreadPoolQueueCapacity: values.endTransactionPoolQueueCapacity,
  };
  for (const [pool, capacity] of Object.entries(capacities)) {
    figures[`${pool}ThreadPoolQueueSize`] = 0;
    figures[`${pool}ThreadPoolQueueCapacity`] = capacity;
    figures[`${pool}ThreadPoolQueueHeadWaitTimeMills`] = 0;
  }
  figures["sendThreadPoolQueueSize"] = sends.count;
  // Roquet's own.
  if (sends.refusedTotal > 0) figures["sendRefusedBusyTotal"] = sends.refusedTotal;
  return figures;
}

/** The used share in hundredths, rounded up (Java: UtilAll.getDiskPartitionSpaceUsedPercent). */
function usedRatio(usage: DiskUsage): string {
  return usage.totalBytes === 0 ? "-1.0" : javaDouble(Math.ceil(usedRatioOf(usage) * 100) / 100);
}

const BYTE_UNITS = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

/** "252.0 GiB" (Java: MixAll.humanReadableByteCount). */
export function bytesText(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  let unit = -1;
  let shown = bytes;
  for (; shown >= 1024; unit++) shown /= 1024;
  return `${shown.toFixed(1)} ${BYTE_UNITS[unit]}B`;
}

/** "[ 0 days, 0 hours, 1 minutes, 12 seconds ]". */
export function runtimeText(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const parts = [
    `${grouped(Math.floor(seconds / 86_400))} days`,
    `${Math.floor(seconds / 3600) % 24} hours`,
    `${Math.floor(seconds / 60) % 60} minutes`,
    `${seconds % 60} seconds`,
  ];
  return `[ ${parts.join(", ")} ]`;
}

/** Java's MessageFormat writes 1000 as 1,000. */
function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

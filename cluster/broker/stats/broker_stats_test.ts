// Statistics over time, on a clock that the test moves.
import { expect, test } from "bun:test";
import { silentLogger } from "../../../core/log.ts";
import { isSystemTopic } from "../../../core/message/topic_names.ts";
import { VirtualClock } from "../../../core/time/virtual_clock.ts";
import type { StoreStats } from "../../../store/message_store.ts";
import { emptySummary } from "../../../store/recovery_report.ts";
import { openStats } from "./open_stats.ts";

const SETTINGS = {
  brokerClusterName: "C",
  enableDetailStat: true,
  autoDeleteUnusedStats: true,
  maxStatsIdleTimeInMinutes: -1,
};

function open(settings: Partial<typeof SETTINGS> = {}, startMs = 1_700_000_000_000) {
  const clock = new VirtualClock(startMs);
  const store: StoreStats = {
    putTotal: 0,
    putBytesTotal: 0,
    putFailedTotal: 0,
    putLatencyMsMaxRecent: 0,
    getFoundTotal: 0,
    getMissTotal: 0,
    getTransferredTotal: 0,
    dispatchBehindBytes: 0,
    diskUsedRatio: 0,
    recovery: emptySummary(true),
  };
  const statistics = openStats({
    clock,
    log: silentLogger,
    settings: { ...SETTINGS, ...settings },
    isSystemTopic,
    storeStats: () => store,
  });
  return { clock, store, statistics, sink: statistics.sink };
}

test("the first sample counts as the whole interval before it, as in Apache", async () => {
  const { clock, statistics, sink } = open();
  await using _ = statistics;
  sink.topicPut("T", 0, 20, 2000);
  await clock.advance(1);
  expect(sink.figures("TOPIC_PUT_NUMS", "T")!.minute).toEqual({ sum: 20, tps: 2, avgpt: 20 });
  expect(sink.figures("TOPIC_PUT_SIZE", "T")!.hour.sum).toBe(2000);
});

test("a minute's window forgets what is older than a minute; an hour's still has it", async () => {
  const { clock, statistics, sink } = open();
  await using _ = statistics;
  await clock.advance(1);
  sink.topicPut("T", 0, 60, 600);
  await clock.advance(10_000);
  expect(sink.topicPutTps("T")).toBe(6);
  await clock.advance(60_000);
  expect(sink.topicPutTps("T")).toBe(0);
  sink.topicPut("T", 0, 60, 600);
  await clock.advance(600_000);
  expect(sink.figures("TOPIC_PUT_NUMS", "T")).toMatchObject({
    minute: { sum: 0, tps: 0, avgpt: 0 },
    hour: { sum: 120, avgpt: 60 },
  });
  await clock.advance(3_600_000);
  expect(sink.figures("TOPIC_PUT_NUMS", "T")!.hour.sum).toBe(0);
  expect(sink.figures("TOPIC_PUT_NUMS", "T")!.day.sum).toBe(120);
  await clock.advance(25 * 3_600_000);
  expect(sink.figures("TOPIC_PUT_NUMS", "T")!.day.sum).toBe(0);
});

test("each statistic is kept under the key that Apache builds", async () => {
  const { clock, statistics, sink } = open();
  await using _ = statistics;
  sink.topicPut("T", 3, 2, 20);
  sink.groupGot("G", "T", 3, 4, 40);
  sink.groupGetLatency("G", "T", 3, 7.9);
  sink.fellBehind("G", "T", 3, 512);
  sink.sentBack("G", "T");
  sink.sentToDlq("G", "T");
  sink.brokerPut("T", 2);
  sink.brokerPut("SCHEDULE_TOPIC_XXXX", 5);
  sink.brokerGot("T", 4);
  await clock.advance(1);
  const sumOf = (statistic: string, key: string) => sink.figures(statistic, key)?.minute.sum;
  expect(sumOf("TOPIC_PUT_SIZE", "T")).toBe(20);
  expect(sumOf("QUEUE_PUT_NUMS", "T@3")).toBe(2);
  expect(sumOf("GROUP_GET_NUMS", "T@G")).toBe(4);
  expect(sumOf("GROUP_GET_SIZE", "T@G")).toBe(40);
  expect(sumOf("QUEUE_GET_SIZE", "T@3@G")).toBe(40);
  expect(sumOf("GROUP_GET_LATENCY", "3@T@G")).toBe(7);
  expect(sumOf("SNDBCK_PUT_NUMS", "T@G")).toBe(1);
  expect(sumOf("SNDBCK2DLQ_TIMES", "null@T@G@SEND_BACK_TO_DLQ")).toBe(1);
  expect(sumOf("BROKER_PUT_NUMS", "C")).toBe(7);
  expect(sumOf("BROKER_GET_NUMS", "C")).toBe(4);
  expect(sink.behindBytes("G", "T", 3)).toBe(512);
  expect(sink.totals()).toMatchObject({ userPutMessages: 2, userGetMessages: 4 });
  expect(sink.figures("TOPIC_PUT_NUMS", "other")).toBeNull();
  expect(sink.figures("constructor", "T")).toBeNull();
});

test("queues aren't counted when enableDetailStat is off", async () => {
  const { statistics, sink } = open({ enableDetailStat: false });
  await using _ = statistics;
  sink.topicPut("T", 3, 2, 20);
  sink.groupGot("G", "T", 3, 4, 40);
  sink.groupGetLatency("G", "T", 3, 7);
  expect(sink.figures("QUEUE_PUT_NUMS", "T@3")).toBeNull();
  expect(sink.figures("QUEUE_GET_NUMS", "T@3@G")).toBeNull();
  expect(sink.figures("GROUP_GET_LATENCY", "T@G")).not.toBeNull();
});

test("a deleted topic's and a deleted group's statistics go, their names elsewhere stay", async () => {
  const { statistics, sink } = open();
  await using _ = statistics;
  sink.topicPut("3", 3, 1, 1);
  sink.topicPut("T", 3, 1, 1);
  sink.groupGot("T", "U", 3, 1, 1);
  sink.groupGot("G", "T", 3, 1, 1);
  sink.topicDeleted("3");
  expect(sink.figures("TOPIC_PUT_NUMS", "3")).toBeNull();
  expect(sink.figures("QUEUE_PUT_NUMS", "T@3")).not.toBeNull();
  sink.topicDeleted("T");
  expect(sink.figures("TOPIC_PUT_NUMS", "T")).toBeNull();
  expect(sink.figures("GROUP_GET_NUMS", "T@G")).toBeNull();
  expect(sink.figures("GROUP_GET_NUMS", "U@T")).not.toBeNull();
  sink.groupDeleted("T");
  expect(sink.figures("GROUP_GET_NUMS", "U@T")).toBeNull();
  sink.groupGot("T", "U", 3, 1, 1);
  expect(sink.figures("GROUP_GET_NUMS", "U@T")).not.toBeNull();
});

test("idle counters are dropped when that is asked for, and counted anew afterwards", async () => {
  const { clock, statistics, sink } = open({ maxStatsIdleTimeInMinutes: 60 });
  await using _ = statistics;
  sink.topicPut("idle", 0, 1, 1);
  for (let minute = 0; minute < 90; minute += 10) {
    sink.topicPut("busy", 0, 1, 1);
    await clock.advance(600_000);
  }
  expect(sink.figures("TOPIC_PUT_NUMS", "idle")).toBeNull();
  expect(sink.figures("TOPIC_PUT_NUMS", "busy")).not.toBeNull();
  sink.topicPut("idle", 0, 1, 1);
  expect(sink.figures("TOPIC_PUT_NUMS", "idle")).not.toBeNull();
});

test("rates over 10, 60 and 600 seconds appear as soon as there are samples for them", async () => {
  const { clock, store, statistics } = open();
  await using _ = statistics;
  expect(statistics.figures.rates().put).toBe("  ");
  for (let second = 0; second <= 60; second++) {
    await clock.advance(1000);
    store.putTotal += 100;
    if (second === 12) expect(statistics.figures.rates().put).toBe("100.0  ");
  }
  expect(statistics.figures.rates().put).toBe("100.0 100.0 ");
  expect(statistics.figures.rates().getTotal).toBe("0.0 0.0 0.0");
  await clock.advance(600_000);
  expect(statistics.figures.rates().put).toMatch(/^0\.0 0\.0 0\.1\d*$/);
});

test("put latencies show as last minute's distribution and quantiles", async () => {
  const { clock, store, statistics } = open();
  await using _ = statistics;
  const { putLatency } = statistics.figures;
  expect(putLatency.distribution()).toBeNull();
  store.putTotal = 99;
  await clock.advance(1000);
  store.putTotal = 100;
  store.putLatencyMsMaxRecent = 75.5;
  await clock.advance(1000);
  store.putLatencyMsMaxRecent = 0;
  await clock.advance(60_000);
  expect(putLatency.entireMsMax).toBe(75);
  expect(putLatency.distribution()).toStartWith("[<=0ms]:99 [0~10ms]:0 [10~50ms]:0 [50~100ms]:1 ");
  expect(putLatency.quantileMs(0.99)).toBe(0);
  expect(putLatency.quantileMs(0.999)).toBe(75);
});

test("at midnight today's totals become this morning's", async () => {
  const evening = new Date(2026, 10, 20, 23, 58).getTime();
  const { clock, statistics, sink } = open({}, evening);
  await using _ = statistics;
  sink.brokerPut("T", 10);
  sink.brokerGot("T", 4);
  await clock.advance(180_000);
  sink.brokerPut("T", 5);
  expect(statistics.figures.dayTotals()).toEqual({
    put: { yesterdayMorning: 0, todayMorning: 10, now: 15 },
    get: { yesterdayMorning: 0, todayMorning: 4, now: 4 },
  });
  await clock.advance(24 * 3_600_000);
  expect(statistics.figures.dayTotals().put)
    .toEqual({ yesterdayMorning: 10, todayMorning: 15, now: 15 });
});

test("acknowledgements and checkpoints of popping groups are counted under Apache's names", async () => {
  const { clock, statistics, sink } = open();
  await using _ = statistics;
  sink.checkpointed("G", "T");
  sink.acknowledged("G", "T", 3);
  sink.acknowledged("G", "T", 2);
  await clock.advance(1);
  expect(sink.figures("GROUP_ACK_NUMS", "T@G")!.minute.sum).toBe(5);
  expect(sink.figures("GROUP_CK_NUMS", "T@G")!.minute.sum).toBe(1);
  expect(sink.figures("BROKER_ACK_NUMS", "C")!.minute.sum).toBe(5);
  expect(sink.figures("BROKER_CK_NUMS", "C")!.minute.sum).toBe(1);
  sink.groupDeleted("G");
  expect(sink.figures("GROUP_ACK_NUMS", "T@G")).toBeNull();
});

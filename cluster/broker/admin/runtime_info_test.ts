// The runtime figures: their names are those that Apache's broker 5.4.0 was recorded with.
import { expect, test } from "bun:test";
import { usedRatioOf } from "../../../core/disk/disk.ts";
import {
  GET_BROKER_RUNTIME_INFO,
  VIEW_BROKER_STATS_DATA,
} from "../../../core/remoting/codes/admin.ts";
import { bytesText, runtimeText } from "./runtime_info.ts";
import { bodyJson, openTestAdmin, storeMessages, type TestAdmin } from "./testing_admin.ts";

/** What mqadmin brokerStatus printed for Apache's broker 5.4.0. */
const APACHE_KEYS = [
  "EndTransactionQueueSize",
  "EndTransactionThreadPoolQueueCapacity",
  "ackThreadPoolQueueCapacity",
  "ackThreadPoolQueueHeadWaitTimeMills",
  "ackThreadPoolQueueSize",
  "bootTimestamp",
  "brokerActive",
  "brokerVersionDesc",
  "commitLogDirCapacity",
  "commitLogDiskRatio",
  "commitLogDiskRatio_PATH",
  "commitLogMaxOffset",
  "commitLogMinOffset",
  "consumeQueueDiskRatio",
  "dispatchBehindBytes",
  "dispatchMaxBuffer",
  "earliestMessageTimeStamp",
  "getFoundTps",
  "getMessageEntireTimeMax",
  "getMissTps",
  "getTotalTps",
  "getTransferredTps",
  "litePullThreadPoolQueueCapacity",
  "litePullThreadPoolQueueHeadWaitTimeMills",
  "litePullThreadPoolQueueSize",
  "msgGetTotalTodayMorning",
  "msgGetTotalTodayNow",
  "msgGetTotalYesterdayMorning",
  "msgPutTotalTodayMorning",
  "msgPutTotalTodayNow",
  "msgPutTotalYesterdayMorning",
  "pageCacheLockTimeMills",
  "pullThreadPoolQueueCapacity",
  "pullThreadPoolQueueHeadWaitTimeMills",
  "pullThreadPoolQueueSize",
  "putLatency99",
  "putLatency999",
  "putMessageAverageSize",
  "putMessageDistributeTime",
  "putMessageEntireTimeMax",
  "putMessageFailedTimes",
  "putMessageSizeTotal",
  "putMessageTimesTotal",
  "putTps",
  "queryThreadPoolQueueCapacity",
  "queryThreadPoolQueueHeadWaitTimeMills",
  "queryThreadPoolQueueSize",
  "remainHowManyDataToFlush",
  "remainTransientStoreBufferNumbs",
  "runtime",
  "sendThreadPoolQueueCapacity",
  "sendThreadPoolQueueHeadWaitTimeMills",
  "sendThreadPoolQueueSize",
  "startAcceptSendRequestTimeStamp",
  "timerCongestNum",
  "timerDequeueTps",
  "timerEnqueueTps",
  "timerOffsetBehind",
  "timerReadBehind",
];

async function figuresOf({ server }: TestAdmin): Promise<Record<string, string>> {
  const answer = await server.ask(GET_BROKER_RUNTIME_INFO);
  return (bodyJson(answer) as { table: Record<string, string> }).table;
}

test("has exactly the keys that mqadmin brokerStatus showed for Apache's broker", async () => {
  await using admin = await openTestAdmin();
  for (const level of [1, 2]) admin.delayOffsets.set(level, 1, 1, 0);
  const ours = Object.keys(await figuresOf(admin)).map(withoutPath);
  const isLevel = (key: string) => key.startsWith("scheduleMessageOffset_");
  expect(ours.filter((key) => !isLevel(key)).sort()).toEqual(APACHE_KEYS);
  expect(ours.filter(isLevel)).toEqual(["scheduleMessageOffset_1", "scheduleMessageOffset_2"]);
});

test("says what was stored and what passed through", async () => {
  await using admin = await openTestAdmin();
  await storeMessages(admin, "TopicMix", 4, 3);
  admin.statistics.sink.groupGot("G", "TopicMix", 0, 5, 500);
  admin.statistics.sink.brokerGot("TopicMix", 5);
  const figures = await figuresOf(admin);
  const { putTotal, putBytesTotal } = admin.store.stats();
  expect(putTotal).toBe(12);
  expect(figures).toMatchObject({
    putMessageTimesTotal: "12",
    putMessageSizeTotal: String(putBytesTotal),
    msgPutTotalTodayNow: "12",
    msgGetTotalTodayNow: "5",
    commitLogMaxOffset: String(admin.store.maxPhysicalOffset),
    dispatchBehindBytes: "0",
    earliestMessageTimeStamp: String(await admin.store.storeTimestamp("TopicMix", 0, 0)),
    brokerVersionDesc: "V5_4_0",
  });
  expect(figures["commitLogDirCapacity"]).toMatch(/^Total : .*B, Free : .*B\.$/);
  expect(figures["runtime"]).toMatch(/^\[ 0 days, 0 hours, 0 minutes, \d+ seconds \]$/);
});

test("sizes and times read as Java writes them", () => {
  expect(bytesText(0)).toBe("0 B");
  expect(bytesText(1023)).toBe("1023 B");
  expect(bytesText(1536)).toBe("1.5 KiB");
  expect(bytesText(252 * 1024 ** 3)).toBe("252.0 GiB");
  expect(runtimeText(90_061_000)).toBe("[ 1 days, 1 hours, 1 minutes, 1 seconds ]");
  expect(runtimeText(86_400_000 * 1234)).toBe("[ 1,234 days, 0 hours, 0 minutes, 0 seconds ]");
});

test("a statistic that nobody counted is said not to exist", async () => {
  await using admin = await openTestAdmin();
  const ask = (statsName: string) =>
    admin.server.ask(VIEW_BROKER_STATS_DATA, { statsName, statsKey: "T" });
  for (const statsName of ["TOPIC_PUT_NUMS", "NO_SUCH", "__proto__"]) {
    expect(await ask(statsName)).toMatchObject({
      code: 1,
      remark: `The stats <${statsName}> <T> not exist`,
    });
  }
});

/** One key ends in a folder. */
function withoutPath(key: string): string {
  return key.replace(/_\/.*/, "_PATH");
}

test("space kept for the superuser is free, but can't be used", () => {
  const usage = { totalBytes: 100, freeBytes: 30, reservedBytes: 60 };
  expect(usedRatioOf(usage)).toBe(0.25);
  expect(usedRatioOf({ totalBytes: 100, freeBytes: 90 })).toBeCloseTo(0.1);
  expect(usedRatioOf({ totalBytes: 0, freeBytes: 0 })).toBe(0);
});

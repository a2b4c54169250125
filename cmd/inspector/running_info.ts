// What a consumer tells of itself (ConsumerRunningInfo): read from a body, and written as Apache's tool writes it. Pure.
import { compareQueues } from "../../core/client/rebalance.ts";
import type { MessageQueue } from "../../core/client/message.ts";
import type { JsonObject } from "../../core/json/json_value.ts";
import { asObject, compareTexts, entries, list, number, queueEntries, text } from "./bodies.ts";
import { digitsOfTime } from "./java_text.ts";
import { printf } from "./printf.ts";

interface QueueDetail {
  queue: MessageQueue;
  detail: JsonObject;
}

export interface RunningInfo {
  properties: [string, string][];
  subscriptions: { topic: string; classFilterMode: boolean; subString: string }[];
  queues: QueueDetail[];
  popQueues: QueueDetail[];
  /** Rates by topic. */
  statuses: [string, JsonObject][];
  userInfo: [string, string][];
  jstack: string;
  body: JsonObject;
}

export function runningInfo(body: JsonObject): RunningInfo {
  const details = (value: JsonObject[string]) =>
    queueEntries(value).map(([queue, detail]) => ({ queue, detail: asObject(detail) }))
      .sort((one, other) => compareQueues(one.queue, other.queue));
  const textEntries = (value: JsonObject[string]) =>
    entries(value).map(([key, item]): [string, string] => [key, text(item)])
      .sort(([one], [other]) => compareTexts(one, other));
  return {
    properties: textEntries(body["properties"]),
    subscriptions: list(body["subscriptionSet"]).map((item) => {
      const { classFilterMode, subString, topic } = asObject(item);
      return {
        topic: text(topic),
        classFilterMode: classFilterMode === true,
        subString: text(subString),
      };
    }).sort((one, other) => compareTexts(one.topic, other.topic)),
    queues: details(body["mqTable"]),
    popQueues: details(body["mqPopTable"]),
    statuses: entries(body["statusTable"]).map(([topic, status]) => [topic, asObject(status)]),
    userInfo: textEntries(body["userConsumerInfo"]),
    jstack: text(body["jstack"]),
    body,
  };
}

export function propertyOf(info: RunningInfo, name: string): string {
  return info.properties.find(([key]) => key === name)?.[1] ?? "";
}

/** Whether its messages are pushed to a listener. */
export function isPushType(info: RunningInfo): boolean {
  return propertyOf(info, "PROP_CONSUME_TYPE") === "CONSUME_PASSIVELY";
}

/** All of it, in the sections of ConsumerRunningInfo.formatString. */
export function runningInfoText(info: RunningInfo): string {
  const queueHead = "%-64s  %-32s  %-4s  %-20s";
  const queueTitles = (last: string) => printf(queueHead, "#Topic", "#Broker Name", "#QID", last);
  const sections = [
    "#Consumer Properties#",
    ...info.properties.map(([key, value]) => printf("%-40s: %s", key, value)),
    "\n\n#Consumer Subscription#",
    ...info.subscriptions.map(({ classFilterMode, subString, topic }, index) =>
      printf(
        "%03d Topic: %-40s ClassFilter: %-8s SubExpression: %s",
        index + 1,
        topic,
        classFilterMode,
        subString,
      )
    ),
    "\n\n#Consumer Offset#",
    queueTitles("#Consumer Offset"),
    ...info.queues.map(({ detail, queue }) =>
      printf("%-32s  %-32s  %-4d  %-20d", ...place(queue), number(detail["commitOffset"]))
    ),
    "\n\n#Consumer MQ Detail#",
    queueTitles("#ProcessQueueInfo"),
    ...info.queues.map(({ detail, queue }) =>
      printf("%-64s  %-32s  %-4d  %s", ...place(queue), processQueueText(detail))
    ),
    "\n\n#Consumer Pop Detail#",
    printf("%-32s  %-32s  %-4s  %-20s", "#Topic", "#Broker Name", "#QID", "#ProcessQueueInfo"),
    ...info.popQueues.map(({ detail, queue }) =>
      printf("%-32s  %-32s  %-4d  %s", ...place(queue), popQueueText(detail))
    ),
    ...rateLines(info),
  ];
  if (info.userInfo.length > 0) {
    sections.push("\n\n#User Consume Info#");
    sections.push(...info.userInfo.map(([key, value]) => printf("%-40s: %s", key, value)));
  }
  if (info.jstack !== "") sections.push("\n\n#Consumer jstack#", info.jstack);
  return sections.join("\n");
}

function place({ brokerName, queueId, topic }: MessageQueue): [string, string, number] {
  return [topic, brokerName, queueId];
}

function rateLines({ statuses }: RunningInfo): string[] {
  const head = "%-64s  %14s %14s %14s %14s %18s %25s";
  const titles = ["#Topic", "#Pull RT", "#Pull TPS", "#Consume RT", "#ConsumeOK TPS"];
  return [
    "\n\n#Consumer RT&TPS#",
    printf(head, ...titles, "#ConsumeFailed TPS", "#ConsumeFailedMsgsInHour"),
    ...statuses.map(([topic, status]) =>
      printf(
        "%-32s  %14.2f %14.2f %14.2f %14.2f %18.2f %25d",
        topic,
        number(status["pullRT"]),
        number(status["pullTPS"]),
        number(status["consumeRT"]),
        number(status["consumeOKTPS"]),
        number(status["consumeFailedTPS"]),
        number(status["consumeFailedMsgs"]),
      )
    ),
  ];
}

/** As ProcessQueueInfo.toString. */
function processQueueText(detail: JsonObject): string {
  const plain = (name: string) => `${name}=${text(detail[name]) || "0"}`;
  const time = (name: string) => `${name}=${digitsOfTime(number(detail[name]))}`;
  return `ProcessQueueInfo [${
    [
      plain("commitOffset"),
      plain("cachedMsgMinOffset"),
      plain("cachedMsgMaxOffset"),
      plain("cachedMsgCount"),
      plain("cachedMsgSizeInMiB"),
      plain("transactionMsgMinOffset"),
      plain("transactionMsgMaxOffset"),
      plain("transactionMsgCount"),
      `locked=${detail["locked"] === true}`,
      plain("tryUnlockTimes"),
      time("lastLockTimestamp"),
      `droped=${detail["droped"] === true}`,
      time("lastPullTimestamp"),
      time("lastConsumeTimestamp"),
    ].join(", ")
  }]`;
}

/** As PopProcessQueueInfo.toString. */
function popQueueText(detail: JsonObject): string {
  const { droped, lastPopTimestamp, waitAckCount } = detail;
  return `PopProcessQueueInfo [waitAckCount:${number(waitAckCount)}, droped:${
    droped === true
  }, lastPopTimestamp:${number(lastPopTimestamp)}]`;
}

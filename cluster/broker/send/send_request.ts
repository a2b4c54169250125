// A send request in one form, whichever of its codes it came with. Pure conversion.
import type { RequestFieldsOf } from "../../../core/remoting/code_row.ts";
import type { SEND_MESSAGE, SEND_MESSAGE_V2 } from "../../../core/remoting/codes/send.ts";

export interface SendFields {
  producerGroup: string;
  topic: string;
  defaultTopic: string;
  defaultTopicQueueNums: number;
  /** Negative: the broker chooses. */
  queueId: number;
  sysFlag: number;
  bornTimestampMs: number;
  flag: number;
  properties: string;
  reconsumeTimes: number;
  unitMode: boolean;
  isBatch: boolean;
  /** Undefined: the group's setting counts. */
  maxReconsumeTimes: number | undefined;
}

export function fromLongNames(fields: RequestFieldsOf<typeof SEND_MESSAGE>): SendFields {
  return {
    producerGroup: fields.producerGroup,
    topic: fields.topic,
    defaultTopic: fields.defaultTopic,
    defaultTopicQueueNums: fields.defaultTopicQueueNums,
    queueId: fields.queueId,
    sysFlag: fields.sysFlag,
    bornTimestampMs: fields.bornTimestamp,
    flag: fields.flag,
    properties: fields.properties ?? "",
    reconsumeTimes: fields.reconsumeTimes ?? 0,
    unitMode: fields.unitMode ?? false,
    isBatch: fields.batch ?? false,
    maxReconsumeTimes: fields.maxReconsumeTimes,
  };
}

export function fromLetters(fields: RequestFieldsOf<typeof SEND_MESSAGE_V2>): SendFields {
  return {
    producerGroup: fields.a,
    topic: fields.b,
    defaultTopic: fields.c,
    defaultTopicQueueNums: fields.d,
    queueId: fields.e,
    sysFlag: fields.f,
    bornTimestampMs: fields.g,
    flag: fields.h,
    properties: fields.i ?? "",
    reconsumeTimes: fields.j ?? 0,
    unitMode: fields.k ?? false,
    isBatch: fields.m ?? false,
    maxReconsumeTimes: fields.l,
  };
}

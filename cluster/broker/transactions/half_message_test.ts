// The forms of a half message beside the records that Apache 5.4.0 wrote of the same transactions.
import { describe, expect, test } from "bun:test";
import { parseProperties } from "../../../core/message/properties.ts";
import type { MessageToStore } from "../../../store/message_store.ts";
import { type ExpectedRecord, recordedStores } from "../../../testdata/recorded_stores.ts";
import { checkBody } from "./check_back.ts";
import {
  checkTimesOf,
  committed,
  givenUp,
  type HalfMessage,
  halfMessageOf,
  makeHalf,
  putBack,
} from "./half_message.ts";
import { decodeRecord } from "../../../core/message/record.ts";

const HALF_TOPIC = "RMQ_SYS_TRANS_HALF_TOPIC";
const recorded = recordedStores()[0]!;
const messages = recorded.records.filter(({ kind }) => kind === "message");

function halfOf({ phyOffset, size }: ExpectedRecord): HalfMessage {
  return halfMessageOf({ buffer: recorded.log, start: phyOffset, size })!;
}

/** What Apache's record says of the fields that a message to store has. */
function asStored(record: ExpectedRecord) {
  const { topic, queueId, flag, sysFlag, reconsumeTimes, preparedTransactionOffset } = record;
  return {
    topic,
    queueId,
    flag,
    sysFlag,
    reconsumeTimes,
    preparedTransactionOffset,
    bornTimestampMs: record.bornTimestamp,
    tagsCode: record.tagsHash ?? 80567198,
    properties: record.properties,
  };
}

function stored(message: MessageToStore) {
  const { topic, queueId, flag, sysFlag, reconsumeTimes, preparedTransactionOffset } = message;
  return {
    topic,
    queueId,
    flag,
    sysFlag,
    reconsumeTimes,
    preparedTransactionOffset,
    bornTimestampMs: message.bornTimestampMs,
    tagsCode: message.tagsCode,
    properties: Object.fromEntries(parseProperties(message.properties)),
  };
}

const halves = messages.filter(({ topic }) => topic === HALF_TOPIC);
const sameKey = (a: ExpectedRecord) => (b: ExpectedRecord) =>
  a.properties["UNIQ_KEY"] === b.properties["UNIQ_KEY"];

describe("Apache's records of transactions", () => {
  test("a half is the message with its place and key remembered, its state cleared", () => {
    for (const record of halves.slice(0, 5)) {
      const half = halfOf(record);
      const { REAL_TOPIC, REAL_QID, __transactionId__, ...sent } = record.properties;
      const message = committed(half);
      message.topic = REAL_TOPIC!;
      message.queueId = Number(REAL_QID);
      message.sysFlag = 4;
      message.preparedTransactionOffset = 0;
      makeHalf(message, new Map(Object.entries(sent)));
      expect(__transactionId__).toBe(sent["UNIQ_KEY"]);
      expect(stored(message)).toEqual(asStored(record));
    }
  });

  test("a committed message is the one of its half", () => {
    const finals = messages.filter(({ topic }) => topic === "TopicTx");
    expect(finals).toHaveLength(3);
    for (const record of finals) {
      const half = halves.find(({ phyOffset }) => phyOffset === record.preparedTransactionOffset)!;
      expect(stored(committed(halfOf(half)))).toEqual(asStored(record));
    }
  });

  test("a half that is put back counts its checks, up to the one that is given up", () => {
    const asked = halves.filter(sameKey(halves.at(-1)!));
    expect(asked).toHaveLength(16);
    asked.slice(1).forEach((record, index) => {
      const before = halfOf(asked[index]!);
      expect(stored(putBack(before, checkTimesOf(before) + 1))).toEqual(asStored(record));
    });
    const last = messages.find(({ topic }) => topic === "TRANS_CHECK_MAX_TIME_TOPIC")!;
    expect(stored(givenUp(halfOf(asked.at(-1)!)))).toEqual(asStored(last));
  });

  test("a producer is asked with the message that it sent, at the half's place", () => {
    const half = halfOf(halves.at(-1)!);
    const record = decodeRecord(checkBody(half, { address: new Uint8Array(4), port: 1 }));
    expect(record).toMatchObject({
      topic: "TopicTx",
      queueId: half.realQueueId,
      queueOffset: half.queueOffset,
      physicalOffset: half.physicalOffset,
      bodyCrc: half.bodyCrc,
    });
    expect(new Uint8Array(record.body)).toEqual(new Uint8Array(half.body));
  });

  test("other records are no half messages", () => {
    for (const { topic, phyOffset, size } of messages) {
      const half = halfMessageOf({ buffer: recorded.log, start: phyOffset, size });
      if (!topic.startsWith("RMQ_SYS_TRANS_HALF") && !topic.startsWith("TRANS_CHECK")) {
        expect(half).toBeNull();
      }
    }
  });
});

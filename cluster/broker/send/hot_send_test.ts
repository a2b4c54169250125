// The hot way and the general way must store the same record: every message here is sent both ways.
import { Buffer } from "node:buffer";
import { afterAll, beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { decodeOffsetMessageId } from "../../../core/message/message_id.ts";
import { formatProperties, parseProperties } from "../../../core/message/properties.ts";
import { decodeRecord, decodeRecords, type MessageRecord } from "../../../core/message/record.ts";
import {
  SCHEDULE_TOPIC,
  TIMER_TOPIC,
  TRANSACTION_HALF_TOPIC,
} from "../../../core/message/topic_names.ts";
import { requestCommand } from "../../../core/remoting/answers.ts";
import {
  QUERY_CONSUME_QUEUE,
  QUERY_MESSAGE,
  VIEW_MESSAGE_BY_ID,
} from "../../../core/remoting/codes/query.ts";
import { SEND_MESSAGE, SEND_MESSAGE_V2 } from "../../../core/remoting/codes/send.ts";
import {
  type RemotingCommand,
  SERIALIZE_JSON,
  SERIALIZE_ROCKETMQ,
  type SerializeType,
} from "../../../core/remoting/command.ts";
import { encodeFields } from "../../../core/remoting/fields.ts";
import { ResponseCode } from "../../../core/remoting/response_codes.ts";
import { call, openTestBroker, send, type TestBroker, TestPeer } from "../testing.ts";

let broker: TestBroker;
let peer: TestPeer;

beforeAll(async () => {
  broker = await openTestBroker();
  peer = await TestPeer.connect(broker.port);
  await send(peer, "HotTopic", "makes the topic");
});

afterAll(async () => {
  peer[Symbol.dispose]();
  await broker[Symbol.asyncDispose]();
});

interface Sent {
  code: 10 | 310;
  serializeType: SerializeType;
  queueId: number;
  flag: number;
  sysFlag: number;
  bornTimestampMs: number;
  reconsumeTimes: number;
  properties: string;
  body: Buffer;
}

/** A field that the scan doesn't know sends a message the general way. */
function request(sent: Sent, general: boolean): RemotingCommand {
  const { bornTimestampMs, code, flag, properties, queueId, reconsumeTimes, sysFlag } = sent;
  const extFields = code === 310
    ? encodeFields(SEND_MESSAGE_V2.request, {
      a: "P",
      b: "HotTopic",
      c: "TBW102",
      d: 4,
      e: queueId,
      f: sysFlag,
      g: bornTimestampMs,
      h: flag,
      i: properties,
      j: reconsumeTimes,
    })
    : encodeFields(SEND_MESSAGE.request, {
      producerGroup: "P",
      topic: "HotTopic",
      defaultTopic: "TBW102",
      defaultTopicQueueNums: 4,
      queueId,
      sysFlag,
      bornTimestamp: bornTimestampMs,
      flag,
      properties,
      reconsumeTimes,
    });
  if (general) extFields.set("unknown", "field");
  return {
    ...requestCommand(code, { extFields, body: sent.body }),
    serializeType: sent.serializeType,
  };
}

/** The stored record behind a send's answer, without what differs between any two sends; null when it was refused. */
async function stored(sent: Sent, general: boolean) {
  const answer = await peer.call(request(sent, general));
  if (answer.code !== ResponseCode.SUCCESS) return { answer, fields: null, tagsCode: NaN };
  const { physicalOffset } = decodeOffsetMessageId(answer.extFields.get("msgId")!);
  const view = await call(peer, VIEW_MESSAGE_BY_ID, { offset: physicalOffset });
  expect(view.code).toBe(ResponseCode.SUCCESS);
  const record = decodeRecord(Buffer.from(view.body), 0, view.body.length);
  const tagsCode = await tagsCodeOf(record);
  const isDelayed = record.topic === SCHEDULE_TOPIC;
  return {
    answer,
    fields: comparable(record),
    tagsCode: isDelayed ? tagsCode - record.storeTimestampMs : tagsCode,
  };
}

/** What the queue says of a record's tags. */
async function tagsCodeOf({ queueId, queueOffset, topic }: MessageRecord): Promise<number> {
  const answer = await call(peer, QUERY_CONSUME_QUEUE, {
    topic,
    queueId,
    index: queueOffset,
    count: 1,
    consumerGroup: "",
  });
  const { queueData } = JSON.parse(Buffer.from(answer.body).toString()) as {
    queueData: { tagsCode: number }[];
  };
  return queueData[0]!.tagsCode;
}

function comparable(record: MessageRecord) {
  return {
    topic: record.topic,
    magic: record.magic,
    bodyCrc: record.bodyCrc,
    queueId: record.queueId,
    flag: record.flag,
    sysFlag: record.sysFlag,
    bornTimestampMs: record.bornTimestampMs,
    bornAddress: [...record.bornAddress],
    bornPort: record.bornPort,
    storeAddress: [...record.storeAddress],
    storePort: record.storePort,
    reconsumeTimes: record.reconsumeTimes,
    body: Buffer.from(record.body).toString("hex"),
    properties: Object.fromEntries([...parseProperties(record.properties)].sort()),
  };
}

/** Without the separators of properties. */
const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 }).filter((value) =>
  value.isWellFormed() && [...value].every((character) => character > "\u0002")
);
const KNOWN = [
  "KEYS",
  "TAGS",
  "WAIT",
  "BUYER_ID",
  "POP_CK",
  "MSG_REGION",
  "CLUSTER",
  "REAL_TOPIC",
  "PGROUP",
  "__transactionId__",
];
const PRIORITIES = [
  "0",
  "1",
  "2",
  "3",
  "4",
  "99",
  "-1",
  "-0",
  "+3",
  "007",
  "0000000002",
  "00000000001",
];
const priority = fc.option(fc.constantFrom(...PRIORITIES, "2147483648", "urgent", "1.5", " 2"));
const shardingKey = fc.option(fc.constant("k"), { freq: 2 });
const HOUR_MS = 3_600_000;
const startMs = Date.now();
/** In a slot to come, or in the past. */
const time = fc.option(fc.integer({ min: HOUR_MS, max: 24 * HOUR_MS }).map((ms) => startMs + ms))
  .chain((dueMs) => fc.constantFrom(dueMs, dueMs, dueMs === null ? null : 1_000));
const LEVELS = ["1", "5", "18", "19", "0", "-1", "+2", "007", "99999", "3000000000", "soon"];
const delayLevel = fc.option(fc.constantFrom(...LEVELS), { freq: 2 });
const transaction = fc.option(fc.constantFrom("true", "true", "TRUE", "false"), { freq: 2 });
/** What asks for a place to wait in; mostly one thing, and mostly nothing. */
const moves = fc.tuple(delayLevel, transaction, time);
const properties = fc.dictionary(fc.constantFrom(...KNOWN, "a", "名"), text).chain((map) =>
  fc.tuple(fc.stringMatching(/^[0-9A-F]{32}$/), fc.boolean(), moves, priority, shardingKey).map((
    [key, endless, [delay, isTransaction, dueMs], level, order],
  ) => {
    const all = formatProperties([
      ["UNIQ_KEY", key],
      ...level === null ? [] : [["_SYS_MSG_PRIORITY_", level] as const],
      ...order === null ? [] : [["__SHARDINGKEY", order] as const],
      ...isTransaction === null ? [] : [["TRAN_MSG", isTransaction] as const],
      ...Object.entries(map),
      ...delay === null ? [] : [["DELAY", delay] as const],
      ...dueMs === null ? [] : [["TIMER_DELIVER_MS", String(dueMs)] as const],
    ]);
    // Older clients leave the last separator out.
    return endless ? all.slice(0, -1) : all;
  })
);
const messages: fc.Arbitrary<Sent> = fc.record({
  code: fc.constantFrom(10 as const, 310 as const),
  serializeType: fc.constantFrom<SerializeType>(SERIALIZE_JSON, SERIALIZE_ROCKETMQ),
  queueId: fc.nat(3),
  flag: fc.integer(),
  sysFlag: fc.constantFrom(0, 1, 1 | (1 << 8), 1 | (3 << 8), 16, 32, 4, 5, 8),
  bornTimestampMs: fc.nat(2_000_000_000_000),
  reconsumeTimes: fc.nat(20),
  properties,
  body: fc.uint8Array({ minLength: 1, maxLength: 400 }).map((bytes) => Buffer.from(bytes)),
});

test("a message is stored the same way by the hot path as by the general one", async () => {
  await fc.assert(
    fc.asyncProperty(messages, async (sent) => {
      const hot = await stored(sent, false);
      const general = await stored(sent, true);
      expect([hot.answer.code, hot.answer.remark]).toEqual([
        general.answer.code,
        general.answer.remark,
      ]);
      expect(hot.fields).toEqual(general.fields);
      expect(hot.tagsCode).toBe(general.tagsCode);
      const names = (command: RemotingCommand) => [...command.extFields.keys()].sort();
      expect(names(hot.answer)).toEqual(names(general.answer));
      for (const name of ["queueId", "recallHandle", "transactionId"]) {
        expect(hot.answer.extFields.get(name)).toBe(general.answer.extFields.get(name));
      }
    }),
    { numRuns: 500 },
  );
});

test("a delay in seconds or milliseconds is counted from now, seconds first", async () => {
  const outMsOf = async (...delays: [string, string][]) => {
    const { fields } = await stored({
      code: 310,
      serializeType: SERIALIZE_JSON,
      queueId: 2,
      flag: 0,
      sysFlag: 0,
      bornTimestampMs: 1,
      reconsumeTimes: 0,
      properties: formatProperties([["UNIQ_KEY", "0"], ...delays]),
      body: Buffer.from("later"),
    }, false);
    expect(fields).toMatchObject({ topic: "rmq_sys_wheel_timer", queueId: 0 });
    expect(fields?.properties).toMatchObject({ REAL_TOPIC: "HotTopic", REAL_QID: "2" });
    return Number(fields?.properties["TIMER_OUT_MS"]) - Date.now();
  };
  const seconds = await outMsOf(["TIMER_DELAY_MS", "1"], ["TIMER_DELAY_SEC", "7200"]);
  expect(Math.abs(seconds - 2 * HOUR_MS)).toBeLessThan(HOUR_MS);
  const milliseconds = await outMsOf(["TIMER_DELAY_MS", String(3 * HOUR_MS)]);
  expect(Math.abs(milliseconds - 3 * HOUR_MS)).toBeLessThan(HOUR_MS);
});

const PLACES: [how: string, topic: string, property: [string, string] | null][] = [
  ["plain", "HotTopic", null],
  ["delayed", SCHEDULE_TOPIC, ["DELAY", "18"]],
  ["timed", TIMER_TOPIC, ["TIMER_DELAY_SEC", "7200"]],
  ["half", TRANSACTION_HALF_TOPIC, ["TRAN_MSG", "true"]],
];

for (const [how, topic, property] of PLACES) {
  test(`keys, tags and the unique key find a ${how} message whichever way it came`, async () => {
    const unique = `00112233445566778899AABBCCDDEE${how.length}0`;
    const properties = [["UNIQ_KEY", unique], ["KEYS", "k1 clé  k3"], ["TAGS", "TagH"]] as const;
    const sent: Sent = {
      code: 310,
      serializeType: SERIALIZE_JSON,
      queueId: 0,
      flag: 0,
      sysFlag: 0,
      bornTimestampMs: 1,
      reconsumeTimes: 0,
      properties: formatProperties(property === null ? properties : [...properties, property]),
      body: Buffer.from("found"),
    };
    for (const general of [false, true]) {
      expect((await stored(sent, general)).fields?.topic).toBe(topic);
    }
    for (const key of ["k1", "clé", "k3", unique, "TagH"]) {
      const answer = await call(peer, QUERY_MESSAGE, {
        topic,
        key,
        maxNum: 10,
        beginTimestamp: 0,
        endTimestamp: Date.now() + 60_000,
        ...(key === "TagH" && { indexType: "T" }),
      });
      expect(answer.code).toBe(ResponseCode.SUCCESS);
      expect(decodeRecords(answer.body)).toHaveLength(2);
    }
  });
}

test("what isn't plain goes the general way and is answered as it decides", async () => {
  const base: Sent = {
    code: 310,
    serializeType: SERIALIZE_JSON,
    queueId: 0,
    flag: 0,
    sysFlag: 0,
    bornTimestampMs: 1,
    reconsumeTimes: 0,
    properties: formatProperties([["UNIQ_KEY", "00"]]),
    body: Buffer.from("x"),
  };
  const codeOf = async (changes: Partial<Sent>) =>
    (await peer.call(request({ ...base, ...changes }, false))).code;
  expect(await codeOf({ body: Buffer.alloc(0) })).toBe(ResponseCode.MESSAGE_ILLEGAL);
  expect(await codeOf({ queueId: 99 })).toBe(ResponseCode.INVALID_PARAMETER);
  expect(await codeOf({ queueId: -1 })).toBe(ResponseCode.SUCCESS);
  expect(await codeOf({ sysFlag: 4 })).toBe(ResponseCode.NO_PERMISSION);
  expect(await codeOf({ properties: formatProperties([["UNIQ_KEY", "0"], ["DELAY", "3"]]) })).toBe(
    ResponseCode.SUCCESS,
  );
  const timed = (...entries: [string, string][]) =>
    codeOf({ properties: formatProperties([["UNIQ_KEY", "0"], ...entries]) });
  expect(await timed(["TIMER_DELIVER_MS", "soon"])).toBe(ResponseCode.MESSAGE_ILLEGAL);
  expect(await timed(["TIMER_DELAY_SEC", "999999999"])).toBe(ResponseCode.MESSAGE_ILLEGAL);
  expect(await timed(["TIMER_DELAY_SEC", "9"], ["TIMER_OUT_MS", "1"])).toBe(ResponseCode.SUCCESS);
  expect(await codeOf({ properties: "" })).toBe(ResponseCode.SUCCESS);
  expect(await codeOf({ properties: formatProperties([["p", "x".repeat(32_768)]]) })).toBe(
    ResponseCode.MESSAGE_ILLEGAL,
  );
});

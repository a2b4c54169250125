import { Buffer } from "node:buffer";
import { expect, test } from "bun:test";
import fc from "fast-check";
import { readI32 } from "../../../core/bytes/big_endian.ts";
import { writeDecimal } from "../../../core/bytes/decimal.ts";
import { encodeRecallHandle } from "../../../core/message/recall_handle.ts";
import { decodeFrame } from "../../../core/remoting/codec.ts";
import { SERIALIZE_JSON, SERIALIZE_ROCKETMQ } from "../../../core/remoting/command.ts";
import type { SerializeType } from "../../../core/remoting/command.ts";
import { FrameDecoder } from "../../../core/remoting/frame.ts";
import type { Connection } from "../../../core/remoting/handler.ts";
import { PendingSends } from "./pending_sends.ts";
import { SendAnswerWriter, writeHex16 } from "./send_answers.ts";
import { TIMED } from "./send_kinds.ts";
import type { TopicPlan } from "./topic_plans.ts";

const plan: TopicPlan = {
  topic: "T",
  bytes: Buffer.from("T"),
  queueCount: 4,
  writeQueueCount: 4,
  keyHashSeed: 0,
  tagHashSeed: 0,
  queues: [],
};

/** A connection that keeps what is written in place. */
function capture(): { connection: Connection; bytes: () => Buffer } {
  const buffer = Buffer.alloc(4096, 0xee);
  let used = 0;
  const connection: Connection = {
    id: 1,
    remoteAddress: "127.0.0.1:1",
    remoteHost: { address: new Uint8Array(4), port: 1 },
    localPort: 0,
    closed: false,
    unsentBytes: 0,
    send() {},
    reserve(length) {
      buffer.fill(0xee, 17, 17 + length);
      return { buffer, start: 17 };
    },
    commit(length) {
      used = length;
    },
    sendBytes() {},
    close() {},
  };
  return { connection, bytes: () => buffer.subarray(17, 17 + used) };
}

function answerOf(serializeType: SerializeType, region = "DefaultRegion", outMs = 0) {
  const pending = new PendingSends();
  const { connection, bytes } = capture();
  const slot = pending.take(connection, plan, 54, 3, 200, serializeType, false);
  const key = Buffer.from("C0000202449D30946E0967CCE1B90000");
  pending.setUniqueKey(slot, key, 0, key.length);
  if (outMs > 0) pending.setMoved(slot, TIMED, plan, 0, outMs);
  const settings = { brokerName: "b-名", regionId: region, traceOn: true };
  const writer = new SendAnswerWriter(pending, "7F00000200005597", settings);
  writer.write(slot, connection, 0x1234_5678_9a, 9_007_199_254_740_991);
  const answer = bytes();
  expect(readI32(answer, 0)).toBe(answer.length - 4);
  const frames = [...decode(answer)];
  expect(frames.length).toBe(1);
  return decodeFrame(frames[0]!);
}

function* decode(bytes: Buffer) {
  const decoder = new FrameDecoder();
  decoder.push(Buffer.from(bytes));
  for (let frame = decoder.next(); frame !== null; frame = decoder.next()) yield frame;
}

for (const serializeType of [SERIALIZE_JSON, SERIALIZE_ROCKETMQ] as const) {
  test(`an answer written in place reads as Apache's does (serialization ${serializeType})`, () => {
    const answer = answerOf(serializeType);
    expect(answer).toMatchObject({ code: 0, flag: 1, opaque: 54, remark: null, version: 493 });
    expect(answer.language).toBe("JAVA");
    expect(Object.fromEntries(answer.extFields)).toEqual({
      MSG_REGION: "DefaultRegion",
      TRACE_ON: "true",
      msgId: "7F00000200005597000000123456789A",
      queueId: "3",
      queueOffset: "9007199254740991",
      transactionId: "C0000202449D30946E0967CCE1B90000",
    });
  });
}

test("a region's name with quotes and wide characters survives both serializations", () => {
  for (const type of [SERIALIZE_JSON, SERIALIZE_ROCKETMQ] as const) {
    expect(answerOf(type, 'a "quoted" 地区').extFields.get("MSG_REGION")).toBe('a "quoted" 地区');
  }
});

test("the answer to a timed message tells what takes it back", () => {
  for (const type of [SERIALIZE_JSON, SERIALIZE_ROCKETMQ] as const) {
    // Each length of the text modulo three, which the padding depends on.
    for (const outMs of [99_000, 999_000, 9_999_000]) {
      const { extFields } = answerOf(type, "DefaultRegion", outMs);
      expect(extFields.get("recallHandle")).toBe(encodeRecallHandle({
        topic: "T",
        brokerName: "b-名",
        deliverMs: String(outMs + 1),
        uniqueKey: "C0000202449D30946E0967CCE1B90000",
      }));
      expect(extFields.size).toBe(7);
    }
  }
});

test("decimals and hexadecimals are those of the language", () => {
  const buffer = Buffer.alloc(32);
  fc.assert(fc.property(fc.maxSafeInteger(), (value) => {
    expect(buffer.toString("latin1", 0, writeDecimal(buffer, 0, value))).toBe(String(value));
  }));
  fc.assert(fc.property(fc.maxSafeNat(), (value) => {
    writeHex16(buffer, 0, value);
    expect(buffer.toString("latin1", 0, 16)).toBe(
      value.toString(16).toUpperCase().padStart(16, "0"),
    );
  }));
});

test("slots are used again and grow when all are taken", () => {
  const pending = new PendingSends();
  const { connection } = capture();
  const slots = Array.from(
    { length: 5000 },
    (_, opaque) => pending.take(connection, plan, opaque, 0, 0, SERIALIZE_JSON, false),
  );
  expect(new Set(slots).size).toBe(5000);
  expect(pending.count).toBe(5000);
  expect(slots.every((slot, opaque) => pending.opaques[slot] === opaque)).toBe(true);
  for (const slot of slots) pending.release(slot);
  expect(pending.count).toBe(0);
});

// Pulls that are read by a known form: the same pull as decoding gives, and what isn't one of a known form is decoded.
import { expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { LITE_PULL_MESSAGE, PULL_MESSAGE } from "../../../core/remoting/codes/pull.ts";
import { decodeFrame, encodeFrame } from "../../../core/remoting/codec.ts";
import { requestCommand } from "../../../core/remoting/answers.ts";
import {
  EMPTY_BYTES,
  SERIALIZE_JSON,
  SERIALIZE_ROCKETMQ,
  type SerializeType,
} from "../../../core/remoting/command.ts";
import { decodeFields, encodeFields } from "../../../core/remoting/fields.ts";
import { type Frame, FrameDecoder } from "../../../core/remoting/frame.ts";
import type { Connection } from "../../../core/remoting/handler.ts";
import { OffsetTable } from "../offsets/offset_table.ts";
import { openTestBroker, send, TestPeer } from "../testing.ts";
import { type ReadPull, RepeatedPulls } from "./repeated_pulls.ts";
import { pullFields } from "./testing_pull.ts";

interface Given {
  code?: number;
  opaque?: number;
  flag?: number;
  serializeType?: typeof SERIALIZE_JSON | typeof SERIALIZE_ROCKETMQ;
  fields?: Parameters<typeof pullFields>[0];
}

function frameOf(
  { code = 11, flag = 0, opaque = 1, serializeType = 0, fields = {} }: Given,
): Frame {
  const given = pullFields({ topic: "Topic", consumerGroup: "Group", ...fields });
  const decoder = new FrameDecoder();
  decoder.push(Buffer.from(encodeFrame({
    code,
    flag,
    opaque,
    language: "JAVA",
    version: 493,
    remark: null,
    extFields: encodeFields(PULL_MESSAGE.request, given),
    body: EMPTY_BYTES,
    serializeType,
  })));
  return decoder.next()!;
}

function decoded(frame: Frame): ReadPull {
  const command = decodeFrame(frame);
  const fields = decodeFields(PULL_MESSAGE.request, command.extFields);
  const offsetKey = OffsetTable.key(fields.topic, fields.consumerGroup);
  return { fields, command: { ...command, extFields: new Map() }, offsetKey };
}

const connection = {} as Connection;

for (const { code, name } of [PULL_MESSAGE, LITE_PULL_MESSAGE]) {
  test(`a ${name} of a known form is the pull that decoding gives`, () => {
    const pulls = new RepeatedPulls();
    expect(pulls.read(frameOf({ code }), connection)).toBeNull();
    for (const n of [0, 1, 77, 2 ** 31 - 1]) {
      const fields = { queueId: n, queueOffset: n * 1000, sysFlag: n, commitOffset: n * 999 };
      const frame = frameOf({ code, opaque: n, fields });
      expect(pulls.read(frame, connection)).toEqual(decoded(frame));
    }
  });
}

test("a pull without a commit offset has none by its form either", () => {
  const pulls = new RepeatedPulls();
  const frame = frameOf({ fields: { commitOffset: undefined } });
  pulls.read(frame, connection);
  const read = pulls.read(frame, connection)!;
  expect(read.fields.commitOffset).toBeUndefined();
  expect(pulls.read(frameOf({ fields: { commitOffset: 5 } }), connection)).toBeNull();
});

test("what differs in more than its numbers is decoded once, and read by its own form from then on", () => {
  const pulls = new RepeatedPulls();
  const given = [{}, { topic: "Other" }, { subscription: "A || B" }, { consumerGroup: "G2" }];
  for (const fields of given) expect(pulls.read(frameOf({ fields }), connection)).toBeNull();
  for (const fields of given) {
    const frame = frameOf({ opaque: 9, fields });
    expect(pulls.read(frame, connection)).toEqual(decoded(frame));
  }
});

test("a form is its connection's alone", () => {
  const pulls = new RepeatedPulls();
  pulls.read(frameOf({}), connection);
  expect(pulls.read(frameOf({}), {} as Connection)).toBeNull();
});

for (
  const [what, given] of [
    ["answer with a pull's code", { flag: 1 }],
    ["one-way pull", { flag: 2 }],
    ["pull in the binary serialization", { serializeType: SERIALIZE_ROCKETMQ }],
    ["pull from a negative offset", { fields: { queueOffset: -1 } }],
    ["pull that is refused for want of its topic", { fields: { topic: undefined } }],
  ] as const satisfies readonly (readonly [string, Given])[]
) {
  test(`a ${what} is always decoded`, () => {
    const pulls = new RepeatedPulls();
    for (let time = 0; time < 3; time++) expect(pulls.read(frameOf(given), connection)).toBeNull();
  });
}

test("a client with more forms than are kept is served from those, and learned anew now and then", () => {
  const pulls = new RepeatedPulls();
  const read = (topic: string) => pulls.read(frameOf({ fields: { topic } }), connection) !== null;
  for (let n = 0; n < 8; n++) read(`T${n}`);
  expect(Array.from({ length: 8 }, (_, n) => read(`T${n}`))).not.toContain(false);
  expect(read("New")).toBe(false);
  expect(read("New")).toBe(false);
  for (let miss = 0; miss < 64; miss++) read("New");
  expect(read("New")).toBe(true);
});

test("a client that pulls on is answered by a known form as when its header is decoded", async () => {
  await using broker = await openTestBroker({});
  using peer = await TestPeer.connect(broker.port);
  for (const body of ["a", "b", "c"]) await send(peer, "Repeated", body);
  const pull = async (serializeType: SerializeType, queueId: number, queueOffset: number) => {
    const fields = { topic: "Repeated", consumerGroup: "G", queueId, queueOffset, maxMsgNums: 2 };
    const extFields = encodeFields(PULL_MESSAGE.request, pullFields(fields));
    const command = requestCommand(PULL_MESSAGE.code, { extFields, serializeType });
    return await peer.call(command);
  };
  // The first is decoded, and makes the form of the others.
  for (const [queueId, queueOffset] of [[0, 0], [0, 0], [0, 1], [0, 2], [1, 0], [0, 9], [99, 0]]) {
    const byForm = await pull(SERIALIZE_JSON, queueId!, queueOffset!);
    const byDecoding = await pull(SERIALIZE_ROCKETMQ, queueId!, queueOffset!);
    for (const part of ["code", "extFields", "body"] as const) {
      expect(byForm[part]).toEqual(byDecoding[part]);
    }
    expect(byForm.remark?.split("consumer:")[0]).toEqual(byDecoding.remark?.split("consumer:")[0]);
  }
});

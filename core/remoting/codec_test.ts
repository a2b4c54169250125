import { describe, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { DecodeError, RequestError } from "../errors.ts";
import { FRAME_BYTES_MAX } from "../limits.ts";
import { decodeFrame, encodeFrame, frameBytesMax, writeFrame, writeFrameHead } from "./codec.ts";
import { uncutCode } from "./codes/cut_codes.ts";
import { type RemotingCommand, SERIALIZE_JSON, SERIALIZE_ROCKETMQ } from "./command.ts";
import { languageName } from "./language.ts";
import { frameOf, recordedFrames } from "../../testdata/recorded_frames.ts";

const plain: RemotingCommand = {
  code: 105,
  language: "JAVA",
  version: 493,
  opaque: 51,
  flag: 0,
  remark: null,
  extFields: new Map([["topic", "TopicMix"]]),
  body: Buffer.alloc(0),
  serializeType: SERIALIZE_JSON,
};

function jsonFrame(header: string, body = ""): Buffer {
  const bytes = Buffer.from(header, "utf8");
  const frame = Buffer.alloc(8 + bytes.length + body.length);
  frame.writeInt32BE(frame.length - 4, 0);
  frame.writeInt32BE(bytes.length, 4);
  bytes.copy(frame, 8);
  frame.write(body, 8 + bytes.length);
  return frame;
}

const decodeJson = (header: string) => decodeFrame(frameOf(jsonFrame(header), 3));

describe("every recorded frame", () => {
  const frames = recordedFrames();

  test("is there: thousands of them, in both serializations, whole and cut", () => {
    expect(frames.length).toBeGreaterThan(3000);
    expect(new Set(frames.map((frame) => frame.bytes[4]))).toEqual(new Set([0, 1]));
    expect(new Set(frames.map((frame) => frame.isWhole))).toEqual(new Set([true, false]));
  });

  test("decodes to what the recorder saw", () => {
    for (const { bytes, header, bodyBytes, isWhole } of frames) {
      const command = decodeFrame(frameOf(bytes, 5));
      // The recorder read the code of binary headers as unsigned.
      const isBinary = bytes[4] === SERIALIZE_ROCKETMQ;
      expect(command.code).toBe(isBinary ? uncutCode(header.code << 16 >> 16) : header.code);
      expect(command.language).toBe(header.language ?? languageName(header.languageByte!));
      expect(command.version).toBe(header.version);
      expect(command.opaque).toBe(header.opaque);
      expect(command.flag).toBe(header.flag);
      expect(command.remark).toBe(header.remark ?? null);
      expect(Object.fromEntries(command.extFields)).toEqual(
        Object.fromEntries(presentFields(header.extFields, isBinary)),
      );
      if (isWhole) expect(command.body.length).toBe(bodyBytes);
    }
  });

  test("encodes back to the same bytes, but for empty extFields, and empty values of binary headers", () => {
    let identical = 0;
    for (const { bytes, header, isWhole } of frames) {
      if (!isWhole) continue;
      const again = encodeFrame(decodeFrame(frameOf(bytes)));
      if (again.equals(bytes)) identical++;
      else if (bytes[4] === SERIALIZE_ROCKETMQ) expect(hasEmptyValue(header.extFields)).toBe(true);
      else expect(again.toString("latin1", 8)).toBe(withoutEmptyExtFields(bytes));
    }
    expect(identical).toBeGreaterThan(2500);
  });
});

type RecordedFields = Record<string, string> | null | undefined;

/** Empty values of binary headers are null in Java. */
function presentFields(fields: RecordedFields, isBinary: boolean): [string, string][] {
  return Object.entries(fields ?? {}).filter(([, value]) => value !== "" || !isBinary);
}

function hasEmptyValue(fields: RecordedFields): boolean {
  return Object.values(fields ?? {}).includes("");
}

function withoutEmptyExtFields(bytes: Buffer): string {
  return bytes.toString("latin1", 8).replace('"extFields":{},', "");
}

describe("a JSON header", () => {
  test("is written as Apache writes it", () => {
    const bytes = encodeFrame({
      ...plain,
      code: 0,
      flag: 1,
      remark: 'a"\n\u0001\u007f中',
      extFields: new Map([["b", "2"], ["a", "x\\y"]]),
    });
    expect(bytes.toString("utf8", 8)).toBe(
      '{"code":0,"extFields":{"b":"2","a":"x\\\\y"},"flag":1,"language":"JAVA","opaque":51,' +
        '"remark":"a\\"\\n\\u0001\u007f中","serializeTypeCurrentRPC":"JSON","version":493}',
    );
    expect(encodeFrame({ ...plain, code: 0, flag: 1, extFields: new Map() }).toString("utf8", 8))
      .toBe(
        '{"code":0,"flag":1,"language":"JAVA","opaque":51,"serializeTypeCurrentRPC":"JSON","version":493}',
      );
  });

  test("may have its members in any order, with white space, comments and trailing commas", () => {
    const command = decodeJson(
      '/*go*/ { "opaque" : 7,\n"code":310, "extFields":{"a":"b",}, \'flag\':2, }',
    );
    expect(command).toMatchObject({ code: 310, opaque: 7, flag: 2, language: "JAVA", version: 0 });
    expect([...command.extFields]).toEqual([["a", "b"]]);
  });

  test("may have quoted numbers, and fields that aren't strings", () => {
    const command = decodeJson(
      '{"code":"310","version":493.0,"opaque":-5,"language":9,"extFields":' +
        '{"a":1,"b":true,"c":null,"d":{"x":[1]},"e":9223372036854775807}}',
    );
    expect(command).toMatchObject({ code: 310, version: 493, opaque: -5, language: "GO" });
    expect(Object.fromEntries(command.extFields))
      .toEqual({ a: "1", b: "true", d: '{"x":[1]}', e: "9223372036854775807" });
  });

  test("keeps fields named like JavaScript's own", () => {
    const command = decodeJson('{"code":1,"extFields":{"__proto__":"p","constructor":"c"}}');
    expect([...command.extFields]).toEqual([["__proto__", "p"], ["constructor", "c"]]);
  });

  test("is refused when it is no map, or its numbers are none", () => {
    const broken = ["", "[]", "null", "7", '"x"', "{", '{"code":310}x', '{"code":"x"}'];
    const wrong = ['{"code":99999999999}', '{"code":{}}', '{"extFields":[]}'];
    const deep = `{"extFields":{"a":${"[".repeat(100_000)}`;
    for (const header of [...broken, ...wrong, '{"code":""}', '{"extFields":"x"}', deep]) {
      expect(() => decodeJson(header)).toThrow(DecodeError);
    }
  });
});

describe("a binary header", () => {
  test("carries codes above 32767 cut to a short, and they are whole again after decoding", () => {
    const bytes = encodeFrame({ ...plain, code: 200050, serializeType: SERIALIZE_ROCKETMQ });
    expect(bytes.readInt16BE(8)).toBe(3442);
    expect(decodeFrame(frameOf(bytes)).code).toBe(200050);
  });

  test("leaves an answer's code alone", () => {
    const bytes = encodeFrame({ ...plain, code: 3442, flag: 1, serializeType: SERIALIZE_ROCKETMQ });
    expect(decodeFrame(frameOf(bytes)).code).toBe(3442);
  });

  test("has no empty fields: they are null in Java", () => {
    const extFields = new Map([["a", ""], ["b", "x"]]);
    const bytes = encodeFrame({ ...plain, extFields, serializeType: SERIALIZE_ROCKETMQ });
    expect([...decodeFrame(frameOf(bytes)).extFields]).toEqual([["b", "x"]]);
  });

  test("is refused when any of its lengths passes its end", () => {
    const bytes = encodeFrame({ ...plain, remark: "r", serializeType: SERIALIZE_ROCKETMQ });
    const lengthPositions = [8 + 13, 8 + 18, 8 + 22, 8 + 29];
    for (const at of lengthPositions) {
      for (const length of [0x7fffffff, -1, 0x10000]) {
        const broken = Buffer.from(bytes);
        if (at === 8 + 22) broken.writeInt16BE(length << 16 >> 16 || 0x7fff, at);
        else broken.writeInt32BE(length, at);
        expect(() => decodeFrame(frameOf(broken, 64))).toThrow(DecodeError);
      }
    }
    for (let cut = 8; cut < bytes.length; cut++) {
      const frame = { ...frameOf(bytes), bodyStart: cut, end: cut };
      expect(() => decodeFrame(frame)).toThrow(DecodeError);
    }
  });
});

describe("a frame", () => {
  test("isn't written when it is longer than peers take", () => {
    expect(() => writeFrameHead(plain, FRAME_BYTES_MAX, Buffer.alloc(1024), 0)).toThrow(
      RequestError,
    );
    const extFields = new Map([["a", "x".repeat(1024 * 1024)]]);
    expect(() => encodeFrame({ ...plain, extFields })).toThrow(RequestError);
  });

  test("comes back as the same command, and stays within its bound, for any command", () => {
    fc.assert(fc.property(commands(), (command) => {
      const target = Buffer.alloc(frameBytesMax(command) + 10, 0xee);
      const end = writeFrame(command, target, 5);
      expect(end).toBeLessThanOrEqual(5 + frameBytesMax(command));
      expect(target[end]).toBe(0xee);
      const again = decodeFrame(frameOf(Buffer.from(target.subarray(5, end))));
      const isBinary = command.serializeType === SERIALIZE_ROCKETMQ;
      const extFields = [...command.extFields].filter(([, value]) => !isBinary || value !== "");
      expect({ ...again, extFields: [...again.extFields].sort(), body: [...again.body] }).toEqual({
        ...command,
        remark: isBinary ? command.remark || null : command.remark,
        extFields: extFields.sort(),
        body: [...command.body],
      });
    }));
  });

  test("of random bytes gives a command or a DecodeError, nothing else", () => {
    const type = fc.constantFrom<0 | 1>(0, 1);
    fc.assert(fc.property(type, fc.uint8Array({ maxLength: 200 }), (serializeType, noise) => {
      const buffer = Buffer.from(noise);
      const end = noise.length;
      onlyDecodeErrors({ buffer, start: 0, serializeType, headerStart: 0, bodyStart: end, end });
    }));
  });

  test("that was recorded and then damaged gives a command or a DecodeError, nothing else", () => {
    const frames = recordedFrames().filter((frame) => frame.isWhole);
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.nat(frames.length - 1), damage, (index, changes) => {
        const frame = frameOf(frames[index]!.bytes);
        const length = frame.bodyStart - frame.headerStart;
        for (const [at, byte] of changes) frame.buffer[frame.headerStart + at % length] = byte;
        onlyDecodeErrors(frame);
      }),
      { numRuns: 2000 },
    );
  });
});

function onlyDecodeErrors(frame: Parameters<typeof decodeFrame>[0]): void {
  try {
    decodeFrame(frame);
  } catch (error) {
    expect(error).toBeInstanceOf(DecodeError);
  }
}

function commands(): fc.Arbitrary<RemotingCommand> {
  const text = fc.oneof(
    fc.string(),
    fc.string({ unit: "grapheme" }),
    fc.string({ maxLength: 300 }),
  );
  return fc.record({
    code: fc.integer({ min: 0, max: 32767 }).filter((code) => uncutCode(code) === code),
    language: fc.constantFrom("JAVA", "GO", "NODE_JS"),
    version: fc.nat(32767),
    opaque: fc.integer(),
    flag: fc.nat(3),
    remark: fc.option(text),
    extFields: fc.array(fc.tuple(text, text), { maxLength: 8 }).map((entries) => new Map(entries)),
    body: fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes)),
    serializeType: fc.constantFrom<0 | 1>(SERIALIZE_JSON, SERIALIZE_ROCKETMQ),
  });
}

import { describe, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { frameOf, recordedFrames } from "../../testdata/recorded_frames.ts";
import { decodeFrame, encodeFrame } from "./codec.ts";
import { type RemotingCommand, SERIALIZE_JSON, SERIALIZE_ROCKETMQ } from "./command.ts";
import type { Frame } from "./frame.ts";
import {
  newSendHeader,
  NO_CODE,
  parseDecimal,
  peekCode,
  scanSendHeader,
  SendField,
  type SendHeader,
  unescapeJsonInto,
} from "./send_header_scan.ts";

const SEND_CODES = [10, 310, 320];
const LONG_NAMES = Object.keys(SendField).map((name) => name === "brokerName" ? "bname" : name);
const LETTERS = Object.values(SendField).map((field) => String.fromCharCode(0x61 + field));

/** The fields that a scan found, by the names of the header's code. */
function scannedFields(frame: Frame, header: SendHeader): Map<string, string> {
  const names = header.code === 10 ? LONG_NAMES : LETTERS;
  const found = new Map<string, string>();
  for (const field of Object.values(SendField)) {
    const start = header.ranges[field * 2]!;
    const end = header.ranges[field * 2 + 1]!;
    if (start < 0) continue;
    const target = Buffer.alloc(end - start);
    const isEscaped = (header.escaped >> field & 1) === 1;
    const length = isEscaped
      ? unescapeJsonInto(target, 0, frame.buffer, start, end)
      : frame.buffer.copy(target, 0, start, end);
    found.set(names[field]!, target.toString("utf8", 0, length));
  }
  return found;
}

function expectAgreement(frame: Frame, header: SendHeader): void {
  const command = decodeFrame(frame);
  expect([header.code, header.opaque, header.flag, header.version])
    .toEqual([command.code, command.opaque, command.flag, command.version]);
  expect([...scannedFields(frame, header)].sort()).toEqual([...command.extFields].sort());
}

function jsonFrame(text: string): Frame {
  const header = Buffer.from(text, "utf8");
  const bytes = Buffer.alloc(8 + header.length);
  bytes.writeInt32BE(header.length + 4, 0);
  bytes.writeInt32BE(header.length, 4);
  header.copy(bytes, 8);
  return frameOf(bytes, 7);
}

function send(changes: Partial<RemotingCommand>): RemotingCommand {
  return {
    code: 310,
    language: "JAVA",
    version: 493,
    opaque: 54,
    flag: 0,
    remark: null,
    extFields: new Map([["a", "g"], ["b", "T"], ["e", "0"], ["i", "K\u0001v\u0002"]]),
    body: Buffer.alloc(0),
    serializeType: SERIALIZE_JSON,
    ...changes,
  };
}

describe("the scan of a send header", () => {
  test("agrees with the decoder on every recorded send, in both serializations", () => {
    const header = newSendHeader();
    let seen = 0;
    for (const { bytes, header: recorded, kind, file } of recordedFrames()) {
      // With access control there are fields that the scan leaves to the decoder.
      if (kind === "response" || !SEND_CODES.includes(recorded.code) || file.includes("/acl/")) {
        continue;
      }
      const frame = frameOf(bytes, 11);
      expect(scanSendHeader(frame, header)).toBe(true);
      expectAgreement(frame, header);
      seen++;
    }
    expect(seen).toBeGreaterThan(250);
  });

  test("leaves every other recorded frame alone", () => {
    const header = newSendHeader();
    for (const { bytes, header: recorded } of recordedFrames()) {
      if (SEND_CODES.includes(recorded.code)) continue;
      expect(scanSendHeader(frameOf(bytes), header)).toBe(false);
    }
  });

  test("takes members in any order, as Go's and Node's clients write them", () => {
    const frame = jsonFrame(
      '{"version":317,"opaque":-3,"language":"GO","flag":2,"extFields":{"i":"\\u0001é","b":"T"},"code":320}',
    );
    const header = newSendHeader();
    expect(scanSendHeader(frame, header)).toBe(true);
    expectAgreement(frame, header);
  });

  test("gives up on what is unusual, for the decoder to read", () => {
    const unusual = [
      '{"code":310,"extFields":{"b":"T"},"flag":0,"remark":"x"}',
      '{"code":310,"extFields":{"b":"T","AccessKey":"k"}}',
      '{"code":310,"extFields":{"b":"T","topic":"T"}}',
      '{"code":10,"extFields":{"b":"T"}}',
      '{"code":11,"extFields":{"topic":"T"}}',
      '{"code":310, "extFields":{"b":"T"}}',
      '{"code":310,"extFields":{"b":1}}',
      '{"code":310,"extFields":{"b":"T"}',
      '{"code":310,"extFields":{"b":"T}}',
      '{"code":310,"extFields":null}',
      '{"code":"310"}',
      '{"code":310.0}',
      '{"code":99999999999}',
      '{"code":310}}',
      "{}",
      "[]",
      "",
    ];
    const header = newSendHeader();
    for (const text of unusual) expect(scanSendHeader(jsonFrame(text), header)).toBe(false);
    for (const extFields of [new Map([["z", "x"]]), new Map([["topic", "x"]])]) {
      const command = send({ extFields, serializeType: SERIALIZE_ROCKETMQ });
      expect(scanSendHeader(frameOf(encodeFrame(command)), header)).toBe(false);
    }
    const remark = encodeFrame(send({ remark: "r", serializeType: SERIALIZE_ROCKETMQ }));
    expect(scanSendHeader(frameOf(remark), header)).toBe(false);
  });

  test("forgets the frame before", () => {
    const header = newSendHeader();
    const full = encodeFrame(send({ serializeType: SERIALIZE_ROCKETMQ }));
    expect(scanSendHeader(frameOf(full), header)).toBe(true);
    const bare = frameOf(encodeFrame(send({ extFields: new Map([["b", "T"]]) })));
    expect(scanSendHeader(bare, header)).toBe(true);
    expect([...scannedFields(bare, header)]).toEqual([["b", "T"]]);
    expect(header.escaped).toBe(0);
  });

  test("agrees with the decoder on any values", () => {
    const header = newSendHeader();
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: "grapheme" }),
      fc.string({ unit: "binary" }),
    );
    const fields = fc.dictionary(fc.constantFrom(...LETTERS), text, { noNullPrototype: true });
    const type = fc.constantFrom<0 | 1>(SERIALIZE_JSON, SERIALIZE_ROCKETMQ);
    fc.assert(
      fc.property(fields, type, fc.integer(), (fields, serializeType, opaque) => {
        const command = send({ extFields: new Map(Object.entries(fields)), serializeType, opaque });
        const frame = frameOf(encodeFrame(command), 3);
        expect(scanSendHeader(frame, header)).toBe(true);
        expectAgreement(frame, header);
      }),
      { numRuns: 500 },
    );
  });

  test("of a damaged frame finds what the decoder finds, or nothing, and stays within the header", () => {
    const frames = recordedFrames().filter(({ header, kind }) =>
      kind !== "response" && SEND_CODES.includes(header.code)
    );
    const header = newSendHeader();
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(fc.nat(frames.length - 1), damage, (index, changes) => {
        const frame = frameOf(frames[index]!.bytes, 4);
        const length = frame.bodyStart - frame.headerStart;
        for (const [at, byte] of changes) frame.buffer[frame.headerStart + at % length] = byte;
        if (!scanSendHeader(frame, header)) return;
        for (let n = 0; n < header.ranges.length; n += 2) {
          const start = header.ranges[n]!;
          if (start < 0) continue;
          expect(start).toBeGreaterThanOrEqual(frame.headerStart);
          expect(header.ranges[n + 1]!).toBeLessThanOrEqual(frame.bodyStart);
        }
      }),
      { numRuns: 3000 },
    );
  });
});

describe("peeking at the code", () => {
  test("finds that of every recorded frame", () => {
    for (const { bytes } of recordedFrames()) {
      const frame = frameOf(bytes, 2);
      const isRequest = (decodeFrame(frame).flag & 1) === 0;
      if (isRequest) expect(peekCode(frame)).toBe(decodeFrame(frame).code);
    }
  });

  test("finds it wherever a client wrote it, and not inside other values", () => {
    expect(peekCode(jsonFrame('{"extFields":{"code":"7","a":"\\"code\\":8"},"code":34}'))).toBe(34);
    expect(peekCode(jsonFrame(' { "remark" : "code" , "code" : 105 }'))).toBe(105);
    expect(peekCode(jsonFrame('{"code":-1006}'))).toBe(-1006);
  });

  test("says so when there is none", () => {
    const without = [
      "",
      "{",
      "{}",
      "[]",
      '{"code"',
      '{"code":',
      '{"code":"7"}',
      '{"cod',
      '{"flag":1}',
    ];
    for (const text of without) expect(peekCode(jsonFrame(text))).toBe(NO_CODE);
  });

  test("never fails, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.constantFrom<0 | 1>(0, 1), (noise, type) => {
        const buffer = Buffer.from(noise);
        const end = buffer.length;
        const frame = {
          buffer,
          start: 0,
          serializeType: type,
          headerStart: 0,
          bodyStart: end,
          end,
        };
        expect(Number.isInteger(peekCode(frame))).toBe(true);
      }),
    );
  });
});

describe("undoing JSON escapes", () => {
  const unescape = (text: string) => {
    const source = Buffer.from(`<${text}>`, "utf8");
    const target = Buffer.alloc(source.length + 2, 0xee);
    const length = unescapeJsonInto(target, 1, source, 1, source.length - 1);
    expect(target[1 + Math.max(length, 0)]).toBe(0xee);
    return length < 0 ? null : target.toString("utf8", 1, 1 + length);
  };

  test("gives back any string that JSON.stringify wrote, surrogate pairs too", () => {
    const text = fc.oneof(fc.string({ unit: "binary" }), fc.string({ unit: "grapheme" }));
    fc.assert(fc.property(text, (text) => {
      expect(unescape(JSON.stringify(text).slice(1, -1))).toBe(Buffer.from(text).toString());
    }));
  });

  test("gives back strings with every character escaped", () => {
    const hex = (text: string) =>
      text.split("").map((char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`).join(
        "",
      );
    fc.assert(fc.property(fc.string({ unit: "grapheme" }), (text) => {
      expect(unescape(hex(text))).toBe(Buffer.from(text).toString());
      expect(unescape(hex(text).toUpperCase().replaceAll("\\U", "\\u"))).toBe(
        Buffer.from(text).toString(),
      );
    }));
    expect(unescape('\\ud83d\\ude00\\/\\b\\f\\n\\r\\t\\"\\\\')).toBe('😀/\b\f\n\r\t"\\');
  });

  test("makes of a lone surrogate what the decoder makes of it", () => {
    expect(unescape("a\\ud800b\\udc00\\ud800\\ud800")).toBe("a\ufffdb\ufffd\ufffd\ufffd");
  });

  test("refuses escapes that are none", () => {
    for (const text of ["\\", "\\x41", "\\u12", "\\u12g4", "\\'", "\\u"]) {
      expect(unescape(text)).toBeNull();
    }
  });
});

describe("a decimal number among bytes", () => {
  const parse = (text: string) => parseDecimal(Buffer.from(`9${text}9`), 1, 1 + text.length);

  test("is read as Java reads it, within 2^53", () => {
    fc.assert(fc.property(fc.maxSafeInteger(), (value) => {
      expect(parse(String(value))).toBe(value);
    }));
    expect(["+5", "007", "-0"].map(parse)).toEqual([5, 7, -0]);
  });

  test("is NaN when it isn't one", () => {
    for (
      const text of ["", "-", "+", "x", "1x", "1.0", " 1", "12345678901234567", "9007199254740993"]
    ) {
      expect(parse(text)).toBeNaN();
    }
  });
});

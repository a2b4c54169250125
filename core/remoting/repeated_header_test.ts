// Headers of a known form: what is read by comparing bytes is what decoding them gives, and anything else isn't read.
import { expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { decodeFrame } from "./codec.ts";
import { type Frame, FrameDecoder } from "./frame.ts";
import { RepeatedHeader, type RepeatedNumber } from "./repeated_header.ts";

const NUMBERS: readonly RepeatedNumber[] = [
  { name: "opaque", isField: false, isInt: true },
  { name: "queueId", isField: true, isInt: true },
  { name: "queueOffset", isField: true, isInt: false },
];

function frameOf(header: string, body = ""): Frame {
  const [bytes, behind] = [Buffer.from(header), Buffer.from(body)];
  const lengths = Buffer.alloc(8);
  lengths.writeInt32BE(4 + bytes.length + behind.length, 0);
  lengths.writeInt32BE(bytes.length, 4);
  const decoder = new FrameDecoder();
  decoder.push(Buffer.concat([lengths, bytes, behind]));
  return decoder.next()!;
}

function headerOf(opaque: string, queueId: string, offset: string, topic = "T"): string {
  return `{"code":11,"extFields":{"queueId":"${queueId}","topic":"${topic}",` +
    `"queueOffset":"${offset}"},"flag":0,"language":"JAVA","opaque":${opaque},"version":493}`;
}

const form = RepeatedHeader.of(frameOf(headerOf("1", "2", "3")), NUMBERS)!;

function read(frame: Frame): number[] | null {
  const values = new Float64Array(NUMBERS.length);
  return form.read(frame, values) ? [...values] : null;
}

test("other numbers in the same header are read as decoding gives them", () => {
  const int = fc.nat(2 ** 31 - 1);
  fc.assert(fc.property(int, int, fc.nat(10 ** 15 - 1), (opaque, queueId, queueOffset) => {
    const frame = frameOf(headerOf(`${opaque}`, `${queueId}`, `${queueOffset}`));
    const command = decodeFrame(frame);
    const { extFields } = command;
    const fields = ["queueId", "queueOffset"].map((name) => Number(extFields.get(name)));
    expect(read(frame)).toEqual([command.opaque, ...fields]);
  }));
});

test("a header that differs anywhere else isn't of the form", () => {
  const header = headerOf("41", "2", "36");
  const digits = /"opaque":(\d+)|"queueId":"(\d+)|"queueOffset":"(\d+)/gd;
  const inNumbers = new Set<number>();
  for (const { indices } of header.matchAll(digits)) {
    const [start, end] = indices!.slice(1).find((range) => range !== undefined)!;
    for (let at = start; at < end; at++) inNumbers.add(at);
  }
  expect(inNumbers.size).toBe(5);
  for (let at = 0; at < header.length; at++) {
    const changed = `${header.slice(0, at)}#${header.slice(at + 1)}`;
    expect(read(frameOf(changed))).toBeNull();
    const cut = `${header.slice(0, at)}${header.slice(at + 1)}`;
    if (!inNumbers.has(at)) expect(read(frameOf(cut))).toBeNull();
  }
});

for (
  const [what, header, body] of [
    ["a negative number", headerOf("1", "2", "-1")],
    ["an empty number", headerOf("1", "", "3")],
    ["a number with a leading zero", headerOf("01", "2", "3")],
    ["an int past 31 bits", headerOf("1", "2147483648", "3")],
    ["more digits than a number holds", headerOf("1", "2", "9223372036854775807")],
    ["a body", headerOf("1", "2", "3"), "x"],
    ["another topic", headerOf("1", "2", "3", "U")],
    ["something behind it", `${headerOf("1", "2", "3")} `],
    ["nothing", ""],
  ] as const
) {
  test(`a header with ${what} isn't of the form`, () => {
    expect(read(frameOf(header, body))).toBeNull();
  });
}

test("a header isn't read past its end, whatever stands behind it", () => {
  const header = headerOf("1", "2", "3");
  for (let length = 0; length < header.length; length++) {
    const frame = frameOf(header);
    const cut = {
      ...frame,
      bodyStart: frame.headerStart + length,
      end: frame.headerStart + length,
    };
    expect(read(cut)).toBeNull();
  }
});

test("a number that is missing is none, and the others are read", () => {
  const header = (opaque: number) =>
    `{"code":11,"extFields":{"queueId":"5"},"flag":0,"opaque":${opaque}}`;
  const partial = RepeatedHeader.of(frameOf(header(1)), NUMBERS)!;
  const values = new Float64Array(NUMBERS.length);
  expect(partial.read(frameOf(header(23)), values)).toBe(true);
  expect([...values]).toEqual([23, 5, NaN]);
});

for (
  const [what, header, body] of [
    ["names a number twice", `{"opaque":1,"extFields":{"queueId":"1","queueId":"2"}}`],
    ["holds text where a number belongs", headerOf("1", "x", "3")],
    ["has escapes", `{"opaque":1,"extFields":{"queueId":"1","queueI\\u0064":"1"}}`],
    ["isn't strict JSON", `{opaque:1,"x":'"queueId":"7"',"opaque":1}`],
    ["is long", headerOf("1", "2", "3", "T".repeat(1024))],
    ["has a body", headerOf("1", "2", "3"), "x"],
  ] as const
) {
  test(`a header that ${what} gives no form`, () => {
    expect(RepeatedHeader.of(frameOf(header, body), NUMBERS)).toBeNull();
  });
}

test("what a form keeps is its own: the bytes of its frame may change", () => {
  const frame = frameOf(headerOf("1", "2", "3"));
  const kept = RepeatedHeader.of(frame, NUMBERS)!;
  frame.buffer.fill(0);
  expect(kept.read(frameOf(headerOf("4", "5", "6")), new Float64Array(NUMBERS.length))).toBe(true);
});

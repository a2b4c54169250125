import { expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { fixtureLines } from "../../testdata/fixtures.ts";
import { DecodeError } from "../errors.ts";
import { FRAME_BYTES_MAX, HEADER_BYTES_MAX } from "../limits.ts";
import { type Frame, FrameDecoder } from "./frame.ts";

function frameOf(serializeType: number, header: Uint8Array, body: Uint8Array): Buffer {
  const frame = Buffer.alloc(8 + header.length + body.length);
  frame.writeInt32BE(frame.length - 4, 0);
  frame.writeUInt32BE(((serializeType << 24) | header.length) >>> 0, 4);
  frame.set(header, 8);
  frame.set(body, 8 + header.length);
  return frame;
}

/** A frame's content, apart from where it lies. */
function contentOf(frame: Frame): string {
  const { buffer, start, headerStart, bodyStart, end, serializeType } = frame;
  return [
    serializeType,
    buffer.toString("hex", start, headerStart),
    buffer.toString("hex", headerStart, bodyStart),
    buffer.toString("hex", bodyStart, end),
  ].join(" ");
}

function decodeAll(chunks: readonly Buffer[]): string[] {
  const decoder = new FrameDecoder();
  const frames: string[] = [];
  for (const chunk of chunks) {
    decoder.push(chunk);
    for (let frame = decoder.next(); frame !== null; frame = decoder.next()) {
      frames.push(contentOf(frame));
    }
  }
  return frames;
}

function cutAt(bytes: Buffer, positions: readonly number[]): Buffer[] {
  const cuts = [0, ...positions, bytes.length];
  // Each chunk in memory of its own, as a data event's is.
  return cuts.slice(1).map((end, i) => Buffer.from(bytes.subarray(cuts[i]!, end)));
}

const recorded = fixtureLines<{ frameBase64?: string }>("wire/json/producerSync.jsonl")
  .flatMap(({ frameBase64 }) => frameBase64 ? [Buffer.from(frameBase64, "base64")] : [])
  .slice(0, 4);
const stream = Buffer.concat([
  ...recorded,
  frameOf(1, new Uint8Array(21).fill(7), new Uint8Array(0)),
  frameOf(0, new Uint8Array(0), new Uint8Array(0)),
  frameOf(0, Buffer.from("{}"), new Uint8Array(300).fill(1)),
]);
const whole = decodeAll([stream]);

test("a stream in one chunk gives its frames as views of the chunk", () => {
  const decoder = new FrameDecoder();
  decoder.push(stream);
  for (const expected of recorded) {
    const frame = decoder.next()!;
    expect(frame.buffer).toBe(stream);
    expect(stream.subarray(frame.start, frame.end).equals(expected)).toBe(true);
  }
  expect(whole.length).toBe(recorded.length + 3);
});

test("a stream cut in two at any byte gives the same frames", () => {
  for (let at = 0; at <= stream.length; at++) {
    expect(decodeAll(cutAt(stream, [at]))).toEqual(whole);
  }
});

test("a stream that comes byte by byte gives the same frames", () => {
  expect(decodeAll(cutAt(stream, Array.from(stream.keys()).slice(1)))).toEqual(whole);
});

test("any split of any frames gives the same frames", () => {
  const anyFrame = fc.tuple(
    fc.constantFrom(0, 1),
    fc.uint8Array({ maxLength: 60 }),
    fc.oneof(fc.uint8Array({ maxLength: 100 }), fc.constant(new Uint8Array(70_000).fill(3))),
  ).map(([type, header, body]) => frameOf(type, header, body));
  fc.assert(
    fc.property(
      fc.array(anyFrame, { minLength: 1, maxLength: 6 }),
      fc.array(fc.nat(), { maxLength: 12 }),
      (frames, positions) => {
        const bytes = Buffer.concat(frames);
        const cuts = positions.map((at) => at % (bytes.length + 1)).sort((a, b) => a - b);
        expect(decodeAll(cutAt(bytes, cuts))).toEqual(decodeAll(frames));
      },
    ),
  );
});

test("chunks that are pushed while frames still wait are read in order", () => {
  const decoder = new FrameDecoder();
  for (const chunk of cutAt(stream, [3, 100, 101, 400])) decoder.push(chunk);
  const frames: string[] = [];
  for (let frame = decoder.next(); frame !== null; frame = decoder.next()) {
    frames.push(contentOf(frame));
  }
  expect(frames).toEqual(whole);
});

test("random bytes give frames or a DecodeError, nothing else", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 }), (chunks) => {
      try {
        decodeAll(chunks.map((chunk) => Buffer.from(chunk)));
      } catch (error) {
        expect(error).toBeInstanceOf(DecodeError);
      }
    }),
    { numRuns: 2_000 },
  );
});

function lengths(total: number, mark: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeInt32BE(total, 0);
  bytes.writeUInt32BE(mark >>> 0, 4);
  return bytes;
}

test("lengths are refused as Netty's decoder refuses them, naming the limit", () => {
  const most = FRAME_BYTES_MAX - 4;
  expect(() => decodeAll([lengths(most + 1, 0)])).toThrow(
    "frame: 16777217 bytes are more than the limit of 16777216",
  );
  expect(decodeAll([lengths(most, 0)])).toEqual([]);
  expect(() => decodeAll([lengths(-1, 0)])).toThrow("length -1 is too short");
  expect(() => decodeAll([lengths(3, 0)])).toThrow("length 3 is too short");
});

test("a bad total length is refused before the header's length came", () => {
  expect(() => decodeAll([lengths(0x7fffffff, 0).subarray(0, 4)])).toThrow(DecodeError);
});

test("headers longer than their frame or the limit and unknown serialize types are refused", () => {
  expect(() => decodeAll([lengths(4 + 10, 11)])).toThrow("header of 11 bytes is longer");
  expect(() => decodeAll([lengths(8 * 1024 * 1024, HEADER_BYTES_MAX + 1)])).toThrow("limit of");
  expect(() => decodeAll([lengths(100, 2 << 24)])).toThrow("unknown serialize type 2");
});

test("a claim of 16 MiB holds no more memory than 4 KiB until the bytes come", () => {
  const claim = lengths(FRAME_BYTES_MAX - 4, 10);
  const allocated: number[] = [];
  const { allocUnsafe } = Buffer;
  Buffer.allocUnsafe = (size: number) => {
    allocated.push(size);
    return allocUnsafe(size);
  };
  try {
    const decoder = new FrameDecoder();
    decoder.push(claim);
    expect(decoder.next()).toBe(null);
    expect(allocated).toEqual([4096]);
    let arrived = claim.length;
    let frame: Frame | null = null;
    while (frame === null) {
      decoder.push(Buffer.alloc(Math.min(60_000, FRAME_BYTES_MAX - arrived)));
      arrived += Math.min(60_000, FRAME_BYTES_MAX - arrived);
      frame = decoder.next();
      expect(Math.max(...allocated)).toBeLessThanOrEqual(4 * arrived);
    }
    expect(frame.end).toBe(FRAME_BYTES_MAX);
    expect(allocated.length).toBeLessThan(10);
  } finally {
    Buffer.allocUnsafe = allocUnsafe;
  }
});

// LZ4 and zstd frames: what lz4-java and zstd-jni wrote is read, what we write comes back, damage is a DecodeError.
import { Buffer } from "node:buffer";
import { describe, expect, test } from "bun:test";
import { zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { DecodeError } from "../errors.ts";
import { compressLz4Frame, decompressLz4Frame } from "./lz4_frame.ts";
import vectors from "./testdata/java_vectors.json" with { type: "json" };
import { plain } from "./testdata/vectors.ts";
import { zstdFrames } from "./zstd_frame.ts";

const MANY = 1 << 20;

function frameNamed(made: string): Buffer {
  const vector = vectors.lz4Frames.find((frame) => frame.made === made);
  return Buffer.from(vector?.hex ?? "", "hex");
}

function expectOnlyDecodeErrors(action: () => unknown): void {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(DecodeError);
  }
}

describe("LZ4 frames", () => {
  for (const { made, kind, length, hex } of vectors.lz4Frames) {
    test(`written by lz4-java are read: ${made}, ${length} bytes of ${kind}`, () => {
      const content = decompressLz4Frame(Buffer.from(hex, "hex"), MANY);
      expect(Buffer.from(content).equals(plain(kind, length))).toBe(true);
    });
  }

  test("of ours come back, whatever the content", () => {
    const repetitive = fc.array(fc.constantFrom("ab", "abcabcabc", "x", "0000000000", "é"), {
      maxLength: 3000,
    }).map((parts) => Buffer.from(parts.join("")));
    fc.assert(fc.property(fc.oneof(fc.uint8Array({ maxLength: 2000 }), repetitive), (bytes) => {
      const frame = compressLz4Frame(bytes);
      expect(Buffer.from(decompressLz4Frame(frame, MANY)).equals(Buffer.from(bytes))).toBe(true);
    }));
  });

  test("of ours come back over several blocks of 4 MiB, and text gets smaller", () => {
    const content = Buffer.concat([plain("text", 5 << 20), plain("random", 70_000)]);
    const frame = compressLz4Frame(content);
    expect(frame.length).toBeLessThan(content.length / 20);
    expect(Buffer.from(decompressLz4Frame(frame, content.length)).equals(content)).toBe(true);
  });

  test("are refused one byte over the limit, before they are unpacked", () => {
    const frame = compressLz4Frame(plain("zeros", 100_000));
    expect(decompressLz4Frame(frame, 100_000).length).toBe(100_000);
    expect(() => decompressLz4Frame(frame, 99_999)).toThrow("larger than 99999 bytes");
  });

  test("one after the other and skippable ones are read as one content", () => {
    const skippable = Buffer.from("502a4d1803000000aabbcc", "hex");
    const both = Buffer.concat([
      compressLz4Frame(Buffer.from("one,")),
      skippable,
      compressLz4Frame(Buffer.from("two")),
    ]);
    expect(Buffer.from(decompressLz4Frame(both, MANY)).toString()).toBe("one,two");
  });

  test("with linked blocks may reach back into the block before", () => {
    // Version 1, blocks linked; a block of literals "abcdefgh", then a match 8 bytes back and the literals "12345".
    const header = Buffer.from("04224d184070df", "hex");
    const blocks = Buffer.from("0800008061626364656667680900000004080050313233343500000000", "hex");
    const frame = Buffer.concat([header, blocks]);
    expect(Buffer.from(decompressLz4Frame(frame, MANY)).toString()).toBe("abcdefghabcdefgh12345");
  });

  test("cut anywhere are a DecodeError", () => {
    const frame = frameNamed("1MB blocks, stored, all checksums, size");
    for (let end = 0; end < frame.length; end++) {
      expect(() => decompressLz4Frame(frame.subarray(0, end), MANY)).toThrow(DecodeError);
    }
  });

  test("with all checksums show any changed byte", () => {
    const frame = frameNamed("64KB blocks, all checksums, size");
    const content = plain("text", 200_000);
    for (let at = 0; at < frame.length; at += 3) {
      const changed = Buffer.from(frame);
      changed[at] = changed[at]! ^ 0x11;
      try {
        // A changed magic may make it a frame to be skipped, but never another content.
        const read = Buffer.from(decompressLz4Frame(changed, MANY));
        expect(read.length === 0 || read.equals(content)).toBe(true);
      } catch (error) {
        expect(error).toBeInstanceOf(DecodeError);
      }
    }
  });

  test("mutated at random give a DecodeError or bytes, nothing else", () => {
    const frame = Buffer.from(compressLz4Frame(plain("text", 3000)));
    fc.assert(
      fc.property(fc.nat(frame.length - 1), fc.nat(255), fc.nat(frame.length), (at, byte, end) => {
        const changed = Buffer.from(frame.subarray(0, Math.max(end, at + 1)));
        changed[at] = byte;
        expectOnlyDecodeErrors(() => decompressLz4Frame(changed, 10_000));
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        expectOnlyDecodeErrors(() => decompressLz4Frame(bytes, 10_000));
        expectOnlyDecodeErrors(() =>
          decompressLz4Frame(Buffer.concat([frame.subarray(0, 7), bytes]), 10_000)
        );
      }),
    );
  });
});

describe("zstd frames", () => {
  const one = zstdCompressSync(plain("text", 20_000));
  const two = zstdCompressSync(plain("random", 300_000));
  const skippable = Buffer.from("532a4d1802000000aabb", "hex");

  test("are cut apart where they end", () => {
    const parts = zstdFrames(Buffer.concat([one, skippable, two]));
    expect(parts.map((part) => Buffer.from(part))).toEqual([one, two]);
  });

  test("that are cut short or followed by other bytes are refused", () => {
    for (let end = 0; end < one.length; end++) {
      expect(() => zstdFrames(one.subarray(0, end))).toThrow(DecodeError);
    }
    expect(() => zstdFrames(Buffer.concat([one, Buffer.from("tail")]))).toThrow(DecodeError);
  });

  test("of random bytes are a DecodeError", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      expectOnlyDecodeErrors(() => zstdFrames(bytes));
      expectOnlyDecodeErrors(() => zstdFrames(Buffer.concat([one.subarray(0, 6), bytes])));
    }));
  });
});

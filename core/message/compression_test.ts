// Compressed bodies of every kind: Java's read, ours come back, bombs and damage refused with a DecodeError.
import { Buffer } from "node:buffer";
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { plain } from "../bytes/testdata/vectors.ts";
import { DecodeError } from "../errors.ts";
import {
  compress,
  compressionBits,
  type CompressionKind,
  compressionOf,
  decompress,
} from "./compression.ts";
import { COMPRESSED, COMPRESSION_MASK } from "./sys_flag.ts";
import vectors from "./testdata/java_vectors.json" with { type: "json" };

const KINDS: CompressionKind[] = ["zlib", "lz4", "zstd"];

test("bodies that Java compressed are read", () => {
  for (const kind of ["zlib", "zstd"] as const) {
    const body = decompress(Buffer.from(vectors[kind].hex, "hex"), kind);
    expect(Buffer.from(body).equals(plain("text", 20_000))).toBe(true);
  }
});

for (const kind of KINDS) {
  describe(`${kind} bodies`, () => {
    const text = plain("text", 20_000);
    const packed = compress(text, kind);

    test("come back, whatever they hold", () => {
      fc.assert(fc.property(fc.uint8Array({ maxLength: 500 }), (body) => {
        expect(Uint8Array.from(decompress(compress(body, kind), kind))).toEqual(body);
      }));
      expect(packed.length).toBeLessThan(text.length / 5);
    });

    test("are unpacked up to the limit and not a byte further", () => {
      expect(decompress(packed, kind, text.length).length).toBe(text.length);
      expect(() => decompress(packed, kind, text.length - 1)).toThrow(
        `larger than ${text.length - 1} bytes`,
      );
      expect(() => decompress(compress(new Uint8Array(50 << 20), kind), kind, 1 << 20)).toThrow(
        DecodeError,
      );
    });

    test("cut anywhere are a DecodeError", () => {
      for (let end = 0; end < packed.length; end++) {
        expect(() => decompress(packed.subarray(0, end), kind)).toThrow(DecodeError);
      }
    });

    test("damaged or random give bytes or a DecodeError, nothing else", () => {
      fc.assert(
        fc.property(
          fc.nat(packed.length - 1),
          fc.nat(255),
          fc.uint8Array(),
          (at, value, random) => {
            const damaged = Buffer.from(packed);
            damaged[at] = value;
            for (const body of [damaged, random]) {
              try {
                decompress(body, kind, 1 << 20);
              } catch (error) {
                expect(error).toBeInstanceOf(DecodeError);
              }
            }
          },
        ),
      );
    });

    test("are named by their sysFlag", () => {
      expect(compressionOf(compressionBits(kind) | 0x34)).toBe(kind);
    });
  });
}

test("several zstd frames are one body, within one limit", () => {
  const body = Buffer.concat([
    compress(plain("text", 700), "zstd"),
    compress(plain("text", 300), "zstd"),
  ]);
  expect(decompress(body, "zstd", 1000).length).toBe(1000);
  expect(() => decompress(body, "zstd", 999)).toThrow("larger than");
  expect(() => decompress(body, "zstd", 700)).toThrow("larger than");
});

test("a body compressed by a client from before the kinds is zlib, an unknown kind is refused", () => {
  expect(compressionOf(COMPRESSED)).toBe("zlib");
  expect(compressionOf(COMPRESSION_MASK)).toBeNull();
  expect(() => compressionOf(COMPRESSED | COMPRESSION_MASK)).toThrow(DecodeError);
});

// Numbers, CRCs, hashes and hexadecimal text against Java's own results and against slow definitions.
import { Buffer } from "node:buffer";
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { DecodeError } from "../errors.ts";
import {
  isNegativeI64,
  readI16,
  readI32,
  readI64,
  readU16,
  readU32,
  readU63,
  writeI32,
  writeI64,
  writeU16,
  writeU63Negative,
} from "./big_endian.ts";
import { crc32, crc32ByTables, crc32Masked } from "./crc32.ts";
import { fromHex, toHex, writeHexDigits } from "./hex.ts";
import { absHash, javaHash, javaHashUtf8 } from "./java_hash.ts";
import vectors from "./testdata/java_vectors.json" with { type: "json" };
import { plain } from "./testdata/vectors.ts";
import { xxHash32 } from "./xxhash32.ts";

describe("big-endian numbers", () => {
  test("read as Node's own readers do, for any bytes", () => {
    fc.assert(fc.property(fc.uint8Array({ minLength: 8, maxLength: 8 }), (bytes) => {
      const buffer = Buffer.from(bytes);
      expect(readU16(bytes, 3)).toBe(buffer.readUInt16BE(3));
      expect(readI16(bytes, 3)).toBe(buffer.readInt16BE(3));
      expect(readI32(bytes, 1)).toBe(buffer.readInt32BE(1));
      expect(readU32(bytes, 1)).toBe(buffer.readUInt32BE(1));
      expect(readI64(bytes, 0)).toBe(Number(buffer.readBigInt64BE(0)));
      expect(isNegativeI64(bytes, 0)).toBe(buffer.readBigInt64BE(0) < 0n);
    }));
  });

  test("come back as written, negative and 64-bit ones too", () => {
    const bytes = Buffer.alloc(8);
    fc.assert(fc.property(fc.maxSafeInteger(), fc.integer(), (long, int) => {
      writeI64(bytes, 0, long);
      expect(bytes.readBigInt64BE(0)).toBe(BigInt(long));
      expect(readI64(bytes, 0)).toBe(long);
      writeI32(bytes, 2, int);
      expect(readI32(bytes, 2)).toBe(int);
      writeU16(bytes, 1, int);
      expect(readU16(bytes, 1)).toBe(int & 0xffff);
    }));
  });

  test("the address of an ext unit keeps its offset exactly", () => {
    const bytes = Buffer.alloc(8);
    for (const offset of [0, 20, 2 ** 31, 2 ** 40 + 12345]) {
      writeU63Negative(bytes, 0, offset);
      expect(bytes.readBigInt64BE(0)).toBe(-(2n ** 63n) + BigInt(offset));
      expect(readU63(bytes, 0)).toBe(offset);
      expect(isNegativeI64(bytes, 0)).toBe(true);
    }
  });
});

describe("CRC-32", () => {
  test("masks to what Apache stores", () => {
    for (const { kind, length, crc } of vectors.crcs) {
      expect(crc32Masked(plain(kind, length))).toBe(crc);
    }
  });

  test("the two ways agree for any stretch and any split", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(400), fc.nat(400), (bytes, a, b) => {
        const start = Math.min(a, b, bytes.length);
        const end = Math.min(Math.max(a, b), bytes.length);
        const whole = crc32(bytes, start, end);
        expect(crc32ByTables(bytes, start, end, 0)).toBe(whole);
        const middle = (start + end) >> 1;
        expect(crc32(bytes, middle, end, crc32(bytes, start, middle))).toBe(whole);
      }),
    );
  });
});

describe("Java's hash", () => {
  test("is String.hashCode of text and of its UTF-8 bytes", () => {
    for (const { text, hash, index } of vectors.hashes) {
      const bytes = Buffer.from(text);
      expect(javaHash(text)).toBe(hash);
      expect(javaHashUtf8(bytes, 0, bytes.length)).toBe(hash);
      expect(absHash(hash)).toBe(index);
    }
    expect(javaHash("\ud83d")).toBe(0xd83d);
    expect(absHash(-2147483648)).toBe(0);
  });

  test("counts malformed UTF-8 as Java decodes it", () => {
    for (const { hex, hash } of vectors.utf8Hashes) {
      const bytes = Buffer.from(hex, "hex");
      expect([hex, javaHashUtf8(bytes, 0, bytes.length)]).toEqual([hex, hash]);
    }
  });

  test("of a text is that of its end, seeded with that of its beginning", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.string({ unit: "grapheme" }), (a, b) => {
        const bytes = Buffer.from(b);
        expect(javaHash(b, javaHash(a))).toBe(javaHash(a + b));
        expect(javaHashUtf8(bytes, 0, bytes.length, javaHash(a))).toBe(javaHash(a + b));
      }),
    );
  });
});

describe("hexadecimal text", () => {
  test("is upper case and comes back from either case", () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => {
      const text = toHex(bytes);
      expect(text).toBe(Buffer.from(bytes).toString("hex").toUpperCase());
      expect(Buffer.from(fromHex(text.toLowerCase()))).toEqual(Buffer.from(bytes));
    }));
  });

  test("that isn't hexadecimal is refused", () => {
    for (const text of ["A", "0G", "zz", "00 "]) expect(() => fromHex(text)).toThrow(DecodeError);
  });

  test("digits are written in place", () => {
    const bytes = Buffer.alloc(12, "-");
    writeHexDigits(bytes, 1, -2, 8);
    writeHexDigits(bytes, 9, 0xabc, 2);
    expect(bytes.toString()).toBe("-FFFFFFFEBC-");
  });
});

test("xxHash-32 gives what xxhash-java gives", () => {
  for (const { kind, length, hash } of vectors.xxHashes) {
    expect(xxHash32(plain(kind, length))).toBe(hash);
  }
});

// Batch bodies: Java's decoded and made again, ours there and back, every damage a DecodeError, splitting by size.
import { Buffer } from "node:buffer";
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { DecodeError } from "../errors.ts";
import {
  batchItemSize,
  countBatch,
  decodeBatch,
  encodeBatch,
  innerBatchOf,
  splitBatch,
} from "./batch.ts";
import vectors from "./testdata/java_vectors.json" with { type: "json" };

const java = Buffer.from(vectors.batch.hex, "hex");

describe("a batch body", () => {
  test("of Java's decodes to its messages and encodes to its bytes", () => {
    const items = decodeBatch(java);
    expect(items.map((item) => item.flag)).toEqual([-1, 0, 1, 0]);
    expect(items.map((item) => Buffer.from(item.body).toString())).toEqual([
      ...["body 0", "body 1", "body 2", ""],
    ]);
    expect(items.map((item) => Buffer.from(item.properties).toString())).toEqual(
      vectors.batch.properties,
    );
    expect(encodeBatch(items).equals(java)).toBe(true);
    expect(countBatch(java)).toBe(4);
    expect(countBatch(new Uint8Array(0))).toBe(0);
  });

  test("comes back, whatever the messages", () => {
    const item = fc.record({
      flag: fc.integer(),
      body: fc.uint8Array({ maxLength: 80 }),
      properties: fc.uint8Array({ maxLength: 80 }),
    });
    fc.assert(fc.property(fc.array(item, { maxLength: 8 }), (items) => {
      const read = decodeBatch(encodeBatch(items));
      expect(read.map((one) => ({
        flag: one.flag,
        body: Uint8Array.from(one.body),
        properties: Uint8Array.from(one.properties),
      }))).toEqual(items);
    }));
  });

  test("cut anywhere but between messages is a DecodeError that tells where", () => {
    const ends = new Set<number>([0]);
    for (let at = 0; at < java.length; at += java.readInt32BE(at)) ends.add(at);
    for (let end = 0; end < java.length; end++) {
      if (ends.has(end)) expect(() => countBatch(java.subarray(0, end))).not.toThrow();
      else expect(() => countBatch(java.subarray(0, end))).toThrow(DecodeError);
    }
    expect(() => countBatch(java.subarray(0, 60))).toThrow("batch at 56, total size: 4 bytes left");
  });

  test("with any byte changed gives messages or a DecodeError", () => {
    fc.assert(fc.property(fc.nat(java.length - 1), fc.nat(255), (at, value) => {
      const changed = Buffer.from(java);
      changed[at] = value;
      try {
        decodeBatch(changed);
      } catch (error) {
        expect(error).toBeInstanceOf(DecodeError);
      }
    }));
    fc.assert(fc.property(fc.uint8Array({ minLength: 1, maxLength: 60 }), (bytes) => {
      expect(() => decodeBatch(bytes)).toThrow(DecodeError);
    }));
  });
});

describe("splitting", () => {
  test("keeps the order, never passes the limit and loses nothing", () => {
    const sizes = fc.array(fc.integer({ min: 22, max: 100 }), { maxLength: 40 });
    fc.assert(fc.property(sizes, fc.integer({ min: 100, max: 300 }), (list, bytesMax) => {
      const split = splitBatch(list, bytesMax);
      if (split.kind !== "split") throw new Error("too large");
      let next = 0;
      for (const { first, end, bytes } of split.slices) {
        expect(first).toBe(next);
        expect(end).toBeGreaterThan(first);
        expect(bytes).toBe(list.slice(first, end).reduce((sum, size) => sum + size, 0));
        expect(bytes).toBeLessThanOrEqual(bytesMax);
        if (end < list.length) expect(bytes + list[end]!).toBeGreaterThan(bytesMax);
        next = end;
      }
      expect(next).toBe(list.length);
    }));
  });

  test("names the message that fits no batch", () => {
    expect(splitBatch([30, 30, 101, 30], 100)).toEqual({ kind: "too_large", index: 2, bytes: 101 });
    expect(batchItemSize(10, 5)).toBe(37);
  });
});

describe("an inner batch", () => {
  test("is told by its properties", () => {
    expect(innerBatchOf(new Map([["INNER_NUM", "4"], ["INNER_BASE", "17"]]))).toEqual({
      count: 4,
      baseOffset: 17,
    });
    expect(innerBatchOf(new Map([["INNER_NUM", "4"]]))).toBeNull();
  });

  test("with numbers that are none is a DecodeError", () => {
    for (const count of ["x", "-1", "32768", "1e2", " 4"]) {
      const properties = new Map([["INNER_NUM", count], ["INNER_BASE", "0"]]);
      expect(() => innerBatchOf(properties)).toThrow(DecodeError);
    }
  });
});

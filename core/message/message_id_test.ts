// Message ids: Java's own taken apart and made again, ours there and back, odd texts refused.
import { Buffer } from "node:buffer";
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { DecodeError } from "../errors.ts";
import { VirtualClock } from "../time/virtual_clock.ts";
import { formatAddress, parseAddress } from "./host_address.ts";
import {
  decodeOffsetMessageId,
  decodeUniqueKey,
  encodeOffsetMessageId,
  UniqueKeyGenerator,
} from "./message_id.ts";
import vectors from "./testdata/java_vectors.json" with { type: "json" };

const anyAddress = fc.constantFrom(4, 16).chain((length) =>
  fc.uint8Array({ minLength: length, maxLength: length })
);

describe("offset message ids", () => {
  test("are those that Java makes", () => {
    for (const { address, port, offset, id, printed } of vectors.offsetIds) {
      const bytes = parseAddress(address)!;
      expect(formatAddress(bytes)).toBe(printed);
      expect(encodeOffsetMessageId(bytes, port, offset)).toBe(id);
      const parts = decodeOffsetMessageId(id.toLowerCase());
      expect([formatAddress(parts.address), parts.port, parts.physicalOffset]).toEqual([
        printed,
        port,
        offset,
      ]);
    }
  });

  test("come back for any address, port and offset", () => {
    fc.assert(fc.property(anyAddress, fc.nat(65535), fc.maxSafeNat(), (address, port, offset) => {
      const parts = decodeOffsetMessageId(encodeOffsetMessageId(address, port, offset));
      expect(Buffer.from(parts.address)).toEqual(Buffer.from(address));
      expect([parts.port, parts.physicalOffset]).toEqual([port, offset]);
    }));
  });

  test("of any other text are a DecodeError", () => {
    for (const text of ["", "00", "7F000001000051AF000000000000000G", "7F0000010000"]) {
      expect(() => decodeOffsetMessageId(text)).toThrow(DecodeError);
    }
    fc.assert(fc.property(fc.string(), (text) => {
      expect(() => decodeOffsetMessageId(text)).toThrow(DecodeError);
    }));
  });
});

describe("unique keys", () => {
  test("of Java's tell when and where they were made", () => {
    for (const { id, createdMs, pid, ip } of vectors.uniqueKeys) {
      const parts = decodeUniqueKey(id, createdMs + 1);
      expect([formatAddress(parts.address), parts.processId]).toEqual([ip, pid]);
      // Java counted from its own zone's month, UTC.
      const zoneMs = new Date(createdMs).getTimezoneOffset() * 60_000;
      if (zoneMs === 0) expect(parts.createdMs).toBe(createdMs);
    }
  });

  test("are Java's when clock, address, process and count are", () => {
    for (const { id, createdMs } of vectors.uniqueKeys) {
      const parts = decodeUniqueKey(id, createdMs + 1);
      const generator = new UniqueKeyGenerator({
        clock: new VirtualClock(parts.createdMs),
        address: parts.address,
        processId: parts.processId,
        instanceHash: parts.instanceHash,
        firstCount: parts.count,
      });
      expect(generator.next()).toBe(id);
    }
  });

  test("give back their parts, and differ from one to the next", () => {
    const options = { processId: 70_000, instanceHash: -559038737, firstCount: 65_535 };
    fc.assert(fc.property(anyAddress, fc.nat(27 * 86_400_000), (address, laterMs) => {
      const createdMs = new Date(2026, 1, 1).getTime() + laterMs;
      const clock = new VirtualClock(createdMs);
      const generator = new UniqueKeyGenerator({ ...options, clock, address });
      const first = decodeUniqueKey(generator.next(), createdMs + 1);
      const second = decodeUniqueKey(generator.next(), createdMs + 1);
      expect(Buffer.from(first.address)).toEqual(Buffer.from(address));
      expect(first).toMatchObject({ processId: 70_000 & 0xffff, instanceHash: -559038737 });
      expect([first.count, second.count]).toEqual([65_535, 0]);
      expect(first.createdMs).toBe(createdMs);
    }));
  });

  test("begin a new count of ms with the month, and survive a clock set back over it", () => {
    const monthStartMs = new Date(2026, 4, 1).getTime();
    const bytes = Buffer.alloc(32);
    const generator = new UniqueKeyGenerator({
      ...{ clock: new VirtualClock(), address: new Uint8Array(4), processId: 1, instanceHash: 2 },
    });
    const elapsedAt = (nowMs: number) => {
      expect(generator.write(bytes, 0, nowMs)).toBe(32);
      return parseInt(bytes.toString("latin1", 20, 28), 16);
    };
    expect(elapsedAt(monthStartMs - 1)).toBe(monthStartMs - 1 - new Date(2026, 3, 1).getTime());
    expect(elapsedAt(monthStartMs)).toBe(0);
    expect(elapsedAt(monthStartMs + 77)).toBe(77);
    expect(elapsedAt(monthStartMs - 500)).toBe(0);
  });

  test("that aren't ones are a DecodeError", () => {
    for (const text of ["", "order-4711", "AB", "C00002024F6C30946E0967B29B8B00"]) {
      expect(() => decodeUniqueKey(text, 0)).toThrow(DecodeError);
    }
  });
});

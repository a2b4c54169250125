import { expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import {
  CRC_PROPERTY_BYTES,
  readCrcProperty,
  withoutCrcProperty,
  writeCrcProperty,
} from "./crc_property.ts";

function crcProperty(crc: number): Buffer {
  const bytes = Buffer.alloc(CRC_PROPERTY_BYTES);
  writeCrcProperty(bytes, 0, crc);
  return bytes;
}

test("the sum's digits stand with the least significant first, and are read back", () => {
  expect(crcProperty(1_234_567_890).toString("latin1")).toBe("__CRC32#\x010987654321\x02");
  for (const crc of [0, 7, 0x7fffffff]) {
    expect(readCrcProperty(crcProperty(crc), 0, CRC_PROPERTY_BYTES)).toBe(crc);
  }
});

test("the sum of an earlier record is taken out wherever it stands, and nothing else", () => {
  const sum = crcProperty(42);
  const without = (...parts: (string | Buffer)[]) =>
    Buffer.from(withoutCrcProperty(Buffer.concat(parts.map((part) => Buffer.from(part)))))
      .toString();
  expect(without("KEYS\x01a\x02", sum)).toBe("KEYS\x01a\x02");
  expect(without(sum, "KEYS\x01a\x02")).toBe("KEYS\x01a\x02");
  expect(without("A\x01b\x02", sum, "C\x01d\x02")).toBe("A\x01b\x02C\x01d\x02");
  expect(without("A\x01b\x02__CRC32#\x0112")).toBe("A\x01b\x02");
  expect(without("A\x01__CRC32#\x02my__CRC32#\x01x\x02")).toBe(
    "A\x01__CRC32#\x02my__CRC32#\x01x\x02",
  );
  expect(without(sum, "A\x01b\x02", sum, sum)).toBe("A\x01b\x02");
  const plain = Buffer.from("A\x01b\x02");
  expect(withoutCrcProperty(plain)).toBe(plain);
});

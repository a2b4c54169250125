import { expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { filterBitMaps } from "./bit_maps.ts";
import type { GroupFilter } from "./filter_file.ts";

const group = (passes: boolean, bitPos: number[]): GroupFilter => ({
  topic: "T",
  group: "G",
  expression: "a > 1",
  expressionType: "SQL92",
  filter: { matches: () => passes },
  bornMs: 1,
  deadMs: 0,
  clientVersion: 1,
  bloom: { bitNum: 16, bitPos },
});
const hot = { readHot: () => ({ buffer: Buffer.alloc(100), start: 0, size: 100 }) };

test("the bits of each group whose filter a record passes are set, lowest first in each byte", () => {
  const groups = [group(true, [0, 9]), group(false, [1, 2]), group(true, [15])];
  const bitMapOf = filterBitMaps({ ofTopic: () => groups }, hot);
  expect([...bitMapOf("T", 0, 100)!]).toEqual([0b1, 0b10000010]);
});

test("topics without filters and records that are no longer in memory get none", () => {
  expect(filterBitMaps({ ofTopic: () => [] }, hot)("T", 0, 100)).toBeNull();
  const gone = { readHot: () => null };
  expect(filterBitMaps({ ofTopic: () => [group(true, [0])] }, gone)("T", 0, 100)).toBeNull();
});

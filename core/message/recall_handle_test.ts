import { expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { fixtureLines } from "../../testdata/fixtures.ts";
import { decodeRecallHandle, encodeRecallHandle } from "./recall_handle.ts";

test("handles that Apache gave are read, and written as they were", () => {
  const handles = fixtureLines<{ header?: { extFields?: Record<string, string> } }>(
    "wire/json/producerTimer.jsonl",
  ).flatMap(({ header }) => header?.extFields?.["recallHandle"] ?? []);
  expect(handles.length).toBeGreaterThan(0);
  for (const text of handles) {
    const handle = decodeRecallHandle(text)!;
    expect(handle.topic).toMatch(/^Topic/);
    expect(handle.uniqueKey).toMatch(/^[0-9A-F]{32}$/);
    expect(encodeRecallHandle(handle)).toBe(text);
  }
});

test.each(["", "nonsense!", "djE=", Buffer.from("v2 a b c d").toString("base64url")])(
  "%p is no handle",
  (text) => expect(decodeRecallHandle(text)).toBeNull(),
);

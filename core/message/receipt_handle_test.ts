// Handles and offset lists against those that Apache's broker and client exchanged.
import { expect, test } from "bun:test";
import { fixtureLines } from "../../testdata/fixtures.ts";
import {
  addOffsetInfo,
  formatReceiptHandle,
  markedTopic,
  parseOffsetInfo,
  parseReceiptHandle,
  retryMarkOf,
} from "./receipt_handle.ts";

test("recorded handles are read and written with the same text", () => {
  const lines = fixtureLines<{ header?: { extFields?: Record<string, string> } }>(
    "wire/json/popApi.jsonl",
  );
  const handles = lines.map(({ header }) => header?.extFields?.["extraInfo"])
    .filter((handle) => handle !== undefined);
  expect(handles.length).toBeGreaterThan(3);
  for (const handle of handles) {
    expect(formatReceiptHandle(parseReceiptHandle(handle)!)).toBe(handle);
  }
});

test("what is no handle is null", () => {
  for (const text of ["", "1 2 3", "a 1 2 3 0 b 1 0", "1 2 3 4 7 b 1 0", "1 2 3 4 0 b 1 x"]) {
    expect(parseReceiptHandle(text)).toBeNull();
  }
});

test("offset lists are built and read by retry and queue", () => {
  const info = addOffsetInfo(addOffsetInfo("", "0", 1, 4), "1", 0, "7,9");
  expect(info).toBe("0 1 4;1 0 7,9");
  expect([...parseOffsetInfo(info)]).toEqual([["0@1", "4"], ["1@0", "7,9"]]);
  expect(parseOffsetInfo("").size).toBe(0);
});

test("the mark says in which topic a message lies", () => {
  for (const mark of ["0", "1", "2"] as const) {
    expect(retryMarkOf(markedTopic("T", "G", mark))).toBe(mark);
  }
});

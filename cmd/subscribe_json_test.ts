// JSON lines made of a message's bytes are those that are made of its fields.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { Buffer } from "node:buffer";
import type { MessageQueue } from "../core/client/message.ts";
import { decodeReceived } from "../core/client/received_message.ts";
import { formatProperties } from "../core/message/properties.ts";
import { PROPERTY } from "../core/message/property_names.ts";
import { encodeRecord } from "../core/message/record.ts";
import { MAGIC_V1 } from "../core/message/record_layout.ts";
import { jsonFormat, type LineFormat } from "./subscribe_format.ts";
import { jsonLinesFormat } from "./subscribe_json.ts";
import { LineBuffer } from "./subscribe_output.ts";

interface Given {
  body: string | Uint8Array;
  properties: [string, string][] | string;
  queue?: Partial<MessageQueue>;
}

/** The line that a format makes of a message. */
function lineOf(format: LineFormat, { body, properties, queue }: Given): string {
  const text = typeof properties === "string" ? properties : formatProperties(properties);
  const bytes = encodeRecord({
    magic: MAGIC_V1,
    bodyCrc: 0,
    queueId: 3,
    flag: 0,
    queueOffset: 17,
    physicalOffset: 9000,
    sysFlag: 0,
    bornTimestampMs: 1_700_000_000_123,
    bornAddress: Buffer.from([127, 0, 0, 1]),
    bornPort: 40000,
    storeTimestampMs: 1_700_000_000_130,
    storeAddress: Buffer.from([127, 0, 0, 1]),
    storePort: 10911,
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
    body: typeof body === "string" ? Buffer.from(body) : body,
    topic: "T",
    properties: Buffer.from(text),
  });
  const at = { topic: "T", brokerName: "b", queueId: 3, ...queue };
  const [message] = decodeReceived(bytes, at);
  const line = new LineBuffer();
  format(message!, line);
  return Buffer.from(line.take()).toString();
}

const id: [string, string] = [PROPERTY.uniqueKey, "C0000202"];

test.each<[string, Given]>([
  ["the usual", { body: "x", properties: [id, ["TAGS", "t"], ["KEYS", "k 1"], ["p", "v"]] }],
  ["the system's own properties", { body: "x", properties: [["MSG_REGION", "r"], id] }],
  ["a sharding key", { body: "x", properties: [id, [PROPERTY.shardingKey, "s"]] }],
  ["escapes", { body: 'a"b\\c\nd', properties: [id, ["q", '"']] }],
  ["other than ASCII", { body: "é", properties: [id, ["ü", "ö"]] }],
  ["bytes that are no text", { body: new Uint8Array([255, 0]), properties: [id] }],
  ["keys of spaces alone", { body: "x", properties: [id, ["KEYS", "  "]] }],
  ["no id", { body: "x", properties: [["a", "b"]] }],
  ["no properties", { body: "x", properties: "" }],
  ["names that every object has", { body: "x", properties: [id, ["__proto__", "1"]] }],
  ["a constructor", { body: "x", properties: [id, ["constructor", "1"]] }],
  ["a name twice", { body: "x", properties: [id, ["a", "1"], ["a", "2"], ["TAGS", "1"]] }],
  ["a tag twice", { body: "x", properties: [id, ["TAGS", "1"], ["TAGS", "2"]] }],
  ["numbers as names", { body: "x", properties: [id, ["b", "1"], ["2", "2"], ["1", "3"]] }],
  ["entries without name or value", { body: "x", properties: "\x01a\x02b\x01\x02UNIQ_KEY\x01u" }],
  ["a retried message", {
    body: "x",
    properties: [id, [PROPERTY.retryTopic, "Origin"]],
    queue: { topic: "%RETRY%g" },
  }],
])("a line of a message with %s is the same by both ways", (_, given) => {
  expect(lineOf(jsonLinesFormat(), given)).toBe(lineOf(jsonFormat, given));
});

test("any message's line is the same by both ways, whatever came before", () => {
  const name = fc.oneof(
    fc.constantFrom<string>(...Object.values(PROPERTY), "a", "b", "ü", "1", "__proto__"),
    fc.string(),
  );
  const given = fc.record({
    body: fc.oneof(fc.string(), fc.string({ unit: "grapheme" }), fc.uint8Array()),
    properties: fc.array(fc.tuple(name, fc.string({ minLength: 1 })), { maxLength: 6 }),
  });
  const format = jsonLinesFormat();
  fc.assert(
    fc.property(given, (message) => {
      expect(lineOf(format, message)).toBe(lineOf(jsonFormat, message));
    }),
    { numRuns: 500 },
  );
});

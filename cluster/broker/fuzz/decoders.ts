// What reads bytes that anybody may have written, each with bytes that it understands, to be spoiled. A target may only
// return, or throw one of the errors that are made for it.
import { Buffer } from "node:buffer";
import { loadBrokerConfig } from "../../../core/config/servers.ts";
import { parseProperties as parsePropertiesFile } from "../../../core/config/properties_file.ts";
import { DecodeError, RequestError, UsageError } from "../../../core/errors.ts";
import { parseFilter } from "../../../core/filter/parser.ts";
import { FilterSyntaxError } from "../../../core/filter/syntax_error.ts";
import { parseLenientJsonBytes } from "../../../core/json/lenient_reader.ts";
import { BatchCursor, encodeBatch } from "../../../core/message/batch.ts";
import { decodeOffsetMessageId } from "../../../core/message/message_id.ts";
import { encodeProperties, parseProperties } from "../../../core/message/properties.ts";
import { PropertyScanner } from "../../../core/message/property_scan.ts";
import { decodeRecords, encodeRecord } from "../../../core/message/record.ts";
import { checkRecordAt } from "../../../core/message/record_check.ts";
import { MAGIC_V1 } from "../../../core/message/record_layout.ts";
import { requestCommand } from "../../../core/remoting/answers.ts";
import { SEND_MESSAGE_V2 } from "../../../core/remoting/codes/send.ts";
import { decodeFrame, encodeFrame } from "../../../core/remoting/codec.ts";
import { SERIALIZE_JSON, SERIALIZE_ROCKETMQ } from "../../../core/remoting/command.ts";
import { decodeFields } from "../../../core/remoting/fields.ts";
import { FrameDecoder } from "../../../core/remoting/frame.ts";
import { newSendHeader, scanSendHeader } from "../../../core/remoting/send_header_scan.ts";
import { decodeCheckpoint } from "../../../store/checkpoint.ts";
import { MACHINE } from "../simulation/life.ts";

export interface DecoderTarget {
  name: string;
  sample: Uint8Array;
  run(bytes: Uint8Array): void;
  /** The errors that it may throw. */
  errors: readonly (new (...given: never[]) => Error)[];
}

const properties = encodeProperties([["KEYS", "k1 k2"], ["TAGS", "A"], [
  "UNIQ_KEY",
  "U".repeat(32),
]]);

const record = encodeRecord({
  magic: MAGIC_V1,
  bodyCrc: 0,
  queueId: 3,
  flag: 0,
  queueOffset: 7,
  physicalOffset: 0,
  sysFlag: 0,
  bornTimestampMs: 1_700_000_000_000,
  bornAddress: new Uint8Array([127, 0, 0, 1]),
  bornPort: 5000,
  storeTimestampMs: 1_700_000_000_001,
  storeAddress: new Uint8Array([127, 0, 0, 1]),
  storePort: 10911,
  reconsumeTimes: 0,
  preparedTransactionOffset: 0,
  body: Buffer.from("a body"),
  topic: "Fuzzed",
  properties,
});

const sendFields = new Map(Object.entries({
  a: "P",
  b: "Fuzzed",
  c: "TBW102",
  d: "4",
  e: "0",
  f: "0",
  g: "1700000000000",
  h: "0",
  i: properties.toString(),
}));

function frameSample(serializeType: typeof SERIALIZE_JSON | typeof SERIALIZE_ROCKETMQ): Buffer {
  const body = Buffer.from("a body");
  return encodeFrame(
    requestCommand(SEND_MESSAGE_V2.code, { serializeType, extFields: sendFields, body }),
  );
}

function readFrames(bytes: Uint8Array): void {
  const decoder = new FrameDecoder();
  const header = newSendHeader();
  // In two pieces, as a network may cut them.
  const cut = bytes.length >>> 1;
  for (const piece of [bytes.subarray(0, cut), bytes.subarray(cut)]) {
    decoder.push(Buffer.from(piece));
    for (let frame = decoder.next(); frame !== null; frame = decoder.next()) {
      scanSendHeader(frame, header);
      decodeFields(SEND_MESSAGE_V2.request, decodeFrame(frame).extFields);
    }
  }
}

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");

export const DECODERS: readonly DecoderTarget[] = [
  {
    name: "records",
    sample: Buffer.concat([record, record]),
    errors: [DecodeError],
    run: (bytes) => {
      for (const each of decodeRecords(bytes)) parseProperties(each.properties);
    },
  },
  {
    name: "records at recovery",
    sample: record,
    errors: [],
    run: (bytes) => {
      checkRecordAt(Buffer.from(bytes), 0, bytes.length, { checkCrc: true });
      checkRecordAt(Buffer.from(bytes), 0, 1 << 20, { checkCrc: false, requirePropertyCrc: true });
    },
  },
  {
    name: "properties",
    sample: properties,
    errors: [],
    run: (bytes) => new PropertyScanner(["KEYS", "TAGS"]).scan(Buffer.from(bytes), 0, bytes.length),
  },
  {
    name: "batches",
    sample: encodeBatch([
      { flag: 0, body: Buffer.from("one"), properties },
      { flag: 1, body: Buffer.from("two"), properties },
    ]),
    errors: [DecodeError],
    run: (bytes) => {
      for (const cursor = new BatchCursor().reset(bytes); cursor.next(););
    },
  },
  {
    name: "frames with JSON headers",
    sample: frameSample(SERIALIZE_JSON),
    errors: [DecodeError, RequestError],
    run: readFrames,
  },
  {
    name: "frames with binary headers",
    sample: frameSample(SERIALIZE_ROCKETMQ),
    errors: [DecodeError, RequestError],
    run: readFrames,
  },
  {
    name: "offset message ids",
    sample: Buffer.from("7F00000100002A9F0000000000000389"),
    errors: [DecodeError],
    run: (bytes) => void decodeOffsetMessageId(text(bytes)),
  },
  {
    name: "fastjson's JSON",
    sample: Buffer.from('{"offsetTable":{"T@G":{0:3,1:4}},"version":{"counter":9007199254740993}}'),
    errors: [DecodeError],
    run: (bytes) => void parseLenientJsonBytes(bytes),
  },
  {
    name: "checkpoints",
    sample: new Uint8Array(4096).fill(1, 0, 120),
    errors: [],
    run: (bytes) => {
      if (bytes.length >= 40) decodeCheckpoint(bytes);
    },
  },
  {
    name: "configuration files",
    sample: Buffer.from("brokerName = a\\\n  b\n# note\nlistenPort=10911\nfileReservedTime:48\n"),
    errors: [],
    run: (bytes) => void parsePropertiesFile(bytes),
  },
  {
    name: "configuration values",
    sample: Buffer.from("mappedFileSizeCommitLog=65536"),
    errors: [UsageError],
    run: (bytes) => void loadBrokerConfig({ overrides: [text(bytes)] }, MACHINE),
  },
  {
    name: "SQL92 filters",
    sample: Buffer.from("(a > 3 AND b IN ('x', 'y')) OR NOT (c BETWEEN 1 AND 2) OR d IS NULL"),
    errors: [FilterSyntaxError],
    run: (bytes) => void parseFilter(text(bytes)),
  },
];

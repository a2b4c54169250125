// The frames recorded between Apache 5.4.0's nodes, for tests of the codecs. Used by tests alone.
import { Buffer } from "node:buffer";
import { readdirSync } from "node:fs";
import { fixtureLines, fixturePath } from "./fixtures.ts";
import { SERIALIZE_JSON, SERIALIZE_ROCKETMQ } from "../core/remoting/command.ts";
import type { Frame } from "../core/remoting/frame.ts";

export interface RecordedFrame {
  file: string;
  kind: string;
  /** The recorder's own decoding. */
  header: {
    code: number;
    language?: string;
    languageByte?: number;
    version: number;
    opaque: number;
    flag: number;
    remark?: string | null;
    extFields?: Record<string, string> | null;
  };
  bodyBytes: number;
  /** The whole frame, or the frame as far as its header when it was too long to be recorded whole. */
  bytes: Buffer;
  isWhole: boolean;
}

interface Line {
  event?: string;
  serializeType?: string;
  headerRaw?: string;
  headerHex?: string;
  header: RecordedFrame["header"];
  kind: string;
  bodyLen: number;
  len: number;
  frameBase64?: string;
}

const FOLDERS = [
  "wire/json",
  "wire/json/adminTool",
  "wire/rocketmq",
  "wire/acl",
  "wire/ha",
  "wire/dledger",
];

let all: RecordedFrame[] | undefined;

/** Every recorded frame of every file. */
export function recordedFrames(): RecordedFrame[] {
  all ??= FOLDERS.flatMap((folder) => filesOf(folder).flatMap(framesOf));
  return all;
}

function filesOf(folder: string): string[] {
  return readdirSync(fixturePath(folder))
    .filter((name) => name.endsWith(".jsonl.gz") && !/^(sent|ha-raw-chunks)\./.test(name))
    .map((name) => `${folder}/${name.slice(0, -3)}`);
}

function framesOf(file: string): RecordedFrame[] {
  return fixtureLines<Line>(file).filter((line) => line.event === undefined && line.header).map((
    line,
  ) => ({
    file,
    kind: line.kind,
    header: line.header,
    bodyBytes: line.bodyLen,
    bytes: line.frameBase64 === undefined
      ? headBytes(line)
      : Buffer.from(line.frameBase64, "base64"),
    isWhole: line.frameBase64 !== undefined,
  }));
}

function headBytes(line: Line): Buffer {
  const header = line.headerRaw === undefined
    ? Buffer.from(line.headerHex!, "hex")
    : Buffer.from(line.headerRaw, "utf8");
  const type = line.headerRaw === undefined ? SERIALIZE_ROCKETMQ : SERIALIZE_JSON;
  const head = Buffer.alloc(8);
  head.writeInt32BE(line.len, 0);
  head.writeInt32BE(type << 24 | header.length, 4);
  return Buffer.concat([head, header]);
}

/** A frame in the middle of other bytes, as it lies in a socket's chunk. */
export function frameOf(bytes: Buffer, before = 0): Frame {
  const buffer = Buffer.concat([Buffer.alloc(before, 0x22), bytes, Buffer.alloc(before, 0x22)]);
  const start = before;
  const headerStart = start + 8;
  return {
    buffer,
    start,
    serializeType: bytes[4] === SERIALIZE_ROCKETMQ ? SERIALIZE_ROCKETMQ : SERIALIZE_JSON,
    headerStart,
    bodyStart: headerStart + (bytes.readInt32BE(4) & 0xffffff),
    end: start + bytes.length,
  };
}

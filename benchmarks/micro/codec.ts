// Micro benches of bytes to values and back: frames, headers, records, properties, checksums.
import { Buffer } from "node:buffer";
import { crc32Masked } from "../../core/bytes/crc32.ts";
import { PROPERTY } from "../../core/message/property_names.ts";
import { PropertyScanner } from "../../core/message/property_scan.ts";
import {
  layoutOf,
  MAGIC_V1,
  newRecordHead,
  recordSize,
  writeRecordHead,
  writeRecordTopic,
} from "../../core/message/record_layout.ts";
import { decodeFrame, writeFrame } from "../../core/remoting/codec.ts";
import {
  SERIALIZE_JSON,
  SERIALIZE_ROCKETMQ,
  type SerializeType,
} from "../../core/remoting/command.ts";
import { FrameDecoder } from "../../core/remoting/frame.ts";
import { newSendHeader, scanSendHeader } from "../../core/remoting/send_header_scan.ts";
import { BODY, PROPERTIES, sendCommand, sendFrame, sendFrames, TOPIC } from "./frames.ts";
import { type Body, keep, type MicroBench } from "./harness.ts";

const FRAMES = 64;

function cutFrames(): Body {
  const bytes = sendFrames(FRAMES);
  const decoder = new FrameDecoder();
  return (count) => {
    for (let done = 0; done < count; done += FRAMES) {
      decoder.push(bytes);
      for (let frame = decoder.next(); frame !== null; frame = decoder.next()) keep(frame.end);
    }
  };
}

function scanHeader(serializeType: SerializeType): Body {
  const frame = sendFrame(serializeType);
  const header = newSendHeader();
  return (count) => {
    for (let done = 0; done < count; done++) {
      if (!scanSendHeader(frame, header)) throw new Error("the header is a plain one");
    }
    keep(header.opaque);
  };
}

function decodeHeader(serializeType: SerializeType): Body {
  const frame = sendFrame(serializeType);
  return (count) => {
    for (let done = 0; done < count; done++) keep(decodeFrame(frame).opaque);
  };
}

function encodeHeader(serializeType: SerializeType): Body {
  const command = sendCommand(serializeType);
  const target = Buffer.alloc(4096);
  return (count) => {
    for (let done = 0; done < count; done++) keep(writeFrame(command, target, 0));
  };
}

function writeRecord(): Body {
  const head = newRecordHead(new Uint8Array([127, 0, 0, 1]), 10911);
  const size = recordSize(MAGIC_V1, 0, BODY.length, TOPIC.length, PROPERTIES.length);
  const bodyAt = layoutOf(0).body;
  const target = Buffer.alloc(size);
  return (count) => {
    for (let done = 0; done < count; done++) {
      head.queueOffset = done;
      writeRecordHead(target, 0, size, head, BODY.length);
      BODY.copy(target, bodyAt);
      keep(writeRecordTopic(target, bodyAt + BODY.length, MAGIC_V1, TOPIC));
    }
  };
}

function copyProperties(): Body {
  const scanner = new PropertyScanner(
    [PROPERTY.uniqueKey, PROPERTY.keys, PROPERTY.tags, PROPERTY.delayLevel, PROPERTY.region],
    [PROPERTY.region],
  );
  const target = Buffer.alloc(PROPERTIES.length + 1);
  return (count) => {
    for (let done = 0; done < count; done++) {
      keep(scanner.copy(PROPERTIES, 0, PROPERTIES.length, target, 0));
    }
  };
}

function checksum(bytes: number): Body {
  const data = Buffer.alloc(bytes, "x");
  return (count) => {
    for (let done = 0; done < count; done++) keep(crc32Masked(data));
  };
}

export const CODEC: readonly MicroBench[] = [
  { name: "codec: frame cut from a chunk", open: cutFrames },
  { name: "codec: send header scanned, JSON", open: () => scanHeader(SERIALIZE_JSON) },
  { name: "codec: send header scanned, binary", open: () => scanHeader(SERIALIZE_ROCKETMQ) },
  { name: "codec: frame decoded, JSON", open: () => decodeHeader(SERIALIZE_JSON) },
  { name: "codec: frame decoded, binary", open: () => decodeHeader(SERIALIZE_ROCKETMQ) },
  { name: "codec: frame encoded, JSON", open: () => encodeHeader(SERIALIZE_JSON) },
  { name: "codec: frame encoded, binary", open: () => encodeHeader(SERIALIZE_ROCKETMQ) },
  { name: "codec: record of 128 B written", open: writeRecord },
  { name: "codec: properties scanned and copied", open: copyProperties },
  { name: "codec: CRC of 64 B", open: () => checksum(64) },
  { name: "codec: CRC of 128 B", open: () => checksum(128) },
  { name: "codec: CRC of 1 KB", open: () => checksum(1024) },
];

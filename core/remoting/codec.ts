// A command to and from a whole frame, in the header serialization that it names. The body's bytes are not copied
// when decoding: they stay a view of the frame's buffer.
import { Buffer } from "node:buffer";
import { DecodeError, RequestError } from "../errors.ts";
import { FRAME_BYTES_MAX, HEADER_BYTES_MAX } from "../limits.ts";
import { binaryHeaderBytesMax, decodeBinaryHeader, encodeBinaryHeader } from "./binary_header.ts";
import { type RemotingCommand, SERIALIZE_ROCKETMQ } from "./command.ts";
import type { Frame } from "./frame.ts";
import { decodeJsonHeader, encodeJsonHeader, jsonHeaderBytesMax } from "./json_header.ts";
import { ResponseCode } from "./response_codes.ts";

const LENGTHS_BYTES = 8;

/** An upper bound of what `writeFrame` writes. */
export function frameBytesMax(command: RemotingCommand): number {
  return LENGTHS_BYTES + command.body.length +
    (command.serializeType === SERIALIZE_ROCKETMQ
      ? binaryHeaderBytesMax(command)
      : jsonHeaderBytesMax(command));
}

/**
 * Writes the whole frame (both lengths, header, body) at a position and returns its end. Throws RequestError when it is
 * longer than a frame may be.
 */
export function writeFrame(command: RemotingCommand, target: Buffer, start: number): number {
  const at = writeFrameHead(command, command.body.length, target, start);
  target.set(command.body, at);
  return at + command.body.length;
}

/** Writes lengths and header of a frame whose body of `bodyBytes` follows separately; returns the body's position. */
export function writeFrameHead(
  command: RemotingCommand,
  bodyBytes: number,
  target: Buffer,
  start: number,
): number {
  const headerStart = start + LENGTHS_BYTES;
  const end = command.serializeType === SERIALIZE_ROCKETMQ
    ? encodeBinaryHeader(command, target, headerStart)
    : encodeJsonHeader(command, target, headerStart);
  const headerBytes = end - headerStart;
  if (headerBytes > HEADER_BYTES_MAX || headerBytes + bodyBytes + LENGTHS_BYTES > FRAME_BYTES_MAX) {
    throw new RequestError(ResponseCode.SYSTEM_ERROR, "the command is too long for a frame");
  }
  target.writeInt32BE(4 + headerBytes + bodyBytes, start);
  target.writeInt32BE((command.serializeType << 24) | headerBytes, start + 4);
  return end;
}

/** The whole frame of a command in a buffer of its own. */
export function encodeFrame(command: RemotingCommand): Buffer {
  const target = Buffer.allocUnsafe(frameBytesMax(command));
  return target.subarray(0, writeFrame(command, target, 0));
}

/** Decodes a frame; throws DecodeError. */
export function decodeFrame(frame: Frame): RemotingCommand {
  const { buffer, headerStart, bodyStart, end } = frame;
  if (bodyStart > end) throw new DecodeError("frame", "header passes the frame's end");
  const command = frame.serializeType === SERIALIZE_ROCKETMQ
    ? decodeBinaryHeader(buffer, headerStart, bodyStart)
    : decodeJsonHeader(buffer, headerStart, bodyStart);
  if (bodyStart < end) command.body = buffer.subarray(bodyStart, end);
  return command;
}

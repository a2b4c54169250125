// The frames and messages that the micro benches work on: a SEND_MESSAGE_V2 of 128 bytes as the Java client sends it.
import { Buffer } from "node:buffer";
import { encodeFrame } from "../../core/remoting/codec.ts";
import {
  type RemotingCommand,
  SERIALIZE_JSON,
  type SerializeType,
} from "../../core/remoting/command.ts";
import { type Frame, FrameDecoder } from "../../core/remoting/frame.ts";

export const TOPIC = Buffer.from("BenchTopic");
export const BODY = Buffer.alloc(128, "x");
export const PROPERTIES = Buffer.from(
  "UNIQ_KEY\x017F00000100002A9F0000000000000001\x02WAIT\x01true\x02TAGS\x01TagA\x02KEYS\x01order-42\x02",
);

export function sendCommand(serializeType: SerializeType): RemotingCommand {
  return {
    code: 310,
    language: "JAVA",
    version: 493,
    opaque: 4711,
    flag: 0,
    remark: null,
    extFields: new Map([
      ["a", "bench_group"],
      ["b", TOPIC.toString()],
      ["c", "TBW102"],
      ["d", "4"],
      ["e", "2"],
      ["f", "0"],
      ["g", "1700000000000"],
      ["h", "0"],
      ["i", PROPERTIES.toString()],
      ["j", "0"],
      ["k", "false"],
      ["m", "false"],
    ]),
    body: BODY,
    serializeType,
  };
}

/** One send frame, cut from its bytes as a connection does. */
export function sendFrame(serializeType: SerializeType): Frame {
  const decoder = new FrameDecoder();
  decoder.push(encodeFrame(sendCommand(serializeType)));
  const frame = decoder.next();
  if (frame === null) throw new Error("the frame is whole");
  return frame;
}

/** So many send frames on end, as one data event brings them. */
export function sendFrames(count: number): Buffer {
  return Buffer.concat(
    Array.from({ length: count }, () => encodeFrame(sendCommand(SERIALIZE_JSON))),
  );
}

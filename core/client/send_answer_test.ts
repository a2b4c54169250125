// The quick reading of a send's answer gives what the general one gives, or leaves it alone.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { encodeFrame } from "../remoting/codec.ts";
import { FLAG_RESPONSE, type RemotingCommand } from "../remoting/command.ts";
import { requestCommand } from "../remoting/answers.ts";
import { type Frame, FrameDecoder } from "../remoting/frame.ts";
import { scanSendResult, sendResultOf } from "./send_answer.ts";

const queue = { topic: "T", brokerName: "b", queueId: 3 };

function answer(fields: Record<string, string>, changes: Partial<RemotingCommand> = {}) {
  const extFields = new Map(Object.entries(fields));
  return { ...requestCommand(0, { extFields }), flag: FLAG_RESPONSE, opaque: 9, ...changes };
}

function frameOf(command: RemotingCommand): Frame {
  const decoder = new FrameDecoder();
  decoder.push(encodeFrame(command));
  return decoder.next()!;
}

const PLAIN = {
  msgId: "7F00000100002A9F0000000000000000",
  queueId: "3",
  queueOffset: "17",
  transactionId: "UNIQ",
  TRACE_ON: "true",
  MSG_REGION: "DefaultRegion",
};

test("a plain answer is read as the general codec reads it, whatever fields are there", () => {
  fc.assert(fc.property(fc.subarray(Object.keys(PLAIN)), fc.nat(), (names, offset) => {
    const all: Record<string, string> = { ...PLAIN, queueOffset: String(offset) };
    const fields = Object.fromEntries(names.map((name) => [name, all[name]!]));
    const command = answer(fields);
    const scanned = scanSendResult(frameOf(command), queue, "id");
    if (scanned === null) expect(names).not.toContain("queueOffset");
    else expect(scanned).toEqual(sendResultOf(command, "ok", queue, "id"));
  }));
});

test("any other answer is left to the general codec", () => {
  const others = [
    answer(PLAIN, { code: 10 }),
    answer(PLAIN, { remark: "stored, but" }),
    answer({ ...PLAIN, queueId: "4" }),
    answer({ ...PLAIN, queueOffset: "x" }),
    answer({ ...PLAIN, MSG_REGION: "elsewhere" }),
    answer({ ...PLAIN, recallHandle: "h" }),
    answer({ ...PLAIN, batchUniqId: "i" }),
    answer({}),
  ];
  for (const command of others) expect(scanSendResult(frameOf(command), queue, "id")).toBeNull();
});

test("broken bytes are never read past the header", () => {
  const whole = encodeFrame(answer(PLAIN));
  fc.assert(fc.property(fc.nat(whole.length - 9), fc.nat(255), (at, byte) => {
    const bytes = Buffer.from(whole);
    bytes[8 + at] = byte;
    const frame = frameOf(answer(PLAIN));
    const result = scanSendResult({ ...frame, buffer: bytes }, queue, "id");
    if (result !== null) expect(result.queueOffset).toBeGreaterThanOrEqual(0);
  }));
});

// Send requests written in place are what the general codec reads, for any fields.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { Buffer } from "node:buffer";
import { decodeFrame } from "../remoting/codec.ts";
import { decodeFields } from "../remoting/fields.ts";
import { SEND_MESSAGE_V2 } from "../remoting/codes/send.ts";
import { FrameDecoder } from "../remoting/frame.ts";
import { sendHeadBytesMax, sendTemplate, writeSendHead } from "./send_frame.ts";

const sends = fc.record({
  sysFlag: fc.nat(0x7ff),
  flag: fc.integer(),
  bornTimestampMs: fc.nat(Number.MAX_SAFE_INTEGER),
  properties: fc.oneof(fc.string({ unit: "grapheme", maxLength: 300 }), fc.constant("")),
  isBatch: fc.boolean(),
  code: fc.constantFrom(310, 320, 325),
  isOneway: fc.boolean(),
});
const queues = fc.record({
  topic: fc.string({ minLength: 1, maxLength: 127 }),
  brokerName: fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 }),
  queueId: fc.nat(10_000),
});

test("what is written decodes to what was given, and fits its bound", () => {
  fc.assert(fc.property(
    sends,
    queues,
    fc.uint8Array({ maxLength: 64 }),
    fc.nat(0x7fffffff),
    (fields, queue, body, opaque) => {
      const template = sendTemplate({
        group: "group",
        queue,
        autoCreateQueues: 4,
        unitMode: false,
      });
      const bound = sendHeadBytesMax(template, fields);
      const target = Buffer.alloc(7 + bound + body.length);
      const bodyAt = writeSendHead(target, 7, template, opaque, fields, body.length);
      expect(bodyAt - 7).toBeLessThanOrEqual(bound);
      target.set(body, bodyAt);
      const decoder = new FrameDecoder();
      decoder.push(target.subarray(7, bodyAt + body.length));
      const command = decodeFrame(decoder.next()!);
      expect(command).toMatchObject({
        code: fields.code,
        opaque,
        flag: fields.isOneway ? 2 : 0,
        language: "JAVA",
        version: 493,
        remark: null,
      });
      expect(Buffer.from(command.body)).toEqual(Buffer.from(body));
      const decoded = decodeFields(SEND_MESSAGE_V2.request, command.extFields);
      expect(decoded).toEqual({
        a: "group",
        b: queue.topic,
        c: "TBW102",
        d: 4,
        e: queue.queueId,
        f: fields.sysFlag,
        g: fields.bornTimestampMs,
        h: fields.flag,
        // An empty value reads as absent.
        ...(fields.properties !== "" && { i: fields.properties }),
        j: 0,
        k: false,
        m: fields.isBatch,
        n: queue.brokerName,
      });
    },
  ));
});

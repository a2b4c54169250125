// What test clients send and read of pops: a pop's answer as messages with their handles, and acknowledgements of them. Used
// by tests and simulations alone; the client library has its own.
import { Buffer } from "node:buffer";
import { decodePopped, type PoppedMessage } from "../../../core/client/popped_message.ts";
import {
  formatReceiptHandle,
  markedTopic,
  type ReceiptHandle,
} from "../../../core/message/receipt_handle.ts";
import type { RemotingCommand } from "../../../core/remoting/command.ts";

/** Bits of a batch acknowledgement: messages of one pop of one queue. */
const BATCH_BYTES = 8;

/** The messages of an answer to POP_MESSAGE. */
export function poppedIn(
  { body, extFields }: RemotingCommand,
  topic: string,
  brokerName: string,
): PoppedMessage[] {
  return decodePopped(body, topic, brokerName, {
    popTime: Number(extFields.get("popTime")),
    invisibleTime: Number(extFields.get("invisibleTime")),
    reviveQid: Number(extFields.get("reviveQid")),
    startOffsetInfo: extFields.get("startOffsetInfo")!,
    orderCountInfo: extFields.get("orderCountInfo") ?? "",
  });
}

/** The fields of an acknowledgement, and of another invisible time but for the time. */
export function handleFields(topic: string, group: string, handle: ReceiptHandle) {
  return {
    consumerGroup: group,
    topic: markedTopic(topic, group, handle.retry),
    queueId: handle.queueId,
    extraInfo: formatReceiptHandle(handle),
    offset: handle.queueOffset,
  };
}

/** The body of a batch acknowledgement of messages of one pop of one queue (Java: BatchAckMessageRequestBody). */
export function batchAckBody(
  topic: string,
  group: string,
  handles: readonly ReceiptHandle[],
  brokerName: string,
): Buffer {
  const first = handles[0]!;
  const bits = Buffer.alloc(BATCH_BYTES);
  for (const { queueOffset, startOffset } of handles) {
    const bit = queueOffset - startOffset;
    bits[bit >> 3]! |= 1 << (bit & 7);
  }
  const ack = {
    b: bits.toString("base64"),
    c: group,
    it: first.invisibleMs,
    pt: first.popTimeMs,
    q: first.queueId,
    r: first.retry,
    rq: first.reviveQueueId,
    so: first.startOffset,
    t: topic,
  };
  return Buffer.from(JSON.stringify({ acks: [ack], brokerName }));
}

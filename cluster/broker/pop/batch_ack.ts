// The body of a batch acknowledgement: per pop of a queue a bit for each message, counted from the pop's first offset
// (Java: BatchAckMessageRequestBody, BatchAck, BitSetSerializerDeserializer). Pure, both ways.
import { Buffer } from "node:buffer";
import { DecodeError } from "../../../core/errors.ts";
import { JsonFields } from "../json_fields.ts";

export interface BatchAck {
  group: string;
  topic: string;
  retry: string;
  startOffset: number;
  queueId: number;
  reviveQueueId: number;
  popTimeMs: number;
  invisibleMs: number;
  /** The lowest bit of the first byte is the pop's first message. */
  bits: Uint8Array;
}

/** A pop gives 32 messages; with messages filtered out between them they may lie further apart. */
const BIT_BYTES_MAX = 64 * 1024;

export interface BatchAcks {
  brokerName: string;
  acks: BatchAck[];
}

/** Throws DecodeError. */
export function decodeBatchAcks(body: Uint8Array): BatchAcks {
  const fields = JsonFields.ofBody(body, "batchAck");
  return { brokerName: fields.text("brokerName"), acks: fields.objects("acks").map(ackOf) };
}

function ackOf(fields: JsonFields): BatchAck {
  const bits = Buffer.from(fields.text("b", fields.text("bitSet")), "base64");
  if (bits.length > BIT_BYTES_MAX) throw new DecodeError("batchAck.b", "too long");
  return {
    group: fields.text("c", fields.text("consumerGroup")),
    topic: fields.text("t", fields.text("topic")),
    retry: fields.text("r", fields.text("retry")),
    startOffset: fields.number("so", fields.number("startOffset")),
    queueId: fields.number("q", fields.number("queueId")),
    reviveQueueId: fields.number("rq", fields.number("reviveQueueId")),
    popTimeMs: fields.number("pt", fields.number("popTime")),
    invisibleMs: fields.number("it", fields.number("invisibleTime")),
    bits,
  };
}

/** The numbers of the bits that are set. */
export function setBits(bits: Uint8Array): number[] {
  const set: number[] = [];
  for (let bit = 0; bit < bits.length * 8; bit++) {
    if ((bits[bit >> 3]! & (1 << (bit & 7))) !== 0) set.push(bit);
  }
  return set;
}

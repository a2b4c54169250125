// A popped message: a received one with the handle that acknowledges it. The handle changes when its time does.
import {
  formatReceiptHandle,
  orderCountKey,
  parseOffsetInfo,
  parseReceiptHandle,
  type ReceiptHandle,
  type RetryMark,
  retryMarkOf,
} from "../message/receipt_handle.ts";
import { PROPERTY } from "../message/property_names.ts";
import { decodeRecords, type MessageRecord } from "../message/record.ts";
import { ClientError } from "./client_error.ts";
import type { MessageQueue } from "./message.ts";
import { ReceivedMessage } from "./received_message.ts";

/** A message that this member alone sees until its time is up. */
export class PoppedMessage extends ReceivedMessage {
  /** Whether its acknowledgement was asked for; for the consumer to set. */
  isAcknowledged = false;

  /** Made by decodePopped. */
  constructor(
    record: MessageRecord,
    queue: MessageQueue,
    /** What the broker knows the delivery by; for other programs that shall acknowledge it. */
    public handle: ReceiptHandle,
    private readonly deliveries: number | null,
  ) {
    super(record, queue, null);
  }

  /** Deliveries before this one. */
  override get reconsumeTimes(): number {
    return this.deliveries ?? super.reconsumeTimes;
  }

  /** When it is given to somebody else unless it is acknowledged, by the broker's clock. */
  get visibleAtMs(): number {
    return this.handle.popTimeMs + this.handle.invisibleMs;
  }

  /** The handle as text, as other clients of RocketMQ carry it. */
  get receipt(): string {
    return formatReceiptHandle(this.handle);
  }
}

/** What a POP answer says beside its records. */
export interface PopAnswerFields {
  popTime?: number;
  invisibleTime?: number;
  reviveQid?: number;
  startOffsetInfo?: string;
  orderCountInfo?: string;
}

/** The messages in the body of a pop's answer. Throws DecodeError, or ClientError "bad_answer". */
export function decodePopped(
  bytes: Uint8Array,
  topic: string,
  brokerName: string,
  fields: PopAnswerFields,
): PoppedMessage[] {
  const starts = parseOffsetInfo(fields.startOffsetInfo ?? "");
  const counts = parseOffsetInfo(fields.orderCountInfo ?? "");
  return decodeRecords(bytes).map((record) => {
    const { queueId, queueOffset } = record;
    const retry = retryMarkOf(record.topic);
    const queue = { topic, brokerName, queueId };
    const own = new ReceivedMessage(record, queue, null).properties.get(PROPERTY.popCheckpoint);
    const handle = own === undefined
      ? handleOf(record, retry, brokerName, starts, fields)
      : parseReceiptHandle(own);
    if (handle === null) {
      throw new ClientError("bad_answer", `${brokerName}: a popped message has no handle`);
    }
    const count = counts.get(`${retry}@${orderCountKey(queueId, queueOffset)}`) ??
      counts.get(`${retry}@${queueId}`);
    const deliveries = count === undefined || count === "0" ? null : Number(count);
    return new PoppedMessage(record, queue, handle, deliveries);
  });
}

function handleOf(
  { queueId, queueOffset }: MessageRecord,
  retry: RetryMark,
  brokerName: string,
  starts: ReadonlyMap<string, string>,
  fields: PopAnswerFields,
): ReceiptHandle | null {
  // Brokers before 5.0.0 leave the first offsets out: then each message is its own pop.
  const start = starts.size === 0 ? String(queueOffset) : starts.get(`${retry}@${queueId}`);
  const startOffset = Number(start);
  if (start === undefined || !Number.isSafeInteger(startOffset)) return null;
  return {
    startOffset,
    popTimeMs: fields.popTime ?? 0,
    invisibleMs: fields.invisibleTime ?? 0,
    reviveQueueId: fields.reviveQid ?? 0,
    retry,
    brokerName,
    queueId,
    queueOffset,
  };
}

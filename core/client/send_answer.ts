// What a broker's answer to a send means: stored, worth another attempt, or refused. Pure.
import type { Buffer } from "node:buffer";
import { readI32, readU16 } from "../bytes/big_endian.ts";
import { equalsAt } from "../bytes/same_bytes.ts";
import type { RemotingCommand } from "../remoting/command.ts";
import type { Frame } from "../remoting/frame.ts";
import { asciiBytes, parseDecimal } from "../remoting/json_scan.ts";
import { ResponseCode } from "../remoting/response_codes.ts";
import type { MessageQueue, SendResult, SendStatus } from "./message.ts";

/** Null when the message wasn't stored. */
export function sendStatusOf(responseCode: number): SendStatus | null {
  switch (responseCode) {
    case ResponseCode.SUCCESS:
      return "ok";
    case ResponseCode.FLUSH_DISK_TIMEOUT:
      return "flush_disk_timeout";
    case ResponseCode.FLUSH_SLAVE_TIMEOUT:
      return "flush_slave_timeout";
    case ResponseCode.SLAVE_NOT_AVAILABLE:
      return "slave_not_available";
    default:
      return null;
  }
}

const RETRIED: ReadonlySet<number> = new Set([
  ResponseCode.TOPIC_NOT_EXIST,
  ResponseCode.SERVICE_NOT_AVAILABLE,
  ResponseCode.SYSTEM_ERROR,
  ResponseCode.SYSTEM_BUSY,
  ResponseCode.NO_PERMISSION,
  ResponseCode.NO_BUYER_ID,
  ResponseCode.NOT_IN_CURRENT_UNIT,
  ResponseCode.GO_AWAY,
]);

/** Whether another attempt, best at another broker, may succeed (retryResponseCodes). */
export function isRetried(responseCode: number): boolean {
  return RETRIED.has(responseCode);
}

const DEFAULT_REGION = "DefaultRegion";
const DEFAULT_REGION_BYTES = asciiBytes(DEFAULT_REGION);
const MSG_ID = asciiBytes("msgId");
const QUEUE_ID = asciiBytes("queueId");
const QUEUE_OFFSET = asciiBytes("queueOffset");
const TRANSACTION_ID = asciiBytes("transactionId");
const MSG_REGION = asciiBytes("MSG_REGION");
const TRACE_ON = asciiBytes("TRACE_ON");
const TRUE_LENGTH = 4;

/** Where a binary header has the lengths of its remark and of its fields when there is no remark. */
const REMARK_LENGTH_AT = 13;
const FIELDS_LENGTH_AT = 17;
const FIELDS_AT = 21;

/**
 * The result in a plain successful answer, read from the frame's binary header without decoding it.
 * Null for any other answer: refusals, other fields, broken bytes.
 */
export function scanSendResult(
  frame: Frame,
  queue: MessageQueue,
  messageId: string,
): SendResult | null {
  const { buffer, headerStart, bodyStart } = frame;
  const at = headerStart + FIELDS_AT;
  const isPlain = readU16(buffer, headerStart) === ResponseCode.SUCCESS &&
    readI32(buffer, headerStart + REMARK_LENGTH_AT) === 0 &&
    at + readI32(buffer, headerStart + FIELDS_LENGTH_AT) === bodyStart;
  if (!isPlain) return null;
  const result: SendResult = {
    status: "ok",
    messageId,
    offsetMessageId: "",
    queue,
    queueOffset: -1,
    transactionId: null,
    regionId: DEFAULT_REGION,
    traceOn: true,
    recallHandle: null,
  };
  return scanFields(buffer, at, bodyStart, result) ? result : null;
}

function scanFields(buffer: Buffer, start: number, end: number, result: SendResult): boolean {
  for (let at = start; at < end;) {
    const nameAt = at + 2;
    const nameEnd = nameAt + readU16(buffer, at);
    const valueAt = nameEnd + 4;
    if (valueAt > end) return false;
    const valueEnd = valueAt + readI32(buffer, nameEnd);
    if (valueEnd < valueAt || valueEnd > end) return false;
    if (!takeField(buffer, nameAt, nameEnd, valueAt, valueEnd, result)) return false;
    at = valueEnd;
  }
  return result.queueOffset >= 0;
}

/** Puts one field in its place; false for one that isn't part of a plain answer. */
function takeField(
  buffer: Buffer,
  nameAt: number,
  nameEnd: number,
  valueAt: number,
  valueEnd: number,
  result: SendResult,
): boolean {
  switch (nameEnd - nameAt) {
    case MSG_ID.length:
      result.offsetMessageId = buffer.toString("latin1", valueAt, valueEnd);
      return equalsAt(buffer, nameAt, MSG_ID);
    case QUEUE_ID.length:
      return equalsAt(buffer, nameAt, QUEUE_ID) &&
        parseDecimal(buffer, valueAt, valueEnd) === result.queue.queueId;
    case QUEUE_OFFSET.length:
      result.queueOffset = parseDecimal(buffer, valueAt, valueEnd);
      return equalsAt(buffer, nameAt, QUEUE_OFFSET);
    case TRANSACTION_ID.length:
      result.transactionId = buffer.toString("utf8", valueAt, valueEnd);
      return equalsAt(buffer, nameAt, TRANSACTION_ID);
    case MSG_REGION.length:
      return equalsAt(buffer, nameAt, MSG_REGION) &&
        valueEnd - valueAt === DEFAULT_REGION_BYTES.length &&
        equalsAt(buffer, valueAt, DEFAULT_REGION_BYTES);
    case TRACE_ON.length:
      // Only "true" has as many letters.
      return equalsAt(buffer, nameAt, TRACE_ON) && valueEnd - valueAt === TRUE_LENGTH;
    default:
      return false;
  }
}

export function sendResultOf(
  answer: RemotingCommand,
  status: SendStatus,
  queue: MessageQueue,
  messageId: string,
): SendResult {
  const { extFields } = answer;
  const queueId = Number(extFields.get("queueId") ?? queue.queueId);
  return {
    status,
    messageId,
    offsetMessageId: extFields.get("msgId") ?? "",
    // The broker chose the queue when it was negative.
    queue: queueId === queue.queueId ? queue : { ...queue, queueId },
    queueOffset: Number(extFields.get("queueOffset") ?? -1),
    transactionId: extFields.get("transactionId") ?? null,
    regionId: extFields.get("MSG_REGION") ?? DEFAULT_REGION,
    traceOn: extFields.get("TRACE_ON") !== "false",
    recallHandle: extFields.get("recallHandle") ?? null,
  };
}

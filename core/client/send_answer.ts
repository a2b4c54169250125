// What a broker's answer to a send means: stored, worth another attempt, or refused. Pure.
import type { RemotingCommand } from "../remoting/command.ts";
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
    recallHandle: extFields.get("recallHandle") ?? null,
  };
}

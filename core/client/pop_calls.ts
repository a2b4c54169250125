// What a pop consumer asks brokers: messages for a while, their acknowledgement, another time for them. Finds the broker's
// address; keeps nothing.
import { markedTopic, POP_ORDER_REVIVE_QUEUE } from "../message/receipt_handle.ts";
import {
  ACK_MESSAGE,
  BATCH_ACK_MESSAGE,
  CHANGE_MESSAGE_INVISIBLETIME,
  POP_MESSAGE,
} from "../remoting/codes/pop.ts";
import { ResponseCode } from "../remoting/response_codes.ts";
import type { ClientCore } from "./client_core.ts";
import { ClientError, refusal } from "./client_error.ts";
import { POP_ANSWER_MARGIN_MS } from "./limits.ts";
import { decodePopped, type PoppedMessage } from "./popped_message.ts";
import { ask, isPassing, mustAsk } from "./remote_calls.ts";
import type { Subscription } from "./subscription.ts";

export interface PopRequest {
  group: string;
  brokerName: string;
  /** -1: any. */
  queueId: number;
  messagesMax: number;
  invisibleMs: number;
  /** How long the broker may wait for a message. */
  holdMs: number;
  subscription: Subscription;
  /** Where a group begins that the broker doesn't know. */
  from: "first" | "last";
  orderly: boolean;
  /** Orderly: an attempt that is made again gets the same messages. */
  attemptId?: string;
  signal: AbortSignal;
}

const INIT_MODES = { first: 0, last: 1 } as const;
const NOTHING = new Set<number>([
  ResponseCode.POLLING_TIMEOUT,
  ResponseCode.POLLING_FULL,
  ResponseCode.PULL_NOT_FOUND,
]);

export class PopCalls {
  constructor(private readonly core: ClientCore) {}

  /** Empty when there was nothing in time. */
  async pop(request: PopRequest): Promise<PoppedMessage[]> {
    const { brokerName, subscription, holdMs, attemptId, signal } = request;
    const { topic } = subscription;
    const answer = await ask(this.core.remoting, POP_MESSAGE, {
      peer: brokerName,
      address: this.address(brokerName),
      fields: {
        consumerGroup: request.group,
        topic,
        queueId: request.queueId,
        maxMsgNums: request.messagesMax,
        invisibleTime: request.invisibleMs,
        pollTime: holdMs,
        bornTime: this.core.environment.clock.nowMs(),
        initMode: INIT_MODES[request.from],
        expType: subscription.type,
        exp: subscription.expression,
        order: request.orderly,
        ...(attemptId !== undefined && { attemptId }),
        bname: brokerName,
      },
      timeoutMs: holdMs + POP_ANSWER_MARGIN_MS,
      signal,
    });
    if (NOTHING.has(answer.code)) return [];
    if (answer.code !== ResponseCode.SUCCESS) {
      throw refusal(brokerName, answer.code, answer.remark, isPassing(answer.code));
    }
    return decodePopped(answer.body, topic, brokerName, answer.fields);
  }

  async ack(group: string, message: PoppedMessage): Promise<void> {
    const { brokerName } = message.handle;
    await mustAsk(this.core.remoting, ACK_MESSAGE, {
      peer: brokerName,
      address: this.address(brokerName),
      fields: handleFields(group, message),
      timeoutMs: this.core.options.requestTimeoutMs,
    });
  }

  /** Messages of one broker in one request. */
  async ackAll(
    group: string,
    brokerName: string,
    messages: readonly PoppedMessage[],
  ): Promise<void> {
    await mustAsk(this.core.remoting, BATCH_ACK_MESSAGE, {
      peer: brokerName,
      address: this.address(brokerName),
      fields: {},
      body: new TextEncoder().encode(batchAckText(group, brokerName, messages)),
      timeoutMs: this.core.options.requestTimeoutMs,
    });
  }

  /** The message has a new handle then. */
  async changeInvisibleTime(group: string, message: PoppedMessage, ms: number): Promise<void> {
    const { handle } = message;
    const { fields } = await mustAsk(this.core.remoting, CHANGE_MESSAGE_INVISIBLETIME, {
      peer: handle.brokerName,
      address: this.address(handle.brokerName),
      fields: { ...handleFields(group, message), invisibleTime: ms },
      timeoutMs: this.core.options.requestTimeoutMs,
    });
    const isOrderly = handle.reviveQueueId === POP_ORDER_REVIVE_QUEUE;
    message.handle = {
      ...handle,
      // A new checkpoint of this message alone, but for orderly ones.
      startOffset: isOrderly ? handle.startOffset : handle.queueOffset,
      popTimeMs: fields.popTime || handle.popTimeMs,
      invisibleMs: fields.invisibleTime || ms,
      reviveQueueId: fields.reviveQid ?? handle.reviveQueueId,
    };
  }

  private address(brokerName: string): string {
    const address = this.core.routes.address(brokerName);
    if (address !== undefined) return address;
    throw new ClientError("no_broker", `the broker ${brokerName} isn't in the routes`, {
      brokerName,
      retriable: true,
    });
  }
}

function handleFields(group: string, message: PoppedMessage) {
  const { handle, receipt, queue } = message;
  return {
    consumerGroup: group,
    topic: markedTopic(queue.topic, group, handle.retry),
    queueId: handle.queueId,
    extraInfo: receipt,
    offset: handle.queueOffset,
    bname: handle.brokerName,
  };
}

/** Per pop of a queue the bits of its messages (BatchAck). */
function batchAckText(
  group: string,
  brokerName: string,
  messages: readonly PoppedMessage[],
): string {
  const acks = new Map<string, { fields: Record<string, unknown>; bits: Set<number> }>();
  for (const { handle, queue } of messages) {
    const { startOffset, popTimeMs, invisibleMs, reviveQueueId, retry, queueId } = handle;
    const key = [queue.topic, retry, queueId, startOffset, popTimeMs, reviveQueueId].join(" ");
    let ack = acks.get(key);
    if (ack === undefined) {
      const fields = {
        c: group,
        it: invisibleMs,
        pt: popTimeMs,
        q: queueId,
        r: retry,
        rq: reviveQueueId,
        so: startOffset,
        t: queue.topic,
      };
      acks.set(key, ack = { fields, bits: new Set() });
    }
    ack.bits.add(handle.queueOffset - startOffset);
  }
  const list = [...acks.values()].map(({ fields, bits }) => ({ b: bitSetText(bits), ...fields }));
  return JSON.stringify({ acks: list, brokerName });
}

/** Base64 of Java's BitSet: the lowest bit of the first byte is number 0. */
function bitSetText(bits: ReadonlySet<number>): string {
  const bytes = new Uint8Array((Math.max(...bits) >> 3) + 1);
  for (const bit of bits) bytes[bit >> 3]! |= 1 << (bit & 7);
  return btoa(String.fromCharCode(...bytes));
}

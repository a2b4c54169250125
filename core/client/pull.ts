// One pull: the request, and what its answer means. Chooses master or slave as the broker suggests;
// keeps no offsets, and commits none: brokers serve pulls and commits on different threads, so that
// a commit within a pull could undo a later one.
import type { CallAnswer } from "../remoting/call.ts";
import { LITE_PULL_MESSAGE, PULL_MESSAGE } from "../remoting/codes/pull.ts";
import { ResponseCode } from "../remoting/response_codes.ts";
import type { ClientCore } from "./client_core.ts";
import { ClientError, refusal } from "./client_error.ts";
import { type ClientHooks, passes } from "./hooks.ts";
import { type MessageQueue, queueKey } from "./message.ts";
import { decodeReceived, type ReceivedMessage } from "./received_message.ts";
import { ask } from "./remote_calls.ts";
import { MASTER_ID } from "./route.ts";
import { isWanted, type Subscription } from "./subscription.ts";

/** What came of a pull (PullStatus). */
export type PullStatus =
  /** There are messages. */
  | "found"
  /** Nothing at this offset yet. */
  | "no_new_message"
  /** There were messages, none of them wanted; go on at `nextOffset`. */
  | "no_matched_message"
  /** The offset is outside of the queue; go on at `nextOffset`. */
  | "offset_illegal";

export interface PullResult {
  status: PullStatus;
  /** Those that the subscription wants. */
  messages: ReceivedMessage[];
  nextOffset: number;
  minOffset: number;
  maxOffset: number;
}

export interface PullRequest {
  group: string;
  queue: MessageQueue;
  offset: number;
  messagesMax: number;
  /** 0: the broker answers at once. */
  holdMs: number;
  timeoutMs: number;
  subscription: Subscription;
  /** Also tells the broker what the subscription is; else it knows by the heartbeat. */
  sendsSubscription: boolean;
  /** From a lite pull consumer, which brokers may be told to refuse. */
  isLite?: boolean;
  signal?: AbortSignal;
}

const FLAG_SUSPEND = 2;
const FLAG_SUBSCRIPTION = 4;
const FLAG_LITE_PULL = 16;

export class Puller {
  /** Broker id that a queue is better pulled from, as its last answer said. */
  private readonly suggested = new Map<string, number>();

  /** Brokers of 4.9, which know no pulls of lite pull consumers. */
  private readonly withoutLite = new Set<string>();

  private readonly filters: readonly ClientHooks[];

  constructor(private readonly core: ClientCore) {
    this.filters = core.options.hooks.filter(({ filter }) => filter !== undefined);
  }

  /** Rejects with ClientError; "refused" has the broker's code. */
  async pull(request: PullRequest): Promise<PullResult> {
    const { brokerName } = request.queue;
    const isLite = request.isLite === true && !this.withoutLite.has(brokerName);
    const answer = await this.ask(request, isLite);
    if (!isLite || answer.code !== ResponseCode.REQUEST_CODE_NOT_SUPPORTED) {
      return this.resultOf(answer, request);
    }
    this.withoutLite.add(brokerName);
    return this.resultOf(await this.ask(request, false), request);
  }

  forget(queue: MessageQueue): void {
    this.suggested.delete(queueKey(queue));
  }

  private ask(
    request: PullRequest,
    isLite: boolean,
  ): Promise<CallAnswer<typeof PULL_MESSAGE.response>> {
    const { queue, subscription, holdMs, sendsSubscription } = request;
    const address = this.addressFor(queue);
    const sysFlag = (holdMs > 0 ? FLAG_SUSPEND : 0) |
      (sendsSubscription ? FLAG_SUBSCRIPTION : 0) | (isLite ? FLAG_LITE_PULL : 0);
    const row = isLite ? LITE_PULL_MESSAGE : PULL_MESSAGE;
    return ask(this.core.remoting, row, {
      peer: queue.brokerName,
      address,
      timeoutMs: request.timeoutMs,
      ...(request.signal && { signal: request.signal }),
      fields: {
        consumerGroup: request.group,
        topic: queue.topic,
        queueId: queue.queueId,
        queueOffset: request.offset,
        maxMsgNums: request.messagesMax,
        sysFlag,
        commitOffset: 0,
        suspendTimeoutMillis: holdMs,
        subscription: subscription.expression,
        subVersion: subscription.version,
        expressionType: subscription.type,
        bname: queue.brokerName,
      },
    });
  }

  private resultOf(
    answer: CallAnswer<typeof PULL_MESSAGE.response>,
    request: PullRequest,
  ): PullResult {
    const { queue } = request;
    const status = statusOf(answer.code);
    if (status === null) {
      throw refusal(queue.brokerName, answer.code, answer.remark, isBusy(answer.code));
    }
    const { nextBeginOffset, minOffset, maxOffset, suggestWhichBrokerId } = answer.fields;
    if (nextBeginOffset === undefined) {
      throw new ClientError("bad_answer", `${queue.brokerName}: a pull's answer has no offset`);
    }
    this.suggested.set(queueKey(queue), suggestWhichBrokerId ?? MASTER_ID);
    return {
      status,
      messages: status === "found" ? this.wantedMessages(answer.body, request) : [],
      nextOffset: nextBeginOffset,
      minOffset: minOffset ?? 0,
      maxOffset: maxOffset ?? 0,
    };
  }

  private wantedMessages(body: Uint8Array, { queue, subscription }: PullRequest) {
    const messages = decodeReceived(body, queue);
    const { namespace } = this.core.options;
    if (namespace !== undefined) {
      for (const message of messages) message.namespace = namespace;
    }
    const wanted = subscription.tags.size === 0
      ? messages
      : messages.filter(({ tags }) => isWanted(subscription, tags));
    if (this.filters.length === 0) return wanted;
    return wanted.filter((message) => passes(message, this.filters, this.core.log));
  }

  /** The suggested broker if the routes have it, else the master, else any slave. */
  private addressFor(queue: MessageQueue): string {
    const addresses = this.core.routes.broker(queue.brokerName)?.addresses;
    const suggested = this.suggested.get(queueKey(queue)) ?? MASTER_ID;
    for (const brokerId of [suggested, MASTER_ID, ...addresses?.keys() ?? []]) {
      const address = addresses?.get(brokerId);
      if (address !== undefined) return address;
    }
    throw new ClientError("no_broker", `the routes have no address for ${queue.brokerName}`, {
      brokerName: queue.brokerName,
      retriable: true,
    });
  }
}

function statusOf(responseCode: number): PullStatus | null {
  switch (responseCode) {
    case ResponseCode.SUCCESS:
      return "found";
    case ResponseCode.PULL_NOT_FOUND:
      return "no_new_message";
    case ResponseCode.PULL_RETRY_IMMEDIATELY:
      return "no_matched_message";
    case ResponseCode.PULL_OFFSET_MOVED:
      return "offset_illegal";
    default:
      return null;
  }
}

/** The broker is too busy now, or throttles. */
export function isBusy(responseCode: number): boolean {
  return responseCode === ResponseCode.SYSTEM_BUSY || responseCode === ResponseCode.FLOW_CONTROL;
}

/** The broker doesn't know what we subscribe to, or only what we subscribed to before. */
export function isUnknownHere(responseCode: number): boolean {
  return responseCode === ResponseCode.SUBSCRIPTION_NOT_EXIST ||
    responseCode === ResponseCode.SUBSCRIPTION_NOT_LATEST;
}

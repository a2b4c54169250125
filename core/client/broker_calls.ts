// What consumers ask brokers beside pulling: group members, offsets of groups and of queues, and
// sending messages back. Finds the broker's address; keeps nothing.
import type { CallAnswer, GivenFields } from "../remoting/call.ts";
import type { CodeRow, Fields } from "../remoting/code_row.ts";
import { GET_CONSUMER_LIST_BY_GROUP } from "../remoting/codes/groups.ts";
import { LOCK_BATCH_MQ, UNLOCK_BATCH_MQ } from "../remoting/codes/locks.ts";
import {
  GET_MAX_OFFSET,
  GET_MIN_OFFSET,
  QUERY_CONSUMER_OFFSET,
  SEARCH_OFFSET_BY_TIMESTAMP,
  UPDATE_CONSUMER_OFFSET,
} from "../remoting/codes/offsets.ts";
import { CONSUMER_SEND_MSG_BACK } from "../remoting/codes/send.ts";
import { ResponseCode } from "../remoting/response_codes.ts";
import type { ClientCore } from "./client_core.ts";
import { ClientError, refusal } from "./client_error.ts";
import { LOCK_TIMEOUT_MS } from "./limits.ts";
import type { MessageQueue } from "./message.ts";
import { ask, isPassing, mustAsk } from "./remote_calls.ts";

export class BrokerCalls {
  constructor(private readonly core: ClientCore) {}

  /** Client ids of a group's members as one of the topic's brokers knows them. */
  async members(brokerName: string, group: string): Promise<string[]> {
    const { body } = await this.must(GET_CONSUMER_LIST_BY_GROUP, brokerName, {
      consumerGroup: group,
    });
    try {
      const list = JSON.parse(new TextDecoder().decode(body)) as { consumerIdList?: unknown };
      if (Array.isArray(list.consumerIdList)) return list.consumerIdList.map(String);
    } catch (cause) {
      throw new ClientError("bad_answer", `${brokerName}: the group's members can't be read`, {
        cause,
      });
    }
    return [];
  }

  /**
   * A group's committed offset; null when the broker has none. For a group without one, brokers answer
   * 0 while the queue's first message is still in memory (ConsumerManageProcessor); with `neverZero`
   * those of 5.x don't.
   */
  async committedOffset(
    group: string,
    queue: MessageQueue,
    neverZero = false,
  ): Promise<number | null> {
    const answer = await this.ask(QUERY_CONSUMER_OFFSET, queue.brokerName, {
      consumerGroup: group,
      topic: queue.topic,
      queueId: queue.queueId,
      bname: queue.brokerName,
      ...(neverZero && { setZeroIfNotFound: false }),
    });
    if (answer.code === ResponseCode.SUCCESS) return answer.fields.offset ?? null;
    if (answer.code === ResponseCode.QUERY_NOT_FOUND) return null;
    throw refused(queue.brokerName, answer);
  }

  async commitOffset(group: string, queue: MessageQueue, offset: number): Promise<void> {
    await this.must(UPDATE_CONSUMER_OFFSET, queue.brokerName, {
      consumerGroup: group,
      topic: queue.topic,
      queueId: queue.queueId,
      commitOffset: offset,
      bname: queue.brokerName,
    });
  }

  async minOffset(queue: MessageQueue): Promise<number> {
    return offsetOf(await this.must(GET_MIN_OFFSET, queue.brokerName, fieldsOf(queue)));
  }

  async maxOffset(queue: MessageQueue): Promise<number> {
    return offsetOf(await this.must(GET_MAX_OFFSET, queue.brokerName, fieldsOf(queue)));
  }

  /** The offset of the first message stored at this wall-clock time or later. */
  async offsetAt(queue: MessageQueue, timestampMs: number): Promise<number> {
    const fields = { ...fieldsOf(queue), timestamp: timestampMs };
    return offsetOf(await this.must(SEARCH_OFFSET_BY_TIMESTAMP, queue.brokerName, fields));
  }

  /** Locks or renews queues of one broker for a member; resolves with those that it holds now. */
  async lock(
    brokerName: string,
    consumerGroup: string,
    clientId: string,
    queues: readonly MessageQueue[],
  ): Promise<MessageQueue[]> {
    const { body } = await mustAsk(this.core.remoting, LOCK_BATCH_MQ, {
      peer: brokerName,
      address: this.address(brokerName),
      fields: {},
      body: lockBody(consumerGroup, clientId, queues),
      timeoutMs: LOCK_TIMEOUT_MS,
    });
    return lockedQueues(brokerName, body);
  }

  async unlock(
    brokerName: string,
    consumerGroup: string,
    clientId: string,
    queues: readonly MessageQueue[],
  ): Promise<void> {
    await mustAsk(this.core.remoting, UNLOCK_BATCH_MQ, {
      peer: brokerName,
      address: this.address(brokerName),
      fields: {},
      body: lockBody(consumerGroup, clientId, queues),
      timeoutMs: LOCK_TIMEOUT_MS,
    });
  }

  /** Gives a message back for a later delivery; `address` is the broker that stores it. */
  async sendBack(
    address: string,
    brokerName: string,
    fields: GivenFields<typeof CONSUMER_SEND_MSG_BACK.request>,
    timeoutMs: number,
  ): Promise<void> {
    await mustAsk(this.core.remoting, CONSUMER_SEND_MSG_BACK, {
      peer: brokerName,
      address,
      fields,
      timeoutMs,
    });
  }

  /** The master's address, else that of any slave. Throws ClientError "no_broker". */
  address(brokerName: string): string {
    const { routes } = this.core;
    const address = routes.address(brokerName) ??
      routes.broker(brokerName)?.addresses.values().next().value;
    if (address !== undefined) return address;
    throw new ClientError("no_broker", `the routes have no address for ${brokerName}`, {
      brokerName,
      retriable: true,
    });
  }

  private async must<Q extends Fields, A extends Fields>(
    row: CodeRow<Q, A>,
    brokerName: string,
    fields: GivenFields<Q>,
  ): Promise<CallAnswer<A>> {
    const answer = await this.ask(row, brokerName, fields);
    if (answer.code === ResponseCode.SUCCESS) return answer;
    throw refused(brokerName, answer);
  }

  private ask<Q extends Fields, A extends Fields>(
    row: CodeRow<Q, A>,
    brokerName: string,
    fields: GivenFields<Q>,
  ): Promise<CallAnswer<A>> {
    return ask(this.core.remoting, row, {
      peer: brokerName,
      address: this.address(brokerName),
      fields,
      timeoutMs: this.core.options.requestTimeoutMs,
    });
  }
}

function refused(brokerName: string, { code, remark }: { code: number; remark: string | null }) {
  return refusal(brokerName, code, remark, isPassing(code));
}

/** LockBatchRequestBody, UnlockBatchRequestBody. */
function lockBody(
  consumerGroup: string,
  clientId: string,
  queues: readonly MessageQueue[],
): Uint8Array {
  const mqSet = queues.map(({ brokerName, queueId, topic }) => ({ brokerName, queueId, topic }));
  const body = { clientId, consumerGroup, mqSet, onlyThisBroker: false };
  return new TextEncoder().encode(JSON.stringify(body));
}

/** LockBatchResponseBody. */
function lockedQueues(brokerName: string, body: Uint8Array): MessageQueue[] {
  try {
    const { lockOKMQSet } = JSON.parse(new TextDecoder().decode(body)) as {
      lockOKMQSet?: MessageQueue[];
    };
    return lockOKMQSet ?? [];
  } catch (cause) {
    throw new ClientError("bad_answer", `${brokerName}: the locked queues can't be read`, {
      cause,
    });
  }
}

function fieldsOf({ topic, queueId, brokerName }: MessageQueue) {
  return { topic, queueId, bname: brokerName };
}

function offsetOf({ fields }: { fields: { offset?: number } }): number {
  if (fields.offset !== undefined) return fields.offset;
  throw new ClientError("bad_answer", "the answer has no offset");
}

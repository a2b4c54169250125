// Serves acknowledgements of popped messages, one or many, and changes of when they come back. An answer of success means
// that the record of it is stored, or kept with its checkpoint (Java: AckMessageProcessor, ChangeInvisibleTimeProcessor).
import { RequestError } from "../../../core/errors.ts";
import {
  markedTopic,
  parseReceiptHandle,
  POP_ORDER_REVIVE_QUEUE,
  type ReceiptHandle,
  type RetryMark,
} from "../../../core/message/receipt_handle.ts";
import type { RequestFieldsOf } from "../../../core/remoting/code_row.ts";
import type {
  ACK_MESSAGE,
  CHANGE_MESSAGE_INVISIBLETIME,
} from "../../../core/remoting/codes/pop.ts";
import type { Answer } from "../../../core/remoting/handler.ts";
import { ResponseCode } from "../../../core/remoting/response_codes.ts";
import type { Clock } from "../../../core/time/clock.ts";
import type { MessageStore } from "../../../store/message_store.ts";
import type { ReviveAck } from "../../../store/pop/revive_records.ts";
import { OffsetTable } from "../offsets/offset_table.ts";
import type { StatsSink } from "../stats_sink.ts";
import type { TopicTable } from "../topics/topic_table.ts";
import { type BatchAck, setBits } from "./batch_ack.ts";
import type { Checkpoints } from "./checkpoints.ts";
import type { OrderTable } from "./order_table.ts";
import { checkAckedQueue } from "./pop_checks.ts";
import type { PopQueues } from "./pop_queues.ts";
import type { PopSettings } from "./pop_settings.ts";
import type { ReviveLog } from "./revive_log.ts";

export interface AckParts {
  topics: TopicTable;
  offsets: OffsetTable;
  orders: OrderTable;
  queues: PopQueues;
  checkpoints: Checkpoints;
  reviveLog: ReviveLog;
  store: Pick<MessageStore, "queueBounds">;
  settings: PopSettings;
  clock: Clock;
  stats: StatsSink;
  /** Queues of the revive topic that are read. */
  reviveQueueCount: number;
  /** A queue has become free for whoever waits for it. */
  wake: (topic: string, group: string, queueId: number) => void;
}

type AckFields = RequestFieldsOf<typeof ACK_MESSAGE>;
type InvisibleFields = RequestFieldsOf<typeof CHANGE_MESSAGE_INVISIBLETIME>;
/** When the message comes back unless the acknowledgement is there, and by which revive queue. */
type Due = Pick<ReceiptHandle, "popTimeMs" | "invisibleMs" | "reviveQueueId">;

/** What changing a message's time gives the client for its next handle; nothing when it was too late. */
export interface ChangedTime {
  popTime: number;
  invisibleTime: number;
  reviveQid: number;
}

/** What a taken acknowledgement is answered: nothing but success. */
type Taken = Answer<Record<string, never>>;
const TAKEN: Taken = {};

/** Changes of one message within a millisecond; a pop time further ahead is of a wall clock that was moved. */
const CHANGES_IN_A_ROW_MAX = 1_000;

export class Acks {
  /** Those of the last acknowledgement, which the next one mostly has too. */
  private lastTopic = "";
  private lastGroup = "";
  private lastKey = "";

  constructor(private readonly parts: AckParts) {}

  /** A promise when there is something to store. Throws RequestError. */
  acknowledge(fields: AckFields, remoteAddress: string): Taken | Promise<Taken> {
    const { topic, consumerGroup: group, queueId, offset } = fields;
    checkAckedQueue(this.parts.topics, topic, queueId, remoteAddress);
    const { minOffset, maxOffset } = this.boundsOf(topic, queueId);
    if (offset < minOffset || offset > maxOffset) {
      throw new RequestError(
        ResponseCode.NO_MESSAGE,
        `offset is illegal, key:${topic}@${queueId}, commit:${offset}, ` +
          `store:${minOffset}~${maxOffset}`,
      );
    }
    const handle = handleOf(fields.extraInfo);
    if (handle.reviveQueueId === POP_ORDER_REVIVE_QUEUE) {
      this.acknowledgeInOrder(topic, group, queueId, offset, handle, remoteAddress);
      return TAKEN;
    }
    const { startOffset, popTimeMs, brokerName } = handle;
    const ack = { topic, group, queueId, startOffset, popTimeMs, brokerName, offsets: [offset] };
    return this.store(ack, handle, false);
  }

  /** Throws RequestError; what came before the failing one is acknowledged. */
  async acknowledgeBatch(
    batch: BatchAck,
    brokerName: string,
    remoteAddress: string,
  ): Promise<void> {
    const { group, queueId, startOffset, popTimeMs } = batch;
    const topic = markedTopic(batch.topic, group, retryOf(batch.retry));
    const bounds = this.parts.store.queueBounds(topic, queueId);
    if (bounds === null) return;
    const offsets = setBits(batch.bits).map((bit) => startOffset + bit)
      .filter((offset) => offset >= bounds.minOffset && offset <= bounds.maxOffset);
    if (batch.reviveQueueId === POP_ORDER_REVIVE_QUEUE) {
      for (const offset of offsets) {
        this.acknowledgeInOrder(topic, group, queueId, offset, batch, remoteAddress);
      }
      return;
    }
    if (offsets.length === 0) return;
    const ack = { topic, group, queueId, startOffset, popTimeMs, brokerName, offsets };
    await this.store(ack, batch, true);
  }

  /** Throws RequestError. */
  async changeInvisibleTime(
    fields: InvisibleFields,
    remoteAddress: string,
  ): Promise<Partial<ChangedTime>> {
    const { topic, consumerGroup: group, queueId, offset } = fields;
    checkAckedQueue(this.parts.topics, topic, queueId, remoteAddress);
    const { minOffset, maxOffset } = this.boundsOf(topic, queueId);
    if (offset < minOffset || offset >= maxOffset) {
      throw new RequestError(ResponseCode.NO_MESSAGE, `no message at offset ${offset}`);
    }
    const handle = handleOf(fields.extraInfo);
    if (handle.reviveQueueId === POP_ORDER_REVIVE_QUEUE) return this.changeInOrder(fields, handle);
    const { brokerName, reviveQueueId, startOffset } = handle;
    const popTimeMs = nextPopTimeMs(this.parts.clock.nowMs(), handle.popTimeMs);
    // The new checkpoint first: were the broker killed between the two, the message would come twice, not never.
    this.checkReviveQueue(reviveQueueId);
    const isStored = await this.parts.reviveLog.putCheckpoint({
      topic,
      group,
      queueId,
      startOffset: offset,
      popTimeMs,
      invisibleMs: fields.invisibleTime,
      brokerName,
      messageCount: 1,
      offsetDiffs: [0],
      bits: 0,
      rewriteCount: 0,
    }, reviveQueueId);
    if (!isStored) throw notStored("a checkpoint");
    this.parts.stats.checkpointed(group, topic);
    const ack = {
      topic,
      group,
      queueId,
      startOffset,
      popTimeMs: handle.popTimeMs,
      brokerName,
      offsets: [offset],
    };
    // Both records are needed; if this one fails the client hears so and the message may come once too often.
    const storing = this.storeAck(ack, handle, false);
    if (storing !== null && !await storing) throw notStored("the acknowledgement");
    return { popTime: popTimeMs, invisibleTime: fields.invisibleTime, reviveQid: reviveQueueId };
  }

  private changeInOrder(fields: InvisibleFields, handle: ReceiptHandle): Partial<ChangedTime> {
    const { topic, consumerGroup: group, queueId, offset, invisibleTime } = fields;
    if (offset < this.parts.offsets.query(topic, group, queueId)) return zeroTime();
    const { popTimeMs, reviveQueueId } = handle;
    const visibleAtMs = this.parts.clock.nowMs() + invisibleTime;
    this.parts.orders.changeVisibleTime(topic, group, queueId, offset, popTimeMs, visibleAtMs);
    return {
      popTime: popTimeMs,
      invisibleTime: visibleAtMs - popTimeMs,
      reviveQid: reviveQueueId,
    };
  }

  private acknowledgeInOrder(
    topic: string,
    group: string,
    queueId: number,
    offset: number,
    { popTimeMs, invisibleMs }: Pick<ReceiptHandle, "popTimeMs" | "invisibleMs">,
    remoteAddress: string,
  ): void {
    const { offsets, orders, queues } = this.parts;
    const committed = offsets.query(topic, group, queueId);
    if (offset < committed) return;
    const result = orders.acknowledge(topic, group, queueId, offset, popTimeMs, committed);
    if (result === "unknown_message") {
      throw new RequestError(
        ResponseCode.MESSAGE_ILLEGAL,
        `offset is illegal, key:${topic}@${group}@${queueId}, old:${committed}, ` +
          `commit:${offset}, next:-1, /${remoteAddress}`,
      );
    }
    if (result !== "other_pop") {
      if (!offsets.hasReset(topic, group, queueId)) {
        offsets.commit(topic, group, queueId, result.offset);
      }
      if (!orders.isBlocked(null, topic, group, queueId, invisibleMs)) {
        this.parts.wake(topic, group, queueId);
      }
    }
    queues.returned(OffsetTable.key(topic, group), queueId, 1);
  }

  private store(ack: ReviveAck, due: Due, isBatch: boolean): Taken | Promise<Taken> {
    const storing = this.storeAck(ack, due, isBatch);
    if (storing === null) return this.returned(ack);
    return storing.then((isStored) => {
      if (!isStored) throw notStored("the acknowledgement");
      return this.returned(ack);
    });
  }

  /** Counts what came back; a group that had too much out may pop again. */
  private returned({ topic, group, queueId, offsets }: ReviveAck): Taken {
    const { queues, settings } = this.parts;
    const queue = queues.returned(this.keyOf(topic, group), queueId, offsets.length);
    if (settings.enablePopMessageThreshold && queue !== undefined) {
      if (queue.inFlightCount <= settings.popInflightMessageThreshold) {
        this.parts.wake(topic, group, queueId);
      }
    }
    return TAKEN;
  }

  private keyOf(topic: string, group: string): string {
    if (topic !== this.lastTopic || group !== this.lastGroup) {
      this.lastTopic = topic;
      this.lastGroup = group;
      this.lastKey = OffsetTable.key(topic, group);
    }
    return this.lastKey;
  }

  /** Null when it was taken in memory, else whether it is stored. Throws RequestError. */
  private storeAck(
    ack: ReviveAck,
    { popTimeMs, invisibleMs, reviveQueueId }: Due,
    isBatch: boolean,
  ): Promise<boolean> | null {
    this.checkReviveQueue(reviveQueueId);
    const { checkpoints, reviveLog, stats } = this.parts;
    stats.acknowledged(ack.group, ack.topic, ack.offsets.length);
    if (checkpoints.acknowledge(ack)) return null;
    const dueMs = popTimeMs + invisibleMs;
    return isBatch
      ? reviveLog.putBatchAck(ack, reviveQueueId, dueMs)
      : reviveLog.putAck(ack, reviveQueueId, dueMs);
  }

  /** A handle is a client's text: it makes no queues that nobody reads. */
  private checkReviveQueue(queueId: number): void {
    const { reviveQueueCount } = this.parts;
    if (queueId >= 0 && queueId < reviveQueueCount) return;
    throw new RequestError(
      ResponseCode.SYSTEM_ERROR,
      `the handle names revive queue ${queueId}, there are ${reviveQueueCount}`,
    );
  }

  private boundsOf(topic: string, queueId: number) {
    return this.parts.store.queueBounds(topic, queueId) ?? { minOffset: 0, maxOffset: 0 };
  }
}

function handleOf(text: string): ReceiptHandle {
  const handle = parseReceiptHandle(text);
  if (handle !== null) return handle;
  throw new RequestError(ResponseCode.SYSTEM_ERROR, `the extraInfo [${text}] is no receipt handle`);
}

/** A pop time that isn't the handle's: two checkpoints of one message and one time would take each other's acknowledgements. */
function nextPopTimeMs(nowMs: number, lastMs: number): number {
  return nowMs > lastMs || nowMs < lastMs - CHANGES_IN_A_ROW_MAX ? nowMs : lastMs + 1;
}

function retryOf(mark: string): RetryMark {
  if (mark === "0" || mark === "1" || mark === "2") return mark;
  throw new RequestError(ResponseCode.SYSTEM_ERROR, "getRetry fail, format is wrong");
}

function notStored(what: string): RequestError {
  return new RequestError(ResponseCode.SYSTEM_ERROR, `${what} was not stored`);
}

function zeroTime(): ChangedTime {
  return { popTime: 0, invisibleTime: 0, reviveQid: 0 };
}

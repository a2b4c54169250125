// Stores checkpoints and acknowledgements as messages of the revive topic that come due when the popped messages do. Only
// writes; revive_queue.ts reads them (Java: PopMessageProcessor.buildCkMsg, AckMessageProcessor.appendAck).
import { Buffer } from "node:buffer";
import { encodeProperties } from "../../../core/message/properties.ts";
import { PROPERTY } from "../../../core/message/property_names.ts";
import { tagsCode } from "../../../core/message/tag_hash.ts";
import { reviveTopicOf } from "../../../core/message/topic_names.ts";
import type { HostAddress } from "../../../core/remoting/handler.ts";
import type { Clock } from "../../../core/time/clock.ts";
import type { MessageToStore, PutResult } from "../../../store/message_store.ts";
import {
  ACK_TAG,
  ackKey,
  BATCH_ACK_TAG,
  type Checkpoint,
  CHECKPOINT_TAG,
  checkpointKey,
  encodeAck,
  encodeBatchAck,
  encodeCheckpoint,
  type ReviveAck,
  reviveTimeMs,
} from "../../../store/pop/revive_records.ts";

/** A checkpoint comes due this much before its messages, so that it is there before its acknowledgements. */
export const CHECKPOINT_LEAD_MS = 1_000;

/**
 * Stores a message so that it arrives in its topic at a time; at once when that is past. Resolves when it is safe;
 * rejects with RequestError when it is refused.
 */
export type TimedPut = (message: MessageToStore, deliverMs: number) => Promise<PutResult>;

export interface ReviveLogParts {
  putTimed: TimedPut;
  clock: Clock;
  storeHost: HostAddress;
  settings: { brokerClusterName: string };
}

const tagCodes = new Map([CHECKPOINT_TAG, ACK_TAG, BATCH_ACK_TAG].map((tag) => [
  tag,
  tagsCode(tag),
]));

export class ReviveLog {
  private readonly topic: string;

  constructor(private readonly parts: ReviveLogParts) {
    this.topic = reviveTopicOf(parts.settings.brokerClusterName);
  }

  /** False when it isn't stored. */
  putCheckpoint(checkpoint: Checkpoint, reviveQueueId: number): Promise<boolean> {
    return this.put(
      CHECKPOINT_TAG,
      reviveQueueId,
      encodeCheckpoint(checkpoint),
      checkpointKey(checkpoint),
      reviveTimeMs(checkpoint) - CHECKPOINT_LEAD_MS,
    );
  }

  putAck(ack: ReviveAck, reviveQueueId: number, dueMs: number): Promise<boolean> {
    return this.put(ACK_TAG, reviveQueueId, encodeAck(ack), ackKey(ack, false), dueMs);
  }

  putBatchAck(ack: ReviveAck, reviveQueueId: number, dueMs: number): Promise<boolean> {
    return this.put(BATCH_ACK_TAG, reviveQueueId, encodeBatchAck(ack), ackKey(ack, true), dueMs);
  }

  private put(
    tag: string,
    queueId: number,
    body: Buffer,
    uniqueKey: string,
    deliverMs: number,
  ): Promise<boolean> {
    const { storeHost, clock } = this.parts;
    const message: MessageToStore = {
      topic: this.topic,
      queueId,
      flag: 0,
      sysFlag: 0,
      bornTimestampMs: clock.nowMs(),
      bornAddress: storeHost.address,
      bornPort: storeHost.port,
      reconsumeTimes: 0,
      preparedTransactionOffset: 0,
      body,
      properties: encodeProperties([
        [PROPERTY.timerDeliverMs, String(deliverMs)],
        [PROPERTY.uniqueKey, uniqueKey],
        [PROPERTY.tags, tag],
      ]),
      tagsCode: tagCodes.get(tag)!,
      uniqueKey,
      keys: "",
      batchCount: 1,
    };
    return this.parts.putTimed(message, deliverMs).then(isStored);
  }
}

function isStored({ status }: PutResult): boolean {
  return status === "ok" || status === "flush_disk_timeout";
}

// Stores checkpoints and acknowledgements as messages of the revive topic that come due when the popped messages do. Only
// writes; revive_queue.ts reads them (Java: PopMessageProcessor.buildCkMsg, AckMessageProcessor.appendAck).
import { PROPERTY } from "../../../core/message/property_names.ts";
import { tagsCode } from "../../../core/message/tag_hash.ts";
import { reviveTopicOf, TIMER_TOPIC } from "../../../core/message/topic_names.ts";
import type { HostAddress } from "../../../core/remoting/handler.ts";
import type { Clock } from "../../../core/time/clock.ts";
import { isStored, type MessageToStore, type PutResult } from "../../../store/message_store.ts";
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
import { timedText } from "../timer/timer_rules.ts";

/** A checkpoint comes due this much before its messages, so that it is there before its acknowledgements. */
export const CHECKPOINT_LEAD_MS = 1_000;

/** Where messages go that come due at a time. */
export interface TimedPuts {
  /** The timer's slot of a time; 0: the message goes to its own topic. Throws RequestError when that is refused. */
  slotOf(deliverMs: number): number;
  /** Resolves when the message is safe, or says why it isn't. */
  put(message: MessageToStore, deliverMs: number): Promise<readonly PutResult[]>;
}

export interface ReviveLogParts {
  timedPuts: TimedPuts;
  clock: Clock;
  storeHost: HostAddress;
  settings: { brokerClusterName: string };
}

const encoder = new TextEncoder();
const tagCodes = new Map([CHECKPOINT_TAG, ACK_TAG, BATCH_ACK_TAG].map((tag) => [
  tag,
  tagsCode(tag),
]));

export class ReviveLog {
  private readonly topic: string;
  private last = { tag: "", queueId: -1, deliverMs: NaN, slot: -1, before: "", behind: "" };

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
    body: Uint8Array,
    uniqueKey: string,
    deliverMs: number,
  ): Promise<boolean> {
    const { storeHost, clock, timedPuts } = this.parts;
    // Whoever waits for the promise hears of a refusal too.
    let slot: number;
    try {
      slot = timedPuts.slotOf(deliverMs);
    } catch (error) {
      return Promise.reject(error);
    }
    const isTimed = slot > 0;
    const message: MessageToStore = {
      topic: isTimed ? TIMER_TOPIC : this.topic,
      queueId: isTimed ? 0 : queueId,
      flag: 0,
      sysFlag: 0,
      bornTimestampMs: clock.nowMs(),
      bornAddress: storeHost.address,
      bornPort: storeHost.port,
      reconsumeTimes: 0,
      preparedTransactionOffset: 0,
      body,
      properties: encoder.encode(this.propertiesText(tag, queueId, uniqueKey, deliverMs, slot)),
      tagsCode: tagCodes.get(tag)!,
      uniqueKey,
      keys: "",
      batchCount: 1,
    };
    return timedPuts.put(message, deliverMs).then(([result]) => isStored(result!.status));
  }

  /** Records of one pop come due together: the text before and behind the key is that of the last one. */
  private propertiesText(
    tag: string,
    queueId: number,
    uniqueKey: string,
    deliverMs: number,
    slot: number,
  ): string {
    const { last } = this;
    const isSame = deliverMs === last.deliverMs && slot === last.slot &&
      queueId === last.queueId && tag === last.tag;
    if (!isSame) {
      const timed = slot > 0 ? timedText(slot, this.topic, queueId) : "";
      this.last = {
        tag,
        queueId,
        deliverMs,
        slot,
        before: `${PROPERTY.timerDeliverMs}\x01${deliverMs}\x02${PROPERTY.uniqueKey}\x01`,
        behind: `\x02${PROPERTY.tags}\x01${tag}\x02${timed}`,
      };
    }
    return this.last.before + uniqueKey + this.last.behind;
  }
}

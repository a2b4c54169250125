// Reads one queue of the revive topic: puts acknowledgements to their checkpoints, and hands on those checkpoints whose time
// is surely up. Its offset moves past a checkpoint when that is settled (Java: PopReviveService.consumeReviveMessage).
import type { Buffer } from "node:buffer";
import { PropertyScanner } from "../../../core/message/property_scan.ts";
import { PROPERTY } from "../../../core/message/property_names.ts";
import { decodeRecord } from "../../../core/message/record.ts";
import type { Clock } from "../../../core/time/clock.ts";
import { isRecordOf } from "../../../store/entry_reads.ts";
import type { MessageStore, RecordView } from "../../../store/message_store.ts";
import {
  ACK_TAG,
  allBits,
  BATCH_ACK_TAG,
  type Checkpoint,
  CHECKPOINT_TAG,
  decodeAck,
  decodeCheckpoint,
  indexOfOffset,
  mergeKeyOf,
  reviveTimeMs,
} from "../../../store/pop/revive_records.ts";
import type { OffsetTable } from "../offsets/offset_table.ts";
import { CHECKPOINT_LEAD_MS } from "./revive_log.ts";

/** The group whose offsets say how far the revive topic is dealt with. */
export const REVIVE_GROUP = "CID_RMQ_SYS_REVIVE_GROUP";

/** Acknowledgements may lie this far behind the checkpoint's own time. */
const SURE_AFTER_MS = CHECKPOINT_LEAD_MS + 1_000;
/** A queue in which nothing arrives for so long has nothing on its way either, if the timer isn't behind. */
const QUIET_MS = 3_000;
/** Records read before checkpoints are looked at again. */
const BATCH_RECORDS_MAX = 512;

export interface ReviveQueueParts {
  store: Pick<MessageStore, "queueBounds" | "openCursor" | "readHot" | "entries">;
  offsets: OffsetTable;
  clock: Clock;
  topic: string;
  brokerName: string;
  /** True when the timer hasn't delivered yet what is due. */
  isTimerBehind: () => boolean;
  revive: (checkpoint: Checkpoint, reviveQueueId: number) => Promise<void>;
}

interface OpenCheckpoint {
  checkpoint: Checkpoint;
  key: string;
  reviveOffset: number;
}

export class ReviveQueue {
  /** The next record to read; -1 until the first look. */
  private position = -1;
  /** In the order of the queue. */
  private open: OpenCheckpoint[] = [];
  private readonly byKey = new Map<string, OpenCheckpoint>();
  /** Up to what time everything has arrived; 0 when nothing is known. */
  private arrivedUntilMs = 0;
  private readonly scanner = new PropertyScanner([PROPERTY.tags, PROPERTY.timerDeliverMs]);

  constructor(readonly queueId: number, private readonly parts: ReviveQueueParts) {}

  /** Nothing to read and no checkpoint open. */
  get isIdle(): boolean {
    const bounds = this.parts.store.queueBounds(this.parts.topic, this.queueId);
    return this.open.length === 0 &&
      (bounds === null || this.next(bounds.minOffset) >= bounds.maxOffset);
  }

  /** Reads what has arrived and settles the checkpoints whose time is up. "more" when there is more to read. */
  async step(): Promise<"more" | "idle"> {
    const { store, topic, clock, isTimerBehind } = this.parts;
    const bounds = store.queueBounds(topic, this.queueId);
    if (bounds === null) return "idle";
    this.position = Math.max(this.next(bounds.minOffset), bounds.minOffset);
    const start = this.position;
    await this.read(Math.min(bounds.maxOffset, start + BATCH_RECORDS_MAX));
    // What the timer delivered meanwhile is there before it counts as caught up.
    const isAtEnd = this.position >= store.queueBounds(topic, this.queueId)!.maxOffset;
    if (isAtEnd && this.arrivedUntilMs !== 0 && !isTimerBehind()) {
      const nowMs = clock.nowMs();
      if (nowMs - this.arrivedUntilMs > QUIET_MS) this.arrivedUntilMs = nowMs;
    }
    await this.settle();
    // What can't be read yet is tried again later: at once, nothing else would get its turn.
    return isAtEnd || this.position === start ? "idle" : "more";
  }

  private next(minOffset: number): number {
    if (this.position >= 0) return this.position;
    const done = this.parts.offsets.query(this.parts.topic, REVIVE_GROUP, this.queueId);
    return Math.max(done + 1, minOffset);
  }

  private async read(end: number): Promise<void> {
    const { store, topic } = this.parts;
    if (this.position >= end) return;
    const cursor = store.openCursor(topic, this.queueId, this.position);
    while (cursor !== null && this.position < end && cursor.next()) {
      const { queueOffset, physicalOffset, size } = cursor;
      const hot = store.readHot(physicalOffset, size);
      const isHot = hot !== null && isRecordOf(hot, topic, this.queueId, cursor);
      const view = isHot ? hot : await store.entries.read(topic, this.queueId, cursor);
      if (view !== null) this.take(view, queueOffset);
      this.position = queueOffset + 1;
    }
  }

  private take(view: RecordView, queueOffset: number): void {
    const buffer = view.buffer as Buffer;
    const { parts, body } = decodeRecord(buffer, view.start, view.start + view.size);
    const { scanner } = this;
    scanner.scan(buffer, parts.propertiesStart, parts.propertiesEnd);
    const tag = scanner.text(buffer, 0);
    if (tag === CHECKPOINT_TAG) this.takeCheckpoint(body, queueOffset);
    else if (tag === ACK_TAG || tag === BATCH_ACK_TAG) this.takeAck(body);
    const deliverMs = Number(scanner.text(buffer, 1) ?? 0);
    if (deliverMs > this.arrivedUntilMs) this.arrivedUntilMs = deliverMs;
  }

  private takeCheckpoint(body: Uint8Array, reviveOffset: number): void {
    const checkpoint = decodeCheckpoint(body);
    if (checkpoint === null) return;
    const key = mergeKeyOf(checkpoint);
    const known = this.byKey.get(key)?.checkpoint;
    // A timer that a kill interrupted delivers a record once more; its acknowledgements may come only once.
    if (known !== undefined && reviveTimeMs(known) === reviveTimeMs(checkpoint)) return;
    const opened = { checkpoint, key, reviveOffset };
    this.open.push(opened);
    this.byKey.set(key, opened);
  }

  private takeAck(body: Uint8Array): void {
    const ack = decodeAck(body);
    if (ack === null) return;
    const brokerName = ack.brokerName.trim() === "" ? this.parts.brokerName : ack.brokerName;
    const checkpoint = this.byKey.get(mergeKeyOf({ ...ack, brokerName }))?.checkpoint;
    if (checkpoint === undefined) return;
    for (const offset of ack.offsets) {
      const index = indexOfOffset(checkpoint, offset);
      if (index >= 0) checkpoint.bits |= 1 << index;
    }
  }

  private async settle(): Promise<void> {
    let settled = 0;
    try {
      for (const opened of this.open) {
        const { checkpoint, key } = opened;
        if (!this.isSure(checkpoint)) break;
        if (!isAcknowledged(checkpoint)) await this.parts.revive(checkpoint, this.queueId);
        if (this.byKey.get(key) === opened) this.byKey.delete(key);
        settled++;
      }
    } finally {
      this.open = this.open.slice(settled);
      this.commit();
    }
  }

  /** Its messages are all acknowledged, or no acknowledgement can be on its way any more. */
  private isSure(checkpoint: Checkpoint): boolean {
    return isAcknowledged(checkpoint) ||
      this.arrivedUntilMs - reviveTimeMs(checkpoint) > SURE_AFTER_MS;
  }

  /** Everything before the first open checkpoint is dealt with. */
  private commit(): void {
    const { offsets, topic } = this.parts;
    const done = (this.open[0]?.reviveOffset ?? this.position) - 1;
    if (done > offsets.query(topic, REVIVE_GROUP, this.queueId)) {
      offsets.commit(topic, REVIVE_GROUP, this.queueId, done);
    }
  }
}

function isAcknowledged({ bits, messageCount }: Checkpoint): boolean {
  const all = allBits(messageCount);
  return (bits & all) === all;
}

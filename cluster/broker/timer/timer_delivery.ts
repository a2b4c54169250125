// Delivers the slots of the wheel that are due, the oldest first: what takes messages back is read first, then the
// messages in their order (Java: TimerDequeueGetService and those behind it). A slot counts as delivered when all of it
// is stored.
import type { Logger } from "../../../core/log.ts";
import { TIMER_TOPIC } from "../../../core/message/topic_names.ts";
import type { Clock } from "../../../core/time/clock.ts";
import type { MessageToStore } from "../../../store/message_store.ts";
import type { TimerMetrics } from "../../../store/timer/timer_metrics.ts";
import type { SlotUnits, TimerStore } from "../../../store/timer/timer_store.ts";
import { UNIT_DELETES, UNIT_ROLLS } from "../../../store/timer/timer_unit.ts";
import { RecordBatch, type RecordSource } from "./record_batch.ts";
import { TimedRecord } from "./timed_message.ts";
import type { TimerPuts } from "./timer_puts.ts";

export interface TimerDeliveryParts {
  store: RecordSource;
  timers: TimerStore;
  metrics: TimerMetrics;
  puts: TimerPuts;
  clock: Clock;
  log: Logger;
}

/** Keys of messages that are taken back, with the topic each stands for and whether its message was found. */
type Recalls = Map<string, { topic: string | null; isFound: boolean }>;

export class TimerDelivery {
  private readonly batch: RecordBatch;
  private readonly record = new TimedRecord();
  /** Units of the batch's records. */
  private readonly indexes: number[] = [];

  constructor(private readonly parts: TimerDeliveryParts) {
    this.batch = new RecordBatch(parts.store, parts.clock);
  }

  /** Whether a slot is due. */
  get isDue(): boolean {
    const { timers } = this.parts;
    return timers.readTimeMs < timers.writeTimeMs;
  }

  /**
   * Delivers the slot at the read time and moves on; false when it was blank. `between` runs after each batch, so that
   * a large slot doesn't hold up the intake. Rejects with DiskError, TimerStopped.
   */
  async deliver(between: () => Promise<void>): Promise<boolean> {
    const { clock, timers } = this.parts;
    const units = timers.unitsOf(timers.readTimeMs);
    if (units === null) {
      timers.moveReadTime();
      return false;
    }
    const recalls: Recalls = new Map();
    for (let next = units.count - 1; next >= 0;) {
      next = await this.load(units, next, isRecall);
      this.readRecalls(recalls);
    }
    for (let next = units.count - 1; next >= 0;) {
      next = await this.load(units, next, (magic) => !isRecall(magic));
      const messages = this.messages(units, recalls);
      if (messages.length > 0) await this.parts.puts.put(messages);
      if (next >= 0) await between();
    }
    for (const { isFound, topic } of recalls.values()) {
      // It took nothing back: what it was counted for still counts.
      if (!isFound && topic !== null) this.parts.metrics.add(topic, 1, clock.nowMs());
    }
    timers.moveReadTime();
    timers.writeCheck(clock.nowMs());
    return true;
  }

  /** Loads the next units of a kind from `next` down; gives where to go on, -1 at the end. */
  private async load(
    units: SlotUnits,
    next: number,
    isWanted: (magic: number) => boolean,
  ): Promise<number> {
    const { batch, indexes } = this;
    batch.clear();
    indexes.length = 0;
    let at = next;
    for (; at >= 0; at--) {
      if (!isWanted(units.magics[at]!)) continue;
      if (!batch.add(units.physicalOffsets[at]!, units.recordBytes[at]!)) break;
      indexes.push(at);
    }
    const loading = batch.load();
    if (loading !== null) await loading;
    return at;
  }

  private readRecalls(recalls: Recalls): void {
    for (let index = 0; index < this.batch.count; index++) {
      if (!this.read(index)) continue;
      const { deleteKey, realTopic } = this.record;
      if (deleteKey !== null) recalls.set(deleteKey, { topic: realTopic, isFound: false });
    }
  }

  private messages(units: SlotUnits, recalls: Recalls): MessageToStore[] {
    const { record } = this;
    const { clock, log, metrics } = this.parts;
    const nowMs = clock.nowMs();
    const messages: MessageToStore[] = [];
    for (let index = 0; index < this.batch.count; index++) {
      if (!this.read(index)) continue;
      const unit = this.indexes[index]!;
      const isRoll = (units.magics[unit]! & UNIT_ROLLS) !== 0;
      if (!isRoll && recalls.size > 0 && this.isRecalled(recalls)) continue;
      const enqueueMs = String(units.writeTimesMs[unit]!);
      const message = isRoll ? record.rolled(enqueueMs, nowMs) : record.delivered(enqueueMs, nowMs);
      if (message === null) {
        const physicalOffset = this.batch.physicalOffsets[index]!;
        log.error("a timed message says no topic that it can go to", { physicalOffset });
        continue;
      }
      messages.push(message);
      const { realTopic } = record;
      if (realTopic !== null) metrics.add(realTopic, -1, nowMs);
    }
    return messages;
  }

  /** By unique key alone, or with the topic before it (appendTopicForTimerDeleteKey). */
  private isRecalled(recalls: Recalls): boolean {
    const { realTopic, uniqueKey } = this.record;
    if (uniqueKey === null) return false;
    const recall = recalls.get(uniqueKey) ?? recalls.get(`${realTopic}+${uniqueKey}`);
    if (recall === undefined) return false;
    recall.isFound = true;
    return true;
  }

  private read(index: number): boolean {
    const view = this.batch.view(index);
    const physicalOffset = this.batch.physicalOffsets[index]!;
    if (view !== null && this.record.read(view, physicalOffset)) {
      if (this.record.topic === TIMER_TOPIC) return true;
    }
    this.parts.log.warn("a timed message is gone from the log", { physicalOffset });
    return false;
  }
}

/** A unit that takes a message back here and now. */
function isRecall(magic: number): boolean {
  return (magic & UNIT_DELETES) !== 0 && (magic & UNIT_ROLLS) === 0;
}

// Delivers the slots of the wheel that are due, the oldest first: what takes messages back is read first, then the
// messages in their order (Java: TimerDequeueGetService and those behind it). A large slot is read while it waits for its
// time. It counts as delivered when all of it is stored.
import type { Logger } from "../../../core/log.ts";
import { isSound } from "../../../core/message/record_check.ts";
import { TIMER_TOPIC } from "../../../core/message/topic_names.ts";
import { type Clock, endOfTurn } from "../../../core/time/clock.ts";
import type { MessageStore, MessageToStore } from "../../../store/message_store.ts";
import type { TimerMetrics } from "../../../store/timer/timer_metrics.ts";
import type { SlotUnits } from "../../../store/timer/slot_units.ts";
import type { TimerStore } from "../../../store/timer/timer_store.ts";
import { UNIT_DELETES, UNIT_ROLLS } from "../../../store/timer/timer_unit.ts";
import { BATCH_RECORDS_MAX, PREPARE_MESSAGES_MIN, PREPARED_BYTES_MAX } from "./limits.ts";
import { RecordArena } from "./record_arena.ts";
import { RecordBatch, type RecordSource } from "./record_batch.ts";
import { TimedRecord } from "./timed_message.ts";
import type { TimerPuts } from "./timer_puts.ts";

export interface TimerDeliveryParts {
  store: RecordSource & Pick<MessageStore, "confirmOffset">;
  timers: TimerStore;
  metrics: TimerMetrics;
  puts: TimerPuts;
  clock: Clock;
  log: Logger;
}

/** Keys of messages that are taken back, with the topic each stands for and whether its message was found. */
type Recalls = Map<string, { topic: string | null; isFound: boolean }>;

/** Messages that are ready to be put, and the topic that each is counted for. */
interface Ready {
  messages: MessageToStore[];
  topics: (string | null)[];
}

/** What was read of a slot before it was due: its units by then, and messages of the oldest of them. */
interface Prepared extends Ready {
  units: SlotUnits;
  unitCount: number;
}

export class TimerDelivery {
  private readonly batch: RecordBatch;
  /** What is prepared, or what is being put. */
  private readonly arena = new RecordArena();
  private readonly record = new TimedRecord(this.arena);
  /** Units of the batch's records. */
  private readonly indexes: number[] = [];
  private prepared: Prepared | null = null;

  /** What stands before it was stored by an earlier run: its body may have changed since. */
  private readonly startOffset: number;

  constructor(private readonly parts: TimerDeliveryParts) {
    this.startOffset = parts.store.confirmOffset;
    this.batch = new RecordBatch(parts.store, parts.clock);
  }

  /** Whether a slot is due. */
  get isDue(): boolean {
    const { timers } = this.parts;
    return timers.readTimeMs < timers.writeTimeMs;
  }

  /** Whether the slot at the read time is worth reading before it is due. */
  get isWorthPreparing(): boolean {
    const { timers } = this.parts;
    return this.prepared?.units.timeMs !== timers.readTimeMs &&
      timers.waitingAt(timers.readTimeMs) >= PREPARE_MESSAGES_MIN;
  }

  /** Reads what the slot at the read time holds by now, so that at its time the messages have only to be stored. */
  async prepare(): Promise<void> {
    const { clock, timers } = this.parts;
    const timeMs = timers.readTimeMs;
    const units = timers.unitsOf(timeMs);
    if (units === null) return;
    const prepared: Prepared = { units, unitCount: 0, messages: [], topics: [] };
    this.prepared = prepared;
    this.arena.clear();
    for (let next = units.count - 1; next >= 0 && this.arena.bytes < PREPARED_BYTES_MAX;) {
      next = await this.load(units, next, (magic) => !isRecall(magic));
      this.collect(units, String(timeMs + timers.precisionMs), null, prepared);
      prepared.unitCount = units.count - 1 - next;
      await endOfTurn(clock);
    }
  }

  /**
   * Delivers the slot at the read time and moves on; false when it was blank. `between` runs after each batch, so that
   * a large slot doesn't hold up the intake. Rejects with DiskError, TimerStopped.
   */
  async deliver(between: () => Promise<void>): Promise<boolean> {
    const { clock, timers } = this.parts;
    const prepared = this.takePrepared();
    const units = timers.unitsOf(timers.readTimeMs, prepared?.units.lastPosition);
    if (units === null) {
      timers.moveReadTime();
      return false;
    }
    const recalls: Recalls = new Map();
    if (prepared !== null) await this.findRecalls(prepared.units, recalls);
    await this.findRecalls(units, recalls);
    if (prepared !== null) {
      await this.deliverPrepared(prepared, recalls, between);
      await this.deliverUnits(prepared.units, prepared.unitCount, recalls, between);
    }
    await this.deliverUnits(units, 0, recalls, between);
    for (const { isFound, topic } of recalls.values()) {
      // It took nothing back: what it was counted for still counts.
      if (!isFound && topic !== null) this.parts.metrics.add(topic, 1, clock.nowMs());
    }
    timers.moveReadTime();
    timers.writeCheck(clock.nowMs());
    return true;
  }

  /** What was prepared of the slot at the read time; of a slot that failed, nothing is known any more. */
  private takePrepared(): Prepared | null {
    const { prepared } = this;
    this.prepared = null;
    return prepared?.units.timeMs === this.parts.timers.readTimeMs ? prepared : null;
  }

  private async findRecalls(units: SlotUnits, recalls: Recalls): Promise<void> {
    for (let next = units.count - 1; next >= 0;) {
      next = await this.load(units, next, isRecall);
      this.readRecalls(recalls);
    }
  }

  /** Puts what was prepared of the slot, less what was taken back since. */
  private async deliverPrepared(
    { messages, topics }: Prepared,
    recalls: Recalls,
    between: () => Promise<void>,
  ): Promise<void> {
    for (let from = 0; from < messages.length; from += BATCH_RECORDS_MAX) {
      const ready: Ready = { messages: [], topics: [] };
      for (let at = from; at < Math.min(messages.length, from + BATCH_RECORDS_MAX); at++) {
        const message = messages[at]!;
        if (recalls.size > 0 && message.topic !== TIMER_TOPIC) {
          if (isTakenBack(recalls, message.topic, message.uniqueKey)) continue;
        }
        ready.messages.push(message);
        ready.topics.push(topics[at]!);
      }
      await this.put(ready);
      await between();
    }
  }

  /** Puts the messages of a slot's units, less the oldest `done` of them. */
  private async deliverUnits(
    units: SlotUnits,
    done: number,
    recalls: Recalls,
    between: () => Promise<void>,
  ): Promise<void> {
    for (let next = units.count - 1 - done; next >= 0;) {
      next = await this.load(units, next, (magic) => !isRecall(magic));
      this.arena.clear();
      const ready: Ready = { messages: [], topics: [] };
      this.collect(units, String(this.parts.clock.nowMs()), recalls, ready);
      await this.put(ready);
      if (next >= 0) await between();
    }
  }

  private async put({ messages, topics }: Ready): Promise<void> {
    const { clock, metrics, puts } = this.parts;
    if (messages.length === 0) return;
    await puts.put(messages);
    const nowMs = clock.nowMs();
    for (const topic of topics) {
      if (topic !== null) metrics.add(topic, -1, nowMs);
    }
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

  /** Makes messages of the batch; `recalls` null: that is asked later. */
  private collect(
    units: SlotUnits,
    dequeueMs: string,
    recalls: Recalls | null,
    ready: Ready,
  ): void {
    const { batch, record } = this;
    const { log, timers } = this.parts;
    let writeTimeMs = NaN;
    let enqueueMs = "";
    for (let index = 0; index < batch.count; index++) {
      if (!this.read(index)) continue;
      const unit = this.indexes[index]!;
      const isRoll = (units.magics[unit]! & UNIT_ROLLS) !== 0;
      const { outMs, realTopic } = record;
      if (!isRoll && (outMs === null || timers.floor(outMs) !== units.timeMs)) {
        log.warn("a unit of the timer log isn't of the record at its place", {
          physicalOffset: batch.physicalOffsets[index]!,
        });
        continue;
      }
      if (!isRoll && recalls !== null && recalls.size > 0) {
        if (isTakenBack(recalls, realTopic ?? "", record.uniqueKey ?? "")) continue;
      }
      // Mostly the last one's.
      if (units.writeTimesMs[unit]! !== writeTimeMs) {
        writeTimeMs = units.writeTimesMs[unit]!;
        enqueueMs = String(writeTimeMs);
      }
      const message = isRoll
        ? record.rolled(enqueueMs, dequeueMs)
        : record.delivered(enqueueMs, dequeueMs);
      if (message === null) {
        const physicalOffset = batch.physicalOffsets[index]!;
        log.error("a timed message says no topic that it can go to", { physicalOffset });
        continue;
      }
      ready.messages.push(message);
      ready.topics.push(realTopic);
    }
  }

  private read(index: number): boolean {
    const { batch } = this;
    const view = batch.view(index);
    const physicalOffset = batch.physicalOffsets[index]!;
    if (view !== null && this.record.read(view, physicalOffset)) {
      if (physicalOffset >= this.startOffset || isSound(view)) return true;
    }
    this.parts.log.error("a timed message is damaged or gone from the log", { physicalOffset });
    return false;
  }
}

/** By unique key alone, or with the topic before it (appendTopicForTimerDeleteKey). */
function isTakenBack(recalls: Recalls, topic: string, uniqueKey: string): boolean {
  if (uniqueKey === "" || recalls.size === 0) return false;
  const recall = recalls.get(uniqueKey) ?? recalls.get(`${topic}+${uniqueKey}`);
  if (recall === undefined) return false;
  recall.isFound = true;
  return true;
}

/** A unit that takes a message back here and now. */
function isRecall(magic: number): boolean {
  return (magic & UNIT_DELETES) !== 0 && (magic & UNIT_ROLLS) === 0;
}

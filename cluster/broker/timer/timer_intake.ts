// Reads the timer topic's queue and puts each record into its slot of the wheel, or delivers it when its time is past
// (Java: TimerEnqueueGetService and TimerEnqueuePutService). A record that says no time is passed over: it must not
// hold up all others.
import { javaHash } from "../../../core/bytes/java_hash.ts";
import type { Logger } from "../../../core/log.ts";
import { isNumbered } from "../../../core/message/record_check.ts";
import { TIMER_QUEUE_ID, TIMER_TOPIC } from "../../../core/message/topic_names.ts";
import type { Clock } from "../../../core/time/clock.ts";
import type { MessageStore, MessageToStore } from "../../../store/message_store.ts";
import type { TimerMetrics } from "../../../store/timer/timer_metrics.ts";
import type { TimerStore } from "../../../store/timer/timer_store.ts";
import { BATCH_RECORDS_MAX } from "./limits.ts";
import { RecordArena } from "./record_arena.ts";
import { RecordBatch, type RecordSource } from "./record_batch.ts";
import { NEVER_ENQUEUED, TimedRecord } from "./timed_message.ts";
import type { TimerPuts } from "./timer_puts.ts";

export interface TimerIntakeParts {
  store:
    & Pick<MessageStore, "queueBounds" | "openCursor" | "minPhysicalOffset" | "entries">
    & RecordSource;
  timers: TimerStore;
  metrics: TimerMetrics;
  puts: TimerPuts;
  clock: Clock;
  log: Logger;
}

/** A batch as it was read. */
interface Taken {
  /** By their place in the batch, in order. */
  waiting: {
    index: number;
    outMs: number;
    isDelete: boolean;
    realTopic: string | null;
    size: number;
  }[];
  due: MessageToStore[];
  dueOffsets: number[];
  /** Keys of messages that are taken back, of the past too. */
  lateRecalls: Set<string>;
}

export class TimerIntake {
  /** Records put into the wheel since the start. */
  total = 0;
  /** The slot at the read time is being delivered: nothing can enter it any more. */
  isSlotOpen = true;
  private readonly batch: RecordBatch;
  /** The batch's numbers in the queue. */
  private readonly queueOffsets = new Float64Array(BATCH_RECORDS_MAX);
  /** What a batch delivers at once. */
  private readonly arena = new RecordArena();
  private readonly record = new TimedRecord(this.arena);
  /** After the timer log was lost: how often each rolled message has been rolled. */
  private rolls: Map<string, number> | null = null;
  /** Queue offsets of what was delivered at once, while the disk refuses the wheel's part of the same batch. */
  private readonly deliveredAhead = new Set<number>();

  constructor(private readonly parts: TimerIntakeParts) {
    this.batch = new RecordBatch(parts.store, parts.clock);
  }

  /**
   * Finds where reading goes on: behind the last unit of the timer log, which is surer than what the check says, or at the
   * queue's beginning.
   */
  async recover(): Promise<void> {
    const { timers, log } = this.parts;
    const behind = await this.offsetBehindLog();
    const isReadAgain = behind === null && this.knowsLogNothing;
    if (behind !== null) timers.queueOffset = behind;
    else if (isReadAgain) timers.queueOffset = 0;
    this.correctOffset();
    if (isReadAgain) await this.findRolls();
    log.info("timers go on", { queueOffset: timers.queueOffset, readTimeMs: timers.readTimeMs });
  }

  /** No entry of the queue has a unit in the timer log: all that isn't done must be taken in. */
  private get knowsLogNothing(): boolean {
    const { store, timers } = this.parts;
    const { isLogLost, lastUnit } = timers;
    return isLogLost || lastUnit === null || lastUnit.physicalOffset < store.minPhysicalOffset;
  }

  /** Takes in the next records; false when there are none. Rejects with DiskError, TimerStopped. */
  async next(): Promise<boolean> {
    if (!this.fill(this.parts.timers.queueOffset)) return false;
    const loading = this.batch.load();
    if (loading !== null) await loading;
    if (await this.isMended()) return true;
    const { clock, puts, timers } = this.parts;
    timers.moveWriteTime(clock.nowMs());
    const taken = this.take();
    // Before any of the batch is on disk, which would say that those before it are done.
    if (taken.due.length > 0) await puts.put(taken.due);
    for (const queueOffset of taken.dueOffsets) this.deliveredAhead.add(queueOffset);
    this.enqueue(taken);
    timers.write();
    timers.writeCheck(clock.nowMs());
    return true;
  }

  /** Entries of the queue that aren't read yet. */
  get behind(): number {
    const bounds = this.parts.store.queueBounds(TIMER_TOPIC, TIMER_QUEUE_ID);
    return bounds === null ? 0 : Math.max(0, bounds.maxOffset - this.parts.timers.queueOffset);
  }

  /** Reads the batch: what belongs into the wheel, and what is to be delivered at once. */
  private take(): Taken {
    const taken: Taken = { waiting: [], due: [], dueOffsets: [], lateRecalls: new Set() };
    this.arena.clear();
    for (let index = 0; index < this.batch.count; index++) this.takeOne(index, taken);
    const { due, lateRecalls } = taken;
    if (lateRecalls.size > 0) {
      taken.due = due.filter(({ topic, uniqueKey }) =>
        !lateRecalls.has(uniqueKey) && !lateRecalls.has(`${topic}+${uniqueKey}`)
      );
    }
    return taken;
  }

  /** Puts what was read into the wheel. Throws DiskError; then the rest is read again, but for what was delivered. */
  private enqueue({ waiting }: Taken): void {
    const { batch, deliveredAhead } = this;
    const { clock, metrics, timers } = this.parts;
    const start = timers.queueOffset;
    const nowMs = clock.nowMs();
    let lastTopic = "";
    let topicHash = 0;
    for (const { index, outMs, isDelete, realTopic, size } of waiting) {
      timers.queueOffset = start + index;
      if (realTopic !== lastTopic) {
        lastTopic = realTopic ?? "";
        topicHash = javaHash(lastTopic);
      }
      timers.enqueue(outMs, batch.physicalOffsets[index]!, size, isDelete, topicHash);
      this.total++;
      if (realTopic !== null) metrics.add(realTopic, isDelete ? -1 : 1, nowMs);
    }
    timers.queueOffset = start + batch.count;
    deliveredAhead.clear();
  }

  private takeOne(index: number, { waiting, due, dueOffsets, lateRecalls }: Taken): void {
    const { batch, record } = this;
    const { clock, log, timers } = this.parts;
    const queueOffset = timers.queueOffset + index;
    const physicalOffset = batch.physicalOffsets[index]!;
    const view = batch.view(index);
    if (view === null || !record.read(view, physicalOffset)) {
      return log.warn("a timed message is gone from the log", { physicalOffset });
    }
    const { outMs } = record;
    if (outMs === null) {
      return log.error("a record of the timer topic says no time", { physicalOffset });
    }
    if (this.isDone(queueOffset, outMs)) return;
    const { isDelete, realTopic } = record;
    // A slot that is due but not begun still takes messages, and what takes them back: after a time without a broker, or
    // with a timer log that lost its end, both are read only now.
    if (outMs >= timers.readTimeMs + (this.isSlotOpen ? 0 : 1)) {
      waiting.push({ index, outMs, isDelete, realTopic, size: view.size });
      return;
    }
    if (isDelete) return void lateRecalls.add(record.deleteKey!);
    if (this.deliveredAhead.has(queueOffset)) return;
    const message = record.delivered(NEVER_ENQUEUED, String(clock.nowMs()));
    dueOffsets.push(queueOffset);
    if (message !== null) due.push(message);
    else log.error("a timed message says no topic that it can go to", { physicalOffset });
  }

  /** Whether an entry was dealt with before a crash that the timer log doesn't tell of. */
  private isDone(queueOffset: number, outMs: number): boolean {
    const { recovered } = this.parts.timers;
    const { lastReadTimeMs } = recovered;
    if (queueOffset >= recovered.queueOffset) return false;
    if (outMs < lastReadTimeMs) return true;
    return this.rolls !== null && this.record.rollTimes < (this.rolls.get(this.rollKey()) ?? 0);
  }

  private rollKey(): string {
    const { record } = this;
    return `${record.realTopic} ${record.uniqueKey} ${record.deleteKey ?? ""}`;
  }

  /** Fills the batch from a queue offset on; false when there is nothing. */
  private fill(queueOffset: number): boolean {
    const { batch } = this;
    const { store } = this.parts;
    batch.clear();
    this.correctOffset();
    const bounds = store.queueBounds(TIMER_TOPIC, TIMER_QUEUE_ID);
    if (bounds === null || queueOffset >= bounds.maxOffset) return false;
    const from = Math.max(queueOffset, bounds.minOffset);
    const cursor = store.openCursor(TIMER_TOPIC, TIMER_QUEUE_ID, from);
    if (cursor === null) return false;
    while (cursor.next() && batch.add(cursor.physicalOffset, cursor.size)) {
      this.queueOffsets[batch.count - 1] = cursor.queueOffset;
    }
    return batch.count > 0;
  }

  /** Whether an entry of the batch named another record than its own and is mended now: then it is to be read again. */
  private async isMended(): Promise<boolean> {
    const { batch, queueOffsets } = this;
    const { entries } = this.parts.store;
    for (let index = 0; index < batch.count; index++) {
      const queueOffset = queueOffsets[index]!;
      const view = batch.view(index);
      if (view !== null && isNumbered(view.buffer, view.start, TIMER_QUEUE_ID, queueOffset)) {
        continue;
      }
      const entry = { queueOffset, ...batch.entry(index) };
      if (await entries.judge(TIMER_TOPIC, TIMER_QUEUE_ID, entry) === "mended") return true;
    }
    return false;
  }

  private correctOffset(): void {
    const { log, store, timers } = this.parts;
    const bounds = store.queueBounds(TIMER_TOPIC, TIMER_QUEUE_ID);
    if (bounds === null) return;
    const offset = Math.min(Math.max(timers.queueOffset, bounds.minOffset), bounds.maxOffset);
    if (offset === timers.queueOffset) return;
    log.warn("the timer's offset is corrected", { stored: timers.queueOffset, offset });
    timers.queueOffset = offset;
  }

  /** The queue offset behind the timer log's last unit; null when it can't be found. */
  private async offsetBehindLog(): Promise<number | null> {
    const { store, timers } = this.parts;
    const unit = timers.lastUnit;
    if (unit === null) return null;
    this.batch.clear();
    this.batch.add(unit.physicalOffset, unit.recordBytes);
    await this.batch.load();
    const view = this.batch.view(0);
    if (view === null || !this.record.read(view, unit.physicalOffset)) return null;
    const { queueOffset } = this.record;
    const bounds = store.queueBounds(TIMER_TOPIC, TIMER_QUEUE_ID);
    if (bounds === null) return null;
    if (queueOffset < bounds.minOffset || queueOffset >= bounds.maxOffset) return null;
    const cursor = store.openCursor(TIMER_TOPIC, TIMER_QUEUE_ID, queueOffset);
    const isThere = cursor !== null && cursor.next() &&
      cursor.physicalOffset === unit.physicalOffset;
    return isThere ? queueOffset + 1 : null;
  }

  /** A rolled message stands in the queue once for each time: only the last one counts. */
  private async findRolls(): Promise<void> {
    const { timers } = this.parts;
    const rolls = new Map<string, number>();
    const { entries } = this.parts.store;
    for (let offset = timers.queueOffset;;) {
      if (!this.fill(offset)) {
        const mends = entries.mends(TIMER_TOPIC, TIMER_QUEUE_ID);
        if (mends === null) break;
        await mends;
        continue;
      }
      await this.batch.load();
      if (await this.isMended()) continue;
      for (let index = 0; index < this.batch.count; index++) {
        const view = this.batch.view(index);
        const isRead = view !== null && this.record.read(view, this.batch.physicalOffsets[index]!);
        const times = isRead ? this.record.rollTimes : 0;
        if (times > 0) rolls.set(this.rollKey(), times);
      }
      offset += this.batch.count;
    }
    this.rolls = rolls;
  }
}

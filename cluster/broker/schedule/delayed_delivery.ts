// Delivers the messages of the delay levels when they are due: one loop a level, in order, waked by the due time of the
// next message and not by polling (Java: ScheduleMessageService).
import type { Logger } from "../../../core/log.ts";
import { SCHEDULE_TOPIC, TRANSACTION_HALF_TOPIC } from "../../../core/message/topic_names.ts";
import type { Clock, Timer } from "../../../core/time/clock.ts";
import {
  isStored,
  type MessageStore,
  type MessageToStore,
  type PutResult,
  type QueueCursor,
  type QueueEntry,
  type RecordView,
} from "../../../store/message_store.ts";
import { isRecordOf } from "../../../store/entry_reads.ts";
import { DelayLevels } from "../../../store/schedule/delay_levels.ts";
import type { DelayOffsets } from "../../../store/schedule/delay_offsets.ts";
import { ColdBlocks } from "../pull/cold_blocks.ts";
import type { StatsSink } from "../stats_sink.ts";
import { delayedMessageOf } from "./delayed_message.ts";

export interface DelayedDeliveryParts {
  store: Pick<
    MessageStore,
    | "queueBounds"
    | "openCursor"
    | "readHot"
    | "readInto"
    | "confirmOffset"
    | "minPhysicalOffset"
    | "put"
    | "entries"
    | "onArrival"
  >;
  levels: DelayLevels;
  offsets: DelayOffsets;
  clock: Clock;
  log: Logger;
  stats: StatsSink;
}

/** Messages and bytes that are delivered in one turn of the event loop, which may be long under load. */
const TURN_MESSAGES_MAX = 2_048;
const TURN_BYTES_MAX = 1024 * 1024;
/** Messages of one put, which is stored as a unit. */
const PUT_MESSAGES_MAX = 64;
/** Stretches of the log that due messages are read in: small, since they may lie far apart. */
const BLOCK_BYTES = 64 * 1024;
const BLOCKS_MAX = 32;
/** Wait before a delivery that failed is tried again. */
const RETRY_DELAY_MS = 100;
/** Longest sleep: the wall clock may be moved meanwhile. */
const SLEEP_MS_MAX = 1_000;

export class DelayedDelivery implements AsyncDisposable {
  private readonly loops: LevelLoop[] = [];

  constructor(parts: DelayedDeliveryParts) {
    const blocks = new ColdBlocks(parts.store, BLOCK_BYTES, BLOCKS_MAX);
    for (let level = 1; level <= parts.levels.max; level++) {
      this.loops.push(new LevelLoop(level, parts, blocks));
    }
    parts.store.onArrival((topic, queueId) => {
      if (topic === SCHEDULE_TOPIC) this.loops[queueId]?.wake();
    });
  }

  /** Starts with what has come due while the broker was down. */
  start(): void {
    for (const loop of this.loops) loop.wake();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.loops.map((loop) => loop.stop()));
  }
}

/** What a look at a level's queue gave: messages that are due, or how long to wait. */
interface Due {
  messages: MessageToStore[];
  /** The offset after those looked at. */
  nextOffset: number;
  waitMs: number;
}

class LevelLoop {
  private timer: Timer | null = null;
  private running: Promise<void> | null = null;
  private stopped = false;
  /** A message arrived while the loop ran. */
  private waked = false;

  constructor(
    private readonly level: number,
    private readonly parts: DelayedDeliveryParts,
    private readonly blocks: ColdBlocks,
  ) {}

  /** Lets an idle loop look; one that waits for its next message needs no waking, since order is that of due times. */
  wake(): void {
    if (this.running !== null) {
      this.waked = true;
      return;
    }
    if (this.timer === null && !this.stopped) this.run();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.timer?.cancel();
    await this.running;
  }

  private run(): void {
    this.timer = null;
    this.running = this.deliver().catch((error: unknown) => {
      this.parts.log.error("delivering delayed messages failed", { level: this.level, error });
      return RETRY_DELAY_MS;
    }).then((waitMs) => {
      this.running = null;
      const looksAgain = this.waked && waitMs === Infinity;
      this.waked = false;
      if (this.stopped) return;
      if (looksAgain) return this.run();
      if (waitMs === Infinity) return;
      this.timer = this.parts.clock.after(Math.min(waitMs, SLEEP_MS_MAX), () => this.run());
    });
  }

  /** Delivers all that is due; gives how long to wait for the next message, Infinity when there is none. */
  private async deliver(): Promise<number> {
    const { offsets, clock } = this.parts;
    while (!this.stopped) {
      const cursor = this.openCursor();
      if (cursor === null) return Infinity;
      const due = await this.collect(cursor);
      await this.store(due);
      const from = offsets.get(this.level);
      if (due.nextOffset > from) {
        offsets.set(this.level, due.nextOffset, due.nextOffset - from, clock.nowMs());
      }
      if (due.waitMs > 0) return due.waitMs;
    }
    return Infinity;
  }

  /** Puts what is due, all in one turn. Rejects when some of it wasn't stored: then all is tried again. */
  private async store({ messages }: Due): Promise<void> {
    const puts: Promise<PutResult[]>[] = [];
    for (let from = 0; from < messages.length; from += PUT_MESSAGES_MAX) {
      puts.push(this.put(messages.slice(from, from + PUT_MESSAGES_MAX)));
    }
    const results = (await Promise.all(puts)).flat();
    // A message whose flush timed out is stored: delivering it again would double it.
    const failed = results.find(({ status }) => !isStored(status));
    if (failed !== undefined) throw new Error(`not stored: ${failed.status} ${failed.detail}`);
    this.count(messages, results);
  }

  /** Together messages may not fit a log file, which is as small as the configuration says: then each goes by itself. */
  private async put(messages: MessageToStore[]): Promise<PutResult[]> {
    const { store } = this.parts;
    const results = await store.put(messages);
    if (messages.length === 1 || results[0]!.status !== "message_illegal") return results;
    return (await Promise.all(messages.map((message) => store.put([message])))).flat();
  }

  /** A cursor at the next message to deliver; null when there is none. Corrects an offset outside the queue. */
  private openCursor(): QueueCursor | null {
    const { store, offsets, clock, log } = this.parts;
    const queueId = DelayLevels.queueOf(this.level);
    const bounds = store.queueBounds(SCHEDULE_TOPIC, queueId);
    if (bounds === null) return null;
    const stored = offsets.get(this.level);
    const offset = Math.min(Math.max(stored, bounds.minOffset), bounds.maxOffset);
    if (offset !== stored) {
      log.warn("a delay level's offset is corrected", { level: this.level, stored, offset });
      offsets.set(this.level, offset, 1, clock.nowMs());
    }
    return offset === bounds.maxOffset ? null : store.openCursor(SCHEDULE_TOPIC, queueId, offset);
  }

  private async collect(cursor: QueueCursor): Promise<Due> {
    const { clock, levels, offsets, store } = this.parts;
    const due: Due = { messages: [], nextOffset: offsets.get(this.level), waitMs: 0 };
    let bytes = 0;
    const longestMs = levels.delayMs(this.level)!;
    while (due.messages.length < TURN_MESSAGES_MAX && bytes < TURN_BYTES_MAX) {
      if (!cursor.next()) {
        due.waitMs = Infinity;
        break;
      }
      const leftMs = cursor.tagsCode - clock.nowMs();
      // A due time that lies further ahead than the level's delay comes from a clock that was wrong: deliver now.
      if (leftMs > 0 && leftMs <= longestMs) {
        due.waitMs = leftMs;
        break;
      }
      const { queueOffset, physicalOffset, size } = cursor;
      const hot = store.readHot(physicalOffset, size);
      const isHot = hot !== null && this.isMeant(hot, cursor);
      const message = isHot ? this.messageOf(hot, physicalOffset) : await this.coldMessage(cursor);
      if (message !== null) due.messages.push(message);
      bytes += size;
      due.nextOffset = queueOffset + 1;
    }
    // What was collected is put first; then the loop looks again.
    if (due.messages.length > 0) due.waitMs = 0;
    return due;
  }

  /** The message from a record that must be read; null when it is gone. */
  private async coldMessage(cursor: QueueCursor): Promise<MessageToStore | null> {
    const { blocks } = this;
    const { physicalOffset, size } = cursor;
    const block = blocks.hold(physicalOffset, physicalOffset + size);
    try {
      if (block.loading !== null) await block.loading;
      const start = physicalOffset - block.base;
      const view = { buffer: block.buffer, start, size };
      const isWhole = start >= block.start && start + size <= block.length;
      if (isWhole && this.isMeant(view, cursor)) return this.messageOf(view, physicalOffset);
    } finally {
      blocks.release(block);
    }
    const queueId = DelayLevels.queueOf(this.level);
    const view = await this.parts.store.entries.read(SCHEDULE_TOPIC, queueId, cursor);
    return view === null ? null : this.messageOf(view, physicalOffset);
  }

  private isMeant(view: RecordView, entry: QueueEntry): boolean {
    return isRecordOf(view, SCHEDULE_TOPIC, DelayLevels.queueOf(this.level), entry);
  }

  /** The message to deliver; null when its record is damaged or says no place that it can go to. */
  private messageOf(view: RecordView, physicalOffset: number): MessageToStore | null {
    const message = delayedMessageOf(view);
    if (message !== null && message.topic !== TRANSACTION_HALF_TOPIC) return message;
    this.parts.log.error("a delayed message is damaged, or says no topic that it can go to", {
      physicalOffset,
    });
    return null;
  }

  private count(messages: readonly MessageToStore[], results: readonly { size: number }[]): void {
    const { stats } = this.parts;
    messages.forEach(({ topic, queueId }, index) => {
      stats.topicPut(topic, queueId, 1, results[index]!.size);
      stats.brokerPut(topic, 1);
    });
  }
}

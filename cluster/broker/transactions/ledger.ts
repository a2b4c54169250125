// Which transactions are open, made of what is on disk: the offsets of CID_RMQ_SYS_TRANS, the op messages behind them, and
// the half messages that were put back. Rebuilt at every start; nothing of it needs a file of its own.
import { DiskError } from "../../../core/disk/disk.ts";
import type { Logger } from "../../../core/log.ts";
import { PROPERTY } from "../../../core/message/property_names.ts";
import { parseProperties } from "../../../core/message/properties.ts";
import { DecodeError } from "../../../core/errors.ts";
import { decodeRecord } from "../../../core/message/record.ts";
import { TRANSACTION_HALF_TOPIC, TRANSACTION_OP_TOPIC } from "../../../core/message/topic_names.ts";
import { type Clock, endOfTurn } from "../../../core/time/clock.ts";
import type { MessageStore, QueueCursor, RecordView } from "../../../store/message_store.ts";
import type { OffsetTable } from "../offsets/offset_table.ts";
import type { TopicTable } from "../topics/topic_table.ts";
import { type HalfMessage, halfMessageOf, transactionKeyOf } from "./half_message.ts";
import { DECIDED, type Decision, HalfQueue, type HalfState, UNDECIDED } from "./half_queue.ts";
import { LOOKS_PER_TURN_MAX } from "./limits.ts";
import { OP_SEPARATOR, OP_TAG } from "./op_batches.ts";

export const TRANSACTION_GROUP = "CID_RMQ_SYS_TRANS";

export interface LedgerParts {
  store: Pick<MessageStore, "queueBounds" | "openCursor" | "entries">;
  offsets: OffsetTable;
  topics: Pick<TopicTable, "get">;
  clock: Clock;
  log: Logger;
}

/** Where a transaction's half message is now. */
export interface HalfPlace {
  queueId: number;
  queueOffset: number;
}

const HALF_OFFSET = /^\d{1,16}$/;

export class Ledger {
  private readonly queues = new Map<number, HalfQueue>();
  /** Transaction → the newest copy of its half, for those that were put back and are open. */
  private readonly copies = new Map<string, HalfPlace>();
  private copiesFound: Promise<void> | null = null;

  private constructor(private readonly parts: LedgerParts) {}

  static async open(parts: LedgerParts): Promise<Ledger> {
    const ledger = new Ledger(parts);
    for (const queueId of ledger.queueIds()) await ledger.replayOps(ledger.queue(queueId));
    return ledger;
  }

  /** Queues of the half topic. */
  queueIds(): number[] {
    const count = this.parts.topics.get(TRANSACTION_HALF_TOPIC)?.readQueueNums ?? 1;
    return Array.from({ length: count }, (_, queueId) => queueId);
  }

  queue(queueId: number): HalfQueue {
    let queue = this.queues.get(queueId);
    if (queue === undefined) {
      queue = new HalfQueue(
        queueId,
        this.startOf(TRANSACTION_HALF_TOPIC, queueId),
        this.startOf(TRANSACTION_OP_TOPIC, queueId),
      );
      this.queues.set(queueId, queue);
    }
    return queue;
  }

  /** Where a transaction is open: at the half itself, or at a later copy of it. */
  placeOf(half: HalfMessage): HalfPlace {
    return this.copies.get(transactionKeyOf(half)) ?? half;
  }

  /** Whether a half, or a given-up message, is one of a transaction that producers are asked about. */
  isOpen(half: HalfMessage): boolean {
    const place = this.placeOf(half);
    const isInQueue = place !== half || half.topic === TRANSACTION_HALF_TOPIC;
    return isInQueue && this.stateOf(place) === UNDECIDED;
  }

  stateOf({ queueId, queueOffset }: HalfPlace): HalfState {
    return this.queue(queueId).stateOf(queueOffset);
  }

  /**
   * A transaction is decided, wherever its half is by now; gives the place that an op message must name, null when the
   * half was passed already.
   */
  decide(half: HalfMessage, decision: Decision): HalfPlace | null {
    const key = transactionKeyOf(half);
    const place = this.copies.get(key) ?? half;
    this.copies.delete(key);
    if (half.topic === TRANSACTION_HALF_TOPIC) {
      this.queue(half.queueId).decide(half.queueOffset, decision);
    }
    const queue = this.queue(place.queueId);
    queue.decide(place.queueOffset, decision);
    return place.queueOffset < queue.offset ? null : place;
  }

  /** The half was put back behind the others. */
  movedTo(half: HalfMessage, place: HalfPlace): void {
    this.copies.set(transactionKeyOf(half), place);
  }

  /** The transaction is nobody's any more. */
  forget(half: HalfMessage): void {
    this.copies.delete(transactionKeyOf(half));
  }

  /** Moves on, and says so where Apache looks for it. */
  advance(queue: HalfQueue, halfOffset: number): void {
    const { offsets } = this.parts;
    const { queueId, offset, opOffset } = queue;
    queue.advance(halfOffset);
    if (queue.offset !== offset) {
      offsets.commit(TRANSACTION_HALF_TOPIC, TRANSACTION_GROUP, queueId, queue.offset);
    }
    if (queue.opOffset !== opOffset || queue.offset !== offset) {
      offsets.commit(TRANSACTION_OP_TOPIC, TRANSACTION_GROUP, queueId, queue.opOffset);
    }
  }

  /** The half message at an offset; null when it is gone or none. */
  async half(queueId: number, cursor: QueueCursor): Promise<HalfMessage | null> {
    const view = await this.parts.store.entries.read(TRANSACTION_HALF_TOPIC, queueId, cursor);
    return view === null ? null : halfMessageOf(view);
  }

  /** Resolves when the copies that an earlier life of the broker put back are known. */
  knowCopies(): Promise<void> {
    this.copiesFound ??= this.findCopies().catch((error) => {
      this.copiesFound = null;
      throw error;
    });
    return this.copiesFound;
  }

  private async findCopies(): Promise<void> {
    for (const queueId of this.queueIds()) {
      const queue = this.queue(queueId);
      const bounds = this.parts.store.queueBounds(TRANSACTION_HALF_TOPIC, queueId);
      if (bounds !== null) await this.findCopiesIn(queue, bounds.maxOffset);
    }
  }

  private async findCopiesIn(queue: HalfQueue, end: number): Promise<void> {
    const { queueId } = queue;
    const earlier = new Map<string, number>();
    const { store } = this.parts;
    const cursor = store.openCursor(TRANSACTION_HALF_TOPIC, queueId, queue.offset);
    if (cursor === null) return;
    const goesOn = () => store.entries.next(TRANSACTION_HALF_TOPIC, queueId, cursor);
    for (let looks = 1; cursor.next() || await goesOn(); looks++) {
      const { queueOffset } = cursor;
      if (queueOffset >= end) return;
      if (looks % LOOKS_PER_TURN_MAX === 0) await this.turn();
      const half = await this.halfOrNone(queueId, cursor);
      if (half === null) continue;
      const key = transactionKeyOf(half);
      const before = earlier.get(key);
      if (wasPutBack(half)) this.standsFor(queue, key, queueOffset, before);
      earlier.set(key, queueOffset);
    }
  }

  /** What the disk doesn't give counts as no copy: its transaction is looked at by itself. */
  private async halfOrNone(queueId: number, cursor: QueueCursor): Promise<HalfMessage | null> {
    try {
      return await this.half(queueId, cursor);
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      const { queueOffset, physicalOffset } = cursor;
      this.parts.log.error("a half message can't be read", { queueOffset, physicalOffset, error });
      return null;
    }
  }

  /** A copy stands for the half before it, when the broker was killed before it noted that that one is done with. */
  private standsFor(
    queue: HalfQueue,
    key: string,
    queueOffset: number,
    before: number | undefined,
  ): void {
    if (before !== undefined && queue.stateOf(before) !== UNDECIDED) {
      queue.decide(queueOffset, DECIDED);
    }
    if (before !== undefined) queue.decide(before, DECIDED);
    if (queue.stateOf(queueOffset) !== UNDECIDED) this.copies.delete(key);
    else if ((this.copies.get(key)?.queueOffset ?? -1) < queueOffset) {
      this.copies.set(key, { queueId: queue.queueId, queueOffset });
    }
  }

  /** Lets the event loop go on with other things. */
  turn(): Promise<void> {
    return endOfTurn(this.parts.clock);
  }

  private startOf(topic: string, queueId: number): number {
    const { store, offsets } = this.parts;
    const { minOffset, maxOffset } = store.queueBounds(topic, queueId) ??
      { minOffset: 0, maxOffset: 0 };
    const stored = offsets.query(topic, TRANSACTION_GROUP, queueId);
    return Math.min(Math.max(stored, minOffset), maxOffset);
  }

  private async replayOps(queue: HalfQueue): Promise<void> {
    const { store, log } = this.parts;
    const { queueId } = queue;
    if (store.queueBounds(TRANSACTION_OP_TOPIC, queueId) === null) return;
    const cursor = store.openCursor(TRANSACTION_OP_TOPIC, queueId, queue.opOffset);
    if (cursor === null) return;
    while (cursor.next() || await store.entries.next(TRANSACTION_OP_TOPIC, queueId, cursor)) {
      const { queueOffset } = cursor;
      const view = await store.entries.read(TRANSACTION_OP_TOPIC, queueId, cursor);
      const halves = view === null ? null : decidedHalves(view);
      if (halves === null) log.warn("an op message can't be read", { queueId, queueOffset });
      let last = -1;
      for (const half of halves ?? []) {
        queue.decide(half, DECIDED);
        last = Math.max(last, half);
      }
      queue.addOp(queueOffset, last);
    }
  }
}

function wasPutBack({ properties }: HalfMessage): boolean {
  return properties.has(PROPERTY.transactionCheckTimes) ||
    properties.has(PROPERTY.preparedQueueOffset);
}

/** The queue offsets that an op message names; null when it is none. */
function decidedHalves(view: RecordView): number[] | null {
  try {
    const record = decodeRecord(view.buffer, view.start, view.start + view.size);
    if (parseProperties(record.properties).get(PROPERTY.tags) !== OP_TAG) return null;
    const names = new TextDecoder("latin1").decode(record.body).split(OP_SEPARATOR);
    return names.filter((name) => HALF_OFFSET.test(name)).map(Number);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return null;
  }
}

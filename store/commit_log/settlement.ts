// What becomes of records after their write: their owners are told when the flush setting's promise holds, and they
// are dispatched when consumers may see them. Two marks move over the same rows, each in the order of the log.
import type { Clock, Timer } from "../../core/time/clock.ts";
import type { Dispatcher } from "../dispatch.ts";
import type { PutStatus } from "../message_store.ts";
import { StagedRecords } from "./staged_records.ts";

export interface SettlementOptions {
  /** SYNC_FLUSH: owners and consumers wait for the fdatasync that covers a record. */
  syncFlush: boolean;
  /** How long an owner waits before it is told flush_disk_timeout; the record stays. */
  syncFlushTimeoutMs: number;
}

export class Settlement {
  readonly records = new StagedRecords();
  private writtenEnd: number;
  private flushedEnd: number;
  /** Up to here records are in queues and index, and the store time of the last of them. */
  dispatchedEnd: number;
  dispatchedStoreTimestampMs = 0;
  /** Start of the last of them; −1 when there is none. */
  dispatchedRecord = -1;
  private bound = Infinity;
  /** Rows whose owners were told, and rows that were dispatched. */
  private told = 0;
  private dispatched = 0;
  private settling = false;
  private timer: Timer | null = null;
  private settleAgain = false;
  private broken = false;
  /** What the last status other than "ok" meant, in words. */
  failureDetail = "";

  constructor(
    private readonly dispatcher: Dispatcher,
    private readonly clock: Clock,
    private readonly options: SettlementOptions,
    physicalEnd: number,
    /** Asks for an fdatasync of all that is written. */
    private readonly requestSync: () => void,
  ) {
    this.writtenEnd = physicalEnd;
    this.flushedEnd = physicalEnd;
    this.dispatchedEnd = physicalEnd;
  }

  /** Up to where consumers may see: what is written, under SYNC_FLUSH what is synced, never beyond the bound. */
  get confirmOffset(): number {
    return Math.min(this.options.syncFlush ? this.flushedEnd : this.writtenEnd, this.bound);
  }

  /** End of the log's written bytes. */
  get end(): number {
    return this.writtenEnd;
  }

  /** Records whose owners wait for a sync. */
  get untold(): number {
    return this.records.written - this.told;
  }

  /** A limit from outside (what replicas hold); Infinity when there is none. */
  setConfirmBound(physicalOffset: number): void {
    this.bound = physicalOffset;
    this.settle();
  }

  /** The log is written up to `physicalEnd`: the first `rows` rows are in its file. */
  written(physicalEnd: number, rows: number): void {
    const records = this.records;
    if (this.options.syncFlush && rows > records.written) {
      records.writtenAtMs.fill(this.clock.monotonicMs(), records.written, rows);
    }
    records.written = rows;
    this.writtenEnd = physicalEnd;
    if (!this.options.syncFlush) return this.settle();
    if (this.broken) return this.giveUp(this.failureDetail);
    this.requestSync();
    this.armTimer();
  }

  /** The log is synced up to `physicalEnd`. */
  flushed(physicalEnd: number): void {
    this.flushedEnd = physicalEnd;
    if (this.options.syncFlush) this.settle();
  }

  /** No sync will succeed any more: nobody who waits for one is told that a record is safe. */
  giveUp(detail: string): void {
    this.broken = true;
    this.failureDetail = detail;
    if (!this.options.syncFlush) return;
    while (this.told < this.records.written) this.tell(this.told++, "write_failed");
  }

  /** An owner or a listener may append again from its callback; the outer call then goes round once more. */
  private settle(): void {
    this.settleAgain = true;
    if (this.settling) return;
    this.settling = true;
    try {
      while (this.settleAgain) {
        this.settleAgain = false;
        this.tellUpTo(this.options.syncFlush ? this.flushedEnd : this.writtenEnd);
        this.dispatch();
      }
    } finally {
      this.settling = false;
    }
    this.dropDone();
  }

  private dispatch(): void {
    const { records } = this;
    const from = this.dispatched;
    const confirmOffset = this.confirmOffset;
    const to = this.dispatcher.dispatch(records, from, confirmOffset);
    this.dispatched = to;
    if (to > from) {
      this.dispatchedStoreTimestampMs = records.storeTimestamps[to - 1]!;
      this.dispatchedRecord = records.physicalOffsets[to - 1]!;
    }
    // Nothing but a blank rest may stand between the last record and the confirm offset.
    this.dispatchedEnd = to === records.written
      ? Math.min(confirmOffset, this.writtenEnd)
      : records.physicalOffsets[to]!;
  }

  /** The last record that was there before: what the checkpoint says until another is dispatched. */
  noteLastRecord(physicalOffset: number, storeTimestampMs: number): void {
    this.dispatchedRecord = physicalOffset;
    this.dispatchedStoreTimestampMs = storeTimestampMs;
  }

  private dropDone(): void {
    const done = Math.min(this.told, this.dispatched);
    this.records.dropFront(done);
    this.told -= done;
    this.dispatched -= done;
  }

  private tellUpTo(end: number): void {
    const { physicalOffsets, sizes } = this.records;
    while (this.told < this.records.written) {
      const row = this.told;
      if (physicalOffsets[row]! + sizes[row]! > end) return;
      this.told = row + 1;
      this.tell(row, "ok");
    }
  }

  private tell(row: number, status: PutStatus): void {
    const records = this.records;
    records.owners[row]?.onStored(
      records.tokens[row]!,
      status,
      records.physicalOffsets[row]!,
      records.queueOffsets[row]!,
    );
  }

  private armTimer(): void {
    if (this.timer !== null || this.told >= this.records.written) return;
    const dueMs = this.records.writtenAtMs[this.told]! + this.options.syncFlushTimeoutMs;
    this.timer = this.clock.after(Math.max(1, dueMs - this.clock.monotonicMs()), () => {
      this.timer = null;
      this.tellTimeouts();
      this.armTimer();
    });
  }

  private tellTimeouts(): void {
    const overdueMs = this.clock.monotonicMs() - this.options.syncFlushTimeoutMs;
    this.failureDetail = `not synced within ${this.options.syncFlushTimeoutMs} ms`;
    while (this.told < this.records.written && this.records.writtenAtMs[this.told]! <= overdueMs) {
      this.tell(this.told++, "flush_disk_timeout");
    }
  }

  close(): void {
    this.timer?.cancel();
  }
}

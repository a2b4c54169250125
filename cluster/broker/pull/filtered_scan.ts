// Selects the records of a pull whose filter looks at properties: reads each candidate where it lies, and waits for the
// disk when that isn't in memory. The walk over queue entries is selection.ts's.
import type { Buffer } from "node:buffer";
import type { EntryVerdict, MessageStore, QueueEntry } from "../../../store/message_store.ts";
import type { Subscription } from "../clients/subscription.ts";
import type { RecordFilter } from "../filters/record_filter.ts";
import type { RecordBytes } from "./record_bytes.ts";
import { type RecordMatcher, type Selection, type Selector, Verdict } from "./selection.ts";

/** What is looked through: a queue from an offset on, for at most so many messages. */
export interface ScanRange {
  topic: string;
  queueId: number;
  queueOffset: number;
  maxMsgNums: number;
}

export class FilteredScan implements RecordMatcher {
  /** The record whose bytes were waited for last; when they still aren't there, it has left the log. */
  private awaitedOffset = -1;
  private missingOffset = 0;
  private missingSize = 0;
  /** An entry whose record isn't the one it should be, until that was looked into. */
  private suspect: QueueEntry | null = null;
  /** The one that was looked into last, and what became of it. */
  private judgedOffset = -1;
  private verdict: EntryVerdict = "kept";
  private topic = "";
  private queueId = 0;

  constructor(
    private readonly store: Pick<MessageStore, "readHot" | "entries">,
    private readonly records: RecordBytes,
    private readonly selector: Selector,
    private readonly filter: RecordFilter,
  ) {}

  /** Fills `into`; gives a promise when it has to wait for the disk, and null when it is done. */
  run(into: Selection, fields: ScanRange, subscription: Subscription): Promise<void> | null {
    const { topic, queueId, queueOffset, maxMsgNums } = fields;
    this.topic = topic;
    this.queueId = queueId;
    const isDone = this.selector.select(
      into,
      topic,
      queueId,
      queueOffset,
      maxMsgNums,
      subscription,
      this,
    );
    return isDone ? null : this.goOn(into, fields, subscription);
  }

  judge(queueOffset: number, physicalOffset: number, size: number): Verdict {
    const found = this.store.readHot(physicalOffset, size) ??
      this.records.loaded(physicalOffset, size);
    if (found !== null) {
      const { start } = found;
      const buffer = found.buffer as Buffer;
      const entry = { queueOffset, physicalOffset, size };
      if (queueOffset === this.judgedOffset) {
        if (this.verdict === "gone") return Verdict.GONE;
      } else if (!this.records.isRecordOf(this.topic, this.queueId, entry, buffer, start)) {
        this.suspect = entry;
        return Verdict.UNREAD;
      }
      return this.filter.matches(buffer, start, size) ? Verdict.WANTED : Verdict.UNWANTED;
    }
    if (this.awaitedOffset === physicalOffset) return Verdict.GONE;
    this.missingOffset = physicalOffset;
    this.missingSize = size;
    return Verdict.UNREAD;
  }

  private async goOn(
    into: Selection,
    { topic, queueId, queueOffset, maxMsgNums }: ScanRange,
    subscription: Subscription,
  ): Promise<void> {
    for (let isDone = false; !isDone;) {
      const release = await this.prepare();
      isDone = this.selector.goOn(
        into,
        topic,
        queueId,
        queueOffset,
        maxMsgNums,
        subscription,
        this,
      );
      release();
    }
  }

  /** Gets what the walk stopped for; what it gives is called once the walk has gone on. */
  private async prepare(): Promise<() => void> {
    const { suspect } = this;
    if (suspect === null) {
      this.awaitedOffset = this.missingOffset;
      return await this.records.load(this.missingOffset, this.missingSize);
    }
    this.suspect = null;
    this.verdict = await this.store.entries.judge(this.topic, this.queueId, suspect);
    this.judgedOffset = suspect.queueOffset;
    return () => {};
  }
}

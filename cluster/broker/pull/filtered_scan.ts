// Selects the records of a pull whose filter looks at properties: reads each candidate where it lies, and waits for the
// disk when that isn't in memory. The walk over queue entries is selection.ts's.
import type { Buffer } from "node:buffer";
import type { MessageStore } from "../../../store/message_store.ts";
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

  constructor(
    private readonly store: Pick<MessageStore, "readHot">,
    private readonly records: RecordBytes,
    private readonly selector: Selector,
    private readonly filter: RecordFilter,
  ) {}

  /** Fills `into`; gives a promise when it has to wait for the disk, and null when it is done. */
  run(into: Selection, fields: ScanRange, subscription: Subscription): Promise<void> | null {
    const { topic, queueId, queueOffset, maxMsgNums } = fields;
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

  judge(physicalOffset: number, size: number): Verdict {
    const view = this.store.readHot(physicalOffset, size);
    if (view !== null) return this.verdictOn(view.buffer as Buffer, view.start, size);
    const cold = this.records.loaded(physicalOffset, size);
    if (cold !== null) return this.verdictOn(cold.buffer as Buffer, cold.start, size);
    if (this.awaitedOffset === physicalOffset) return Verdict.GONE;
    this.missingOffset = physicalOffset;
    this.missingSize = size;
    return Verdict.UNREAD;
  }

  private verdictOn(buffer: Buffer, start: number, size: number): Verdict {
    return this.filter.matches(buffer, start, size) ? Verdict.WANTED : Verdict.UNWANTED;
  }

  private async goOn(
    into: Selection,
    { topic, queueId, queueOffset, maxMsgNums }: ScanRange,
    subscription: Subscription,
  ): Promise<void> {
    for (let isDone = false; !isDone;) {
      this.awaitedOffset = this.missingOffset;
      const release = await this.records.load(this.missingOffset, this.missingSize);
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
}

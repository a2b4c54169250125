// From the log to what is derived from it: queue entries, index items, arrival notices.
// Works on what the append path gathered; never reads a record's bytes and never touches a disk.
import type { StagedRecords } from "./commit_log/staged_records.ts";
import { ANY_TAGS, type ArrivalListener } from "./message_store.ts";

/** A queue as the append path sees it: it numbers records and takes their entries. Both calls work in memory. */
export interface DispatchQueue {
  readonly topic: string;
  readonly queueId: number;
  /**
   * The offset that the next record gets. Runs ahead of the appended entries while records are staged or not yet
   * confirmed; the append path sets it back when their write fails.
   */
  nextOffset: number;
  /** Takes the entry of a confirmed record; offsets come in order, without gaps. */
  append(
    queueOffset: number,
    physicalOffset: number,
    size: number,
    tagsCode: number,
    storeTimestampMs: number,
    batchCount: number,
    bitMap?: Uint8Array | null,
  ): void;
}

/** The key index as the append path sees it. */
export interface DispatchIndex {
  /** `keyHash` is Java's String.hashCode of "topic#key", before its absolute value is taken. */
  put(keyHash: number, physicalOffset: number, storeTimestampMs: number): void;
}

/** Which filters a record passes, for its queue entry (enableCalcFilterBitMap); null for none. */
export type BitMapOf = (topic: string, physicalOffset: number, size: number) => Uint8Array | null;

/** Hands confirmed records on, in the order of the log. */
export class Dispatcher {
  /** Set while queue entries carry filter bit maps. */
  bitMapOf: BitMapOf | null = null;
  private readonly listeners: ArrivalListener[] = [];

  constructor(private readonly index: DispatchIndex | null) {}

  onArrival(listener: ArrivalListener): void {
    this.listeners.push(listener);
  }

  /** Tells the listeners of a message again: readers stood before its entry, also those who want what comes behind it. */
  announce(topic: string, queueId: number, queueOffset: number): void {
    for (const listener of this.listeners) listener(topic, queueId, queueOffset, ANY_TAGS, 0);
  }

  /** Dispatches the records from row `from` that end at or before `confirmOffset`; gives the first row left. */
  dispatch(records: StagedRecords, from: number, confirmOffset: number): number {
    const { physicalOffsets, sizes } = records;
    let row = from;
    while (row < records.count && physicalOffsets[row]! + sizes[row]! <= confirmOffset) {
      this.dispatchOne(records, row);
      row++;
    }
    return row;
  }

  private dispatchOne(records: StagedRecords, row: number): void {
    const physicalOffset = records.physicalOffsets[row]!;
    const storeTimestampMs = records.storeTimestamps[row]!;
    const queue = records.queues[row]!;
    const queueOffset = records.queueOffsets[row]!;
    const tagsCode = records.tagsCodes[row]!;
    const count = records.batchCounts[row]!;
    if (queue !== null) {
      queue.append(
        queueOffset,
        physicalOffset,
        records.sizes[row]!,
        tagsCode,
        storeTimestampMs,
        count,
        this.bitMapOf === null
          ? null
          : this.bitMapOf(queue.topic, physicalOffset, records.sizes[row]!),
      );
    }
    if (this.index !== null) {
      const end = records.keyEnds[row]!;
      for (let at = row === 0 ? 0 : records.keyEnds[row - 1]!; at < end; at++) {
        this.index.put(records.keyHashes[at]!, physicalOffset, storeTimestampMs);
      }
    }
    if (queue === null) return;
    for (const listener of this.listeners) {
      listener(queue.topic, queue.queueId, queueOffset, tagsCode, storeTimestampMs);
    }
  }
}

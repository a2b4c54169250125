// The facts of records that are staged, or written and not yet confirmed, as a struct of arrays that is reused:
// nothing is allocated for a message. Rows leave from the front; never holds the records' bytes.
import type { DispatchQueue } from "../dispatch.ts";
import type { PutStatus } from "../message_store.ts";

/** Who staged a record and is told how it ended. */
export interface AppendOwner {
  /**
   * Called once for each record, in order: with "ok" when the flush setting's promise holds, otherwise with why not
   * (Appender.failureDetail says it in words). `token` is what the owner gave to `end`.
   */
  onStored(token: number, status: PutStatus, physicalOffset: number, queueOffset: number): void;
}

/** A record whose write failed, as it is told to its owner. */
export interface LostRecord {
  owner: AppendOwner | null;
  token: number;
  physicalOffset: number;
  queueOffset: number;
}

const ROWS_INITIAL = 1024;

export class StagedRecords {
  /** Rows in use are 0 … count − 1; those that are done are dropped by `dropFront`. */
  count = 0;
  /** Rows 0 … written − 1 are in the log's file; the others are staged. */
  written = 0;
  keyCount = 0;
  queues: (DispatchQueue | null)[] = new Array(ROWS_INITIAL).fill(null);
  owners: (AppendOwner | null)[] = new Array(ROWS_INITIAL).fill(null);
  tokens = new Float64Array(ROWS_INITIAL);
  physicalOffsets = new Float64Array(ROWS_INITIAL);
  queueOffsets = new Float64Array(ROWS_INITIAL);
  sizes = new Int32Array(ROWS_INITIAL);
  tagsCodes = new Float64Array(ROWS_INITIAL);
  storeTimestamps = new Float64Array(ROWS_INITIAL);
  batchCounts = new Int32Array(ROWS_INITIAL);
  /** When the row was written, by the monotonic clock in ms; filled only where somebody waits for a sync. */
  writtenAtMs = new Float64Array(ROWS_INITIAL);
  /** Where the row's keys end in keyHashes; they begin where the row before ends. */
  keyEnds = new Int32Array(ROWS_INITIAL);
  keyHashes = new Int32Array(4 * ROWS_INITIAL);

  /** Adds a row; its keys are those added since the row before. */
  add(
    queue: DispatchQueue | null,
    queueOffset: number,
    physicalOffset: number,
    size: number,
    tagsCode: number,
    storeTimestampMs: number,
    batchCount: number,
    owner: AppendOwner | null,
    token: number,
  ): void {
    const row = this.count;
    if (row === this.sizes.length) this.grow();
    this.queues[row] = queue;
    this.owners[row] = owner;
    this.tokens[row] = token;
    this.physicalOffsets[row] = physicalOffset;
    this.queueOffsets[row] = queueOffset;
    this.sizes[row] = size;
    this.tagsCodes[row] = tagsCode;
    this.storeTimestamps[row] = storeTimestampMs;
    this.batchCounts[row] = batchCount;
    this.keyEnds[row] = this.keyCount;
    this.count = row + 1;
  }

  addKey(keyHash: number): void {
    if (this.keyCount === this.keyHashes.length) {
      this.keyHashes = enlarge(this.keyHashes, Int32Array);
    }
    this.keyHashes[this.keyCount++] = keyHash;
  }

  /** Forgets the keys of a record that was begun and not ended. */
  dropOpenKeys(): void {
    this.keyCount = this.keysBefore(this.count);
  }

  /** Takes back the rows from `row` on, which were not written: their queues number on from before them. */
  takeFrom(row: number): LostRecord[] {
    const lost: LostRecord[] = [];
    for (let at = this.count - 1; at >= row; at--) {
      const queue = this.queues[at]!;
      const queueOffset = this.queueOffsets[at]!;
      if (queue !== null) queue.nextOffset = queueOffset;
      lost.push({
        owner: this.owners[at]!,
        token: this.tokens[at]!,
        physicalOffset: this.physicalOffsets[at]!,
        queueOffset,
      });
    }
    this.keyCount = this.keysBefore(row);
    this.count = row;
    return lost.reverse();
  }

  /** Forgets the first `rows` rows, all written; the others move to the front. */
  dropFront(rows: number): void {
    if (rows === 0) return;
    // Queues and owners live as long as the store, so rows out of use may go on naming them.
    const keys = this.keysBefore(rows);
    if (rows < this.count) this.moveRows(rows, keys);
    // Keys of a record that is begun and not ended have no row yet.
    if (keys < this.keyCount) this.keyHashes.copyWithin(0, keys, this.keyCount);
    this.keyCount -= keys;
    this.count -= rows;
    this.written -= rows;
  }

  private keysBefore(row: number): number {
    return row === 0 ? 0 : this.keyEnds[row - 1]!;
  }

  private moveRows(rows: number, keys: number): void {
    for (let row = rows; row < this.count; row++) {
      this.queues[row - rows] = this.queues[row]!;
      this.owners[row - rows] = this.owners[row]!;
      this.keyEnds[row - rows] = this.keyEnds[row]! - keys;
    }
    for (const column of this.columns()) column.copyWithin(0, rows, this.count);
  }

  private columns(): (Float64Array | Int32Array)[] {
    return [
      this.tokens,
      this.physicalOffsets,
      this.queueOffsets,
      this.sizes,
      this.tagsCodes,
      this.storeTimestamps,
      this.batchCounts,
      this.writtenAtMs,
    ];
  }

  private grow(): void {
    this.tokens = enlarge(this.tokens, Float64Array);
    this.physicalOffsets = enlarge(this.physicalOffsets, Float64Array);
    this.queueOffsets = enlarge(this.queueOffsets, Float64Array);
    this.sizes = enlarge(this.sizes, Int32Array);
    this.tagsCodes = enlarge(this.tagsCodes, Float64Array);
    this.storeTimestamps = enlarge(this.storeTimestamps, Float64Array);
    this.batchCounts = enlarge(this.batchCounts, Int32Array);
    this.writtenAtMs = enlarge(this.writtenAtMs, Float64Array);
    this.keyEnds = enlarge(this.keyEnds, Int32Array);
  }
}

function enlarge<T extends Float64Array | Int32Array>(
  array: T,
  make: new (length: number) => T,
): T {
  const larger = new make(array.length * 2);
  larger.set(array);
  return larger;
}

// A queue as the mender of its entries sees it, and what it finds for them. Types only.
import type { RecordFacts } from "../commit_log/record_facts.ts";

/** A queue as the mender sees it. */
export interface MendableQueue {
  readonly topic: string;
  readonly queueId: number;
  readonly unitBytes: number;
  /** Where the first unit is whose record may be in the log … */
  readonly mendableFrom: number;
  /** … and where the last one ends. */
  readonly endByte: number;
  readonly isDeleted: boolean;
  /** Where in the result of `bytesAt` the unit begins. */
  readonly at: number;
  bytesAt(position: number): Uint8Array;
  /** The number that the unit at a position has, by what it says itself where its place doesn't tell. */
  offsetAt(position: number): number;
  positionOf(queueOffset: number): number;
  /** Whether a unit's place tells its number: otherwise a run is mended from the sound unit before it on. */
  readonly isNumbered: boolean;
  /** The numbers that the records of a run have. */
  numbersOf(run: WrongRun): [first: number, end: number];
  /** Where the units stand of records that were found for a run, which are in the log's order. */
  placesOf(run: WrongRun, records: readonly FoundRecord[]): Map<number, FoundRecord>;
  /** Whether a unit says of its record what is true, but for place, size and tags: that it has this number in the queue. */
  isOf(position: number, queueOffset: number, facts: RecordFacts): boolean;
  /** Writes an entry anew. Throws DiskError. */
  correct(position: number, record: FoundRecord): void;
  /** A record of the queue has these tags. */
  knowTags(tagsCode: number): void;
}

/** A record of a queue that was found in the log: what its entry must say. */
export interface FoundRecord {
  queueOffset: number;
  physicalOffset: number;
  size: number;
  tagsCode: number;
  storeTimestampMs: number;
  batchCount: number;
}

/** Adjacent entries, of which none names its record, and the stretch of the log that must hold those records. */
export interface WrongRun {
  from: number;
  to: number;
  low: number;
  high: number;
  /** The stretch may end before the last of those records: how far it goes is known when some are found. */
  isOpen: boolean;
}

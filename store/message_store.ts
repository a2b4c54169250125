// What the broker sees of the store. message_store_impl.ts composes the log, the queues and the index behind it.
// One event loop owns a store: calls are synchronous unless they may have to wait for the disk.
import type { Buffer } from "node:buffer";
import type { RecoverySummary } from "./recovery_report.ts";

/** A message to be stored, in the form that every part of the broker hands it over. */
export interface MessageToStore {
  topic: string;
  queueId: number;
  flag: number;
  sysFlag: number;
  bornTimestampMs: number;
  /** 4 or 16 address bytes. */
  bornAddress: Uint8Array;
  bornPort: number;
  reconsumeTimes: number;
  preparedTransactionOffset: number;
  body: Uint8Array;
  /** Properties as they go to disk: name \x01 value \x02 …, UTF-8. */
  properties: Uint8Array;
  /** What the queue entry carries: the tag's hash, or a due time for the delay topic. */
  tagsCode: number;
  /** UNIQ_KEY and KEYS for the index; empty when there are none. */
  uniqueKey: string;
  keys: string;
  /** How many queue offsets it takes: 1, or the number of inner messages of a BatchCQ record. */
  batchCount: number;
  /** The same as a record, where one was made already: written as it is by a store that adds nothing to records. */
  finished?: FinishedRecord;
}

/** A record that is whole but for its place, its number, and its store's time and host. Holds no CRC property. */
export interface FinishedRecord {
  readonly buffer: Buffer;
  readonly start: number;
  readonly size: number;
  /** Of "topic#key" for each of its keys, as Appender.addKey takes them. */
  readonly keyHashes: readonly number[];
}

export type PutStatus =
  | "ok"
  | "flush_disk_timeout"
  | "message_illegal"
  | "properties_too_long"
  | "topic_too_long"
  | "disk_full"
  | "write_failed"
  | "shutting_down"
  | "not_writeable";

/** The record is in the log: within syncFlushTimeout synced as the flush setting promises, or not yet. */
export function isStored(status: PutStatus): boolean {
  return status === "ok" || status === "flush_disk_timeout";
}

export interface PutResult {
  status: PutStatus;
  /** For people: what was wrong; empty when ok. */
  detail: string;
  physicalOffset: number;
  queueOffset: number;
  /** Bytes of the record. */
  size: number;
  storeTimestampMs: number;
}

/** One queue entry as the pull path walks them; the fields are overwritten by each `next`. */
export interface QueueCursor {
  queueOffset: number;
  physicalOffset: number;
  size: number;
  tagsCode: number;
  /** Messages that this entry stands for (BatchCQ), otherwise 1. */
  batchCount: number;
  /** Moves to the next entry; false at the end of the queue as consumers may see it (the confirm offset). */
  next(): boolean;
  /**
   * For a walk that would pass over this entry by its tags: whether it must end before it, since its tags code may be damaged
   * and is looked into (EntryReader.mends).
   */
  areTagsDoubted(): boolean;
}

/** What an entry says of its record. */
export type QueueEntry = Readonly<Pick<QueueCursor, "queueOffset" | "physicalOffset" | "size">>;

/** Bytes of a record in the log: a view that must be copied or written out in this turn. */
export interface RecordView {
  buffer: Uint8Array;
  start: number;
  size: number;
}

export interface QueueBounds {
  minOffset: number;
  /** The next offset to be given: one past the last. */
  maxOffset: number;
}

/**
 * What became of a queue's entry that names another record than its own: mended from the log; left as it is, since its own
 * record may be what is damaged; or its record is gone.
 */
export type EntryVerdict = "mended" | "kept" | "gone";

/** From queue entries to the right records, whatever happened to the entries. */
export interface EntryReader {
  /**
   * For readers who see that an entry names another record than its own, or none: looks for the right one. "mended" when the
   * entry is another one now than the one given.
   */
  judge(topic: string, queueId: number, entry: QueueEntry): Promise<EntryVerdict>;
  /** Resolves when entries of a queue are mended, before which its cursors stop; null when there are none. */
  mends(topic: string, queueId: number): Promise<unknown> | null;
  /**
   * After a cursor's `next` gave false, for those who must not take that for the queue's end: moves it once the entries are
   * mended that it stopped before. False at the end.
   */
  next(topic: string, queueId: number, cursor: QueueCursor): Promise<boolean>;
  /** The record of an entry, which is mended first if need be; null when it isn't in the log. */
  read(topic: string, queueId: number, entry: QueueEntry): Promise<RecordView | null>;
}

export type TimestampBoundary = "lower" | "upper";

/** What the index says of a key. */
export interface IndexLookup {
  /** Physical offsets, newest first. */
  offsets: number[];
  indexLastUpdateTimestampMs: number;
  indexLastUpdateOffset: number;
  /** Told that one of them is of no record with the key: what says so is damaged, and is made again at the next start. */
  disprove(offset: number): void;
}

export interface MessageStore extends AsyncDisposable {
  /**
   * Stages messages as one unit: written together or not at all, in order. Resolves when the flush setting's promise
   * holds (written; or synced), one result a message. Never rejects for an expected refusal.
   */
  put(messages: readonly MessageToStore[]): Promise<PutResult[]>;

  /** Bounds of a queue; null when there is none. */
  queueBounds(topic: string, queueId: number): QueueBounds | null;
  /** What clients are told as the first offset of a queue without a past: 0, and −1 of a batch queue (BatchConsumeQueue). */
  emptyMinOffset(topic: string): number;
  /** A cursor before `queueOffset`; null when there is no such queue. The offset must be within the bounds. */
  openCursor(topic: string, queueId: number, queueOffset: number): QueueCursor | null;
  readonly entries: EntryReader;
  /** The record at a physical offset while it is cheap to read (unwritten, or in the hot tail); null otherwise. */
  readHot(physicalOffset: number, size: number): RecordView | null;
  /** The record at a physical offset from wherever it is; null when it isn't in the log. */
  read(physicalOffset: number, size?: number): Promise<RecordView | null>;
  /** Reads a stretch of the log (cold backlog pulls), at most `length`, never past the confirm offset. */
  readRange(physicalOffset: number, length: number): Promise<RecordView | null>;
  /** The same into `target` from `start` on; gives how many bytes, fewer at the end of the log or of a file. */
  readInto(
    target: Buffer,
    start: number,
    length: number,
    physicalOffset: number,
  ): Promise<number>;

  /** The same at once, for small reads of what is likely in the page cache. Blocks while the disk seeks. */
  readIntoNow(
    target: Buffer,
    start: number,
    length: number,
    physicalOffset: number,
  ): number;

  offsetByTimestamp(
    topic: string,
    queueId: number,
    timestampMs: number,
    boundary: TimestampBoundary,
  ): Promise<number>;
  /** Store time of the entry at an offset; -1 when absent. */
  storeTimestamp(topic: string, queueId: number, queueOffset: number): Promise<number>;
  /** Store time of the earliest message in a queue, or in the whole log when no topic is given; -1 when none. */
  earliestStoreTimestamp(topic?: string, queueId?: number): Promise<number>;
  /** Records whose topic#key hash matches; callers compare the key. */
  queryIndex(
    topic: string,
    key: string,
    maxCount: number,
    beginMs: number,
    endMs: number,
  ): Promise<IndexLookup>;

  /** Called in the turn in which a queue's end moves, after consumers may see the messages. */
  onArrival(listener: ArrivalListener): void;
  /** Forgets queues of a topic and frees their files. */
  deleteTopic(topic: string): Promise<void>;
  /** Topics that have queues. */
  queueTopics(): { topic: string; queueId: number }[];

  readonly minPhysicalOffset: number;
  readonly maxPhysicalOffset: number;
  /** Up to where consumers may see. */
  readonly confirmOffset: number;
  /** Up to where the log is synced to the device. */
  readonly flushedOffset: number;
  /** Why writes are refused now; null while they are taken. One truthful cause. */
  readonly writeRefusal: { status: PutStatus; detail: string } | null;
  /** Figures for runtime info and metrics. */
  stats(): StoreStats;
}

/** Where a tags code stands, for readers whatever they filter by: below every hash, as an extension unit's address is. */
export const ANY_TAGS = Number.MIN_SAFE_INTEGER;

export type ArrivalListener = (
  topic: string,
  queueId: number,
  queueOffset: number,
  /** Or ANY_TAGS. */
  tagsCode: number,
  storeTimestampMs: number,
) => void;

export interface StoreStats {
  putTotal: number;
  putBytesTotal: number;
  putFailedTotal: number;
  putLatencyMsMaxRecent: number;
  getFoundTotal: number;
  getMissTotal: number;
  getTransferredTotal: number;
  dispatchBehindBytes: number;
  diskUsedRatio: number;
  /** What the opening of the store found, cut and made again. */
  recovery: RecoverySummary;
}

// Which records a pull gets: walks queue entries from an offset under Apache's limits and collects positions.
// Reads queue entries only; the log's bytes are the answer's business, and a matcher's (Java: DefaultMessageStore.getMessage).
import type { MessageStore, QueueCursor } from "../../../store/message_store.ts";
import { matchesTags, type Subscription } from "../clients/subscription.ts";
import type { PullSettings } from "./pull_settings.ts";

/** How a pull went; the names are the remarks of Apache's answers (GetMessageStatus). */
export type PullStatus =
  | "FOUND"
  | "NO_MATCHED_MESSAGE"
  | "MESSAGE_WAS_REMOVING"
  | "NO_MESSAGE_IN_QUEUE"
  | "OFFSET_OVERFLOW_ONE"
  | "OFFSET_OVERFLOW_BADLY"
  | "OFFSET_TOO_SMALL"
  | "OFFSET_RESET";

/** Bytes of one queue entry; the scan limit is in bytes of queue. */
const QUEUE_ENTRY_BYTES = 20;
/** Most bytes of records in one answer, whatever the settings say (Java: MAX_PULL_MSG_SIZE). */
const ANSWER_BYTES_MAX = 128 * 1024 * 1024;
const INITIAL_CAPACITY = 32;

/** The result of one pull; reused through a pool, so nothing is allocated a pull or a message. */
export class Selection {
  topic = "";
  queueId = 0;
  status: PullStatus = "NO_MESSAGE_IN_QUEUE";
  nextOffset = 0;
  minOffset = 0;
  maxOffset = 0;
  /** Records chosen; BatchCQ records stand for more messages than one. */
  recordCount = 0;
  messageCount = 0;
  totalBytes = 0;
  /** True when the log has grown so far past the last one that a slave should serve this group. */
  fellBehind = false;
  /** How far the last entry looked at lies before the log's end. */
  behindBytes = 0;
  physicalOffsets = new Float64Array(INITIAL_CAPACITY);
  sizes = new Int32Array(INITIAL_CAPACITY);
  queueOffsets = new Float64Array(INITIAL_CAPACITY);

  reset(status: PullStatus, nextOffset: number): void {
    this.status = status;
    this.nextOffset = nextOffset;
    this.recordCount = 0;
    this.messageCount = 0;
    this.totalBytes = 0;
    this.fellBehind = false;
    this.behindBytes = 0;
  }

  add(queueOffset: number, physicalOffset: number, size: number, messageCount: number): void {
    if (this.recordCount === this.sizes.length) this.grow();
    this.queueOffsets[this.recordCount] = queueOffset;
    this.physicalOffsets[this.recordCount] = physicalOffset;
    this.sizes[this.recordCount] = size;
    this.recordCount++;
    this.messageCount += messageCount;
    this.totalBytes += size;
  }

  private grow(): void {
    const offsets = new Float64Array(this.sizes.length * 2);
    const sizes = new Int32Array(this.sizes.length * 2);
    offsets.set(this.physicalOffsets);
    sizes.set(this.sizes);
    const queueOffsets = new Float64Array(this.sizes.length * 2);
    queueOffsets.set(this.queueOffsets);
    this.physicalOffsets = offsets;
    this.sizes = sizes;
    this.queueOffsets = queueOffsets;
  }
}

/** What a filter says of a record. */
export const Verdict = { WANTED: 0, UNWANTED: 1, UNREAD: 2, GONE: 3 } as const;
export type Verdict = typeof Verdict[keyof typeof Verdict];

/** Looks at records themselves, where tags don't decide. */
export interface RecordMatcher {
  /**
   * UNREAD when the record isn't in memory, or is another one than the entry's: the walk stops before it. GONE when it has
   * left the log.
   */
  judge(queueOffset: number, physicalOffset: number, size: number): Verdict;
}

export type SelectionSettings = Pick<
  PullSettings,
  | "maxFilterMessageSize"
  | "maxTransferBytesOnMessageInMemory"
  | "maxTransferCountOnMessageInMemory"
  | "maxTransferBytesOnMessageInDisk"
  | "maxTransferCountOnMessageInDisk"
  | "accessMessageInMemoryMaxRatio"
>;

export class Selector {
  constructor(
    private readonly store: Pick<
      MessageStore,
      "queueBounds" | "emptyMinOffset" | "openCursor" | "minPhysicalOffset" | "confirmOffset"
    >,
    private readonly settings: SelectionSettings,
    private readonly physicalMemoryBytes: number,
  ) {}

  /**
   * Fills `into` with the records from `offset` on that match, at most `maxCount` messages. False when `matcher` stopped
   * it before a record that isn't in memory: `goOn` goes on from there.
   */
  select(
    into: Selection,
    topic: string,
    queueId: number,
    offset: number,
    maxCount: number,
    subscription: Subscription,
    matcher: RecordMatcher | null = null,
  ): boolean {
    into.topic = topic;
    into.queueId = queueId;
    const bounds = this.store.queueBounds(topic, queueId);
    const minOffset = bounds === null ? 0 : bounds.minOffset;
    const maxOffset = bounds === null ? 0 : bounds.maxOffset;
    into.minOffset = maxOffset === 0 ? this.store.emptyMinOffset(topic) : minOffset;
    into.maxOffset = maxOffset;
    // Apache makes the queue when it is asked for, so a missing one is an empty one.
    if (maxOffset === 0) into.reset("NO_MESSAGE_IN_QUEUE", 0);
    else if (offset < minOffset) into.reset("OFFSET_TOO_SMALL", minOffset);
    else if (offset === maxOffset) into.reset("OFFSET_OVERFLOW_ONE", offset);
    else if (offset > maxOffset) into.reset("OFFSET_OVERFLOW_BADLY", maxOffset);
    else {
      into.reset("NO_MATCHED_MESSAGE", offset);
      return this.goOn(into, topic, queueId, offset, maxCount, subscription, matcher);
    }
    return true;
  }

  /** Walks on from where `into` stands, under the limits of a pull from `offset`. */
  goOn(
    into: Selection,
    topic: string,
    queueId: number,
    offset: number,
    maxCount: number,
    subscription: Subscription,
    matcher: RecordMatcher | null,
  ): boolean {
    const cursor = this.store.openCursor(topic, queueId, into.nextOffset);
    if (cursor === null) return true;
    return this.walk(into, cursor, offset, maxCount, subscription, matcher);
  }

  private walk(
    into: Selection,
    cursor: QueueCursor,
    offset: number,
    maxCount: number,
    subscription: Subscription,
    matcher: RecordMatcher | null,
  ): boolean {
    const { settings } = this;
    const logEnd = this.store.confirmOffset;
    const logStart = this.store.minPhysicalOffset;
    const memoryBytes = this.physicalMemoryBytes * settings.accessMessageInMemoryMaxRatio / 100;
    const scanEnd = offset +
      Math.max(settings.maxFilterMessageSize / QUEUE_ENTRY_BYTES, maxCount);
    let lastPhysical = 0;
    while (cursor.next()) {
      const { queueOffset, physicalOffset, size } = cursor;
      if (queueOffset >= scanEnd) break;
      const isInMemory = logEnd - physicalOffset <= memoryBytes;
      if (into.totalBytes > 0 && this.isFull(into, size, cursor.batchCount, maxCount, isInMemory)) {
        break;
      }
      lastPhysical = physicalOffset;
      into.nextOffset = queueOffset + cursor.batchCount;
      if (!matchesTags(subscription, cursor.tagsCode)) {
        if (!cursor.areTagsDoubted()) continue;
        into.nextOffset = queueOffset;
        break;
      }
      let isGone = physicalOffset < logStart;
      if (matcher !== null && !isGone) {
        const verdict = matcher.judge(queueOffset, physicalOffset, size);
        if (verdict === Verdict.UNREAD) {
          into.nextOffset = queueOffset;
          return false;
        }
        if (verdict === Verdict.UNWANTED) {
          if (into.totalBytes === 0) into.status = "NO_MATCHED_MESSAGE";
          continue;
        }
        isGone = verdict === Verdict.GONE;
      }
      if (isGone) {
        if (into.totalBytes === 0) into.status = "MESSAGE_WAS_REMOVING";
        continue;
      }
      into.add(queueOffset, physicalOffset, size, cursor.batchCount);
      into.status = "FOUND";
    }
    into.behindBytes = logEnd - lastPhysical;
    into.fellBehind = into.behindBytes > memoryBytes;
    return true;
  }

  /** Whether one more record would pass a limit; the first is always taken (Java: isTheBatchFull). */
  private isFull(
    into: Selection,
    size: number,
    batchCount: number,
    maxCount: number,
    isInMemory: boolean,
  ): boolean {
    const { settings } = this;
    const bytes = into.totalBytes + size;
    if (into.messageCount + batchCount > maxCount || bytes > ANSWER_BYTES_MAX) return true;
    return isInMemory
      ? bytes > settings.maxTransferBytesOnMessageInMemory ||
        into.messageCount > settings.maxTransferCountOnMessageInMemory - 1
      : bytes > settings.maxTransferBytesOnMessageInDisk ||
        into.messageCount > settings.maxTransferCountOnMessageInDisk - 1;
  }
}

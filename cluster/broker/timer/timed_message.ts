// A message of the timer's topic as it leaves it: for its real topic when its time has come, or for the timer's topic
// once more when it rolls. Keeps all properties and adds the times that Apache adds
// (Java: TimerMessageStore.convert and convertMessage).
import { Buffer } from "node:buffer";
import { PROPERTIES_BYTES_MAX } from "../../../core/limits.ts";
import { PROPERTY } from "../../../core/message/property_names.ts";
import { PropertyScanner } from "../../../core/message/property_scan.ts";
import { emptyParts, locateParts, MessageRecord } from "../../../core/message/record.ts";
import { tagsCodeUtf8 } from "../../../core/message/tag_hash.ts";
import { TIMER_TOPIC } from "../../../core/message/topic_names.ts";
import type { MessageToStore, RecordView } from "../../../store/message_store.ts";

/** Added by a delivery, and what an earlier one (a roll) left. */
const REPLACED = [PROPERTY.timerEnqueueMs, PROPERTY.timerDequeueMs];
const NAMES = [
  PROPERTY.timerOutMs,
  PROPERTY.realTopic,
  PROPERTY.realQueueId,
  PROPERTY.timerDeleteUniqueKey,
  PROPERTY.uniqueKey,
  PROPERTY.keys,
  PROPERTY.tags,
  PROPERTY.timerRollTimes,
];
const OUT_MS = 0;
const REAL_TOPIC = 1;
const REAL_QUEUE_ID = 2;
const DELETE_KEY = 3;
const UNIQUE_KEY = 4;
const KEYS = 5;
const TAGS = 6;
const ROLL_TIMES = 7;

/** What stands for "never was in the wheel": Java's Long.MAX_VALUE. */
export const NEVER_ENQUEUED = "9223372036854775807";
const QUEUE_ID = /^\d{1,9}$/;
const TIME = /^\d{1,15}$/;

const TIMER_TOPIC_BYTES = Buffer.from(TIMER_TOPIC, "utf8");

/** Reads records of the timer's topic; refilled by each `read`, and valid while the record's bytes are. */
export class TimedRecord {
  private readonly scanner = new PropertyScanner([...NAMES, ...REPLACED], REPLACED);
  private readonly rollCopier = new PropertyScanner([...NAMES, ...REPLACED], [
    ...REPLACED,
    PROPERTY.timerRollTimes,
  ]);
  private readonly parts = emptyParts();
  private source: Uint8Array | null = null;
  private buffer: Buffer = Buffer.alloc(0);
  private record: MessageRecord | null = null;
  /** The last real topic, which the next message mostly has too. */
  private lastTopic = "";
  private lastTopicBytes: Buffer = Buffer.alloc(0);

  /** False when the bytes are no record of this offset in the timer's topic. */
  read(view: RecordView, physicalOffset: number): boolean {
    const { buffer, start, size } = view;
    const { parts } = this;
    if (locateParts(buffer, start, start + size, parts) !== null) return false;
    if (this.source !== buffer) {
      this.source = buffer;
      this.buffer = Buffer.from(buffer.buffer, buffer.byteOffset, buffer.byteLength);
    }
    this.record = new MessageRecord(this.buffer, start, parts);
    this.scanner.scan(this.buffer, parts.propertiesStart, parts.propertiesEnd);
    return this.record.physicalOffset === physicalOffset &&
      isSame(this.buffer, parts.topicStart, parts.topicEnd, TIMER_TOPIC_BYTES);
  }

  /** When it is due, cut to a tick; null when it doesn't say. */
  get outMs(): number | null {
    const text = this.text(OUT_MS);
    return text !== null && TIME.test(text) ? Number(text) : null;
  }

  get realTopic(): string | null {
    const start = this.scanner.starts[REAL_TOPIC]!;
    if (start < 0) return null;
    const end = this.scanner.ends[REAL_TOPIC]!;
    if (isSame(this.buffer, start, end, this.lastTopicBytes)) return this.lastTopic;
    this.lastTopicBytes = Buffer.from(this.buffer.subarray(start, end));
    return this.lastTopic = this.lastTopicBytes.toString("utf8");
  }

  get uniqueKey(): string | null {
    return this.text(UNIQUE_KEY);
  }

  /** The key of the message that this one takes back; null when it is a message. */
  get deleteKey(): string | null {
    return this.text(DELETE_KEY);
  }

  get isDelete(): boolean {
    return this.scanner.has(DELETE_KEY);
  }

  get rollTimes(): number {
    return Number(this.text(ROLL_TIMES) ?? 0) || 0;
  }

  /** Its offset in the timer topic's queue. */
  get queueOffset(): number {
    return this.record!.queueOffset;
  }

  /** The message for its real topic; null when it doesn't say which. Refers to the record's bytes, and is the
   * last that is read of it. */
  delivered(enqueueMs: string, dequeueMs: string): MessageToStore | null {
    const topic = this.realTopic;
    const queueId = this.text(REAL_QUEUE_ID) ?? "";
    if (topic === null || topic === TIMER_TOPIC || !QUEUE_ID.test(queueId)) return null;
    const added = `${PROPERTY.timerEnqueueMs}\x01${enqueueMs}\x02` +
      `${PROPERTY.timerDequeueMs}\x01${dequeueMs}\x02`;
    return this.message(topic, Number(queueId), this.scanner, added);
  }

  /** The message for the timer's topic once more. */
  rolled(enqueueMs: string, dequeueMs: string): MessageToStore {
    const added = `${PROPERTY.timerEnqueueMs}\x01${enqueueMs}\x02` +
      `${PROPERTY.timerRollTimes}\x01${this.rollTimes + 1}\x02` +
      `${PROPERTY.timerDequeueMs}\x01${dequeueMs}\x02`;
    return this.message(TIMER_TOPIC, 0, this.rollCopier, added);
  }

  private message(
    topic: string,
    queueId: number,
    copier: PropertyScanner,
    added: string,
  ): MessageToStore {
    const record = this.record!;
    const { propertiesEnd, propertiesStart } = this.parts;
    const tagsAt = this.scanner.starts[TAGS]!;
    const tagsCode = tagsAt < 0 ? 0 : tagsCodeUtf8(this.buffer, tagsAt, this.scanner.ends[TAGS]!);
    const uniqueKey = this.uniqueKey ?? "";
    const keys = this.text(KEYS) ?? "";
    const copied = Buffer.allocUnsafe(propertiesEnd - propertiesStart + 1 + added.length);
    let end = copier.copy(this.buffer, propertiesStart, propertiesEnd, copied, 0);
    // A message whose properties are full goes without the times rather than not at all.
    if (end + added.length <= PROPERTIES_BYTES_MAX) end += copied.write(added, end, "latin1");
    return {
      topic,
      queueId,
      flag: record.flag,
      sysFlag: record.sysFlag,
      bornTimestampMs: record.bornTimestampMs,
      bornAddress: record.bornAddress,
      bornPort: record.bornPort,
      reconsumeTimes: record.reconsumeTimes,
      preparedTransactionOffset: 0,
      body: record.body,
      properties: copied.subarray(0, end),
      tagsCode,
      uniqueKey,
      keys,
      batchCount: 1,
    };
  }

  private text(index: number): string | null {
    return this.scanner.text(this.buffer, index);
  }
}

function isSame(buffer: Buffer, start: number, end: number, bytes: Buffer): boolean {
  if (end - start !== bytes.length) return false;
  for (let index = 0; index < bytes.length; index++) {
    if (buffer[start + index] !== bytes[index]) return false;
  }
  return true;
}

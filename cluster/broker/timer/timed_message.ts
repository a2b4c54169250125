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

/** Added by a delivery, and what an earlier one (a roll) or another broker's checksum left. */
const REPLACED = [PROPERTY.timerEnqueueMs, PROPERTY.timerDequeueMs, PROPERTY.crc32];
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

/** Reads records of the timer's topic; refilled by each `read`, and valid while the record's bytes are. */
export class TimedRecord {
  private readonly scanner = new PropertyScanner(NAMES);
  private readonly copier = new PropertyScanner([...NAMES, ...REPLACED], REPLACED);
  private readonly rollCopier = new PropertyScanner([...NAMES, ...REPLACED], [
    ...REPLACED,
    PROPERTY.timerRollTimes,
  ]);
  private readonly parts = emptyParts();
  private buffer: Buffer = Buffer.alloc(0);
  private start = 0;

  /** False when the bytes are no record of this offset. */
  read(view: RecordView, physicalOffset: number): boolean {
    const { buffer, start, size } = view;
    if (locateParts(buffer, start, start + size, this.parts) !== null) return false;
    this.buffer = Buffer.from(buffer.buffer, buffer.byteOffset, buffer.byteLength);
    this.start = start;
    const { propertiesEnd, propertiesStart } = this.parts;
    this.scanner.scan(this.buffer, propertiesStart, propertiesEnd);
    return new MessageRecord(buffer, start, this.parts).physicalOffset === physicalOffset;
  }

  /** When it is due, cut to a tick; null when it doesn't say. */
  get outMs(): number | null {
    const text = this.text(OUT_MS);
    return text !== null && TIME.test(text) ? Number(text) : null;
  }

  get realTopic(): string | null {
    return this.text(REAL_TOPIC);
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
    return new MessageRecord(this.buffer, this.start, this.parts).queueOffset;
  }

  get topic(): string {
    return new MessageRecord(this.buffer, this.start, this.parts).topic;
  }

  /** The message for its real topic; null when it doesn't say which. Copies what it takes. */
  delivered(enqueueMs: string, nowMs: number): MessageToStore | null {
    const topic = this.realTopic;
    const queueId = this.text(REAL_QUEUE_ID) ?? "";
    if (topic === null || topic === TIMER_TOPIC || !QUEUE_ID.test(queueId)) return null;
    const added = `${PROPERTY.timerEnqueueMs}\x01${enqueueMs}\x02` +
      `${PROPERTY.timerDequeueMs}\x01${nowMs}\x02`;
    return this.message(topic, Number(queueId), this.copier, added);
  }

  /** The message for the timer's topic once more. */
  rolled(enqueueMs: string, nowMs: number): MessageToStore {
    const added = `${PROPERTY.timerEnqueueMs}\x01${enqueueMs}\x02` +
      `${PROPERTY.timerRollTimes}\x01${this.rollTimes + 1}\x02` +
      `${PROPERTY.timerDequeueMs}\x01${nowMs}\x02`;
    return this.message(TIMER_TOPIC, 0, this.rollCopier, added);
  }

  private message(
    topic: string,
    queueId: number,
    copier: PropertyScanner,
    added: string,
  ): MessageToStore {
    const record = new MessageRecord(this.buffer, this.start, this.parts);
    const { propertiesEnd, propertiesStart } = this.parts;
    const copied = Buffer.allocUnsafe(propertiesEnd - propertiesStart + 1 + added.length);
    let end = copier.copy(this.buffer, propertiesStart, propertiesEnd, copied, 0);
    // A message whose properties are full goes without the times rather than not at all.
    if (end + added.length <= PROPERTIES_BYTES_MAX) end += copied.write(added, end, "latin1");
    const tagsAt = this.scanner.starts[TAGS]!;
    return {
      topic,
      queueId,
      flag: record.flag,
      sysFlag: record.sysFlag,
      bornTimestampMs: record.bornTimestampMs,
      bornAddress: record.bornAddress.slice(),
      bornPort: record.bornPort,
      reconsumeTimes: record.reconsumeTimes,
      preparedTransactionOffset: 0,
      body: Buffer.from(record.body),
      properties: copied.subarray(0, end),
      tagsCode: tagsAt < 0 ? 0 : tagsCodeUtf8(this.buffer, tagsAt, this.scanner.ends[TAGS]!),
      uniqueKey: this.uniqueKey ?? "",
      keys: this.text(KEYS) ?? "",
      batchCount: 1,
    };
  }

  private text(index: number): string | null {
    return this.scanner.text(this.buffer, index);
  }
}

// A message of the timer's topic as it leaves it: for its real topic when its time has come, or for the timer's topic
// once more when it rolls. Keeps all properties and adds the times that Apache adds
// (Java: TimerMessageStore.convert and convertMessage).
import { Buffer } from "node:buffer";
import { writeI32, writeI64, writeU16 } from "../../../core/bytes/big_endian.ts";
import { javaHash, javaHashUtf8 } from "../../../core/bytes/java_hash.ts";
import { sameBytes } from "../../../core/bytes/same_bytes.ts";
import { PROPERTIES_BYTES_MAX } from "../../../core/limits.ts";
import { encodeProperties } from "../../../core/message/properties.ts";
import { hashKeys } from "../../../core/message/key_hashes.ts";
import { PROPERTY, TAG_KEY_PREFIX } from "../../../core/message/property_names.ts";
import { PropertyScanner } from "../../../core/message/property_scan.ts";
import { emptyParts, locateParts, MessageRecord } from "../../../core/message/record.ts";
import {
  layoutOf,
  MAGIC_AT,
  MAGIC_V1,
  magicFor,
  QUEUE_ID_AT,
  sysFlagAt,
  TOTAL_SIZE_AT,
  writeRecordTopic,
} from "../../../core/message/record_layout.ts";
import { tagsCodeUtf8 } from "../../../core/message/tag_hash.ts";
import { TIMER_QUEUE_ID, TIMER_TOPIC } from "../../../core/message/topic_names.ts";
import { parseDecimal } from "../../../core/remoting/send_header_scan.ts";
import type { MessageToStore, RecordView } from "../../../store/message_store.ts";
import { FinishedMessage } from "./finished_message.ts";
import type { RecordArena } from "./record_arena.ts";

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
  PROPERTY.crc32,
];
const OUT_MS = 0;
const REAL_TOPIC = 1;
const REAL_QUEUE_ID = 2;
const DELETE_KEY = 3;
const UNIQUE_KEY = 4;
const KEYS = 5;
const TAGS = 6;
const ROLL_TIMES = 7;
const CRC = 8;

/** What stands for "never was in the wheel": Java's Long.MAX_VALUE. */
export const NEVER_ENQUEUED = "9223372036854775807";
const QUEUE_ID_MAX = 999_999_999;
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
  private keySeed = javaHash("#");
  private tagSeed = javaHash(`#${TAG_KEY_PREFIX}`);
  /** The times that were added last. */
  private lastEnqueueMs = "";
  private lastDequeueMs = "";
  private lastAdded: Buffer = Buffer.alloc(0);

  /** `arena`: where the messages that are delivered stand. */
  constructor(private readonly arena: RecordArena) {}

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
      sameBytes(TIMER_TOPIC_BYTES, this.buffer, parts.topicStart, parts.topicEnd);
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
    if (sameBytes(this.lastTopicBytes, this.buffer, start, end)) return this.lastTopic;
    this.lastTopicBytes = Buffer.from(this.buffer.subarray(start, end));
    this.lastTopic = this.lastTopicBytes.toString("utf8");
    this.keySeed = javaHash(`${this.lastTopic}#`);
    this.tagSeed = javaHash(TAG_KEY_PREFIX, this.keySeed);
    return this.lastTopic;
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

  /**
   * The message for its real topic; null when it doesn't say which. Stands in the arena, and is the last that is read of
   * the record.
   */
  delivered(enqueueMs: string, dequeueMs: string): MessageToStore | null {
    const topic = this.realTopic;
    const { ends, starts } = this.scanner;
    if (topic === null || topic === TIMER_TOPIC) return null;
    const queueId = starts[REAL_QUEUE_ID]! < 0
      ? NaN
      : parseDecimal(this.buffer, starts[REAL_QUEUE_ID]!, ends[REAL_QUEUE_ID]!);
    if (!(queueId >= 0 && queueId <= QUEUE_ID_MAX)) return null;
    const added = this.addedTimes(enqueueMs, dequeueMs);
    return this.isPlain ? this.finish(topic, queueId, added) : this.message(
      topic,
      queueId,
      this.scanner,
      added,
    );
  }

  private addedTimes(enqueueMs: string, dequeueMs: string): Buffer {
    if (enqueueMs !== this.lastEnqueueMs || dequeueMs !== this.lastDequeueMs) {
      this.lastEnqueueMs = enqueueMs;
      this.lastDequeueMs = dequeueMs;
      this.lastAdded = encodeProperties([
        [PROPERTY.timerEnqueueMs, enqueueMs],
        [PROPERTY.timerDequeueMs, dequeueMs],
      ]);
    }
    return this.lastAdded;
  }

  /** Whether the record can be taken over but for topic, queue and properties. */
  private get isPlain(): boolean {
    const { propertiesEnd, propertiesStart } = this.parts;
    return magicFor(this.lastTopicBytes.length) === MAGIC_V1 && !this.scanner.has(CRC) &&
      propertiesEnd - propertiesStart < PROPERTIES_BYTES_MAX;
  }

  /** Makes the record for the real topic: head and body as they are, sum of the body included. */
  private finish(topic: string, queueId: number, added: Buffer): FinishedMessage {
    const { arena, buffer, lastTopicBytes, parts, scanner } = this;
    const { bodyEnd, propertiesEnd, propertiesStart } = parts;
    const { start } = this.record!;
    const headAndBody = bodyEnd - start;
    const at = arena.take(
      headAndBody + 1 + lastTopicBytes.length + 2 + propertiesEnd - propertiesStart + 1 +
        added.length,
    );
    const target = arena.buffer;
    buffer.copy(target, at, start, bodyEnd);
    const propertiesAt = writeRecordTopic(target, at + headAndBody, MAGIC_V1, lastTopicBytes) + 2;
    let end = scanner.copyScanned(buffer, propertiesStart, propertiesEnd, target, propertiesAt);
    // A message whose properties are full goes without the times rather than not at all.
    if (end - propertiesAt + added.length <= PROPERTIES_BYTES_MAX) end += added.copy(target, end);
    writeU16(target, propertiesAt - 2, end - propertiesAt);
    const size = end - at;
    writeI32(target, at + TOTAL_SIZE_AT, size);
    writeI32(target, at + MAGIC_AT, MAGIC_V1);
    writeI32(target, at + QUEUE_ID_AT, queueId);
    writeI64(target, at + layoutOf(sysFlagAt(target, at)).preparedTransactionOffset, 0);
    arena.keep(size);
    const { ends, starts } = scanner;
    const tagsCode = starts[TAGS]! < 0 ? 0 : tagsCodeUtf8(target, starts[TAGS]!, ends[TAGS]!);
    return new FinishedMessage(topic, queueId, tagsCode, target, at, size, this.keyHashes(target));
  }

  /** In the order in which the store enters them: unique key, keys, tag. */
  private keyHashes(bytes: Buffer): number[] {
    const { ends, starts } = this.scanner;
    const hashes: number[] = [];
    if (starts[UNIQUE_KEY]! >= 0) {
      hashes.push(javaHashUtf8(bytes, starts[UNIQUE_KEY]!, ends[UNIQUE_KEY]!, this.keySeed));
    }
    const sink = { addKey: (keyHash: number) => void hashes.push(keyHash) };
    hashKeys(bytes, starts[KEYS]!, ends[KEYS]!, this.keySeed, sink);
    if (starts[TAGS]! >= 0) {
      hashes.push(javaHashUtf8(bytes, starts[TAGS]!, ends[TAGS]!, this.tagSeed));
    }
    return hashes;
  }

  /** The message for the timer's topic once more. */
  rolled(enqueueMs: string, dequeueMs: string): MessageToStore {
    const added = encodeProperties([
      [PROPERTY.timerEnqueueMs, enqueueMs],
      [PROPERTY.timerRollTimes, String(this.rollTimes + 1)],
      [PROPERTY.timerDequeueMs, dequeueMs],
    ]);
    return this.message(TIMER_TOPIC, TIMER_QUEUE_ID, this.rollCopier, added);
  }

  /** In the general form, with bytes of its own. */
  private message(
    topic: string,
    queueId: number,
    copier: PropertyScanner,
    added: Buffer,
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
    if (end + added.length <= PROPERTIES_BYTES_MAX) end += added.copy(copied, end);
    return {
      topic,
      queueId,
      flag: record.flag,
      sysFlag: record.sysFlag,
      bornTimestampMs: record.bornTimestampMs,
      bornAddress: Buffer.from(record.bornAddress),
      bornPort: record.bornPort,
      reconsumeTimes: record.reconsumeTimes,
      preparedTransactionOffset: 0,
      body: Buffer.from(record.body),
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

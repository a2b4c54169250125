// Reads from a stored record what its dispatch needs: queue, number, tags code, key hashes. The recovery's counterpart
// of what the send path notes while it writes (CommitLog.checkMessageAndReturnSize, IndexService.buildIndex).
import type { Buffer } from "node:buffer";
import { readI32, readI64 } from "../../core/bytes/big_endian.ts";
import { javaHash, javaHashUtf8 } from "../../core/bytes/java_hash.ts";
import { PROPERTY, TAG_KEY_PREFIX } from "../../core/message/property_names.ts";
import { PropertyScanner } from "../../core/message/property_scan.ts";
import { emptyParts, locateParts, type RecordParts } from "../../core/message/record.ts";
import {
  layoutOf,
  PHYSICAL_OFFSET_AT,
  QUEUE_ID_AT,
  QUEUE_OFFSET_AT,
  sysFlagAt,
} from "../../core/message/record_layout.ts";
import {
  INNER_BATCH,
  isHiddenFromQueues,
  TRANSACTION_ROLLBACK,
  transactionState,
} from "../../core/message/sys_flag.ts";
import { hashKeys, type KeyHashSink } from "../../core/message/key_hashes.ts";
import { tagsCodeUtf8 } from "../../core/message/tag_hash.ts";
import {
  isDlqTopic,
  isRetryTopic,
  isSystemTopic,
  SCHEDULE_TOPIC,
} from "../../core/message/topic_names.ts";
import type { LightEntry, LightEntryReader } from "../light_queues.ts";
import type { DelayLevels } from "../schedule/delay_levels.ts";
import { TopicTexts } from "./topic_texts.ts";

/** A queue's unit has room for a short. */
const INNER_COUNT_MAX = 32_767;

/** Reused: `read` overwrites every field. */
export class RecordFacts implements KeyHashSink {
  topic = "";
  /** Java's hash of "topic#", with which those of its keys begin. */
  topicHash = 0;
  queueId = 0;
  queueOffset = 0;
  physicalOffset = 0;
  size = 0;
  tagsCode = 0;
  storeTimestampMs = 0;
  /** Messages in it: 1, or those of an inner batch. */
  batchCount = 1;
  isHidden = false;
  /** The light queues that it stands in too, when its store has any. */
  lightEntries: readonly LightEntry[] = [];
  /** Java's hash of topic#key for each key, UNIQ_KEY first; the first keyCount of them. */
  keyHashes = new Int32Array(16);
  keyCount = 0;
  /** Those of them that aren't of tags, which Apache enters from 5.4.0 on only. */
  plainKeyCount = 0;

  private readonly parts = emptyParts();
  /** Of the properties that count here; see `readScanned`. */
  readonly scanner = new PropertyScanner([
    PROPERTY.tags,
    PROPERTY.keys,
    PROPERTY.uniqueKey,
    PROPERTY.delayLevel,
    PROPERTY.innerCount,
    PROPERTY.innerBase,
  ]);
  private readonly tagsAt = this.scanner.indexOf(PROPERTY.tags);
  private readonly keysAt = this.scanner.indexOf(PROPERTY.keys);
  private readonly uniqueKeyAt = this.scanner.indexOf(PROPERTY.uniqueKey);
  private readonly delayAt = this.scanner.indexOf(PROPERTY.delayLevel);
  private readonly innerCountAt = this.scanner.indexOf(PROPERTY.innerCount);
  private readonly innerBaseAt = this.scanner.indexOf(PROPERTY.innerBase);
  private readonly topics = new TopicTexts();

  constructor(
    private readonly delayLevels: DelayLevels,
    /** Null in a store without light queues. */
    private readonly lights: LightEntryReader | null = null,
  ) {}

  /** Reads the record at `start`; false when its lengths don't agree. */
  read(buffer: Buffer, start: number, limit: number): boolean {
    if (locateParts(buffer, start, limit, this.parts) !== null) return false;
    this.readParts(buffer, start, this.parts);
    return true;
  }

  /** Reads the record at `start`, whose parts are known. */
  readParts(buffer: Buffer, start: number, parts: Readonly<RecordParts>): void {
    this.scanner.scan(buffer, parts.propertiesStart, parts.propertiesEnd);
    this.readScanned(buffer, start, parts);
  }

  /** Reads the record at `start`, whose properties `scanner` has scanned just before. */
  readScanned(buffer: Buffer, start: number, parts: Readonly<RecordParts>): void {
    const sysFlag = sysFlagAt(buffer, start);
    this.size = parts.size;
    this.queueId = readI32(buffer, start + QUEUE_ID_AT);
    this.queueOffset = readI64(buffer, start + QUEUE_OFFSET_AT);
    this.physicalOffset = readI64(buffer, start + PHYSICAL_OFFSET_AT);
    this.storeTimestampMs = readI64(buffer, start + layoutOf(sysFlag).storeTimestamp);
    this.isHidden = isHiddenFromQueues(sysFlag);
    this.readTopic(buffer, parts.topicStart, parts.topicEnd);
    this.tagsCode = this.readTagsCode(buffer);
    this.batchCount = this.readBatchCount(buffer, sysFlag);
    if (this.lights !== null) {
      const { propertiesEnd, propertiesStart } = parts;
      this.lightEntries = this.lights.read(this.topic, buffer, propertiesStart, propertiesEnd);
    }
    this.keyCount = this.plainKeyCount = 0;
    if (transactionState(sysFlag) !== TRANSACTION_ROLLBACK) this.readKeys(buffer);
  }

  private readTopic(buffer: Buffer, start: number, end: number): void {
    const { prefixHash, text } = this.topics.of(buffer, start, end);
    this.topic = text;
    this.topicHash = prefixHash;
  }

  private readTagsCode(buffer: Buffer): number {
    const { starts, ends } = this.scanner;
    if (this.topic === SCHEDULE_TOPIC && starts[this.delayAt]! >= 0) {
      const level = Number(this.scanner.text(buffer, this.delayAt));
      if (level > 0) {
        return this.delayLevels.dueMs(this.delayLevels.clamp(level), this.storeTimestampMs);
      }
    }
    return tagsCodeUtf8(buffer, starts[this.tagsAt]!, ends[this.tagsAt]!);
  }

  /** A copy in a retry topic brings both properties along, and is one message there. */
  private readBatchCount(buffer: Buffer, sysFlag: number): number {
    const { innerBaseAt, innerCountAt, scanner } = this;
    if ((sysFlag & INNER_BATCH) === 0 || !scanner.has(innerCountAt)) return 1;
    if (isRetryTopic(this.topic) || isDlqTopic(this.topic) || isSystemTopic(this.topic)) return 1;
    if (
      scanner.has(innerBaseAt) && Number(scanner.text(buffer, innerBaseAt)) !== this.queueOffset
    ) {
      return 1;
    }
    const count = Number(scanner.text(buffer, innerCountAt));
    return Number.isInteger(count) && count > 0 && count <= INNER_COUNT_MAX ? count : 1;
  }

  private readKeys(buffer: Buffer): void {
    const { starts, ends } = this.scanner;
    const unique = starts[this.uniqueKeyAt]!;
    const { topicHash } = this;
    if (unique >= 0) this.addKey(javaHashUtf8(buffer, unique, ends[this.uniqueKeyAt]!, topicHash));
    hashKeys(buffer, starts[this.keysAt]!, ends[this.keysAt]!, topicHash, this);
    this.plainKeyCount = this.keyCount;
    const tags = starts[this.tagsAt]!;
    if (tags < 0) return;
    const tagPrefix = javaHash(TAG_KEY_PREFIX, topicHash);
    this.addKey(javaHashUtf8(buffer, tags, ends[this.tagsAt]!, tagPrefix));
  }

  /** For those who read the record: one more key. */
  addKey(keyHash: number): void {
    if (this.keyCount === this.keyHashes.length) {
      const larger = new Int32Array(this.keyHashes.length * 2);
      larger.set(this.keyHashes);
      this.keyHashes = larger;
    }
    this.keyHashes[this.keyCount++] = keyHash;
  }
}

// Puts messages in their general form into the log: checks them, writes them in place as one unit, and answers each by
// a promise. What the send path does without objects; never decides when the disk is synced.
import { Buffer } from "node:buffer";
import { writeI64, writeU16 } from "../core/bytes/big_endian.ts";
import { crc32Masked } from "../core/bytes/crc32.ts";
import { javaHash, javaHashUtf8 } from "../core/bytes/java_hash.ts";
import { assert } from "../core/errors.ts";
import { PROPERTIES_BYTES_MAX } from "../core/limits.ts";
import {
  CRC_PROPERTY_BYTES,
  withoutCrcProperty,
  writeCrcProperty,
} from "../core/message/crc_property.ts";
import { KEY_SEPARATOR, PROPERTY, TAG_KEY_PREFIX } from "../core/message/property_names.ts";
import { PropertyScanner } from "../core/message/property_scan.ts";
import {
  layoutOf,
  MAGIC_V1,
  magicFor,
  newRecordHead,
  type RecordHead,
  recordSize,
  sysFlagAt,
  writeHost,
  writeRecordHead,
  writeRecordTopic,
} from "../core/message/record_layout.ts";
import {
  BORN_HOST_V6,
  INNER_BATCH,
  isHiddenFromQueues,
  STORE_HOST_V6,
  TRANSACTION_ROLLBACK,
  transactionState,
} from "../core/message/sys_flag.ts";
import { RETRY_OR_DLQ_TOPIC_LENGTH_MAX, SCHEDULE_TOPIC } from "../core/message/topic_names.ts";
import type { Clock } from "../core/time/clock.ts";
import { type Appender, STAGING_FULL } from "./commit_log/appender.ts";
import type { AppendOwner } from "./commit_log/staged_records.ts";
import type { ConsumeQueues } from "./consume_queue/consume_queues.ts";
import type { StoredQueue } from "./consume_queue/stored_queue.ts";
import type { FileMessageStoreConfig } from "./file_message_store_options.ts";
import { InnerBases } from "./inner_batches.ts";
import { LightNumbers } from "./light_queues.ts";
import type { FinishedRecord, MessageToStore, PutResult, PutStatus } from "./message_store.ts";
import { DelayLevels } from "./schedule/delay_levels.ts";

const PROPERTY_END = 2;
const NO_QUEUES: readonly StoredQueue[] = [];

/** A message measured for its record. */
interface Draft {
  message: MessageToStore;
  topic: Buffer;
  magic: number;
  sysFlag: number;
  size: number;
  properties: Uint8Array;
  propertiesBytes: number;
  /** The light queues that it stands in too. */
  lightQueues: readonly StoredQueue[];
  /** Written as it is; topic, magic and properties above stand for nothing then. */
  finished: FinishedRecord | null;
}

/** More messages than a put may have: tokens are the put's number times this, and the message's place in it. */
const PLACES = 2 ** 20;
const NOTHING = Buffer.alloc(0);

/** A put that waits for its records. */
interface PendingPut {
  number: number;
  results: PutResult[];
  waiting: number;
  resolve: (results: PutResult[]) => void;
}

export class MessageWriter implements AppendOwner {
  private readonly pending = new Map<number, PendingPut>();
  private nextNumber = 0;
  private commitScheduled = false;
  private readonly head: RecordHead;
  private lastTopic = "";
  private lastTopicBytes = Buffer.alloc(0);
  private lastKeyTopic = "";
  private lastKeyPrefix = javaHash("#");
  private readonly tags = new PropertyScanner([PROPERTY.tags]);

  constructor(
    private readonly appender: Appender,
    private readonly queues: ConsumeQueues,
    private readonly clock: Clock,
    private readonly config: FileMessageStoreConfig,
  ) {
    this.head = newRecordHead(config.storeAddress, config.storePort);
  }

  /** See MessageStore.put. */
  put(messages: readonly MessageToStore[]): Promise<PutResult[]> {
    if (messages.length === 0) return Promise.resolve([]);
    const drafts = this.draftInRoom(messages);
    if ("status" in drafts) return Promise.resolve(messages.map(() => ({ ...drafts })));
    assert(drafts.length < PLACES, "a put's tokens are its own");
    return new Promise((resolve) => {
      const number = this.nextNumber++;
      const put: PendingPut = { number, results: [], waiting: drafts.length, resolve };
      this.pending.set(number, put);
      for (let index = 0; index < drafts.length; index++) this.stage(drafts[index]!, put, index);
      this.scheduleCommit();
    });
  }

  onStored(token: number, status: PutStatus): void {
    const number = Math.floor(token / PLACES);
    const put = this.pending.get(number);
    assert(put !== undefined, "each staged message is told once");
    const result = put.results[token - number * PLACES]!;
    result.status = status;
    result.detail = status === "ok" ? "" : this.appender.failureDetail;
    put.waiting--;
    if (put.waiting > 0) return;
    this.pending.delete(number);
    put.resolve(put.results);
  }

  /** Drafts for which the log has room at once, or why there are none. */
  private draftInRoom(messages: readonly MessageToStore[]): Draft[] | PutResult {
    const { appender } = this;
    let drafts = this.draftAll(messages);
    if ("status" in drafts) return drafts;
    let room = appender.reserve(bytesOf(drafts));
    if (room === STAGING_FULL) {
      appender.commit();
      // What that couldn't write gave its numbers back, and some stand in the drafts.
      drafts = this.draftAll(messages);
      if ("status" in drafts) return drafts;
      room = appender.reserve(bytesOf(drafts));
    }
    if (room >= 0) return drafts;
    const { status, detail } = appender.lastRefusal;
    return refusal(status, detail);
  }

  private draftAll(messages: readonly MessageToStore[]): Draft[] | PutResult {
    const lights = this.config.lightQueues ? new LightNumbers(this.queues) : null;
    const bases = new InnerBases(this.queues, this.config.queueKindOf);
    const drafts: Draft[] = [];
    for (const message of messages) {
      const draft = this.draft(message, lights, bases);
      if ("status" in draft) return draft;
      drafts.push(draft);
    }
    return drafts;
  }

  private draft(
    message: MessageToStore,
    lights: LightNumbers | null,
    bases: InnerBases,
  ): Draft | PutResult {
    const finished = lights === null ? this.finishedDraft(message) : null;
    if (finished !== null) return finished;
    const topic = this.topicBytes(message.topic);
    const { body } = message;
    const based = bases.number(message);
    const numbered = lights?.number(message.topic, based) ?? null;
    const given = numbered?.properties ?? based;
    // A record that is stored again (delayed, timed, retried, committed) brings the sum of its earlier self, also long
    // after sums were switched off. This is the one place that takes it out.
    const properties = withoutCrcProperty(given);
    const lightQueues = numbered?.queues ?? NO_QUEUES;
    if (topic.length === 0) return refusal("message_illegal", "the topic is empty");
    if (topic.length > RETRY_OR_DLQ_TOPIC_LENGTH_MAX) {
      return refusal("topic_too_long", `the topic has ${topic.length} bytes`);
    }
    if (body.length > this.config.bodyBytesMax) {
      const detail = `the body has ${body.length} bytes, the limit is ${this.config.bodyBytesMax}`;
      return refusal("message_illegal", detail);
    }
    const propertiesBytes = this.propertiesBytes(properties);
    if (propertiesBytes > PROPERTIES_BYTES_MAX) {
      return refusal("properties_too_long", `the properties have ${propertiesBytes} bytes`);
    }
    const magic = magicFor(topic.length);
    let sysFlag = message.sysFlag & ~(BORN_HOST_V6 | STORE_HOST_V6);
    if (message.bornAddress.length === 16) sysFlag |= BORN_HOST_V6;
    if (this.config.storeAddress.length === 16) sysFlag |= STORE_HOST_V6;
    const size = recordSize(magic, sysFlag, body.length, topic.length, propertiesBytes);
    return {
      message,
      topic,
      magic,
      sysFlag,
      size,
      properties,
      propertiesBytes,
      lightQueues,
      finished: null,
    };
  }

  /** A finished record that can be written as it is; null when there is none, or this store writes others. */
  private finishedDraft(message: MessageToStore): Draft | null {
    const { finished } = message;
    if (finished === undefined || this.config.appendPropertyCrc) return null;
    const { buffer, size, start } = finished;
    const sysFlag = sysFlagAt(buffer, start);
    const hostFlag = this.config.storeAddress.length === 16 ? STORE_HOST_V6 : 0;
    if ((sysFlag & STORE_HOST_V6) !== hostFlag || (sysFlag & INNER_BATCH) !== 0) return null;
    if (size > this.config.bodyBytesMax) return null;
    return {
      message,
      topic: NOTHING,
      magic: MAGIC_V1,
      sysFlag,
      size,
      properties: NOTHING,
      propertiesBytes: 0,
      lightQueues: NO_QUEUES,
      finished,
    };
  }

  /** One after the other mostly has the same. */
  private topicBytes(topic: string): Buffer {
    if (topic !== this.lastTopic) {
      this.lastTopic = topic;
      this.lastTopicBytes = Buffer.from(topic, "utf8");
    }
    return this.lastTopicBytes;
  }

  /** With the CRC behind them, properties must end their last entry. */
  private propertiesBytes(properties: Uint8Array): number {
    if (!this.config.appendPropertyCrc) return properties.length;
    const separator = properties.length > 0 && properties.at(-1) !== PROPERTY_END ? 1 : 0;
    return properties.length + separator + CRC_PROPERTY_BYTES;
  }

  private stage(draft: Draft, put: PendingPut, index: number): void {
    const { appender } = this;
    const { message, sysFlag, size } = draft;
    const at = appender.begin(size);
    assert(at >= 0, "what was reserved is taken");
    if (draft.finished === null) this.writeRecord(draft, at);
    else this.copyRecord(draft.finished, draft.sysFlag, at);
    const queue = isHiddenFromQueues(sysFlag) ? null : this.queues.findOrCreate(
      message.topic,
      message.queueId,
      this.config.queueKindOf(message.topic),
    );
    if (transactionState(sysFlag) !== TRANSACTION_ROLLBACK) this.addKeys(draft);
    const token = put.number * PLACES + index;
    appender.end(size, queue, this.tagsCodeOf(message), message.batchCount, this, token);
    for (const light of draft.lightQueues) appender.alsoIn(light, size, message.tagsCode);
    if (this.config.appendPropertyCrc) {
      const end = at + size - CRC_PROPERTY_BYTES;
      writeCrcProperty(appender.buffer, end, crc32Masked(appender.buffer, at, end));
    }
    put.results.push({
      status: "ok",
      detail: "",
      physicalOffset: appender.physicalOffset,
      queueOffset: appender.queueOffset,
      size,
      storeTimestampMs: appender.storeTimestampMs,
    });
  }

  /** Of a delayed message when it is due, counted from the record's own time as a recovery counts it. */
  private tagsCodeOf({ queueId, tagsCode, topic }: MessageToStore): number {
    if (topic !== SCHEDULE_TOPIC) return tagsCode;
    const level = DelayLevels.levelOf(queueId);
    return this.config.delayLevels.dueMs(level, this.appender.storeTimestampMs);
  }

  private writeRecord(draft: Draft, at: number): void {
    const { message, topic, magic, properties, propertiesBytes } = draft;
    const { head } = this;
    const { buffer } = this.appender;
    head.magic = magic;
    head.bodyCrc = crc32Masked(message.body);
    head.queueId = message.queueId;
    head.flag = message.flag;
    head.sysFlag = draft.sysFlag;
    head.bornTimestampMs = message.bornTimestampMs;
    head.bornAddress = message.bornAddress;
    head.bornPort = message.bornPort;
    head.storeTimestampMs = this.appender.storeTimestampMs;
    head.reconsumeTimes = message.reconsumeTimes;
    head.preparedTransactionOffset = message.preparedTransactionOffset;
    const bodyAt = writeRecordHead(buffer, at, draft.size, head, message.body.length);
    buffer.set(message.body, bodyAt);
    const topicAt = bodyAt + message.body.length;
    const propertiesAt = writeRecordTopic(buffer, topicAt, magic, topic);
    writeU16(buffer, propertiesAt, propertiesBytes);
    buffer.set(properties, propertiesAt + 2);
    if (this.config.appendPropertyCrc && properties.length > 0) {
      buffer[at + draft.size - CRC_PROPERTY_BYTES - 1] = PROPERTY_END;
    }
  }

  private copyRecord({ buffer, size, start }: FinishedRecord, sysFlag: number, at: number): void {
    const { appender, config } = this;
    const target = appender.buffer;
    buffer.copy(target, at, start, start + size);
    const layout = layoutOf(sysFlag);
    writeI64(target, at + layout.storeTimestamp, appender.storeTimestampMs);
    writeHost(target, at + layout.storeHost, config.storeAddress, config.storePort);
  }

  private addKeys({ finished, message }: Draft): void {
    if (!this.config.indexEnabled) return;
    if (finished !== null) {
      for (const hash of finished.keyHashes) this.appender.addKey(hash);
      return;
    }
    const { uniqueKey, keys, properties, topic } = message;
    const prefix = this.keyPrefix(topic);
    if (uniqueKey !== "") this.appender.addKey(javaHash(uniqueKey, prefix));
    if (keys !== "") this.addKeysIn(keys, prefix);
    const { ends, starts } = this.tags;
    this.tags.scan(properties, 0, properties.length);
    if (starts[0]! < 0) return;
    const tagPrefix = javaHash(TAG_KEY_PREFIX, prefix);
    this.appender.addKey(javaHashUtf8(properties, starts[0]!, ends[0]!, tagPrefix));
  }

  private addKeysIn(keys: string, prefix: number): void {
    for (const key of keys.split(KEY_SEPARATOR)) {
      if (key !== "") this.appender.addKey(javaHash(key, prefix));
    }
  }

  /** The hash that keys of a topic go on from; one message after the other mostly has the same. */
  private keyPrefix(topic: string): number {
    if (topic !== this.lastKeyTopic) {
      this.lastKeyTopic = topic;
      this.lastKeyPrefix = javaHash(`${topic}#`);
    }
    return this.lastKeyPrefix;
  }

  /** All that is put in one turn is written at once. */
  private scheduleCommit(): void {
    if (this.commitScheduled) return;
    this.commitScheduled = true;
    this.clock.endOfTurn(() => {
      this.commitScheduled = false;
      this.appender.commit();
    });
  }
}

function bytesOf(drafts: readonly Draft[]): number {
  let bytes = 0;
  for (const { size } of drafts) bytes += size;
  return bytes;
}

function refusal(status: PutStatus, detail: string): PutResult {
  return { status, detail, physicalOffset: -1, queueOffset: -1, size: 0, storeTimestampMs: 0 };
}

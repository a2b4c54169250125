// The hot path of sending: a plain message, or one that waits for its time or its producer first (hot_moves.ts), goes from
// its frame straight into the log's staging buffer, and its answer straight into the connection's outgoing buffer. No
// promise, closure, object or string a message. Whatever is out of the ordinary is handed to the general
// path (send_handler.ts) before anything has happened.
import { Buffer } from "node:buffer";
import { writeU16 } from "../../../core/bytes/big_endian.ts";
import { crc32Masked } from "../../../core/bytes/crc32.ts";
import { javaHashUtf8 } from "../../../core/bytes/java_hash.ts";
import { PROPERTIES_BYTES_MAX } from "../../../core/limits.ts";
import { encodeProperties } from "../../../core/message/properties.ts";
import { hashKeys } from "../../../core/message/key_hashes.ts";
import { PROPERTY } from "../../../core/message/property_names.ts";
import { PropertyScanner } from "../../../core/message/property_scan.ts";
import {
  layoutOf,
  MAGIC_V1,
  newRecordHead,
  type RecordHead,
  recordSize,
  writeRecordHead,
  writeRecordTopic,
} from "../../../core/message/record_layout.ts";
import {
  BORN_HOST_V6,
  COMPRESSED,
  COMPRESSION_MASK,
  MULTI_TAGS,
  STORE_HOST_V6,
  TRANSACTION_PREPARED,
} from "../../../core/message/sys_flag.ts";
import { tagsCodeUtf8 } from "../../../core/message/tag_hash.ts";
import { FLAG_ONEWAY } from "../../../core/remoting/command.ts";
import type { Frame } from "../../../core/remoting/frame.ts";
import type { Connection, HandlerRegistry, HostAddress } from "../../../core/remoting/handler.ts";
import {
  newSendHeader,
  parseDecimal,
  scanSendHeader,
  SendField,
  unescapeJsonInto,
} from "../../../core/remoting/send_header_scan.ts";
import { type Appender, STAGING_FULL } from "../../../store/commit_log/appender.ts";
import type { PutRules } from "../put_rules.ts";
import { HotMoves, MOVED_NAMES, UNTAKEN } from "./hot_moves.ts";
import { PendingSends, UNIQUE_KEY_BYTES_MAX } from "./pending_sends.ts";
import type { SendBacklog } from "./send_backlog.ts";
import { DELAYED, HALF, PLAIN, type SendKind, TIMED } from "./send_kinds.ts";
import type { SendOutcomes } from "./send_outcomes.ts";
import type { SendSettings } from "./send_checks.ts";
import type { TopicPlan, TopicPlans } from "./topic_plans.ts";

const HOT_CODES = [10, 310];
const LETTER_T = 0x74;
/** Flags that a client may set on a plain message, or on one that begins a transaction. */
const TAKEN_FLAGS = COMPRESSED | MULTI_TAGS | COMPRESSION_MASK | BORN_HOST_V6 | STORE_HOST_V6 |
  TRANSACTION_PREPARED;

/** Properties that send a message the general way. */
const SPECIAL = [
  PROPERTY.innerCount,
  PROPERTY.multiDispatch,
  PROPERTY.crc32,
] as const;
/** Properties that only brokers set. */
const REPLACED = [
  PROPERTY.popCheckpoint,
  PROPERTY.region,
  PROPERTY.traceSwitch,
  PROPERTY.cluster,
] as const;
const UNIQUE_KEY = 0;
const KEYS = 1;
const TAGS = 2;
const PRIORITY = 3;
const SHARDING_KEY = 4;
const NAMED = [
  PROPERTY.uniqueKey,
  PROPERTY.keys,
  PROPERTY.tags,
  PROPERTY.priority,
  PROPERTY.shardingKey,
] as const;
const SPECIAL_FIRST = NAMED.length;
const MOVED_FIRST = SPECIAL_FIRST + SPECIAL.length;

/** Longer ones may be no int. */
const PRIORITY_DIGITS_MAX = 9;

/** Instead of a record's size: the message is of another kind, or the general path's. */
const OTHER_KIND = -1;
const GENERAL = -2;

export interface HotSendOptions {
  registry: HandlerRegistry;
  appender: Appender;
  plans: TopicPlans;
  rules: Pick<PutRules, "levelDueMs" | "plainSlot" | "takesTransactions">;
  pending: PendingSends;
  backlog: SendBacklog;
  outcomes: SendOutcomes;
  storeHost: HostAddress;
  settings: SendSettings & {
    readonly brokerClusterName: string;
    readonly regionId: string;
    readonly traceOn: boolean;
  };
}

export class HotSend {
  private readonly header = newSendHeader();
  private readonly scanner = new PropertyScanner(
    [...NAMED, ...SPECIAL, ...MOVED_NAMES, ...REPLACED],
    REPLACED,
  );
  private readonly moves: HotMoves;
  /** The message's queue, which is its sender's choice or its priority's. */
  private queueId = 0;
  /** What the last message was, and the next one mostly is too: its record depends on it from the topic on. */
  private kind: SendKind = PLAIN;
  /** The client marked it as the beginning of a transaction. */
  private isPrepared = false;
  private readonly unescaped = Buffer.alloc(2 * PROPERTIES_BYTES_MAX);
  private readonly head: RecordHead;
  private brokerProperties: Buffer;

  constructor(private readonly options: HotSendOptions) {
    const { rules, settings, storeHost } = options;
    this.moves = new HotMoves(rules, this.scanner, MOVED_FIRST);
    this.brokerProperties = brokerPropertiesOf(settings);
    this.head = newRecordHead(storeHost.address, storeHost.port);
  }

  register(): void {
    const { registry } = this.options;
    for (const code of HOT_CODES) {
      registry.handleRaw(code, (frame, connection) => {
        if (!this.stage(frame, connection)) registry.fallThrough(frame, connection);
      });
    }
  }

  /** Region or trace switch are others from now on. */
  settingsChanged(): void {
    this.brokerProperties = brokerPropertiesOf(this.options.settings);
  }

  /** After the last frame of a burst: it goes to the log, and what is stored is counted. */
  endBurst(): void {
    this.options.appender.commit();
    this.options.outcomes.endBurst();
  }

  /** Stages the message of a frame; false when it isn't plain, and then nothing has happened. */
  private stage(frame: Frame, connection: Connection): boolean {
    const { header, options } = this;
    if (options.backlog.isFull && !this.hasRoomAfterCommit()) return false;
    if (!scanSendHeader(frame, header)) return false;
    const plan = this.plainTopic(frame);
    if (plan === null) return false;
    this.queueId = this.number(frame, SendField.queueId);
    if (!(this.queueId >= 0 && this.queueId < plan.queueCount)) return false;
    if (!this.fillHead(frame, connection)) return false;
    const bodyBytes = frame.end - frame.bodyStart;
    if (bodyBytes === 0 || bodyBytes > options.settings.maxMessageSize) return false;

    let size = this.writeRecord(frame, plan);
    // Which one it is says the first attempt.
    if (size === OTHER_KIND) size = this.writeRecord(frame, plan);
    if (size < 0) return false;
    this.finish(frame, connection, plan, size);
    return true;
  }

  /** Writes the record in place, in the topic where its kind waits; gives its size, OTHER_KIND or GENERAL. */
  private writeRecord(frame: Frame, plan: TopicPlan): number {
    const { head, kind, moves, options } = this;
    const { appender, plans } = options;
    const topic = kind === PLAIN ? plan.bytes : plans.waiting(kind).bytes;
    const bodyBytes = frame.end - frame.bodyStart;
    const propertiesMax = this.propertiesBytesMax() + this.brokerProperties.length + 1 +
      (kind === PLAIN ? 0 : moves.bytesMax(plan));
    const { sysFlag } = head;
    const sizeMax = recordSize(MAGIC_V1, sysFlag, bodyBytes, topic.length, propertiesMax);
    let at = appender.begin(sizeMax);
    if (at === STAGING_FULL) {
      appender.commit();
      at = appender.begin(sizeMax);
    }
    if (at < 0) return GENERAL;
    const buffer = appender.buffer;
    const bodyAt = at + layoutOf(sysFlag).body;
    const topicAt = bodyAt + bodyBytes;
    const propertiesAt = topicAt + 1 + topic.length + 2;
    const end = this.copyProperties(frame, buffer, propertiesAt, plan);
    if (end < 0) return end;
    frame.buffer.copy(buffer, bodyAt, frame.bodyStart, frame.end);
    head.bodyCrc = crc32Masked(buffer, bodyAt, topicAt);
    head.storeTimestampMs = appender.storeTimestampMs;
    head.queueId = kind === PLAIN ? this.queueId : moves.queueId;
    writeRecordHead(buffer, at, end - at, head, bodyBytes);
    writeRecordTopic(buffer, topicAt, MAGIC_V1, topic);
    writeU16(buffer, propertiesAt - 2, end - propertiesAt);
    return end - at;
  }

  /** A burst alone may be as many as are allowed to wait. */
  private hasRoomAfterCommit(): boolean {
    this.options.appender.commit();
    return !this.options.backlog.isFull;
  }

  /** Index keys, a pending slot, the end of the record. */
  private finish(
    frame: Frame,
    connection: Connection,
    plan: TopicPlan,
    size: number,
  ): void {
    const { appender, outcomes, pending, plans } = this.options;
    const { kind, moves, queueId } = this;
    const { starts, ends } = this.scanner;
    const { buffer } = appender;
    const stored = kind === PLAIN ? plan : plans.waiting(kind);
    const storedQueueId = kind === PLAIN ? queueId : moves.queueId;
    const uniqueStart = starts[UNIQUE_KEY]!;
    const uniqueEnd = ends[UNIQUE_KEY]!;
    appender.addKey(javaHashUtf8(buffer, uniqueStart, uniqueEnd, stored.keyHashSeed));
    hashKeys(buffer, starts[KEYS]!, ends[KEYS]!, stored.keyHashSeed, appender);
    let tagsCode = 0;
    if (starts[TAGS]! >= 0) {
      tagsCode = tagsCodeUtf8(buffer, starts[TAGS]!, ends[TAGS]!);
      appender.addKey(javaHashUtf8(buffer, starts[TAGS]!, ends[TAGS]!, stored.tagHashSeed));
    }
    if (kind === DELAYED) tagsCode = moves.dueMs;
    const slot = pending.take(
      connection,
      stored,
      this.header.opaque,
      queueId,
      size,
      frame.serializeType,
      (this.header.flag & FLAG_ONEWAY) !== 0,
    );
    pending.setUniqueKey(slot, buffer, uniqueStart, uniqueEnd);
    if (kind !== PLAIN) {
      pending.setMoved(slot, kind, plan, storedQueueId, kind === TIMED ? moves.dueMs : 0);
    }
    appender.end(size, plans.queue(stored, storedQueueId), tagsCode, 1, outcomes, slot);
  }

  private plainTopic(frame: Frame): TopicPlan | null {
    const { escaped, ranges } = this.header;
    const at = SendField.topic * 2;
    const start = ranges[at]!;
    if (start < 0 || (escaped & (1 << SendField.topic)) !== 0) return null;
    const batch = ranges[SendField.batch * 2]!;
    if (batch >= 0 && (frame.buffer[batch]! | 32) === LETTER_T) return null;
    this.options.plans.refresh();
    return this.options.plans.find(frame.buffer, start, ranges[at + 1]!);
  }

  /** The numbers of the record's head; false when one is missing or no plain number. */
  private fillHead(frame: Frame, connection: Connection): boolean {
    const { head } = this;
    const flags = this.number(frame, SendField.sysFlag);
    const bornTimestampMs = this.number(frame, SendField.bornTimestamp);
    const flag = this.number(frame, SendField.flag);
    const hasReconsume = this.header.ranges[SendField.reconsumeTimes * 2]! >= 0;
    const reconsumeTimes = hasReconsume ? this.number(frame, SendField.reconsumeTimes) : 0;
    if (!(flags >= 0) || (flags & ~TAKEN_FLAGS) !== 0 || flags > TAKEN_FLAGS) return false;
    if (!(bornTimestampMs >= 0) || flag !== (flag | 0) || reconsumeTimes !== (reconsumeTimes | 0)) {
      return false;
    }
    this.isPrepared = (flags & TRANSACTION_PREPARED) !== 0;
    const born = connection.remoteHost;
    head.flag = flag;
    head.bornTimestampMs = bornTimestampMs;
    head.bornAddress = born.address;
    head.bornPort = born.port;
    head.reconsumeTimes = reconsumeTimes;
    head.sysFlag = (flags & ~(BORN_HOST_V6 | STORE_HOST_V6 | TRANSACTION_PREPARED)) |
      (born.address.length === 16 ? BORN_HOST_V6 : 0) |
      (head.storeAddress.length === 16 ? STORE_HOST_V6 : 0);
    return true;
  }

  /** NaN when the field is absent or no decimal number. */
  private number(frame: Frame, field: number): number {
    const start = this.header.ranges[field * 2]!;
    return start < 0 ? NaN : parseDecimal(frame.buffer, start, this.header.ranges[field * 2 + 1]!);
  }

  private propertiesBytesMax(): number {
    const at = SendField.properties * 2;
    const start = this.header.ranges[at]!;
    return start < 0 ? 0 : this.header.ranges[at + 1]! - start;
  }

  /**
   * Writes the properties that are stored at `at`, those of the broker last. Gives the position after them, OTHER_KIND
   * when the record must be written as one of `this.kind`, or GENERAL when one of them asks for more.
   */
  private copyProperties(
    frame: Frame,
    target: Buffer,
    at: number,
    plan: TopicPlan,
  ): number {
    const { header, moves, options, scanner } = this;
    const field = SendField.properties * 2;
    let source = frame.buffer;
    let start = header.ranges[field]!;
    let end = header.ranges[field + 1]!;
    if (start < 0) return GENERAL;
    if ((header.escaped & (1 << SendField.properties)) !== 0) {
      if (end - start > this.unescaped.length) return GENERAL;
      end = unescapeJsonInto(this.unescaped, 0, source, start, end);
      if (end < 0) return GENERAL;
      source = this.unescaped;
      start = 0;
    }
    let next = scanner.copy(source, start, end, target, at);
    const kind = moves.kind();
    if (kind === UNTAKEN || this.isPrepared && kind !== HALF) return GENERAL;
    if (!this.isPlain(target) || !this.chooseQueue(target, plan, kind)) return GENERAL;
    if (kind !== this.kind) {
      this.kind = kind;
      return OTHER_KIND;
    }
    this.brokerProperties.copy(target, next);
    next += this.brokerProperties.length;
    if (kind !== PLAIN) {
      if (!moves.take(kind, target, options.appender.storeTimestampMs)) return GENERAL;
      next = moves.write(kind, target, next, plan, this.queueId, UNIQUE_KEY);
    }
    return next - at > PROPERTIES_BYTES_MAX ? GENERAL : next;
  }

  /** Takes the queue that a priority asks for; false when the general way decides whether it is one. */
  private chooseQueue(target: Buffer, plan: TopicPlan, kind: SendKind): boolean {
    const { ends, starts } = this.scanner;
    const start = starts[PRIORITY]!;
    if (start < 0) return true;
    const end = ends[PRIORITY]!;
    if (end - start > PRIORITY_DIGITS_MAX || starts[SHARDING_KEY]! >= 0) return false;
    if (kind !== PLAIN) return false;
    const priority = parseDecimal(target, start, end);
    if (!(priority >= 0) || plan.writeQueueCount < 1) return false;
    this.queueId = Math.min(priority, plan.writeQueueCount - 1);
    return true;
  }

  private isPlain(target: Buffer): boolean {
    const { starts, ends } = this.scanner;
    for (let index = SPECIAL_FIRST; index < SPECIAL_FIRST + SPECIAL.length; index++) {
      if (starts[index]! >= 0) return false;
    }
    const start = starts[UNIQUE_KEY]!;
    const end = ends[UNIQUE_KEY]!;
    if (start < 0 || end - start > UNIQUE_KEY_BYTES_MAX) return false;
    // The key is repeated in the answer's header as it is.
    for (let index = start; index < end; index++) {
      const byte = target[index]!;
      if (byte < 0x20 || byte > 0x7e || byte === 0x22 || byte === 0x5c) return false;
    }
    return true;
  }
}

/** What every message gains. */
function brokerPropertiesOf(settings: HotSendOptions["settings"]): Buffer {
  return encodeProperties([
    [PROPERTY.region, settings.regionId],
    [PROPERTY.traceSwitch, String(settings.traceOn)],
    [PROPERTY.cluster, settings.brokerClusterName],
  ]);
}

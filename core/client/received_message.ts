// A message as consumers get it: a view of the pulled bytes that decodes what is asked for, when it
// is asked for. Most listeners look at a few fields alone.
import { Buffer } from "node:buffer";
import { decodeBatch } from "../message/batch.ts";
import { compressionOf, decompress } from "../message/compression.ts";
import { formatHost } from "../message/host_address.ts";
import { encodeOffsetMessageId } from "../message/message_id.ts";
import { parseProperties } from "../message/properties.ts";
import { KEY_SEPARATOR, PROPERTY } from "../message/property_names.ts";
import { decodeRecords, type MessageRecord } from "../message/record.ts";
import { COMPRESSED, COMPRESSION_MASK, INNER_BATCH, NEED_UNWRAP } from "../message/sys_flag.ts";
import type { MessageQueue } from "./message.ts";
import { withoutNamespace } from "./namespace.ts";

/** What checks a value and gives it its type, or throws. */
export interface Schema<T> {
  parse(value: unknown): T;
}

/** One message of a record that holds several. */
interface InnerItem {
  index: number;
  flag: number;
  body: Uint8Array;
  properties: Uint8Array;
}

/**
 * A consumed message. Fields are read from the pulled bytes on demand; a body that can't be
 * decompressed throws DecodeError when it is looked at.
 */
export class ReceivedMessage {
  /** The queue that it was pulled from. */
  readonly queue: MessageQueue;
  readonly queueOffset: number;
  /** What its topic's name begins with, for the program to leave out; for the consumer to set. */
  namespace: string | undefined;
  /** Bytes of the body as stored. */
  readonly storedBytes: number;
  /** Deliveries that failed in place, without the broker's knowledge (orderly); for the consumer. */
  retriedHere = 0;
  private readonly record: MessageRecord;
  private readonly item: InnerItem | null;
  private readProperties: Map<string, string> | null = null;
  private readBody: Uint8Array | null = null;

  /** Made by decodeReceived. */
  constructor(record: MessageRecord, queue: MessageQueue, item: InnerItem | null) {
    this.record = record;
    this.queue = queue;
    this.item = item;
    this.queueOffset = record.queueOffset + (item?.index ?? 0);
    this.storedBytes = item?.body.length ?? record.parts.bodyEnd - record.parts.bodyStart;
  }

  /** The topic that it was sent to, also when it comes by a retry topic. */
  get topic(): string {
    // A record that an operator sends comes without a queue.
    const topic = this.queue.topic || this.record.topic;
    const origin = topic.startsWith("%")
      ? this.properties.get(PROPERTY.retryTopic) ?? topic
      : topic;
    return withoutNamespace(this.namespace, origin);
  }

  /** Plain, whatever it was in the record. */
  get body(): Uint8Array {
    return this.readBody ??= this.plainBody();
  }

  /** The body as it was in the record, and the flags that say how it is compressed. */
  get storedBody(): Uint8Array {
    return this.item?.body ?? this.record.body;
  }

  /** The properties as they were in the record: name \x01 value \x02 …, UTF-8. */
  get storedProperties(): Uint8Array {
    return this.item?.properties ?? this.record.properties;
  }

  get storedCompression(): number {
    return this.item === null ? this.record.sysFlag & (COMPRESSED | COMPRESSION_MASK) : 0;
  }

  /** The body as UTF-8 text. */
  text(): string {
    const { body } = this;
    return Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("utf8");
  }

  /** The body as JSON. Throws SyntaxError. */
  json(): unknown;
  /** The body as JSON, checked: throws what the schema throws. Any with `parse` will do, zod's too. */
  json<T>(schema: Schema<T>): T;
  json<T>(schema?: Schema<T>): unknown {
    const value: unknown = JSON.parse(this.text());
    return schema === undefined ? value : schema.parse(value);
  }

  /** The properties as an object of the program's own type, checked by a schema. */
  propertiesAs<T>(schema: Schema<T>): T {
    return schema.parse(Object.fromEntries(this.properties));
  }

  /** The user's properties and the system's. */
  get properties(): ReadonlyMap<string, string> {
    return this.readProperties ??= parseProperties(this.storedProperties);
  }

  get tags(): string | undefined {
    return this.properties.get(PROPERTY.tags);
  }

  get keys(): string[] {
    const keys = this.properties.get(PROPERTY.keys);
    return keys === undefined ? [] : keys.split(KEY_SEPARATOR).filter((key) => key !== "");
  }

  /** The producer's unique key when there is one, else the offset id. */
  get messageId(): string {
    return this.properties.get(PROPERTY.uniqueKey) ?? this.offsetMessageId;
  }

  /** Address of the storing broker and physical offset. */
  get offsetMessageId(): string {
    const { storeAddress, storePort, physicalOffset } = this.record;
    return encodeOffsetMessageId(storeAddress, storePort, physicalOffset);
  }

  get flag(): number {
    return this.item?.flag ?? this.record.flag;
  }

  /** Of the record, without its compressed bit. */
  get sysFlag(): number {
    return this.record.sysFlag & ~COMPRESSED;
  }

  get bornTimestampMs(): number {
    return this.record.bornTimestampMs;
  }

  /** "127.0.0.1:41234" */
  get bornHost(): string {
    return formatHost(this.record.bornAddress, this.record.bornPort);
  }

  get storeTimestampMs(): number {
    return this.record.storeTimestampMs;
  }

  get storeHost(): string {
    return formatHost(this.record.storeAddress, this.record.storePort);
  }

  get physicalOffset(): number {
    return this.record.physicalOffset;
  }

  /** Deliveries that failed before this one. */
  get reconsumeTimes(): number {
    return this.record.reconsumeTimes + this.retriedHere;
  }

  private plainBody(): Uint8Array {
    if (this.item !== null) return this.item.body;
    return plainBody(this.record);
  }
}

function plainBody(record: MessageRecord): Uint8Array {
  const kind = compressionOf(record.sysFlag);
  return kind === null ? record.body : decompress(record.body, kind);
}

/** The messages in the body of a pull's answer. Throws DecodeError. */
export function decodeReceived(bytes: Uint8Array, queue: MessageQueue): ReceivedMessage[] {
  const messages: ReceivedMessage[] = [];
  for (const record of decodeRecords(bytes)) {
    const { sysFlag } = record;
    if ((sysFlag & INNER_BATCH) === 0 || (sysFlag & NEED_UNWRAP) === 0) {
      messages.push(new ReceivedMessage(record, queue, null));
      continue;
    }
    for (const [index, item] of decodeBatch(plainBody(record)).entries()) {
      messages.push(new ReceivedMessage(record, queue, { ...item, index }));
    }
  }
  return messages;
}

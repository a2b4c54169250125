// Messages as a consumer has them: decoded from a pull response, decompressed, inner batches unwrapped, properties
// parsed. Used by clients and tools; the broker hands records on as they are.
import { decodeBatch } from "./batch.ts";
import { compressionOf, decompress, DECOMPRESSED_BYTES_MAX } from "./compression.ts";
import { formatHost } from "./host_address.ts";
import { encodeOffsetMessageId } from "./message_id.ts";
import { parseProperties } from "./properties.ts";
import { PROPERTY } from "./property_names.ts";
import { decodeRecords, type MessageRecord } from "./record.ts";
import { COMPRESSED, INNER_BATCH, NEED_UNWRAP } from "./sys_flag.ts";

export interface ClientMessage {
  topic: string;
  queueId: number;
  queueOffset: number;
  /** Plain, whatever it was in the record. */
  body: Uint8Array;
  properties: Map<string, string>;
  /** The producer's unique key when there is one, else the offset id. */
  messageId: string;
  /** Address of the storing broker and physical offset; messages of an inner batch share their record's. */
  offsetMessageId: string;
  flag: number;
  /** Of the record, without its compressed bit. */
  sysFlag: number;
  bornTimestampMs: number;
  /** "127.0.0.1:41234" */
  bornHost: string;
  storeTimestampMs: number;
  storeHost: string;
  reconsumeTimes: number;
  preparedTransactionOffset: number;
  physicalOffset: number;
  bodyCrc: number;
  /** Bytes of the record that it came in. */
  recordBytes: number;
}

/** The messages in the body of a pull response. Throws DecodeError; bodies over `bodyBytesMax` are refused. */
export function decodeMessages(
  buffer: Uint8Array,
  bodyBytesMax = DECOMPRESSED_BYTES_MAX,
): ClientMessage[] {
  return decodeRecords(buffer).flatMap((record) => messagesOf(record, bodyBytesMax));
}

/** The message of a record, or the several of an inner batch. Throws DecodeError. */
export function messagesOf(
  record: MessageRecord,
  bodyBytesMax = DECOMPRESSED_BYTES_MAX,
): ClientMessage[] {
  const message = toMessage(record, bodyBytesMax);
  const isInnerBatch = (record.sysFlag & INNER_BATCH) !== 0 && (record.sysFlag & NEED_UNWRAP) !== 0;
  if (!isInnerBatch) return [message];
  return decodeBatch(message.body).map((item, index) => {
    const properties = parseProperties(item.properties);
    return {
      ...message,
      queueOffset: message.queueOffset + index,
      flag: item.flag,
      body: item.body,
      properties,
      messageId: properties.get(PROPERTY.uniqueKey) ?? message.offsetMessageId,
    };
  });
}

function toMessage(record: MessageRecord, bodyBytesMax: number): ClientMessage {
  const { sysFlag, storeAddress, storePort, physicalOffset } = record;
  const kind = compressionOf(sysFlag);
  const properties = parseProperties(record.properties);
  const offsetMessageId = encodeOffsetMessageId(storeAddress, storePort, physicalOffset);
  return {
    topic: record.topic,
    queueId: record.queueId,
    queueOffset: record.queueOffset,
    body: kind === null ? record.body : decompress(record.body, kind, bodyBytesMax),
    properties,
    messageId: properties.get(PROPERTY.uniqueKey) ?? offsetMessageId,
    offsetMessageId,
    flag: record.flag,
    sysFlag: sysFlag & ~COMPRESSED,
    bornTimestampMs: record.bornTimestampMs,
    bornHost: formatHost(record.bornAddress, record.bornPort),
    storeTimestampMs: record.storeTimestampMs,
    storeHost: formatHost(storeAddress, storePort),
    reconsumeTimes: record.reconsumeTimes,
    preparedTransactionOffset: record.preparedTransactionOffset,
    physicalOffset,
    bodyCrc: record.bodyCrc,
    recordBytes: record.size,
  };
}

// Writes the answer to a stored single message straight into a connection's outgoing buffer, in either serialization.
// Only for success; refusals are rare and go the general way. Allocates nothing for a message.
import { Buffer } from "node:buffer";
import { writeI32, writeU16 } from "../../../core/bytes/big_endian.ts";
import { writeDecimal } from "../../../core/bytes/decimal.ts";
import {
  FLAG_RESPONSE,
  LANGUAGE,
  ROCKETMQ_VERSION,
  SERIALIZE_JSON,
  SERIALIZE_ROCKETMQ,
} from "../../../core/remoting/command.ts";
import { RecallHandleWriter } from "../../../core/message/recall_handle.ts";
import type { Connection } from "../../../core/remoting/handler.ts";
import { PendingSends, UNIQUE_KEY_BYTES_MAX } from "./pending_sends.ts";
import { TIMED } from "./send_kinds.ts";

const DIGITS = Buffer.from("0123456789ABCDEF", "latin1");
/** Digits of the largest number written: 2^53. */
const NUMBER_BYTES_MAX = 17;
const OFFSET_HEX_DIGITS = 16;
/** Java's ordinal of the language name. */
const LANGUAGE_JAVA = 0;

const NO_BYTES = Buffer.alloc(0);

export interface SendAnswerSettings {
  readonly brokerName: string;
  regionId: string;
  traceOn: boolean;
}

export class SendAnswerWriter {
  private jsonHead = NO_BYTES;
  private readonly jsonTransaction: Buffer;
  private readonly jsonMessageId: Buffer;
  private readonly jsonOffset: Buffer;
  private readonly jsonOpaque: Buffer;
  private readonly jsonTail: Buffer;
  private binaryFixed = NO_BYTES;
  private readonly binaryQueueId: Buffer;
  private readonly binaryOffset: Buffer;
  private readonly binaryTransaction: Buffer;
  private readonly jsonRecall: Buffer;
  private readonly binaryRecall: Buffer;
  private readonly handles: RecallHandleWriter;
  private readonly messageIdLength: number;
  private readonly hostHex: Buffer;
  private bytesMax = 0;

  constructor(
    private readonly pending: PendingSends,
    /** Hexadecimal of the store host's address and port, the front of every offset id. */
    storeHostHex: string,
    /** Live: see settingsChanged. */
    private readonly settings: SendAnswerSettings,
  ) {
    this.hostHex = Buffer.from(storeHostHex, "latin1");
    this.messageIdLength = this.hostHex.length + OFFSET_HEX_DIGITS;
    this.jsonTransaction = Buffer.from(`","transactionId":"`);
    this.jsonMessageId = Buffer.from(`","msgId":"`);
    this.jsonOffset = Buffer.from(`","queueOffset":"`);
    this.jsonOpaque = Buffer.from(
      `"},"flag":${FLAG_RESPONSE},"language":"${LANGUAGE}","opaque":`,
    );
    this.jsonTail = Buffer.from(
      `,"serializeTypeCurrentRPC":"JSON","version":${ROCKETMQ_VERSION}}`,
    );
    this.binaryQueueId = binaryName("queueId");
    this.binaryOffset = binaryName("queueOffset");
    this.binaryTransaction = binaryName("transactionId");
    this.jsonRecall = Buffer.from(`","recallHandle":"`);
    this.binaryRecall = binaryName("recallHandle");
    this.handles = new RecallHandleWriter(settings.brokerName);
    this.settingsChanged();
  }

  /** Region or trace switch are others from now on. */
  settingsChanged(): void {
    const { regionId } = this.settings;
    const region = JSON.stringify(regionId);
    const traceOn = String(this.settings.traceOn);
    this.jsonHead = Buffer.from(
      `{"code":0,"extFields":{"MSG_REGION":${region},"TRACE_ON":"${traceOn}","queueId":"`,
    );
    this.binaryFixed = Buffer.concat([
      binaryField("MSG_REGION", regionId),
      binaryField("TRACE_ON", traceOn),
      binaryName("msgId"),
    ]);
    this.bytesMax = 512 + Buffer.byteLength(regionId) * 2 + this.messageIdLength +
      UNIQUE_KEY_BYTES_MAX + 3 * NUMBER_BYTES_MAX;
  }

  /** Queues the answer to the pending send in `slot`. */
  write(slot: number, connection: Connection, physicalOffset: number, queueOffset: number): void {
    const isTimed = this.pending.kindOf(slot) === TIMED;
    const { buffer, start } = connection.reserve(
      isTimed ? this.bytesMax + this.recallBytesMax(slot) : this.bytesMax,
    );
    const headerStart = start + 8;
    const isJson = this.pending.serializeTypes[slot] === SERIALIZE_JSON;
    const end = isJson
      ? this.writeJson(buffer, headerStart, slot, physicalOffset, queueOffset)
      : this.writeBinary(buffer, headerStart, slot, physicalOffset, queueOffset);
    writeI32(buffer, start, end - start - 4);
    writeI32(buffer, start + 4, end - headerStart);
    buffer[start + 4] = isJson ? SERIALIZE_JSON : SERIALIZE_ROCKETMQ;
    connection.commit(end - start);
  }

  private writeJson(
    buffer: Buffer,
    start: number,
    slot: number,
    physicalOffset: number,
    queueOffset: number,
  ): number {
    const pending = this.pending;
    let at = put(buffer, start, this.jsonHead);
    at = writeDecimal(buffer, at, pending.queueIds[slot]!);
    at = put(buffer, at, this.jsonTransaction);
    at = this.putUniqueKey(buffer, at, slot);
    at = put(buffer, at, this.jsonMessageId);
    at = put(buffer, at, this.hostHex);
    at = writeHex16(buffer, at, physicalOffset);
    at = put(buffer, at, this.jsonOffset);
    at = writeDecimal(buffer, at, queueOffset);
    if (pending.kindOf(slot) === TIMED) {
      at = this.writeHandle(buffer, put(buffer, at, this.jsonRecall), slot);
    }
    at = put(buffer, at, this.jsonOpaque);
    at = writeDecimal(buffer, at, pending.opaques[slot]!);
    return put(buffer, at, this.jsonTail);
  }

  private writeBinary(
    buffer: Buffer,
    start: number,
    slot: number,
    physicalOffset: number,
    queueOffset: number,
  ): number {
    const pending = this.pending;
    writeU16(buffer, start, 0);
    buffer[start + 2] = LANGUAGE_JAVA;
    writeU16(buffer, start + 3, ROCKETMQ_VERSION);
    writeI32(buffer, start + 5, pending.opaques[slot]!);
    writeI32(buffer, start + 9, FLAG_RESPONSE);
    writeI32(buffer, start + 13, 0);
    const fields = start + 21;
    let at = put(buffer, fields, this.binaryFixed);
    writeI32(buffer, at, this.messageIdLength);
    at = put(buffer, at + 4, this.hostHex);
    at = writeHex16(buffer, at, physicalOffset);
    at = writeNumberValue(buffer, put(buffer, at, this.binaryQueueId), pending.queueIds[slot]!);
    at = writeNumberValue(buffer, put(buffer, at, this.binaryOffset), queueOffset);
    at = put(buffer, at, this.binaryTransaction);
    writeI32(buffer, at, pending.uniqueKeyLengths[slot]!);
    at = this.putUniqueKey(buffer, at + 4, slot);
    if (pending.kindOf(slot) === TIMED) {
      const value = put(buffer, at, this.binaryRecall) + 4;
      at = this.writeHandle(buffer, value, slot);
      writeI32(buffer, value - 4, at - value);
    }
    writeI32(buffer, fields - 4, at - fields);
    return at;
  }

  /** What takes the timed message in a slot back; gives the position after it. */
  private writeHandle(buffer: Buffer, at: number, slot: number): number {
    const { outMs, realPlans, uniqueKeyLengths, uniqueKeys } = this.pending;
    const keyStart = slot * UNIQUE_KEY_BYTES_MAX;
    return this.handles.write(
      buffer,
      at,
      realPlans[slot]!.bytes,
      outMs[slot]!,
      uniqueKeys,
      keyStart,
      keyStart + uniqueKeyLengths[slot]!,
    );
  }

  private recallBytesMax(slot: number): number {
    const { realPlans } = this.pending;
    return this.jsonRecall.length +
      this.handles.bytesMax(realPlans[slot]!.bytes.length + UNIQUE_KEY_BYTES_MAX);
  }

  private putUniqueKey(buffer: Buffer, at: number, slot: number): number {
    const start = slot * UNIQUE_KEY_BYTES_MAX;
    const length = this.pending.uniqueKeyLengths[slot]!;
    this.pending.uniqueKeys.copy(buffer, at, start, start + length);
    return at + length;
  }
}

function binaryName(name: string): Buffer {
  const bytes = Buffer.alloc(2 + name.length);
  writeU16(bytes, 0, name.length);
  bytes.write(name, 2, "latin1");
  return bytes;
}

function binaryField(name: string, value: string): Buffer {
  const text = Buffer.from(value, "utf8");
  const length = Buffer.alloc(4);
  writeI32(length, 0, text.length);
  return Buffer.concat([binaryName(name), length, text]);
}

function put(target: Buffer, at: number, source: Buffer): number {
  source.copy(target, at);
  return at + source.length;
}

/** A number's decimal digits behind their 4-byte length. */
function writeNumberValue(buffer: Buffer, at: number, value: number): number {
  const end = writeDecimal(buffer, at + 4, value);
  writeI32(buffer, at, end - at - 4);
  return end;
}

/** Sixteen hexadecimal digits of an offset, upper-case. */
export function writeHex16(buffer: Uint8Array, at: number, value: number): number {
  const high = Math.floor(value / 4294967296);
  const low = value >>> 0;
  for (let index = 0; index < 8; index++) {
    const shift = 28 - 4 * index;
    buffer[at + index] = DIGITS[(high >>> shift) & 15]!;
    buffer[at + 8 + index] = DIGITS[(low >>> shift) & 15]!;
  }
  return at + OFFSET_HEX_DIGITS;
}

// Makes messages ready to be sent: checks them, compresses large bodies, gives them their unique key.
// Sends nothing.
import { Buffer } from "node:buffer";
import { PROPERTIES_BYTES_MAX } from "../limits.ts";
import { compress, compressionBits, type CompressionKind } from "../message/compression.ts";
import { parseAddress } from "../message/host_address.ts";
import { UniqueKeyGenerator } from "../message/message_id.ts";
import { randomBelow } from "../random.ts";
import { SEND_BATCH_MESSAGE, SEND_MESSAGE_V2 } from "../remoting/codes/send.ts";
import type { Clock } from "../time/clock.ts";
import { type Batch, makeBatches } from "./batch.ts";
import type { ClientEnvironment } from "./environment.ts";
import {
  bodyBytes,
  checkMessage,
  checkPropertiesBytes,
  type Message,
  type MessageQueue,
  propertiesText,
} from "./message.ts";
import type { PreparedSend } from "./pending_send.ts";

export interface PrepareOptions {
  maxMessageBytes: number;
  compressFromBytes: number;
  compression: CompressionKind;
  compressionLevel: number;
}

/** What is said of a send beside its message. */
export interface Delivery {
  /** The only queue it may go to; null: any. */
  fixedQueue: MessageQueue | null;
  timeoutMs: number;
  isOneway: boolean;
  /** Null for messages as their sender made them. */
  marks: Marks | null;
}

/** What the library itself marks a message with, beside what its sender said. */
export interface Marks {
  /** Encoded properties; they win over the message's own. */
  properties: string;
  /** Flags, or-ed into the message's. */
  sysFlag: number;
  /** The request's code; null: the usual one. */
  code: number | null;
}

export class MessagePreparer {
  private readonly clock: Clock;
  private readonly uniqueKeys: UniqueKeyGenerator;
  /** The last key's digits; used again for each. */
  private readonly uniqueKey: Buffer;
  private readonly compressionBits: number;

  constructor(private readonly options: PrepareOptions, environment: ClientEnvironment) {
    const { clock, localAddress, processId, random } = environment;
    this.clock = clock;
    this.uniqueKeys = new UniqueKeyGenerator({
      clock,
      address: parseAddress(localAddress) ?? new Uint8Array(4),
      processId,
      instanceHash: randomBelow(random, 2 ** 32),
    });
    this.uniqueKey = Buffer.alloc(this.uniqueKeys.length);
    this.compressionBits = compressionBits(options.compression);
  }

  /** Throws ClientError "invalid_message". */
  prepare(message: Message, { fixedQueue, timeoutMs, isOneway, marks }: Delivery): PreparedSend {
    const { maxMessageBytes, compressFromBytes, compression, compressionLevel } = this.options;
    let body = bodyBytes(message.body);
    checkMessage(message, body.length, maxMessageBytes);
    let sysFlag = 0;
    if (body.length >= compressFromBytes) {
      body = compress(body, compression, compressionLevel);
      sysFlag = this.compressionBits;
    }
    const bornTimestampMs = this.clock.nowMs();
    this.uniqueKeys.write(this.uniqueKey, 0, bornTimestampMs);
    const messageId = this.uniqueKey.toString("latin1");
    let properties = propertiesText(message, messageId);
    if (marks !== null) {
      properties += marks.properties;
      sysFlag |= marks.sysFlag;
    }
    checkPropertiesLength(properties);
    return {
      topic: message.topic,
      body,
      messageId,
      properties,
      sysFlag,
      flag: message.flag ?? 0,
      bornTimestampMs,
      isBatch: false,
      code: marks?.code ?? SEND_MESSAGE_V2.code,
      isOneway,
      fixedQueue,
      timeoutMs,
    };
  }

  /** Throws ClientError "invalid_message". */
  check(message: Message): void {
    checkMessage(message, bodyBytes(message.body).length, this.options.maxMessageBytes);
  }

  /** The requests that the messages make, at least one. Throws ClientError "invalid_message". */
  batches(messages: readonly Message[]): Batch[] {
    for (const message of messages) this.check(message);
    return makeBatches(messages, this.options.maxMessageBytes, () => this.uniqueKeys.next());
  }

  prepareBatch(batch: Batch, { fixedQueue, timeoutMs, isOneway }: Delivery): PreparedSend {
    return {
      topic: batch.topic,
      body: batch.body,
      messageId: batch.messageId,
      properties: batch.properties,
      sysFlag: 0,
      flag: 0,
      bornTimestampMs: this.clock.nowMs(),
      isBatch: true,
      code: SEND_BATCH_MESSAGE.code,
      isOneway,
      fixedQueue,
      timeoutMs,
    };
  }
}

/** Properties travel with a 16-bit length. */
function checkPropertiesLength(properties: string): void {
  if (properties.length * 3 <= PROPERTIES_BYTES_MAX) return;
  checkPropertiesBytes(Buffer.byteLength(properties, "utf8"));
}

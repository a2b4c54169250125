// Request-reply: what a reply is to the one that asked, and how a reply finds its way. Reads and
// makes messages; sends nothing.
import { Buffer } from "node:buffer";
import { compressionOf, decompress } from "../message/compression.ts";
import { formatProperties, parseProperties } from "../message/properties.ts";
import { KEY_SEPARATOR, PROPERTY } from "../message/property_names.ts";
import { replyTopicOf } from "../message/topic_names.ts";
import type { FieldsOf } from "../remoting/code_row.ts";
import type { PUSH_REPLY_MESSAGE_TO_CLIENT } from "../remoting/codes/client_bound.ts";
import { SEND_REPLY_MESSAGE_V2 } from "../remoting/codes/send.ts";
import { invalid, type Message } from "./message.ts";
import type { Marks } from "./prepare.ts";
import type { ReceivedMessage } from "./received_message.ts";

/** The MSG_TYPE of a reply (MixAll.REPLY_MESSAGE_FLAG). */
const REPLY_TYPE = "reply";

/** What is answered to a request: a body alone, or a message without a topic, which the library knows. */
export type ReplyContent = string | Uint8Array | Omit<Message, "topic">;

/** A reply as the one that asked gets it. It lies in no queue, so it has no offsets. */
export class Reply {
  /** Plain, whatever it was on its way. */
  readonly body: Uint8Array;
  /** The replier's properties and the system's. */
  readonly properties: ReadonlyMap<string, string>;
  readonly flag: number;
  readonly bornTimestampMs: number;
  /** Where the replier sent it from, "127.0.0.1:41234". */
  readonly bornHost: string;
  readonly storeTimestampMs: number;
  /** The broker that it came by. */
  readonly storeHost: string;
  /** The unique key that the replier gave it. */
  readonly messageId: string;

  /** Made of what the broker pushed. Throws DecodeError when the body can't be decompressed. */
  constructor(
    fields: FieldsOf<typeof PUSH_REPLY_MESSAGE_TO_CLIENT.request>,
    body: Uint8Array,
    arrivedAtMs: number,
  ) {
    const properties = parseProperties(fields.properties ?? "");
    properties.set(PROPERTY.arriveTime, String(arrivedAtMs));
    const kind = compressionOf(fields.sysFlag);
    this.properties = properties;
    this.body = kind === null ? body : decompress(body, kind);
    this.flag = fields.flag;
    this.bornTimestampMs = fields.bornTimestamp;
    this.bornHost = fields.bornHost;
    this.storeTimestampMs = fields.storeTimestamp ?? 0;
    this.storeHost = fields.storeHost;
    this.messageId = properties.get(PROPERTY.uniqueKey) ?? "";
  }

  /** The body as UTF-8 text. */
  text(): string {
    const { body } = this;
    return Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("utf8");
  }

  /** The body as JSON. Throws SyntaxError. */
  json(): unknown {
    return JSON.parse(this.text());
  }

  get tags(): string | undefined {
    return this.properties.get(PROPERTY.tags);
  }

  get keys(): string[] {
    const keys = this.properties.get(PROPERTY.keys);
    return keys === undefined ? [] : keys.split(KEY_SEPARATOR).filter((key) => key !== "");
  }
}

/** What marks a message as a request (DefaultMQProducerImpl.prepareSendRequest). */
export function requestMarks(correlationId: string, clientId: string, timeoutMs: number): Marks {
  return {
    properties: formatProperties([
      [PROPERTY.correlationId, correlationId],
      [PROPERTY.replyToClient, clientId],
      [PROPERTY.ttl, String(timeoutMs)],
    ]),
    sysFlag: 0,
    code: null,
  };
}

/**
 * The message that answers a request, and what marks it as a reply (MessageUtil). Throws ClientError
 * "invalid_message" when the message asks for no reply.
 */
export function replyTo(
  request: ReceivedMessage,
  content: ReplyContent,
): { message: Message; marks: Marks } {
  const { properties } = request;
  const cluster = properties.get(PROPERTY.cluster);
  const client = properties.get(PROPERTY.replyToClient);
  if (cluster === undefined || client === undefined) {
    throw invalid(`the message ${request.messageId} asks for no reply`);
  }
  const isBody = typeof content === "string" || content instanceof Uint8Array;
  const marks: [string, string][] = [[PROPERTY.messageType, REPLY_TYPE]];
  for (const name of [PROPERTY.correlationId, PROPERTY.replyToClient, PROPERTY.ttl]) {
    const value = properties.get(name);
    if (value !== undefined) marks.push([name, value]);
  }
  return {
    message: { ...(isBody ? { body: content } : content), topic: replyTopicOf(cluster) },
    marks: { properties: formatProperties(marks), sysFlag: 0, code: SEND_REPLY_MESSAGE_V2.code },
  };
}

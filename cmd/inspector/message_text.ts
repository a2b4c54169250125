// Messages as Apache's tools print them, and as JSON. Pure but for the body's file, which queries write as mqadmin does.
import { Buffer } from "node:buffer";
import fs from "node:fs";
import type { JsonObject } from "../../core/json/json_value.ts";
import { type ClientMessage, messagesOf } from "../../core/message/client_message.ts";
import { PROPERTY } from "../../core/message/property_names.ts";
import { decodeRecords } from "../../core/message/record.ts";
import { dayAndTimeMs, inHashMapOrder, mapText } from "./java_text.ts";
import { printf } from "./printf.ts";
import type { Report } from "./report.ts";

/** Java makes the map of a message's properties for so many. */
const PROPERTIES_CAPACITY = 128;
const BODY_FOLDER = "/tmp/rocketmq/msgbodys";

/** The messages in an answer's body; unlike consumers' they keep the flags of their records. */
export function messagesIn(body: Uint8Array): ClientMessage[] {
  return decodeRecords(body).flatMap((record) =>
    messagesOf(record).map((message) => ({ ...message, sysFlag: record.sysFlag }))
  );
}

export function propertiesText(properties: ReadonlyMap<string, string>): string {
  return mapText(inHashMapOrder(properties, PROPERTIES_CAPACITY));
}

/** As MessageExt.toString. */
export function messageText(message: ClientMessage, brokerName: string): string {
  const { properties } = message;
  const isPrepared = properties.get(PROPERTY.transactionPrepared) === "true";
  const transactionId = isPrepared ? properties.get(PROPERTY.uniqueKey) ?? "null" : "null";
  const body = message.body.length === 0 ? "null" : `[${new Int8Array(message.body).join(", ")}]`;
  const fields = [
    `brokerName=${brokerName}`,
    `queueId=${message.queueId}`,
    `storeSize=${message.recordBytes}`,
    `queueOffset=${message.queueOffset}`,
    `sysFlag=${message.sysFlag}`,
    `bornTimestamp=${message.bornTimestampMs}`,
    `bornHost=/${message.bornHost}`,
    `storeTimestamp=${message.storeTimestampMs}`,
    `storeHost=/${message.storeHost}`,
    `msgId=${message.offsetMessageId}`,
    `commitLogOffset=${message.physicalOffset}`,
    `bodyCRC=${message.bodyCrc}`,
    `reconsumeTimes=${message.reconsumeTimes}`,
    `preparedTransactionOffset=${message.preparedTransactionOffset}`,
    `toString()=Message{topic='${message.topic}', flag=${message.flag}, ` +
    `properties=${propertiesText(properties)}, body=${body}, transactionId='${transactionId}'}`,
  ];
  return `MessageExt [${fields.join(", ")}]`;
}

/** The body as text, or null where it isn't UTF-8. */
function utf8Text(body: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch {
    return null;
  }
}

/** `body` is null when it isn't UTF-8; then `bodyBase64` has it. */
export function messageJson(message: ClientMessage): JsonObject {
  const body = utf8Text(message.body);
  return {
    messageId: message.messageId,
    offsetMessageId: message.offsetMessageId,
    topic: message.topic,
    tags: message.properties.get(PROPERTY.tags) ?? null,
    keys: message.properties.get(PROPERTY.keys) ?? null,
    queueId: message.queueId,
    queueOffset: message.queueOffset,
    commitLogOffset: message.physicalOffset,
    reconsumeTimes: message.reconsumeTimes,
    bornTimestamp: message.bornTimestampMs,
    storeTimestamp: message.storeTimestampMs,
    bornHost: message.bornHost,
    storeHost: message.storeHost,
    sysFlag: message.sysFlag,
    flag: message.flag,
    storeSize: message.recordBytes,
    bodyCRC: message.bodyCrc,
    properties: Object.fromEntries(message.properties),
    body,
    bodyBase64: body === null ? Buffer.from(message.body).toString("base64") : null,
  };
}

/** "MSGID: … MessageExt […] BODY: …", a line of printMsg. */
export function printedLine(
  message: ClientMessage,
  brokerName: string,
  decoder: TextDecoder | null,
): string {
  const body = decoder === null ? "NOT PRINT BODY" : decoder.decode(message.body);
  return `MSGID: ${message.messageId} ${messageText(message, brokerName)} BODY: ${body}`;
}

/** What queries print of a message, a line a field. */
export function reportFields(
  report: Report,
  message: ClientMessage,
  options: { withOffsetId: boolean; bodyPath: string; decoder?: TextDecoder | undefined },
): void {
  const line = (name: string, value: string | number) =>
    report.line(printf("%-20s %s", name, value));
  const property = (name: string) => `[${message.properties.get(name) ?? "null"}]`;
  if (options.withOffsetId) line("OffsetID:", message.offsetMessageId);
  line("Topic:", message.topic);
  line("Tags:", property(PROPERTY.tags));
  line("Keys:", property(PROPERTY.keys));
  line("Queue ID:", message.queueId);
  line("Queue Offset:", message.queueOffset);
  line("CommitLog Offset:", message.physicalOffset);
  line("Reconsume Times:", message.reconsumeTimes);
  line("Born Timestamp:", dayAndTimeMs(message.bornTimestampMs));
  line("Store Timestamp:", dayAndTimeMs(message.storeTimestampMs));
  line("Born Host:", message.bornHost);
  line("Store Host:", message.storeHost);
  line("System Flag:", message.sysFlag);
  line("Properties:", propertiesText(message.properties));
  line("Message Body Path:", options.bodyPath);
  if (options.decoder) line("Message Body:", options.decoder.decode(message.body));
}

/**
 * Writes the body where Apache's tool writes it and gives the path. Producers choose message ids, so what could leave
 * the folder is replaced, and a link that someone laid there isn't followed.
 */
export function writeBody(
  message: ClientMessage,
  index: number,
  report: Report,
  folder = BODY_FOLDER,
): string {
  if (report.asJson) return "";
  const name = message.messageId.replace(/[^\w.+:@-]/g, "_").replace(/^\.+/, "_");
  const path = `${folder}/${name}${index > 0 ? `_${index}` : ""}`;
  try {
    fs.mkdirSync(folder, { recursive: true });
    const { O_CREAT, O_NOFOLLOW, O_TRUNC, O_WRONLY } = fs.constants;
    const file = fs.openSync(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o600);
    try {
      fs.writeSync(file, message.body);
    } finally {
      fs.closeSync(file);
    }
    return path;
  } catch (error) {
    report.note(`the body couldn't be written: ${(error as Error).message}`);
    return "";
  }
}

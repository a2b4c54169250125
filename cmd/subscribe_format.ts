// A received message as a line: by a template, '{keys} {body}', or as JSON with stable field names, which publish takes
// back. Pure.
import { Buffer } from "node:buffer";
import { isUtf8 } from "node:buffer";
import type { ReceivedMessage } from "../core/client/received_message.ts";
import { suggestion } from "../core/config/suggestion.ts";
import { UsageError } from "../core/errors.ts";
import { PROPERTY } from "../core/message/property_names.ts";
import type { LineBuffer } from "./subscribe_output.ts";

/** Adds a message's line without its end. */
export type LineFormat = (message: ReceivedMessage, line: LineBuffer) => void;

/** Those that a line has as fields of their own, or not at all. */
export const SYSTEM_PROPERTIES: ReadonlySet<string> = new Set<string>(Object.values(PROPERTY));
const PROPERTY_PREFIX = "property:";

type FieldText = (message: ReceivedMessage) => string | number;

const FIELDS: Readonly<Record<string, FieldText>> = {
  bodyBase64: ({ body }) => base64(body),
  topic: ({ topic }) => topic,
  broker: ({ queue }) => queue.brokerName,
  queueId: ({ queue }) => queue.queueId,
  queueOffset: ({ queueOffset }) => queueOffset,
  messageId: ({ messageId }) => messageId,
  offsetMessageId: ({ offsetMessageId }) => offsetMessageId,
  keys: ({ keys }) => keys.join(" "),
  tags: ({ tags }) => tags ?? "",
  shardingKey: ({ properties }) => properties.get(PROPERTY.shardingKey) ?? "",
  bornTimestampMs: ({ bornTimestampMs }) => bornTimestampMs,
  bornTime: ({ bornTimestampMs }) => new Date(bornTimestampMs).toISOString(),
  bornHost: ({ bornHost }) => bornHost,
  storeTimestampMs: ({ storeTimestampMs }) => storeTimestampMs,
  storeTime: ({ storeTimestampMs }) => new Date(storeTimestampMs).toISOString(),
  storeHost: ({ storeHost }) => storeHost,
  reconsumeTimes: ({ reconsumeTimes }) => reconsumeTimes,
  properties: (message) => JSON.stringify(userProperties(message) ?? {}),
};

/** What a template may name, for help. */
export const FIELD_NAMES: readonly string[] = ["body", ...Object.keys(FIELDS), "property:NAME"];

const PART = /\{\{|\}\}|\{([^{}]*)\}|\\([\\nrt0])|([^{}\\]+|[{}\\])/gs;
const ESCAPES: Readonly<Record<string, string>> = {
  n: "\n",
  r: "\r",
  t: "\t",
  "0": "\0",
  "\\": "\\",
};

/**
 * '{field}' stands for a field of the message, '{{' and '}}' for braces, \n \t \r \0 \\ for what they are in C. Throws
 * UsageError for fields that there aren't.
 */
export function templateFormat(template: string): LineFormat {
  const parts = [...template.matchAll(PART)].map(([all, field, escape, plain]): LineFormat => {
    if (field !== undefined) return fieldFormat(field);
    if (escape !== undefined) return literal(ESCAPES[escape]!);
    return literal(plain ?? all[0]!);
  });
  return parts.length === 1 ? parts[0]! : (message, line) => {
    for (const part of parts) part(message, line);
  };
}

function fieldFormat(name: string): LineFormat {
  if (name === "body") return (message, line) => line.add(message.body);
  if (name.startsWith(PROPERTY_PREFIX)) {
    const property = name.slice(PROPERTY_PREFIX.length);
    return ({ properties }, line) => line.text(properties.get(property) ?? "");
  }
  const field = Object.hasOwn(FIELDS, name) ? FIELDS[name] : undefined;
  if (field === undefined) {
    const near = suggestion(name, FIELD_NAMES);
    throw new UsageError(`there is no field {${name}}${near || `: ${FIELD_NAMES.join(", ")}`}`);
  }
  return (message, line) => line.text(String(field(message)));
}

function literal(text: string): LineFormat {
  const bytes = Buffer.from(text, "utf8");
  return (_, line) => line.add(bytes);
}

/** One JSON object; the body as text when it is UTF-8, else as bodyBase64. */
export function jsonFormat(message: ReceivedMessage, line: LineBuffer): void {
  const { body, keys, properties, queue, tags } = message;
  const shardingKey = properties.get(PROPERTY.shardingKey);
  let text =
    `{"topic":${JSON.stringify(message.topic)},"broker":${
      JSON.stringify(queue.brokerName)
    },"queueId":${queue.queueId},"queueOffset":${message.queueOffset},"messageId":${
      JSON.stringify(message.messageId)
    },"bornTimestampMs":${message.bornTimestampMs},"storeTimestampMs":${message.storeTimestampMs},` +
    `"reconsumeTimes":${message.reconsumeTimes}`;
  if (tags !== undefined) text += `,"tags":${JSON.stringify(tags)}`;
  if (keys.length > 0) text += `,"keys":${JSON.stringify(keys)}`;
  if (shardingKey !== undefined) text += `,"shardingKey":${JSON.stringify(shardingKey)}`;
  const own = userProperties(message);
  if (own !== null) text += `,"properties":${JSON.stringify(own)}`;
  text += isUtf8(body)
    ? `,"body":${JSON.stringify(message.text())}}`
    : `,"bodyBase64":"${base64(body)}"}`;
  line.text(text);
}

/** Null when there are none. */
function userProperties({ properties }: ReceivedMessage): Record<string, string> | null {
  const own: [string, string][] = [];
  for (const [name, value] of properties) {
    if (!SYSTEM_PROPERTIES.has(name)) own.push([name, value]);
  }
  return own.length === 0 ? null : Object.fromEntries(own);
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

// Reading the JSON bodies of answers: a member of the expected type, or what stands for its absence. Peers of other
// versions leave members out, so nothing here throws for that.
import type { MessageQueue } from "../../core/client/message.ts";
import { OperationError } from "../../core/errors.ts";
import {
  type JsonObject,
  type JsonValue,
  LenientMap,
  mapEntries,
} from "../../core/json/json_value.ts";
import { parseLenientJson, parseLenientJsonBytes } from "../../core/json/lenient_reader.ts";

/** A body that should be an object. Throws OperationError when it isn't JSON. */
export function bodyObject(body: Uint8Array, peer: string): JsonObject {
  try {
    return body.length === 0 ? {} : asObject(parseLenientJsonBytes(body));
  } catch (error) {
    throw new OperationError(`${peer} answered with what isn't JSON`, { cause: error });
  }
}

export function asObject(value: JsonValue | undefined): JsonObject {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value) &&
    !(value instanceof LenientMap);
  return isObject ? value as JsonObject : {};
}

export function text(value: JsonValue | undefined): string {
  return typeof value === "string"
    ? value
    : value === undefined || value === null
    ? ""
    : `${value}`;
}

/** Integers beyond 2^53 lose their last digits. */
export function number(value: JsonValue | undefined): number {
  const read = typeof value === "bigint" || typeof value === "string" ? Number(value) : value;
  return typeof read === "number" && Number.isFinite(read) ? read : 0;
}

export function list(value: JsonValue | undefined): JsonValue[] {
  return Array.isArray(value) ? value : [];
}

export function texts(value: JsonValue | undefined): string[] {
  return list(value).map(text);
}

/** Entries of a map with text keys, however it was written. */
export function entries(value: JsonValue | undefined): [string, JsonValue][] {
  if (!(value instanceof LenientMap) && typeof value !== "object") return [];
  if (value === null || Array.isArray(value)) return [];
  return mapEntries(value as JsonObject | LenientMap).map(([key, item]) => [String(key), item]);
}

/** Entries of a map whose keys are queues: objects, or the JSON text of one. */
export function queueEntries(value: JsonValue | undefined): [MessageQueue, JsonValue][] {
  if (!(value instanceof LenientMap)) {
    return entries(value).map(([key, item]) => [queueOf(parseLenientJson(key)), item]);
  }
  return value.entries.map(([key, item]) => [queueOf(key), item]);
}

export function queueOf(value: JsonValue): MessageQueue {
  const { topic, brokerName, queueId } = asObject(value);
  return { topic: text(topic), brokerName: text(brokerName), queueId: number(queueId) };
}

export function compareTexts(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

/** "MessageQueue [topic=T, brokerName=b, queueId=0]" */
export function queueText({ topic, brokerName, queueId }: MessageQueue): string {
  return `MessageQueue [topic=${topic}, brokerName=${brokerName}, queueId=${queueId}]`;
}

/** The lines of key=value of a configuration answer, by key. */
export function propertyLines(body: Uint8Array): [string, string][] {
  const lines = new TextDecoder().decode(body).split("\n").filter((line) => line.includes("="));
  return lines.map((line): [string, string] => {
    const at = line.indexOf("=");
    return [line.slice(0, at), line.slice(at + 1)];
  }).sort(([one], [other]) => compareTexts(one, other));
}

// From bytes to lines, and from a line to a message: as it is, or as a JSON object of the fields that subscribe --json
// writes. Pure.
import { Buffer } from "node:buffer";
import type { Message } from "../core/client/message.ts";
import { OperationError } from "../core/errors.ts";
import { PROPERTY } from "../core/message/property_names.ts";

/** Longest line: a largest body in base64, its properties, and room. */
export const LINE_BYTES_MAX = 8 * 1024 * 1024;
const LINE_END = 0x0a;
const NO_BYTES = new Uint8Array(0);
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Cuts a stream of bytes into lines without their ends. */
export class LineSplitter {
  private parts: Uint8Array[] = [];
  private length = 0;

  constructor(private readonly bytesMax = LINE_BYTES_MAX) {}

  /** The lines that these bytes complete. Throws OperationError when one is too long. */
  *push(chunk: Uint8Array): Generator<Uint8Array, void, undefined> {
    // A part of a Buffer is a Buffer, which costs more to make than all that is done with it.
    const bytes = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length);
    let start = 0;
    for (;;) {
      const end = bytes.indexOf(LINE_END, start);
      if (end < 0) break;
      this.keep(bytes.subarray(start, end));
      yield this.rest();
      start = end + 1;
    }
    if (start < bytes.length) this.keep(bytes.subarray(start));
  }

  /** What came after the last line end; empty when there is nothing. */
  rest(): Uint8Array {
    const [first = NO_BYTES] = this.parts;
    const line = this.parts.length <= 1 ? first : Buffer.concat(this.parts);
    this.parts = [];
    this.length = 0;
    return line;
  }

  private keep(part: Uint8Array): void {
    this.length += part.length;
    if (this.length > this.bytesMax) {
      throw new OperationError(`a line is longer than ${this.bytesMax} bytes`);
    }
    this.parts.push(part);
  }
}

/** Where a message is to go, beside what it is. */
export interface PublishedLine {
  message: Message;
  /** Messages of one key go to one queue, in their order. */
  shardingKey: string | null;
  queue: { broker: string | null; queueId: number } | null;
}

/** What every message gets whose line doesn't say otherwise. */
export interface LineDefaults {
  topic: string;
  keys: string | undefined;
  tags: string | undefined;
  shardingKey: string | undefined;
  broker: string | undefined;
  queueId: number | undefined;
}

/** A function from lines to messages. */
export type LineReader = (line: Uint8Array) => PublishedLine;

export function plainLines(defaults: LineDefaults): LineReader {
  return (body) => published({ body, ...defaults }, defaults);
}

/** The fields that are looked at; others, such as a received message's offset, say nothing about a new one. */
interface LineFields {
  body: Uint8Array | string;
  keys?: string | readonly string[] | undefined;
  tags?: string | undefined;
  properties?: Record<string, string> | undefined;
  delayLevel?: number | undefined;
  shardingKey?: string | undefined;
  broker?: string | undefined;
  queueId?: number | undefined;
}

/** Throws OperationError for a line that isn't such an object. */
export function jsonLines(defaults: LineDefaults, keepQueues: boolean): LineReader {
  return (line) => {
    const fields = parsedLine(line, keepQueues);
    return published({
      body: fields.body,
      keys: fields.keys ?? defaults.keys,
      tags: fields.tags ?? defaults.tags,
      properties: fields.properties,
      delayLevel: fields.delayLevel,
      shardingKey: fields.shardingKey ?? defaults.shardingKey,
      broker: defaults.broker ?? (keepQueues ? fields.broker : undefined),
      queueId: defaults.queueId ?? (keepQueues ? fields.queueId : undefined),
    }, defaults);
  };
}

/** Where a message came from is only looked at when it is wanted. */
function parsedLine(line: Uint8Array, withQueue: boolean): LineFields {
  const field = new FieldReader(parseObject(line));
  return {
    body: bodyOf(field),
    keys: field.texts("keys"),
    tags: field.text("tags"),
    properties: field.textRecord("properties"),
    delayLevel: field.number("delayLevel"),
    shardingKey: field.text("shardingKey"),
    ...(withQueue && { broker: field.text("broker"), queueId: field.number("queueId") }),
  };
}

function published(fields: LineFields, { topic }: LineDefaults): PublishedLine {
  const { body, broker, delayLevel, keys, properties, queueId, shardingKey, tags } = fields;
  const message: Message = { topic, body };
  if (keys !== undefined) message.keys = keys;
  if (tags !== undefined) message.tags = tags;
  if (delayLevel !== undefined) message.delayLevel = delayLevel;
  const all = shardingKey === undefined
    ? properties
    : { ...properties, [PROPERTY.shardingKey]: shardingKey };
  if (all !== undefined) message.properties = all;
  return {
    message,
    shardingKey: shardingKey ?? null,
    queue: queueId === undefined ? null : { broker: broker ?? null, queueId },
  };
}

function parseObject(line: Uint8Array): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(line));
  } catch {
    throw new OperationError("it isn't JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new OperationError("it isn't a JSON object");
  }
  return value as Record<string, unknown>;
}

function bodyOf(field: FieldReader): Uint8Array | string {
  const body = field.text("body");
  if (body !== undefined) return body;
  const base64 = field.text("bodyBase64");
  if (base64 === undefined) throw new OperationError("it has neither body nor bodyBase64");
  return Buffer.from(base64, "base64");
}

class FieldReader {
  constructor(private readonly object: Record<string, unknown>) {}

  text(name: string): string | undefined {
    const value = this.get(name);
    if (value === undefined || typeof value === "string") return value;
    throw new OperationError(`${name} isn't a text`);
  }

  /** A text, or a list of texts. */
  texts(name: string): string | string[] | undefined {
    const value = this.get(name);
    if (value === undefined || typeof value === "string") return value;
    if (Array.isArray(value) && value.every((each) => typeof each === "string")) return value;
    throw new OperationError(`${name} isn't a text or a list of texts`);
  }

  /** A whole number from 0 up. */
  number(name: string): number | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
    throw new OperationError(`${name} isn't a whole number from 0 up`);
  }

  textRecord(name: string): Record<string, string> | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    const isRecord = typeof value === "object" && !Array.isArray(value) && value !== null &&
      Object.values(value).every((each) => typeof each === "string");
    if (isRecord) return value as Record<string, string>;
    throw new OperationError(`${name} isn't an object of texts`);
  }

  private get(name: string): unknown {
    const value = Object.hasOwn(this.object, name) ? this.object[name] : undefined;
    return value === null ? undefined : value;
  }
}

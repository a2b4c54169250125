// Received messages as JSON lines from their bytes, without decoding them: what jsonFormat writes, at a third of its cost.
// What is out of the ordinary (escapes, other than ASCII, compressed bodies …) goes to jsonFormat.
import { Buffer } from "node:buffer";
import type { MessageQueue } from "../core/client/message.ts";
import type { ReceivedMessage } from "../core/client/received_message.ts";
import { ENTRY_END, NAME_END } from "../core/message/properties.ts";
import { PROPERTY } from "../core/message/property_names.ts";
import { isSame, KnownNames } from "./known_names.ts";
import { jsonFormat, type LineFormat, SYSTEM_PROPERTIES } from "./subscribe_format.ts";
import type { LineBuffer } from "./subscribe_output.ts";

const SPACE = 0x20;
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;

/** What a property is for the line, by its name. */
type Kind = "id" | "tags" | "keys" | "shardingKey" | "own" | "system";

const KINDS: Readonly<Record<string, Kind>> = {
  [PROPERTY.uniqueKey]: "id",
  [PROPERTY.tags]: "tags",
  [PROPERTY.keys]: "keys",
  [PROPERTY.shardingKey]: "shardingKey",
};

function kindOf(name: string): Kind {
  // A property may have the name of what every object has.
  if (Object.hasOwn(KINDS, name)) return KINDS[name]!;
  return SYSTEM_PROPERTIES.has(name) ? "system" : "own";
}

interface Range {
  nameStart: number;
  nameEnd: number;
  end: number;
}

/** A LineFormat. */
export function jsonLinesFormat(): LineFormat {
  const fast = new JsonLines();
  return (message, line) => {
    const start = line.mark();
    if (fast.write(message, line)) return;
    line.rewind(start);
    jsonFormat(message, line);
  };
}

class JsonLines {
  private queue: MessageQueue | null = null;
  /** The fields that are the same for a queue; null: its messages are out of the ordinary. */
  private head: Buffer | null = null;
  private readonly names = new KnownNames(kindOf);
  /** The properties of the message at hand, in its encoded ones. */
  private readonly system = new Map<Kind, Range>();
  private own: Range[] = [];

  /** False: it can't be written like this; a part of it is, maybe. */
  write(message: ReceivedMessage, line: LineBuffer): boolean {
    if (message.queue !== this.queue) this.begin(message.queue);
    if (this.head === null || message.namespace !== undefined) return false;
    if (message.storedCompression !== 0) return false;
    const properties = message.storedProperties;
    if (!this.locate(properties)) return false;
    const id = this.system.get("id");
    if (id === undefined) return false;
    line.add(this.head);
    line.number(message.queueOffset);
    line.ascii(',"messageId":');
    if (!line.jsonString(properties, id.nameEnd + 1, id.end)) return false;
    line.ascii(',"bornTimestampMs":');
    line.number(message.bornTimestampMs);
    line.ascii(',"storeTimestampMs":');
    line.number(message.storeTimestampMs);
    line.ascii(',"reconsumeTimes":');
    line.number(message.reconsumeTimes);
    if (!this.writeProperties(properties, line)) return false;
    const { storedBody } = message;
    line.ascii(',"body":');
    if (!line.jsonString(storedBody, 0, storedBody.length)) return false;
    line.ascii("}");
    return true;
  }

  private begin(queue: MessageQueue): void {
    const { topic, brokerName, queueId } = queue;
    this.queue = queue;
    // A retried message's topic is one of its properties.
    this.head = topic === "" || topic.startsWith("%") ? null : Buffer.from(
      `{"topic":${JSON.stringify(topic)},"broker":${
        JSON.stringify(brokerName)
      },"queueId":${queueId},"queueOffset":`,
      "utf8",
    );
  }

  /** Finds the entries; false when one is out of the ordinary. */
  private locate(bytes: Uint8Array): boolean {
    this.system.clear();
    if (this.own.length > 0) this.own = [];
    for (let at = 0, place = 0; at < bytes.length; place++) {
      let nameEnd = -1;
      let end = at;
      for (; end < bytes.length && bytes[end] !== ENTRY_END; end++) {
        if (bytes[end] === NAME_END && nameEnd < 0) nameEnd = end;
      }
      // Without a name or a value it isn't there.
      if (nameEnd <= at || nameEnd >= end - 1) return false;
      const kind = this.names.find(bytes, at, nameEnd, place);
      const range = { nameStart: at, nameEnd, end };
      if (kind === "own") {
        if (!this.addOwn(bytes, range)) return false;
      } else if (kind !== "system") {
        if (this.system.has(kind)) return false;
        this.system.set(kind, range);
      }
      at = end + 1;
    }
    return true;
  }

  /** Objects have numbers first, and each name once. */
  private addOwn(bytes: Uint8Array, range: Range): boolean {
    const first = bytes[range.nameStart]!;
    if (first >= DIGIT_0 && first <= DIGIT_9) return false;
    const name = bytes.subarray(range.nameStart, range.nameEnd);
    if (this.own.some((other) => isSame(name, bytes, other.nameStart, other.nameEnd))) return false;
    this.own.push(range);
    return true;
  }

  private writeProperties(bytes: Uint8Array, line: LineBuffer): boolean {
    const tags = this.system.get("tags");
    if (tags !== undefined) {
      line.ascii(',"tags":');
      if (!line.jsonString(bytes, tags.nameEnd + 1, tags.end)) return false;
    }
    const keys = this.system.get("keys");
    if (keys !== undefined && !writeKeys(bytes, keys.nameEnd + 1, keys.end, line)) return false;
    const shardingKey = this.system.get("shardingKey");
    if (shardingKey !== undefined) {
      line.ascii(',"shardingKey":');
      if (!line.jsonString(bytes, shardingKey.nameEnd + 1, shardingKey.end)) return false;
    }
    for (const [index, { nameStart, nameEnd, end }] of this.own.entries()) {
      line.ascii(index === 0 ? ',"properties":{' : ",");
      if (!line.jsonString(bytes, nameStart, nameEnd)) return false;
      line.ascii(":");
      if (!line.jsonString(bytes, nameEnd + 1, end)) return false;
    }
    if (this.own.length > 0) line.ascii("}");
    return true;
  }
}

/** One or more keys between spaces; false when there is none, or text that needs escapes. */
function writeKeys(bytes: Uint8Array, start: number, end: number, line: LineBuffer): boolean {
  let count = 0;
  for (let at = start; at < end;) {
    let keyEnd = bytes.indexOf(SPACE, at);
    if (keyEnd < 0 || keyEnd > end) keyEnd = end;
    if (keyEnd > at) {
      line.ascii(count++ === 0 ? ',"keys":[' : ",");
      if (!line.jsonString(bytes, at, keyEnd)) return false;
    }
    at = keyEnd + 1;
  }
  if (count > 0) line.ascii("]");
  return count > 0;
}

// The handle that a producer gets with a timed message, to take it back: base64 of "v1 topic broker time key". Bytes to
// values alone (Java: RecallMessageHandle).
import { Buffer } from "node:buffer";
import { writeDecimal } from "../bytes/decimal.ts";

const VERSION = "v1";
const PARTS = 5;
const SPACE = 0x20;
const PADDING = 0x3d;
const ALPHABET = Buffer.from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");
/** Digits of the largest time. */
const DIGITS_MAX = 17;
/** Version, topic, time and unique key of a message that goes the hot way. */
const TEXT_BYTES_MAX = 1024;
const URL_BASE64 = /^[A-Za-z0-9_-]+={0,2}$/;

export interface RecallHandle {
  topic: string;
  brokerName: string;
  /** A time within the message's slot, in ms, as text. */
  deliverMs: string;
  /** The message's UNIQ_KEY. */
  uniqueKey: string;
}

export function encodeRecallHandle(handle: RecallHandle): string {
  const { brokerName, deliverMs, topic, uniqueKey } = handle;
  const text = [VERSION, topic, brokerName, deliverMs, uniqueKey].join(" ");
  // Java's encoder pads.
  return Buffer.from(text, "utf8").toString("base64").replaceAll("+", "-").replaceAll("/", "_");
}

/** A millisecond into the slot: what asks for the slot's own time would go into the one before. */
export function recallTimeMs(outMs: number): number {
  return outMs + 1;
}

/** Writes handles of one broker in place; allocates nothing for a message. */
export class RecallHandleWriter {
  private readonly text: Buffer;
  private readonly head = Buffer.from(`${VERSION} `);
  private readonly brokerName: Buffer;

  constructor(brokerName: string) {
    this.brokerName = Buffer.from(` ${brokerName} `, "utf8");
    this.text = Buffer.allocUnsafeSlow(TEXT_BYTES_MAX + this.brokerName.length);
  }

  /** Bytes of a handle at most, with so many bytes of topic and unique key. */
  bytesMax(nameBytes: number): number {
    const bytes = this.head.length + this.brokerName.length + DIGITS_MAX + 1 + nameBytes;
    return Math.ceil(bytes / 3) * 4;
  }

  /** The handle of the message that waits in the slot `outMs`; gives the position after it. */
  write(
    target: Buffer,
    at: number,
    topic: Buffer,
    outMs: number,
    uniqueKeys: Buffer,
    keyStart: number,
    keyEnd: number,
  ): number {
    const { text } = this;
    let end = this.head.copy(text, 0);
    end += topic.copy(text, end);
    end += this.brokerName.copy(text, end);
    end = writeDecimal(text, end, recallTimeMs(outMs));
    text[end++] = SPACE;
    end += uniqueKeys.copy(text, end, keyStart, keyEnd);
    return writeBase64(target, at, text, end);
  }
}

/** In the alphabet of URLs, padded, as Java's encoder writes it. */
function writeBase64(target: Buffer, at: number, bytes: Buffer, length: number): number {
  let end = at;
  let from = 0;
  for (; from + 2 < length; from += 3) {
    const bits = bytes[from]! << 16 | bytes[from + 1]! << 8 | bytes[from + 2]!;
    target[end] = ALPHABET[bits >>> 18]!;
    target[end + 1] = ALPHABET[bits >>> 12 & 63]!;
    target[end + 2] = ALPHABET[bits >>> 6 & 63]!;
    target[end + 3] = ALPHABET[bits & 63]!;
    end += 4;
  }
  if (from === length) return end;
  const hasTwo = from + 1 < length;
  const bits = bytes[from]! << 16 | (hasTwo ? bytes[from + 1]! << 8 : 0);
  target[end] = ALPHABET[bits >>> 18]!;
  target[end + 1] = ALPHABET[bits >>> 12 & 63]!;
  target[end + 2] = hasTwo ? ALPHABET[bits >>> 6 & 63]! : PADDING;
  target[end + 3] = PADDING;
  return end + 4;
}

/** Null when it is no such handle. */
export function decodeRecallHandle(text: string): RecallHandle | null {
  if (!URL_BASE64.test(text)) return null;
  const parts = Buffer.from(text, "base64url").toString("utf8").split(" ");
  if (parts[0] !== VERSION || parts.length < PARTS) return null;
  const [, topic, brokerName, deliverMs, uniqueKey] = parts as [
    string,
    string,
    string,
    string,
    string,
  ];
  return { topic, brokerName, deliverMs, uniqueKey };
}

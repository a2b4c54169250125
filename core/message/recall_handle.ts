// The handle that a producer gets with a timed message, to take it back: base64 of "v1 topic broker time key". Bytes to
// values alone (Java: RecallMessageHandle).
import { Buffer } from "node:buffer";

const VERSION = "v1";
const PARTS = 5;
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

// What POP writes into the revive topic: a checkpoint for each pop of a queue, an acknowledgement for one message or
// several. JSON with fastjson's field order, byte for byte as Apache's (Java: PopCheckPoint, AckMsg, BatchAckMsg).
import { parseLenientJsonBytes } from "../../core/json/lenient_reader.ts";

export const CHECKPOINT_TAG = "ck";
export const ACK_TAG = "ack";
export const BATCH_ACK_TAG = "bAck";

/** Messages of one checkpoint: its bit map has so many bits. */
export const CHECKPOINT_MESSAGES_MAX = 32;

/** What a pop gave out of one queue: it comes back at `popTimeMs + invisibleMs` unless acknowledged. */
export interface Checkpoint {
  topic: string;
  group: string;
  queueId: number;
  startOffset: number;
  popTimeMs: number;
  invisibleMs: number;
  brokerName: string;
  messageCount: number;
  /** Distance of each message from startOffset; empty in checkpoints of old brokers: one message after the other. */
  offsetDiffs: readonly number[];
  /** A bit for each acknowledged message. */
  bits: number;
  /** How often reviving it failed and it was written again. */
  rewriteCount: number;
}

/** One acknowledgement of messages that a checkpoint gave out. */
export interface ReviveAck {
  topic: string;
  group: string;
  queueId: number;
  startOffset: number;
  popTimeMs: number;
  brokerName: string;
  /** Queue offsets; a batch says so by its tag even when it holds one. */
  offsets: readonly number[];
}

export function reviveTimeMs(checkpoint: Checkpoint): number {
  return checkpoint.popTimeMs + checkpoint.invisibleMs;
}

/**
 * What a checkpoint and its acknowledgements find each other by. Never on the disk: Java's has nothing between the numbers,
 * so that queue 1 from 11 on and queue 11 from 1 on, popped together, take each other's acknowledgements.
 */
export function mergeKeyOf(
  { topic, group, queueId, startOffset, popTimeMs, brokerName }: Omit<ReviveAck, "offsets">,
): string {
  return `${topic} ${group} ${queueId} ${startOffset} ${popTimeMs} ${brokerName}`;
}

/** Which message of the checkpoint lies at an offset; -1 when none does. */
export function indexOfOffset(checkpoint: Checkpoint, offset: number): number {
  const diff = offset - checkpoint.startOffset;
  if (diff < 0) return -1;
  if (checkpoint.offsetDiffs.length > 0) return checkpoint.offsetDiffs.indexOf(diff);
  return diff < checkpoint.messageCount ? diff : -1;
}

export function offsetOfIndex(checkpoint: Checkpoint, index: number): number {
  return checkpoint.startOffset + (checkpoint.offsetDiffs[index] ?? index);
}

export function allBits(messageCount: number): number {
  return messageCount >= 32 ? -1 : (1 << messageCount) - 1;
}

/** A name as JSON text; the next record mostly has the same one. */
class LastName {
  private name = "";
  private text = '""';

  quoted(name: string): string {
    if (name !== this.name) {
      this.text = JSON.stringify(name);
      this.name = name;
    }
    return this.text;
  }
}

/** Half the cost of Buffer.from for texts as short as these. */
const encoder = new TextEncoder();
const brokers = new LastName();
const groups = new LastName();
const topics = new LastName();

export function encodeCheckpoint(checkpoint: Checkpoint): Uint8Array {
  const { startOffset, popTimeMs, invisibleMs } = checkpoint;
  const rewrites = checkpoint.rewriteCount > 0 ? `"rp":"${checkpoint.rewriteCount}",` : "";
  return encoder.encode(
    `{"bm":${checkpoint.bits},"bn":${brokers.quoted(checkpoint.brokerName)},` +
      `"c":${groups.quoted(checkpoint.group)},"d":[${checkpoint.offsetDiffs.join(",")}],` +
      `"it":${invisibleMs},"n":${checkpoint.messageCount},"pt":${popTimeMs},` +
      `"q":${checkpoint.queueId},"reviveTime":${popTimeMs + invisibleMs},"ro":0,${rewrites}` +
      `"so":${startOffset},"t":${topics.quoted(checkpoint.topic)}}`,
  );
}

export function encodeAck(ack: ReviveAck): Uint8Array {
  return encoder.encode(`{"ao":${ack.offsets[0]!},${acked.by(ack).bodyEnd}`);
}

export function encodeBatchAck(ack: ReviveAck): Uint8Array {
  return encoder.encode(`{"ao":-1,"aol":[${ack.offsets.join(",")}],${acked.by(ack).bodyEnd}`);
}

/** What the acknowledgements of one pop of a queue have in common, as text: they mostly come together. */
class AckedPop {
  bodyEnd = "";
  keyStart = "";
  keyEnd = "";
  private topic = "";
  private group = "";
  private queueId = -1;
  private startOffset = -1;
  private popTimeMs = NaN;
  private brokerName = "";

  by(ack: ReviveAck): this {
    const { topic, group, queueId, startOffset, popTimeMs, brokerName } = ack;
    const isSame = startOffset === this.startOffset && popTimeMs === this.popTimeMs &&
      queueId === this.queueId && topic === this.topic && group === this.group &&
      brokerName === this.brokerName;
    if (isSame) return this;
    this.topic = topic;
    this.group = group;
    this.queueId = queueId;
    this.startOffset = startOffset;
    this.popTimeMs = popTimeMs;
    this.brokerName = brokerName;
    this.bodyEnd = `"bn":${brokers.quoted(brokerName)},"c":${groups.quoted(group)},` +
      `"pt":${popTimeMs},"q":${queueId},"so":${startOffset},"t":${topics.quoted(topic)}}`;
    this.keyStart = `${topic}@${queueId}@`;
    this.keyEnd = `@${group}@${popTimeMs}@${brokerName}@${ACK_TAG}`;
    return this;
  }
}

const acked = new AckedPop();

/** The unique keys of the records, by which people find them (Java: PopMessageProcessor.genCkUniqueId, genAckUniqueId). */
export function checkpointKey(checkpoint: Checkpoint): string {
  const { topic, queueId, startOffset, group, popTimeMs, brokerName } = checkpoint;
  return `${topic}@${queueId}@${startOffset}@${group}@${popTimeMs}@${brokerName}@${CHECKPOINT_TAG}`;
}

/** Apache gives a batch the key of a single acknowledgement of offset -1. */
export function ackKey(ack: ReviveAck, isBatch: boolean): string {
  const { keyEnd, keyStart } = acked.by(ack);
  return `${keyStart}${isBatch ? -1 : ack.offsets[0]!}${keyEnd}`;
}

/** Null when the record names no topic or group, or isn't JSON. */
export function decodeCheckpoint(body: Uint8Array): Checkpoint | null {
  const fields = objectOf(body);
  const topic = fields?.["t"];
  const group = fields?.["c"];
  if (fields === null || typeof topic !== "string" || typeof group !== "string") return null;
  const diffs = fields["d"];
  return {
    topic,
    group,
    queueId: numberOf(fields["q"]),
    startOffset: numberOf(fields["so"]),
    popTimeMs: numberOf(fields["pt"]),
    invisibleMs: numberOf(fields["it"]),
    brokerName: textOf(fields["bn"]),
    messageCount: numberOf(fields["n"]),
    offsetDiffs: Array.isArray(diffs) ? diffs.map(numberOf) : [],
    bits: numberOf(fields["bm"]) | 0,
    rewriteCount: numberOf(fields["rp"]),
  };
}

/** An acknowledgement or a batch of them, with the short names or the long ones of older brokers. */
export function decodeAck(body: Uint8Array): ReviveAck | null {
  const fields = objectOf(body);
  if (fields === null) return null;
  const of = (short: string, long: string) => fields[short] ?? fields[long];
  const topic = of("t", "topic");
  const group = of("c", "consumerGroup");
  if (typeof topic !== "string" || typeof group !== "string") return null;
  const list = of("aol", "ackOffsetList");
  return {
    topic,
    group,
    queueId: numberOf(of("q", "queueId")),
    startOffset: numberOf(of("so", "startOffset")),
    popTimeMs: numberOf(of("pt", "popTime")),
    brokerName: textOf(of("bn", "brokerName")),
    offsets: Array.isArray(list) ? list.map(numberOf) : [numberOf(of("ao", "ackOffset"))],
  };
}

function objectOf(body: Uint8Array): Record<string, unknown> | null {
  let value: unknown;
  try {
    value = parseLenientJsonBytes(body);
  } catch {
    return null;
  }
  return typeof value === "object" && value !== null ? value as Record<string, unknown> : null;
}

function numberOf(value: unknown): number {
  const number = Number(value ?? 0);
  return Number.isFinite(number) ? number : 0;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

// The model of topics: which messages were sent, which of them are promised, and where they stand. Compares it with
// what pulls and queries give. Knows nothing of how they are stored, but in which log file a physical offset lies.
import { Buffer } from "node:buffer";
import { crc32Masked } from "../../../core/bytes/crc32.ts";
import { parseProperties } from "../../../core/message/properties.ts";
import { decodeRecords, type MessageRecord } from "../../../core/message/record.ts";
import { GET_MAX_OFFSET, GET_MIN_OFFSET } from "../../../core/remoting/codes/offsets.ts";
import { PULL_MESSAGE } from "../../../core/remoting/codes/pull.ts";
import { QUERY_MESSAGE } from "../../../core/remoting/codes/query.ts";
import { ResponseCode } from "../../../core/remoting/response_codes.ts";
import { pullFields } from "../pull/testing_pull.ts";
import type { LifeEnd, SimulatedLife } from "./workload.ts";

const READER_GROUP = "Readers";

/** A message as its producer made it. */
export interface SentMessage {
  key: string;
  topic: string;
  /** The queue that it must stand in. */
  queueId: number;
  body: Buffer;
}

/** A message that must be there. */
interface Promised {
  key: string;
  topic: string;
  queueId: number;
  queueOffset: number;
  physicalOffset: number;
  /** When it was promised, in the history's time. */
  at: number;
  /** False after a power cut under ASYNC_FLUSH for what wasn't synced: it may be lost with the log's tail. */
  isSure: boolean;
}

export interface LedgerOptions {
  /** A message may stand in a topic more than once (what is delivered at least once). */
  duplicates: boolean;
}

export class Ledger {
  private readonly sent = new Map<string, SentMessage>();
  /** By key, how many replays the log had had when its topic was deleted. */
  private readonly retracted = new Map<string, number>();
  private readonly promised = new Map<string, Promised>();
  /** Retention took what was before. */
  private logStart = 0;

  constructor(private readonly options: LedgerOptions = { duplicates: false }) {}

  send(message: SentMessage): void {
    this.sent.set(message.key, message);
  }

  get size(): number {
    return this.promised.size;
  }

  /** How far the promised messages of a queue reach. */
  endOf(topic: string, queueId: number): number {
    let end = 0;
    for (const each of this.promised.values()) {
      if (each.topic === topic && each.queueId === queueId) {
        end = Math.max(end, each.queueOffset + 1);
      }
    }
    return end;
  }

  /** The broker said, or showed, that a message stands there for good. */
  promise(
    life: SimulatedLife,
    key: string,
    queueOffset: number,
    physicalOffset: number,
  ): void {
    // An answer that came in the instant of death is taken for lost on the way.
    if (life.disk.isDead) return;
    const { topic, queueId } = this.sent.get(key)!;
    const slot = slotOf(topic, queueId, queueOffset);
    const before = this.promised.get(slot);
    if (before !== undefined && before.key !== key) {
      life.broken(`${slot} was given to ${before.key}, and again to ${key}`);
    }
    if (before !== undefined) return;
    const at = life.now;
    this.promised.set(slot, { key, topic, queueId, queueOffset, physicalOffset, at, isSure: true });
  }

  /** A topic is deleted: what was in it is no longer promised. */
  forget(topic: string): void {
    for (const [slot, each] of this.promised) if (each.topic === topic) this.promised.delete(slot);
  }

  /** A topic's deletion is acknowledged: what was sent to it before must not be seen again. */
  retract(life: SimulatedLife, topic: string): void {
    for (const { key, topic: its } of this.sent.values()) {
      if (its === topic) this.retracted.set(key, life.replays.length);
    }
  }

  /** Of the log, all before `logStart` is no longer promised. */
  removed(logStart: number): void {
    this.logStart = Math.max(this.logStart, logStart);
  }

  ended(end: LifeEnd): void {
    if (end.kind !== "power" || end.syncFlush) return;
    for (const each of this.promised.values()) {
      // What one power cut may have taken stays in doubt until it is seen again.
      each.isSure &&= end.isLogDurable(each.physicalOffset, each.at);
    }
  }

  /** Reads the queues from end to end and compares. */
  async check(life: SimulatedLife, topic: string, queueCount: number): Promise<MessageRecord[]> {
    const found = new Map<string, MessageRecord>();
    for (let queueId = 0; queueId < queueCount; queueId++) {
      await this.readQueue(life, topic, queueId, found);
    }
    this.compare(life, topic, found);
    const records = [...found.values()];
    if (!this.options.duplicates) this.expectOnce(life, records);
    for (const record of records) this.checkRecord(life, record);
    return records;
  }

  /** The keys of some promised messages are looked up. */
  async checkIndex(life: SimulatedLife, countMax: number): Promise<void> {
    const all = [...this.promised.values()].filter((each) => !this.isRemoved(each));
    const step = Math.max(1, Math.floor(all.length / countMax));
    for (let index = 0; index < all.length; index += step) {
      const { key, topic, physicalOffset } = all[index]!;
      const fields = { topic, key, maxNum: 32, beginTimestamp: 0, endTimestamp: 1e15 };
      const { code, body } = await life.call(QUERY_MESSAGE, fields);
      const offsets = code === ResponseCode.SUCCESS
        ? decodeRecords(body).map((record) => record.physicalOffset)
        : [];
      if (!offsets.includes(physicalOffset)) {
        life.broken(`the index doesn't find ${key} at ${physicalOffset}, but ${offsets}`);
      }
    }
  }

  private async readQueue(
    life: SimulatedLife,
    topic: string,
    queueId: number,
    found: Map<string, MessageRecord>,
  ): Promise<void> {
    const min = await boundOf(life, GET_MIN_OFFSET, topic, queueId);
    const max = await boundOf(life, GET_MAX_OFFSET, topic, queueId);
    for (let offset = min; offset < max;) {
      const records = await pull(life, topic, queueId, offset);
      if (records.length === 0) {
        return life.broken(`${topic}/${queueId} has ${min}…${max}, but nothing at ${offset}`);
      }
      for (const record of records) {
        const slot = slotOf(topic, queueId, offset);
        if (record.topic !== topic || record.queueId !== queueId || record.queueOffset !== offset) {
          const is = slotOf(record.topic, record.queueId, record.queueOffset);
          life.broken(`${slot} was asked for and ${is} served`);
        }
        found.set(slot, record);
        offset++;
      }
    }
  }

  private compare(life: SimulatedLife, topic: string, found: Map<string, MessageRecord>): void {
    let lostFrom = Infinity;
    for (const [slot, each] of this.promised) {
      if (each.topic !== topic || this.isRemoved(each)) continue;
      const record = found.get(slot);
      const { key, physicalOffset } = each;
      if (record !== undefined && keyOf(record) === key) {
        if (record.physicalOffset !== physicalOffset && each.isSure) {
          life.broken(`${key} was at ${physicalOffset}, is at ${record.physicalOffset}`);
        }
        each.physicalOffset = record.physicalOffset;
        // After a loss it may have come to the same place again.
        if (!each.isSure) each.at = life.now;
        each.isSure = true;
        continue;
      }
      const instead = record === undefined ? "nothing" : keyOf(record);
      if (each.isSure) life.broken(`${key} was promised at ${slot}, there is ${instead}`);
      lostFrom = Math.min(lostFrom, physicalOffset);
      this.promised.delete(slot);
    }
    // What is delivered again comes to the places of what was lost.
    if (this.options.duplicates) return;
    for (const each of this.promised.values()) {
      if (each.topic === topic && each.physicalOffset > lostFrom) {
        life.broken(`the log lost ${lostFrom} but kept ${each.key} at ${each.physicalOffset}`);
      }
    }
  }

  /** What was served is what was sent, whole; from now on it is promised too. */
  private checkRecord(life: SimulatedLife, record: MessageRecord): void {
    const key = keyOf(record);
    if (!this.isWhole(record)) return this.checkSuspect(life, record);
    // The log doesn't tell a topic from an earlier one of its name: a replay that begins before its end brings both.
    const replays = life.replays.slice(this.retracted.get(key) ?? Infinity);
    const isReplayed = replays.some((from) => from <= record.physicalOffset);
    if (this.retracted.has(key) && !isReplayed) {
      life.broken(`${key} has come back though its topic was deleted`);
    }
    this.promise(life, key, record.queueOffset, record.physicalOffset);
  }

  /**
   * Properties aren't covered by a sum unless forceVerifyPropCRC is on: a record whose end a power cut took is kept,
   * and its damage reported, if it can still be parsed. It was never promised, and its body is whole.
   */
  private checkSuspect(life: SimulatedLife, record: MessageRecord): void {
    const slot = slotOf(record.topic, record.queueId, record.queueOffset);
    const isBodyWhole = [...this.sent.values()].some((sent) => isThis(record, sent));
    if (life.hasPropertyCrc || !isBodyWhole) {
      life.broken(`${slot} holds ${keyOf(record)}, which nobody sent so`);
    }
    if (life.suspectRecords === 0) life.broken(`${slot} is torn, and the log says nothing of it`);
  }

  private expectOnce(life: SimulatedLife, records: readonly MessageRecord[]): void {
    const keys = new Set<string>();
    for (const record of records) {
      const key = keyOf(record);
      if (!this.isWhole(record)) continue;
      if (keys.has(key)) life.broken(`${key} is stored twice`);
      keys.add(key);
    }
  }

  /** Whether a record is a message as it was sent; `check` has judged those that aren't. */
  isWhole(record: MessageRecord): boolean {
    const sent = this.sent.get(keyOf(record));
    return sent !== undefined && isThis(record, sent);
  }

  private isRemoved(each: Promised): boolean {
    return each.physicalOffset < this.logStart;
  }
}

export function keyOf(record: MessageRecord): string {
  return parseProperties(record.properties).get("KEYS") ?? "a message without a key";
}

function isThis(record: MessageRecord, { topic, queueId, body }: SentMessage): boolean {
  return topic === record.topic && queueId === record.queueId && body.equals(record.body) &&
    record.bodyCrc === crc32Masked(record.body);
}

export function slotOf(topic: string, queueId: number, queueOffset: number): string {
  return `${topic}/${queueId}/${queueOffset}`;
}

async function boundOf(
  life: SimulatedLife,
  row: typeof GET_MIN_OFFSET | typeof GET_MAX_OFFSET,
  topic: string,
  queueId: number,
): Promise<number> {
  const { extFields } = await life.call(row, { topic, queueId });
  return Number(extFields.get("offset") ?? 0);
}

async function pull(
  life: SimulatedLife,
  topic: string,
  queueId: number,
  queueOffset: number,
): Promise<MessageRecord[]> {
  const { code, body } = await life.call(
    PULL_MESSAGE,
    pullFields({ consumerGroup: READER_GROUP, topic, queueId, queueOffset }),
  );
  return code === ResponseCode.SUCCESS ? decodeRecords(Buffer.from(body)) : [];
}

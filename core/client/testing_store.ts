// The messages of a fake broker: queues of encoded records in memory. For tests of the client alone.
import { Buffer } from "node:buffer";
import { crc32 } from "../bytes/crc32.ts";
import { decodeBatch } from "../message/batch.ts";
import { tagsCode } from "../message/tag_hash.ts";
import { parseProperties } from "../message/properties.ts";
import { PROPERTY } from "../message/property_names.ts";
import { encodeRecord } from "../message/record.ts";
import { MAGIC_V1 } from "../message/record_layout.ts";

export interface StoredMessage {
  topic: string;
  queueId: number;
  body: Uint8Array;
  properties: Uint8Array;
  sysFlag: number;
  flag: number;
  bornTimestampMs: number;
  reconsumeTimes: number;
}

interface Stored extends StoredMessage {
  record: Buffer;
  tagsCode: number;
}

const LOOPBACK = new Uint8Array([127, 0, 0, 1]);

export class FakeStore {
  readonly byPhysicalOffset = new Map<number, Stored>();
  private readonly queues = new Map<string, Stored[]>();
  /** First offset of a queue, after a pretended deletion. */
  private readonly minimums = new Map<string, number>();
  private physicalOffset = 0;

  /** Gives the offset in the queue and the physical one. */
  append(message: StoredMessage, port: number, nowMs: number) {
    const queue = this.queue(message.topic, message.queueId);
    const queueOffset = queue.length;
    const { physicalOffset } = this;
    const record = encodeRecord({
      ...message,
      magic: MAGIC_V1,
      bodyCrc: crc32(message.body) & 0x7fffffff,
      queueOffset,
      physicalOffset,
      bornAddress: LOOPBACK,
      bornPort: 1,
      storeTimestampMs: nowMs,
      storeAddress: LOOPBACK,
      storePort: port,
      preparedTransactionOffset: 0,
    });
    const tags = parseProperties(message.properties).get(PROPERTY.tags) ?? "";
    const stored = { ...message, record, tagsCode: tagsCode(tags) };
    queue.push(stored);
    this.byPhysicalOffset.set(physicalOffset, stored);
    this.physicalOffset += record.length;
    return { queueOffset, physicalOffset };
  }

  appendBatch(message: StoredMessage, port: number, nowMs: number) {
    const items = decodeBatch(message.body);
    return items.map((item) => this.append({ ...message, ...item }, port, nowMs));
  }

  maxOffset(topic: string, queueId: number): number {
    return this.queue(topic, queueId).length;
  }

  minOffset(topic: string, queueId: number): number {
    return this.minimums.get(`${topic}@${queueId}`) ?? 0;
  }

  deleteBefore(topic: string, queueId: number, offset: number): void {
    this.minimums.set(`${topic}@${queueId}`, offset);
  }

  /** Records from an offset on whose tag's hash is wanted, and where to go on. */
  read(topic: string, queueId: number, from: number, countMax: number, codes: readonly number[]) {
    const queue = this.queue(topic, queueId);
    const records: Buffer[] = [];
    let next = from;
    for (; next < queue.length && records.length < countMax; next++) {
      const stored = queue[next]!;
      if (codes.length === 0 || codes.includes(stored.tagsCode)) records.push(stored.record);
    }
    return { body: Buffer.concat(records), count: records.length, next };
  }

  /** Bodies of a topic as text, queue by queue. */
  bodies(topic: string): string[] {
    return [...this.queues].filter(([key]) => key.startsWith(`${topic}@`))
      .flatMap(([, queue]) => queue.map(({ body }) => Buffer.from(body).toString()));
  }

  stored(topic: string): StoredMessage[] {
    return [...this.queues].filter(([key]) => key.startsWith(`${topic}@`))
      .flatMap(([, queue]) => queue);
  }

  private queue(topic: string, queueId: number): Stored[] {
    const key = `${topic}@${queueId}`;
    let queue = this.queues.get(key);
    if (queue === undefined) this.queues.set(key, queue = []);
    return queue;
  }
}

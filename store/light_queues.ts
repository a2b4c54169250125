// Light message queues (LMQ): a message that names queues of the form %LMQ%… has an entry in each of them too, and carries
// its number in each. Mirrors Apache's LmqDispatch. Only computes; the writer stages, the dispatch enters.
import { Buffer } from "node:buffer";
import { encodeProperties, parseProperties } from "../core/message/properties.ts";
import { PROPERTY } from "../core/message/property_names.ts";
import { PropertyScanner } from "../core/message/property_scan.ts";
import {
  allowsLightQueues,
  isLmq,
  TRANSACTION_CHECK_MAX_TOPIC,
  TRANSACTION_HALF_TOPIC,
} from "../core/message/topic_names.ts";
import type { ConsumeQueues } from "./consume_queue/consume_queues.ts";
import type { StoredQueue } from "./consume_queue/stored_queue.ts";

const SEPARATOR = ",";
/** MixAll.LMQ_QUEUE_ID. */
export const LIGHT_QUEUE_ID = 0;

/** A light queue that a record stands in, and its number there. */
export interface LightEntry {
  topic: string;
  queueOffset: number;
}

/** Numbers messages in their light queues. One serves one put: what it has numbered counts for what comes after. */
export class LightNumbers {
  private readonly taken = new Map<StoredQueue, number>();

  constructor(private readonly queues: Pick<ConsumeQueues, "findOrCreate">) {}

  /** The message's properties with its numbers, and the queues; null when it names none. */
  number(
    topic: string,
    properties: Uint8Array,
  ): { properties: Buffer; queues: StoredQueue[] } | null {
    if (!allowsLightQueues(topic)) return null;
    const all = parseProperties(properties);
    if (isUndecided(topic)) {
      // A half that Apache's broker stored has numbers, and each time it is put back it would stand there again.
      if (!all.delete(PROPERTY.multiQueueOffset)) return null;
      return { properties: encodeProperties(all), queues: [] };
    }
    const names = all.get(PROPERTY.multiDispatch)?.split(SEPARATOR) ?? [];
    const queues: StoredQueue[] = [];
    const numbers = names.map((name) => {
      if (!isLightName(name)) return "";
      const queue = this.queues.findOrCreate(name, LIGHT_QUEUE_ID, "simple");
      const before = this.taken.get(queue) ?? 0;
      this.taken.set(queue, before + 1);
      queues.push(queue);
      return String(queue.nextOffset + before);
    });
    if (queues.length === 0) return null;
    all.set(PROPERTY.multiQueueOffset, numbers.join(SEPARATOR));
    return { properties: encodeProperties(all), queues };
  }
}

/** Reads from records which light queues they stand in. */
export class LightEntryReader {
  private readonly scanner = new PropertyScanner([
    PROPERTY.multiDispatch,
    PROPERTY.multiQueueOffset,
  ]);

  /** Of encoded properties of a record of `topic`; none when names and numbers don't belong together. */
  read(topic: string, bytes: Uint8Array, start: number, end: number): readonly LightEntry[] {
    const { scanner } = this;
    scanner.scan(bytes, start, end);
    if (!scanner.has(0) || !scanner.has(1) || !allowsLightQueues(topic)) return NONE;
    const names = this.listAt(bytes, 0);
    const numbers = this.listAt(bytes, 1);
    if (names.length !== numbers.length) return NONE;
    return names
      .map((name, index) => ({ topic: name, queueOffset: Number(numbers[index] || NaN) }))
      .filter((entry) => isLightName(entry.topic) && Number.isSafeInteger(entry.queueOffset));
  }

  private listAt(bytes: Uint8Array, index: number): string[] {
    const { ends, starts } = this.scanner;
    return Buffer.from(bytes.subarray(starts[index]!, ends[index]!)).toString().split(SEPARATOR);
  }
}

/**
 * Messages of a transaction that isn't committed stand in no light queue: they have their numbers from the commit on.
 * Apache shows light queues each half, whatever becomes of it.
 */
function isUndecided(topic: string): boolean {
  return topic === TRANSACTION_HALF_TOPIC || topic === TRANSACTION_CHECK_MAX_TOPIC;
}

const NONE: readonly LightEntry[] = [];

/** Names that would leave the queues' folder are passed over, as by Apache. */
function isLightName(name: string): boolean {
  return isLmq(name) && !/[/\\\0]/.test(name);
}

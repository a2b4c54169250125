// The extended units that negative tags codes point to (ConsumeQueueExt): the real tags code, the store time and a
// filter bit map. Read when an entry asks, whatever the configuration says; written when enableConsumeQueueExt is on.
import { readI32, readI64, readU16, readU63 } from "../../core/bytes/big_endian.ts";
import { DiskError } from "../../core/disk/disk.ts";
import { ExtQueue, UNIT_BYTES_MIN } from "./ext_queue.ts";
import { NO_FILES, type QueueContext, type QueueExtent } from "./queue_context.ts";
import { queueDirectory, queueFileBase } from "./unit.ts";

const TAGS_CODE_AT = 2;
const STORE_TIME_AT = 10;
const BIT_MAP_SIZE_AT = 18;

export interface ExtUnit {
  tagsCode: number;
  storeTimestampMs: number;
  bitMap: Uint8Array;
}

export interface ExtOptions {
  /** The folder consumequeue_ext. */
  root: string;
  /** mappedFileSizeConsumeQueueExt. */
  fileBytes: number;
  /** enableConsumeQueueExt. */
  isWritten: boolean;
}

/** Whether the 64-bit tags code at `at` is an address: at most Integer.MIN_VALUE − 1, below every 32-bit hash. */
export function isExtAddress(bytes: Uint8Array, at: number): boolean {
  const high = readI32(bytes, at);
  return high < -1 || (high === -1 && readI32(bytes, at + 4) >= 0);
}

export class ConsumeQueueExt {
  private readonly head = new Uint8Array(UNIT_BYTES_MIN);
  private readonly queues = new Map<string, ExtQueue>();

  constructor(
    private readonly context: Pick<QueueContext, "disk" | "descriptors" | "writer" | "log">,
    private readonly options: ExtOptions,
  ) {}

  get isWritten(): boolean {
    return this.options.isWritten;
  }

  /**
   * The real tags code behind the address at `bytes[at…]`. When the unit isn't there, the address itself, rounded, as
   * Apache passes it on: the client compares tags anyway.
   */
  tagsCode(topic: string, queueId: number, bytes: Uint8Array, at: number): number {
    const address = readU63(bytes, at);
    const fallback = readI64(bytes, at);
    return this.readHead(topic, queueId, address) ? readI64(this.head, TAGS_CODE_AT) : fallback;
  }

  /** The whole unit at an offset of the queue's ext files; null when there is none. */
  unit(topic: string, queueId: number, offset: number): ExtUnit | null {
    if (!this.readHead(topic, queueId, offset)) return null;
    const bitMap = new Uint8Array(readU16(this.head, BIT_MAP_SIZE_AT));
    const tagsCode = readI64(this.head, TAGS_CODE_AT);
    const storeTimestampMs = readI64(this.head, STORE_TIME_AT);
    const isThere = this.read(topic, queueId, offset + UNIT_BYTES_MIN, bitMap);
    return isThere ? { tagsCode, storeTimestampMs, bitMap } : null;
  }

  /** Writes a unit; gives its offset, or −1 when it could not be: the entry then carries the tags code itself. */
  append(
    topic: string,
    queueId: number,
    tagsCode: number,
    storeTimestampMs: number,
    bitMap: Uint8Array | null,
  ): number {
    try {
      return this.queueOf(topic, queueId).append(tagsCode, storeTimestampMs, bitMap);
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      this.context.log.warn("an extended queue unit can't be written", { topic, queueId, error });
      return -1;
    }
  }

  /** Frees files that no entry of the queue points into any more, the first of which has this offset. */
  async deleteBefore(topic: string, queueId: number, offset: number): Promise<void> {
    await this.queueOf(topic, queueId).deleteBefore(offset);
  }

  /** Frees the files of a queue whose topic is deleted. */
  async deleteQueue(topic: string, queueId: number): Promise<void> {
    const { disk } = this.context;
    const directory = queueDirectory(this.options.root, topic, queueId);
    const queue = this.queueOf(topic, queueId);
    this.queues.delete(directory);
    if (!queue.files.exist) return;
    await queue.delete();
    disk.removeDirectorySync(directory);
  }

  private readHead(topic: string, queueId: number, offset: number): boolean {
    return this.read(topic, queueId, offset, this.head) && readU16(this.head, 0) >= UNIT_BYTES_MIN;
  }

  private read(topic: string, queueId: number, offset: number, target: Uint8Array): boolean {
    if (target.length === 0) return true;
    try {
      return this.queueOf(topic, queueId).read(target, offset, target.length);
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      const fields = { topic, queueId, offset, error };
      this.context.log.warn("an extended queue unit can't be read", fields);
      return false;
    }
  }

  private queueOf(topic: string, queueId: number): ExtQueue {
    const { fileBytes, root } = this.options;
    const directory = queueDirectory(root, topic, queueId);
    const known = this.queues.get(directory);
    if (known !== undefined) return known;
    const queue = new ExtQueue(this.context, directory, fileBytes, this.extentOf(directory));
    this.queues.set(directory, queue);
    return queue;
  }

  private extentOf(directory: string): QueueExtent {
    const { disk } = this.context;
    const bases = disk.statSync(directory) === null
      ? []
      : disk.listSync(directory).map(queueFileBase).filter((base) => base >= 0);
    if (bases.length === 0) return NO_FILES;
    const { fileBytes } = this.options;
    return { firstByte: Math.min(...bases), filesEnd: Math.max(...bases) + fileBytes };
  }
}

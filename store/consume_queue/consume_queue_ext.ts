// The extended units that negative tags codes point to (ConsumeQueueExt): the real tags code, the store time and a
// filter bit map. Read only, and only when an entry asks; never touched otherwise, except that a topic's are deleted.
//   size 2 · tagsCode 8 · storeTime 8 · bitMapSize 2 · bitMap
import { readI32, readI64, readU16, readU63 } from "../../core/bytes/big_endian.ts";
import { type Disk, DiskError } from "../../core/disk/disk.ts";
import type { Logger } from "../../core/log.ts";
import { type DescriptorCache, OpenFile } from "./descriptor_cache.ts";
import { queueDirectory, queueFileBase, queueFileName } from "./unit.ts";

const TAGS_CODE_AT = 2;
const STORE_TIME_AT = 10;
const BIT_MAP_SIZE_AT = 18;
const UNIT_BYTES_MIN = 20;

export interface ExtUnit {
  tagsCode: number;
  storeTimestampMs: number;
  bitMap: Uint8Array;
}

/** Whether the 64-bit tags code at `at` is an address: at most Integer.MIN_VALUE − 1, below every 32-bit hash. */
export function isExtAddress(bytes: Uint8Array, at: number): boolean {
  const high = readI32(bytes, at);
  return high < -1 || (high === -1 && readI32(bytes, at + 4) >= 0);
}

export class ConsumeQueueExt {
  private readonly head = new Uint8Array(UNIT_BYTES_MIN);
  private readonly open = new Map<string, OpenFile>();

  constructor(
    private readonly disk: Disk,
    private readonly log: Logger,
    private readonly descriptors: DescriptorCache,
    /** The folder consumequeue_ext. */
    private readonly root: string,
    private readonly fileBytes: number,
  ) {}

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

  /** Frees the files of a queue whose topic is deleted. */
  async deleteQueue(topic: string, queueId: number): Promise<void> {
    const directory = queueDirectory(this.root, topic, queueId);
    const names = this.disk.listSync(directory);
    if (names.length === 0) return;
    for (const name of names) {
      const path = `${directory}/${name}`;
      const known = this.open.get(path);
      if (known !== undefined) void this.descriptors.close(known);
      this.open.delete(path);
      if (queueFileBase(name) >= 0) await this.disk.unlink(path);
    }
    this.disk.removeDirectorySync(directory);
  }

  private readHead(topic: string, queueId: number, offset: number): boolean {
    return this.read(topic, queueId, offset, this.head) && readU16(this.head, 0) >= UNIT_BYTES_MIN;
  }

  private read(topic: string, queueId: number, offset: number, target: Uint8Array): boolean {
    if (target.length === 0) return true;
    const position = offset % this.fileBytes;
    const base = offset - position;
    const path = `${queueDirectory(this.root, topic, queueId)}/${queueFileName(base)}`;
    try {
      const file = this.fileAt(path, base);
      return file.readSync(target, 0, target.length, position) === target.length;
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      this.log.warn("an extended queue unit can't be read", { path, position, error });
      return false;
    }
  }

  private fileAt(path: string, base: number) {
    const known = this.open.get(path);
    const file = known === undefined ? null : this.descriptors.use(known);
    if (file !== null) return file;
    const opened = this.descriptors.open(path, base, "write");
    this.open.set(path, opened);
    return opened.file!;
  }
}

// What all queues of one store share, and the state of one queue's files as found on disk.
// Data only.
import type { Disk } from "../../core/disk/disk.ts";
import type { Logger } from "../../core/log.ts";
import type { ConsumeQueueExt } from "./consume_queue_ext.ts";
import type { DescriptorCache } from "./descriptor_cache.ts";
import type { QueueEnd } from "./queue_ends.ts";
import type { EntryMender } from "./entry_mender.ts";
import type { QueueWriter } from "./queue_writer.ts";
import type { ReadBlock } from "./read_block.ts";
import type { TailPool } from "./tail_pool.ts";

export interface QueueContext {
  readonly disk: Disk;
  readonly log: Logger;
  readonly descriptors: DescriptorCache;
  readonly tails: TailPool;
  /** Shared out among the queues, so that readers of a few queues at a time don't drive each other out. */
  readonly blocks: readonly ReadBlock[];
  readonly writer: QueueWriter;
  readonly ext: ConsumeQueueExt;
  /** Where the log begins: entries that point before it are skipped. */
  minPhysicalOffset: number;
  /** While queues are loaded: where a recovery will probably replay the log from; −1 when nothing says so. */
  readonly replayFrom: number;
  /** Once the store is open: what becomes of damaged entries. */
  mender: EntryMender | null;
}

/** Byte positions of a queue's files: those from `firstByte` to `filesEnd`. */
export interface QueueExtent {
  firstByte: number;
  filesEnd: number;
  /** What the last file takes of the device, where that is known. */
  allocatedBytes?: number | undefined;
  /** What is known of the queue without a look at its files. */
  end?: QueueEnd;
}

export const NO_FILES: QueueExtent = { firstByte: 0, filesEnd: 0 };

/** What a load saw of a queue's end, for a recovery that replays from `limit`. */
export interface SeenEnd {
  limit: number;
  /** Where the entries end whose records end up to there; 0 and below it when there is none. */
  end: number;
  lastOffset: number;
  lastPhysical: number;
  lastPhysicalEnd: number;
}

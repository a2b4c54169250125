// Inner batches: records of a BatchCQ topic that stand for many messages. Each says in its properties how many and from
// which number on; queues are made again from that after a crash, by Apache's broker too. Only computes.
import { encodeProperties, parseProperties } from "../core/message/properties.ts";
import { PROPERTY } from "../core/message/property_names.ts";
import { INNER_BATCH } from "../core/message/sys_flag.ts";
import type { ConsumeQueues } from "./consume_queue/consume_queues.ts";
import type { QueueKind, StoredQueue } from "./consume_queue/stored_queue.ts";
import type { MessageToStore } from "./message_store.ts";

/** One serves one put: what it has numbered counts for what comes after (Java: BatchConsumeQueue.assignQueueOffset). */
export class InnerBases {
  private taken: Map<StoredQueue, number> | null = null;

  constructor(
    private readonly queues: Pick<ConsumeQueues, "findOrCreate">,
    private readonly kindOf: (topic: string) => QueueKind,
  ) {}

  /** The message's properties, with its first number when it is an inner batch. */
  number({ batchCount, properties, queueId, sysFlag, topic }: MessageToStore): Uint8Array {
    if ((sysFlag & INNER_BATCH) === 0) return properties;
    const queue = this.queues.findOrCreate(topic, queueId, this.kindOf(topic));
    // A copy in a retry topic counts as one.
    if (queue.kind !== "batch") return properties;
    this.taken ??= new Map();
    const before = this.taken.get(queue) ?? 0;
    this.taken.set(queue, before + batchCount);
    const all = parseProperties(properties);
    all.set(PROPERTY.innerBase, String(queue.nextOffset + before));
    return encodeProperties(all);
  }
}

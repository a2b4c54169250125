// Finds the queues of one record after the other while a log is replayed, by one look at a table instead of two maps:
// tens of thousands of queues take turns there. Remembers only what the queues' own look-up gave.
import type { ConsumeQueues } from "./consume_queue/consume_queues.ts";
import type { StoredQueue } from "./consume_queue/stored_queue.ts";

/** Queues that are remembered; a power of two. Two that fall on one place drive each other out. */
const QUEUES_MAX = 1 << 17;
/** Spreads topics; the queues of one stand side by side, as records of them mostly follow each other. */
const TOPIC_FACTOR = 0x9e3779b1;

export class QueueLookup {
  private readonly known: (StoredQueue | undefined)[] = new Array(QUEUES_MAX).fill(undefined);

  constructor(private readonly queues: Pick<ConsumeQueues, "find">) {}

  /** `topicHash` is the same for the same topic. Valid while no queue is deleted. */
  find(topic: string, topicHash: number, queueId: number): StoredQueue | null {
    const place = ((Math.imul(topicHash, TOPIC_FACTOR) >>> 8) + queueId) & (QUEUES_MAX - 1);
    const known = this.known[place];
    if (known !== undefined && known.queueId === queueId && known.topic === topic) return known;
    const found = this.queues.find(topic, queueId);
    if (found !== null) this.known[place] = found;
    return found;
  }
}

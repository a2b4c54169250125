// Enters what a start reads of the log into queues and index, from where the plan says; notices queues that lack what
// came before. Both are entered in batches: `finish` ends it.
import { javaHash } from "../core/bytes/java_hash.ts";
import type { RecordFacts } from "./commit_log/record_facts.ts";
import type { ConsumeQueues } from "./consume_queue/consume_queues.ts";
import type { StoredQueue } from "./consume_queue/stored_queue.ts";
import { EntryBatch } from "./entry_batch.ts";
import { KeyBatch } from "./index/key_batch.ts";
import type { KeyIndex } from "./index/key_index.ts";
import type { LossSigns } from "./loss_signs.ts";
import { type EntryFacts, inLightQueue, type QueueEntries } from "./queue_entries.ts";
import { QueueLookup } from "./queue_lookup.ts";
import type { RecoveryPlan } from "./recovery_plan.ts";

export interface ReplayParts {
  plan: RecoveryPlan;
  queues: ConsumeQueues;
  index: KeyIndex | null;
  entries: QueueEntries;
  signs: LossSigns;
  /** Where the log begins. */
  logStart: number;
  hasTopic: (topic: string) => boolean;
  /** Known before: what queues lack needn't be looked for. */
  isQueueLost: boolean;
}

export class Replay {
  /** A queue hasn't all that the log has for it: its files were lost. */
  isQueueLost: boolean;
  indexItems = 0;
  private readonly batch: EntryBatch;
  private readonly keys: KeyBatch | null;

  constructor(private readonly parts: ReplayParts) {
    const { index, isQueueLost, queues } = parts;
    this.isQueueLost = isQueueLost;
    this.keys = index === null ? null : new KeyBatch(index);
    this.batch = new EntryBatch(
      new QueueLookup(queues),
      (facts, size, queue) => this.enterQueue(facts, size, queue),
    );
  }

  take(facts: RecordFacts, size: number): void {
    const { batch, keys } = this;
    const { keyCount, keyHashes, physicalOffset, storeTimestampMs } = facts;
    if (!facts.isHidden) {
      batch.add(facts, facts.topicHash, size);
      for (const light of facts.lightEntries) {
        batch.add(inLightQueue(facts, light), javaHash(light.topic), size);
      }
    }
    if (keys === null || physicalOffset < this.parts.plan.indexFrom) return;
    for (let at = 0; at < keyCount; at++) {
      keys.put(keyHashes[at]!, physicalOffset, storeTimestampMs);
    }
    this.indexItems += keyCount;
  }

  finish(): void {
    this.batch.flush();
    this.parts.entries.finish();
    this.keys?.flush();
  }

  /**
   * A queue that hasn't what came before is left for the second pass, which reads all of the log. `seen`: the record's
   * queue, when it was there some records ago.
   */
  private enterQueue(facts: EntryFacts, size: number, seen: StoredQueue | null): void {
    const { entries, hasTopic, logStart, plan, queues, signs } = this.parts;
    const { queueId, queueOffset, topic } = facts;
    const queue = seen ?? queues.find(topic, queueId);
    const isNew = facts.physicalOffset >= plan.queuesFrom;
    const isLacking = isNew
      ? queueOffset > (queue?.maxOffset ?? 0)
      : !this.isQueueLost && signs.isLacking(facts);
    if (isLacking && plan.queuesFrom > logStart && hasTopic(topic)) this.isQueueLost = true;
    else if (isNew) entries.enter(facts, size, queue);
  }
}

// Where a group's next pop of a queue begins: its committed offset, a reset, what is out already, or for a new group by its
// init mode (Java: PopMessageProcessor.getPopOffset, getInitOffset). Commits what it settles; reads no messages.
import { isRetryTopic } from "../../../core/message/topic_names.ts";
import type { MessageStore } from "../../../store/message_store.ts";
import { OffsetTable } from "../offsets/offset_table.ts";
import { isFirstEntryInMemory } from "../offsets/queue_memory.ts";
import type { Checkpoints } from "./checkpoints.ts";
import type { OrderTable } from "./order_table.ts";
import type { PopQueue, PopQueues } from "./pop_queues.ts";
import type { PopSettings } from "./pop_settings.ts";

/** A new group starts at the first message (Java: ConsumeInitMode.MIN). */
export const INIT_FIRST = 0;

export interface PopOffsetsParts {
  store: Pick<MessageStore, "queueBounds" | "openCursor" | "confirmOffset" | "minPhysicalOffset">;
  offsets: OffsetTable;
  orders: OrderTable;
  queues: PopQueues;
  checkpoints: Checkpoints;
  settings: PopSettings;
  physicalMemoryBytes: number;
}

export class PopOffsets {
  constructor(private readonly parts: PopOffsetsParts) {}

  /** Where a pop begins; takes a pending reset and commits where a new group starts. */
  begin(queue: PopQueue, initMode: number): number {
    const { offsets, orders, checkpoints } = this.parts;
    const { topic, group, queueId } = queue;
    let offset = offsets.query(topic, group, queueId);
    if (offset < 0) {
      offset = this.initial(topic, queueId, initMode);
      offsets.commit(topic, group, queueId, offset);
    }
    if (offsets.anyReset) {
      const reset = offsets.takeReset(OffsetTable.key(topic, group), queueId);
      if (reset !== undefined) {
        orders.clear(topic, group, queueId);
        checkpoints.clear(queue);
        offsets.commit(topic, group, queueId, reset);
        return reset;
      }
    }
    return Math.max(offset, queue.latestOffset);
  }

  /** How many messages a group hasn't been given yet; a new group counts from the queue's first. */
  restCount(topic: string, group: string, queueId: number): number {
    const bounds = this.parts.store.queueBounds(topic, queueId);
    return bounds === null ? 0 : bounds.maxOffset - this.next(topic, group, queueId);
  }

  /** Where a peek looks; settles nothing. */
  next(topic: string, group: string, queueId: number): number {
    const { offsets, queues, store } = this.parts;
    let offset = offsets.query(topic, group, queueId);
    if (offset < 0) offset = store.queueBounds(topic, queueId)?.minOffset ?? 0;
    const queue = queues.get(OffsetTable.key(topic, group), queueId);
    return Math.max(offset, queue?.latestOffset ?? -1);
  }

  private initial(topic: string, queueId: number, initMode: number): number {
    const bounds = this.parts.store.queueBounds(topic, queueId);
    if (initMode === INIT_FIRST || isRetryTopic(topic)) return bounds?.minOffset ?? 0;
    if (this.parts.settings.initPopOffsetByCheckMsgInMem && this.beginsInMemory(topic, queueId)) {
      return 0;
    }
    // The last message counts as new.
    return Math.max(0, (bounds?.maxOffset ?? 0) - 1);
  }

  private beginsInMemory(topic: string, queueId: number): boolean {
    return isFirstEntryInMemory(this.parts, topic, queueId);
  }
}

// How far each queue is consumed: what is known here, what the store was told, and what it must
// still be told. Pure; offset stores (of brokers, or a file) are behind an interface.
import { type MessageQueue, queueKey } from "./message.ts";

/** Where offsets are kept. */
export interface OffsetStore {
  /** The committed offset; null when there is none. Rejects with ClientError. */
  read(queue: MessageQueue): Promise<number | null>;
  /** Commits several; those that can't be committed don't stop the others. */
  write(offsets: readonly QueueOffset[]): Promise<WriteOutcome>;
}

export interface WriteOutcome {
  taken: readonly QueueOffset[];
  /** Why others weren't; null when all were. */
  failure: unknown;
}

export interface QueueOffset {
  queue: MessageQueue;
  offset: number;
}

interface Known {
  queue: MessageQueue;
  offset: number;
  committed: number;
}

export class OffsetBook {
  private readonly byQueue = new Map<string, Known>();

  /** Null when nothing is known of the queue. */
  get(queue: MessageQueue): number | null {
    return this.byQueue.get(queueKey(queue))?.offset ?? null;
  }

  /** What the store holds, or where consuming begins. */
  begin(queue: MessageQueue, offset: number): void {
    this.byQueue.set(queueKey(queue), { queue, offset, committed: -1 });
  }

  /** Consumed up to here; going back is ignored. */
  advance(queue: MessageQueue, offset: number): void {
    const known = this.byQueue.get(queueKey(queue));
    if (known !== undefined && offset > known.offset) known.offset = offset;
  }

  /** To this offset, forward or back (resets, corrections). */
  move(queue: MessageQueue, offset: number): void {
    const known = this.byQueue.get(queueKey(queue));
    if (known !== undefined) known.offset = offset;
  }

  forget(queue: MessageQueue): void {
    this.byQueue.delete(queueKey(queue));
  }

  /** Offsets that the store hasn't been told. */
  uncommitted(): QueueOffset[] {
    return [...this.byQueue.values()]
      .filter(({ offset, committed }) => offset !== committed)
      .map(({ queue, offset }) => ({ queue, offset }));
  }

  /** The store has taken these. */
  committed(offsets: readonly QueueOffset[]): void {
    for (const { queue, offset } of offsets) {
      const known = this.byQueue.get(queueKey(queue));
      if (known !== undefined) known.committed = offset;
    }
  }

  all(): QueueOffset[] {
    return [...this.byQueue.values()].map(({ queue, offset }) => ({ queue, offset }));
  }
}

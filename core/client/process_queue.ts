// The messages of one queue that a consumer has pulled and not finished: how many, how many bytes,
// how far apart, and the offset up to which all are done. Pure: no clock, no network.
import type { MessageQueue } from "./message.ts";
import type { ReceivedMessage } from "./received_message.ts";

/** One pulled message and what became of it. */
export interface QueuedMessage {
  readonly message: ReceivedMessage;
  readonly of: ProcessQueue;
  /** Monotonic ms when its listener was called; 0 before. */
  startedMs: number;
  isDone: boolean;
}

export interface FlowLimits {
  queueMessagesMax: number;
  queueBytesMax: number;
  queueSpanMax: number;
}

/** Which limit keeps a queue from being pulled. */
export type FlowLimit = "count" | "size" | "span";

/** So many finished messages at the front are dropped from the list together. */
const COMPACTED_FROM = 256;

export class ProcessQueue {
  /** Set when the queue goes to another member or is begun anew: nothing counts any more. */
  dropped = false;
  /** Messages that aren't done, and the bytes of their bodies as stored. */
  count = 0;
  bytes = 0;
  /** In the order of their offsets; those before `from` are done. */
  private entries: QueuedMessage[] = [];
  private from = 0;
  /** One past the largest offset that was put; -1 before the first. */
  private nextOffset = -1;
  /** Of those behind `from`, the first so many were taken and not committed (orderly). */
  private taken = 0;

  constructor(readonly queue: MessageQueue) {}

  /** Adds messages in the order of their offsets; those that came before are left out. */
  put(messages: readonly ReceivedMessage[]): QueuedMessage[] {
    const added: QueuedMessage[] = [];
    for (const message of messages) {
      if (message.queueOffset < this.nextOffset) continue;
      const entry: QueuedMessage = { message, of: this, startedMs: 0, isDone: false };
      added.push(entry);
      this.entries.push(entry);
      this.nextOffset = message.queueOffset + 1;
      this.count++;
      this.bytes += message.storedBytes;
    }
    return added;
  }

  /** Marks a message as done; false when it was already. */
  finish(entry: QueuedMessage): boolean {
    if (entry.isDone) return false;
    entry.isDone = true;
    this.count--;
    this.bytes -= entry.message.storedBytes;
    while (this.from < this.entries.length && this.entries[this.from]!.isDone) {
      this.from++;
      if (this.taken > 0) this.taken--;
    }
    if (this.from >= COMPACTED_FROM || this.from === this.entries.length) {
      this.entries.splice(0, this.from);
      this.from = 0;
    }
    return true;
  }

  /** The next messages in order, which are then taken; none when all are. */
  take(countMax: number): QueuedMessage[] {
    const taken: QueuedMessage[] = [];
    while (taken.length < countMax) {
      const entry = this.entries[this.from + this.taken];
      if (entry === undefined) break;
      this.taken++;
      if (!entry.isDone) taken.push(entry);
    }
    return taken;
  }

  /** This message and all behind it are to be taken again. */
  putBack(entry: QueuedMessage): void {
    const index = this.entries.indexOf(entry, this.from);
    this.taken = Math.max(0, Math.min(this.taken, index - this.from));
  }

  /** All that were taken and aren't done. */
  uncommitted(): QueuedMessage[] {
    return this.entries.slice(this.from, this.from + this.taken).filter(({ isDone }) => !isDone);
  }

  /** Messages that were taken and not committed; 0 unless consumed in order. */
  get takenCount(): number {
    return this.taken;
  }

  /** Every message below this offset is done; -1 when nothing was ever put. */
  get finishedOffset(): number {
    const first = this.entries[this.from];
    return first === undefined ? this.nextOffset : first.message.queueOffset;
  }

  /** Distance of the largest from the smallest offset that is not done. */
  get span(): number {
    const first = this.entries[this.from];
    if (first === undefined) return 0;
    return this.entries.at(-1)!.message.queueOffset - first.message.queueOffset;
  }

  /** The limit that is reached; null when more may be pulled. */
  limitReached(limits: FlowLimits): FlowLimit | null {
    if (this.count > limits.queueMessagesMax) return "count";
    if (this.bytes > limits.queueBytesMax) return "size";
    return this.span > limits.queueSpanMax ? "span" : null;
  }

  /** Messages whose listener was called at `beforeMs` at the latest and hasn't finished. */
  startedBefore(beforeMs: number): QueuedMessage[] {
    return this.entries.filter(({ isDone, startedMs }) =>
      !isDone && startedMs > 0 && startedMs <= beforeMs
    );
  }

  /** The messages that aren't done. */
  unfinished(): QueuedMessage[] {
    return this.entries.filter(({ isDone }) => !isDone);
  }
}

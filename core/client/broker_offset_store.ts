// Offsets of a clustering group, kept by the brokers.
import type { BrokerCalls } from "./broker_calls.ts";
import type { MessageQueue } from "./message.ts";
import type { OffsetStore, QueueOffset, WriteOutcome } from "./offsets.ts";

export class BrokerOffsetStore implements OffsetStore {
  /** Brokers and topics for which the group has committed something. */
  private readonly known = new Set<string>();

  constructor(
    private readonly calls: Pick<BrokerCalls, "committedOffset" | "commitOffset">,
    private readonly group: string,
    /** Asks for offsets that were committed alone, not for what a broker makes of none. */
    private readonly isExact = false,
  ) {}

  read(queue: MessageQueue): Promise<number | null> {
    return this.calls.committedOffset(this.group, queue, this.isExact);
  }

  async write(offsets: readonly QueueOffset[]): Promise<WriteOutcome> {
    const taken: QueueOffset[] = [];
    let failure: unknown = null;
    const commit = async (each: QueueOffset) => {
      try {
        await this.calls.commitOffset(this.group, each.queue, each.offset);
        taken.push(each);
        this.known.add(topicAt(each.queue));
      } catch (error) {
        failure = error;
      }
    };
    // Of the first commits of a group for a topic that come at once, Apache's broker may keep one
    // only (ConsumerOffsetManager.commitOffset): one goes ahead.
    const ahead = this.firstOfEach(offsets);
    await Promise.all(ahead.map(commit));
    await Promise.all(offsets.filter((each) => !ahead.includes(each)).map(commit));
    return { taken, failure };
  }

  /** One offset for each broker and topic that has taken none yet. */
  private firstOfEach(offsets: readonly QueueOffset[]): QueueOffset[] {
    const first = new Map<string, QueueOffset>();
    for (const each of offsets) {
      const key = topicAt(each.queue);
      if (!this.known.has(key) && !first.has(key)) first.set(key, each);
    }
    return [...first.values()];
  }
}

function topicAt({ brokerName, topic }: MessageQueue): string {
  return `${brokerName} ${topic}`;
}

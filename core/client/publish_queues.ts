// Which queue the next message of a topic goes to: one after the other, but not to the broker that
// just failed, nor (when asked) to brokers that were slow. Pure but for its counter.
import type { MessageQueue } from "./message.ts";

/** Says whether a broker should be sent to now. */
export type BrokerFilter = (brokerName: string) => boolean;

export class PublishQueues {
  private next: number;

  /** `first` is where the round begins; producers begin at different places. */
  constructor(readonly queues: readonly MessageQueue[], first = 0) {
    this.next = queues.length === 0 ? 0 : first % queues.length;
  }

  /**
   * The next queue whose broker isn't the one that failed last and passes the filter; failing that,
   * the next of another broker, and failing that any. Null when there is none at all.
   */
  select(failedBroker: string | null, filter: BrokerFilter | null): MessageQueue | null {
    if (failedBroker === null && filter === null) return this.take();
    return this.search((name) => name !== failedBroker && (filter === null || filter(name))) ??
      this.search((name) => name !== failedBroker) ?? this.take();
  }

  private take(): MessageQueue | null {
    const { queues } = this;
    if (queues.length === 0) return null;
    const queue = queues[this.next]!;
    this.next = this.next + 1 === queues.length ? 0 : this.next + 1;
    return queue;
  }

  private search(wanted: BrokerFilter): MessageQueue | null {
    for (let tries = this.queues.length; tries > 0; tries--) {
      const queue = this.take()!;
      if (wanted(queue.brokerName)) return queue;
    }
    return null;
  }
}

// Which queue the next message of a topic goes to: one after the other, but not to the broker that
// just failed, nor (when asked) to brokers that were slow. Pure but for its counter.
import type { MessageQueue } from "./message.ts";

type BrokerFilter = (brokerName: string) => boolean;

/** Which brokers should be sent to now, and which can be at all (fault_tracker.ts). */
export interface BrokerHealth {
  readonly isAvailable: BrokerFilter;
  readonly isReachable: BrokerFilter;
}

export class PublishQueues {
  private next: number;

  /** `first` is where the round begins; producers begin at different places. */
  constructor(readonly queues: readonly MessageQueue[], first = 0) {
    this.next = queues.length === 0 ? 0 : first % queues.length;
  }

  /**
   * The next queue whose broker isn't the one that failed last and is available; failing that, one
   * that is at least reachable, then that of any other broker, then any. Null when there is none.
   */
  select(failedBroker: string | null, health: BrokerHealth | null): MessageQueue | null {
    if (failedBroker === null && health === null) return this.take();
    return this.healthy(failedBroker, health) ?? this.search((name) => name !== failedBroker) ??
      this.take();
  }

  private healthy(failedBroker: string | null, health: BrokerHealth | null): MessageQueue | null {
    if (health === null) return null;
    return this.search((name) => name !== failedBroker && health.isAvailable(name)) ??
      this.search((name) => name !== failedBroker && health.isReachable(name));
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

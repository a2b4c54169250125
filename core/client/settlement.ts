// What becomes of messages after their listener: finished, given back for a later delivery, or kept
// to be consumed here once more. Calls no listener and pulls nothing.
import type { Logger } from "../log.ts";
import type { Clock } from "../time/clock.ts";
import type { ConsumeStats } from "./consume_stats.ts";
import { OVERDUE_DELAY_LEVEL, RECONSUME_HERE_MS } from "./limits.ts";
import type { QueuedMessage } from "./process_queue.ts";
import type { SendBack } from "./send_back.ts";

export interface SettlementOptions {
  clock: Clock;
  log: Logger;
  stats: ConsumeStats;
  /** Null for broadcasting: what fails is not delivered again. */
  sendBack: SendBack | null;
  finish: (entry: QueuedMessage) => void;
  /** Has the listener called once more. */
  consumeAgain: (entry: QueuedMessage) => void;
}

export class Settlement {
  private readonly givingBack = new Set<Promise<void>>();

  constructor(private readonly options: SettlementOptions) {}

  /** A listener is done with a message: consumed (null), or to come again after a delay level. */
  settle(entry: QueuedMessage, delayLevel: number | null): void {
    const { clock, log, stats, finish, sendBack } = this.options;
    const tookMs = clock.monotonicMs() - entry.startedMs;
    stats.consumed(entry.of.queue.topic, delayLevel === null, tookMs, clock.nowMs());
    if (delayLevel === null) return finish(entry);
    if (sendBack !== null) return this.giveBack(sendBack, entry, delayLevel);
    const { topic, messageId } = entry.message;
    log.warn("a broadcast message isn't delivered again", { topic, messageId });
    finish(entry);
  }

  /** Listeners that take too long lose their message to a later delivery. */
  giveBackOverdue(entries: readonly QueuedMessage[]): void {
    const { log, sendBack } = this.options;
    if (sendBack === null) return;
    for (const entry of entries) {
      const { topic, messageId } = entry.message;
      log.warn("a listener takes too long; its message comes again", { topic, messageId });
      this.giveBack(sendBack, entry, OVERDUE_DELAY_LEVEL);
    }
  }

  /** Resolves when no message is being given back. */
  async quiet(): Promise<void> {
    await Promise.all(this.givingBack);
  }

  private giveBack(sendBack: SendBack, entry: QueuedMessage, delayLevel: number): void {
    if (entry.isDone || entry.of.dropped) return;
    const { clock, finish, consumeAgain } = this.options;
    const giving = sendBack.giveBack(entry.message, delayLevel).then((given) => {
      if (given) return finish(entry);
      clock.after(RECONSUME_HERE_MS, () => consumeAgain(entry));
    });
    this.givingBack.add(giving);
    void giving.finally(() => this.givingBack.delete(giving));
  }
}

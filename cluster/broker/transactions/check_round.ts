// One look at the half messages that nobody ended: asks a producer about those that are old enough, puts them back behind
// the others, gives up those that were asked about too often. Works in slices, so that it never holds up the event loop;
// a record that can't be read is passed over (Java: TransactionalMessageServiceImpl.check).
import { DiskError } from "../../../core/disk/disk.ts";
import { encodeOffsetMessageId } from "../../../core/message/message_id.ts";
import type { Logger } from "../../../core/log.ts";
import { PROPERTY } from "../../../core/message/property_names.ts";
import { TRANSACTION_HALF_TOPIC } from "../../../core/message/topic_names.ts";
import type { HostAddress } from "../../../core/remoting/handler.ts";
import type { Clock } from "../../../core/time/clock.ts";
import {
  isStored,
  type MessageStore,
  type PutResult,
  type QueueCursor,
} from "../../../store/message_store.ts";
import type { StatsSink } from "../stats_sink.ts";
import { PERM_READ_WRITE } from "../topics/topic_config.ts";
import type { TopicTable } from "../topics/topic_table.ts";
import type { CheckBacks } from "./check_back.ts";
import type { EndTransactions } from "./end_transaction.ts";
import {
  checkTimesOf,
  givenUp,
  type HalfMessage,
  immunityMsOf,
  putBack,
  putBackImmune,
} from "./half_message.ts";
import { COMMITTED, type Decision, type HalfQueue, UNDECIDED } from "./half_queue.ts";
import { type Ledger, TRANSACTION_GROUP } from "./ledger.ts";
import {
  CHECK_BATCH_BYTES_MAX,
  CHECK_BATCH_MESSAGES_MAX,
  CHECK_ROUND_MS_MAX,
  GIVEN_UP_QUEUE_COUNT,
  LOOKS_PER_TURN_MAX,
  UNREADABLE_ROUNDS_MAX,
} from "./limits.ts";
import type { OpBatches } from "./op_batches.ts";
import type { Traces } from "./traces.ts";
import type { TransactionCounts } from "./transaction_counts.ts";

export interface CheckRoundParts {
  store: Pick<MessageStore, "queueBounds" | "openCursor" | "put">;
  storeHost: HostAddress;
  ledger: Ledger;
  ops: OpBatches;
  ends: EndTransactions;
  checkBacks: CheckBacks;
  traces: Traces;
  counts: TransactionCounts;
  topics: Pick<TopicTable, "createTransCheckMaxTime">;
  clock: Clock;
  log: Logger;
  stats: StatsSink;
  /** The log's end when this broker's life began: what lies before is an earlier one's. */
  openedOffset: number;
  /** Live configuration values by Apache's names. */
  settings: {
    readonly transactionTimeOut: number;
    readonly transactionCheckMax: number;
    readonly fileReservedTime: number;
  };
}

type Action = "ask" | "keep" | "give_up";

interface Step {
  half: HalfMessage;
  action: Action;
}

/** What a look at a half message may give: do something, or leave this and all later ones alone. */
type Verdict = Action | "wait";

const HOUR_MS = 3_600_000;

export class CheckRounds {
  private stopped = false;
  /** The half message that the disk didn't give, and how often. */
  private unreadable = { physicalOffset: -1, times: 0 };

  constructor(private readonly parts: CheckRoundParts) {}

  /** Lets a round that is under way end soon. */
  stop(): void {
    this.stopped = true;
  }

  async run(): Promise<void> {
    const { ledger } = this.parts;
    await ledger.knowCopies();
    for (const queueId of ledger.queueIds()) await this.look(ledger.queue(queueId));
  }

  private async look(queue: HalfQueue): Promise<void> {
    const { store, ledger, clock } = this.parts;
    const bounds = store.queueBounds(TRANSACTION_HALF_TOPIC, queue.queueId);
    if (bounds === null) return;
    const untilMs = clock.monotonicMs() + CHECK_ROUND_MS_MAX;
    // What comes meanwhile is for the next round.
    const end = bounds.maxOffset;
    // Retention may have taken what nobody ended.
    let at = Math.min(Math.max(queue.offset, bounds.minOffset), end);
    while (!this.stopped && clock.monotonicMs() < untilMs) {
      const { steps, next } = await this.collect(queue, at, end);
      if (!await this.settle(queue, steps)) return;
      ledger.advance(queue, Math.max(queue.offset, next));
      if (next === at || next === end) return;
      at = next;
      await ledger.turn();
    }
  }

  /** The next steps from an offset on, and the offset after those looked at. */
  private async collect(
    queue: HalfQueue,
    from: number,
    end: number,
  ): Promise<{ steps: Step[]; next: number }> {
    const { store, stats, log } = this.parts;
    const { queueId } = queue;
    const steps: Step[] = [];
    let bytes = 0;
    let looks = 0;
    let next = queue.nextUndecided(from, end);
    const cursor = next < end ? store.openCursor(TRANSACTION_HALF_TOPIC, queueId, next) : null;
    while (
      cursor !== null && steps.length < CHECK_BATCH_MESSAGES_MAX && bytes < CHECK_BATCH_BYTES_MAX &&
      looks++ < LOOKS_PER_TURN_MAX && cursor.next()
    ) {
      const { queueOffset, physicalOffset } = cursor;
      if (queueOffset >= end) break;
      next = queueOffset;
      if (queue.stateOf(queueOffset) === UNDECIDED) {
        const half = await this.read(queueId, cursor);
        if (half === "later") break;
        if (half === null) {
          log.error("a half message can't be read and is left out", {
            queueOffset,
            physicalOffset,
          });
        } else {
          stats.groupGot(TRANSACTION_GROUP, TRANSACTION_HALF_TOPIC, queueId, 1, half.size);
          stats.brokerGot(TRANSACTION_HALF_TOPIC, 1);
          const verdict = this.judge(half);
          if (verdict === "wait") break;
          steps.push({ half, action: verdict });
          bytes += half.size;
        }
      }
      next = queueOffset + 1;
    }
    return { steps, next };
  }

  /** Null when it is no half message, or the disk didn't give it for some rounds; until then "later". */
  private async read(queueId: number, cursor: QueueCursor): Promise<HalfMessage | null | "later"> {
    const { physicalOffset } = cursor;
    try {
      return await this.parts.ledger.half(queueId, cursor);
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      const times = this.unreadable.physicalOffset === physicalOffset ? this.unreadable.times : 0;
      this.unreadable = { physicalOffset, times: times + 1 };
      this.parts.log.error("the disk doesn't give a half message", { physicalOffset, error });
      return times + 1 < UNREADABLE_ROUNDS_MAX ? "later" : null;
    }
  }

  private judge(half: HalfMessage): Verdict {
    const { clock, settings } = this.parts;
    const { transactionTimeOut, transactionCheckMax, fileReservedTime } = settings;
    const ageMs = clock.nowMs() - half.bornTimestampMs;
    const wasAsked = half.properties.has(PROPERTY.transactionCheckTimes);
    if (wasAsked && checkTimesOf(half) >= transactionCheckMax) return "give_up";
    if (ageMs > fileReservedTime * HOUR_MS) return "give_up";
    const immunityMs = immunityMsOf(half, transactionTimeOut);
    if (immunityMs !== null) return ageMs <= immunityMs ? "keep" : "ask";
    // One that was born in the future is asked about now: its producer's clock can't be relied on.
    return ageMs >= 0 && ageMs <= transactionTimeOut ? "wait" : "ask";
  }

  /** Does what was decided, as one unit; false when it couldn't be stored: then all is tried again. */
  private async settle(queue: HalfQueue, collected: readonly Step[]): Promise<boolean> {
    const steps: Step[] = [];
    for (const step of collected) if (await this.isOpen(queue, step)) steps.push(step);
    if (steps.length === 0) return true;
    const { store, clock, log } = this.parts;
    const results = await store.put(steps.map((step) => this.messageOf(step)));
    const failed = results.find(({ status }) => !isStored(status));
    if (failed !== undefined) {
      const { status, detail } = failed;
      log.error("half messages were not put back, they will be", { status, detail });
      return false;
    }
    steps.forEach((step, index) => {
      const result = results[index]!;
      const copy = step.action === "give_up" ? null : this.moved(queue, step, result);
      if (step.action === "give_up") this.gaveUp(queue, step.half, result);
      if (step.action === "ask" && copy !== null) this.parts.checkBacks.ask(copy);
    });
    log.debug("undecided transactions", { count: steps.length, atMs: clock.nowMs() });
    return true;
  }

  /** Whether there is still something to do: nobody ended it, nor an earlier life of the broker without a note of it. */
  private async isOpen(queue: HalfQueue, { half, action }: Step): Promise<boolean> {
    const { ends, ledger, traces, openedOffset } = this.parts;
    await ends.settled(half);
    if (queue.stateOf(half.queueOffset) !== UNDECIDED) return false;
    if (half.physicalOffset >= openedOffset) return true;
    if (await traces.isCommitted(half)) {
      ledger.decide(half, COMMITTED);
      return false;
    }
    return action !== "give_up" || !await traces.isGivenUp(half);
  }

  private messageOf({ half, action }: Step) {
    if (action === "ask") return putBack(half, checkTimesOf(half) + 1);
    if (action === "keep") return putBackImmune(half);
    this.parts.topics.createTransCheckMaxTime(GIVEN_UP_QUEUE_COUNT, PERM_READ_WRITE);
    return givenUp(half);
  }

  /** The half is at a new place; gives it as it is there, or null when it was ended meanwhile. */
  private moved(queue: HalfQueue, { half, action }: Step, result: PutResult): HalfMessage | null {
    const { ledger, ops, stats } = this.parts;
    const { queueOffset, physicalOffset, size } = result;
    stats.topicPut(TRANSACTION_HALF_TOPIC, queue.queueId, 1, size);
    stats.brokerPut(TRANSACTION_HALF_TOPIC, 1);
    const state = queue.stateOf(half.queueOffset);
    if (state !== UNDECIDED) {
      queue.decide(queueOffset, state as Decision);
      ops.add(queue.queueId, queueOffset);
      return null;
    }
    ledger.movedTo(half, { queueId: queue.queueId, queueOffset });
    const properties = new Map(half.properties);
    if (action === "ask") {
      properties.set(PROPERTY.transactionCheckTimes, String(checkTimesOf(half) + 1));
    }
    return { ...half, queueOffset, physicalOffset, size, properties };
  }

  private gaveUp(queue: HalfQueue, half: HalfMessage, { physicalOffset }: PutResult): void {
    const { ledger, counts, log, storeHost } = this.parts;
    const wasEnded = queue.stateOf(half.queueOffset) !== UNDECIDED;
    ledger.forget(half);
    if (!wasEnded) counts.add(half.realTopic, -1);
    log.warn("a transaction was given up: no producer said how it ended", {
      topic: half.realTopic,
      group: half.properties.get(PROPERTY.producerGroup),
      uniqueKey: half.properties.get(PROPERTY.uniqueKey),
      offsetMessageId: encodeOffsetMessageId(storeHost.address, storeHost.port, physicalOffset),
    });
  }
}
